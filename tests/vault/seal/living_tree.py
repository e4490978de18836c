"""A tree in memory that keeps, beside its state, everything that somebody might have got hold of."""

from __future__ import annotations

import random

from tests.support.adversary import Adversary
from vault.seal.destruction import DestructionPlan, Doomed, plan_destruction
from vault.seal.increments import ChainHead, Increment
from vault.seal.keytree import LeafAddress, leaf_secret
from vault.seal.pages import Page, Place, open_page
from vault.seal.secrets import Secret, TokenBytes
from vault.seal.tree import TreeReader, find_leaf

TREE_ID = bytes(range(16))


def leaf(extent: int, number: int) -> LeafAddress:
    return LeafAddress(tree_id=TREE_ID, extent=extent, leaf=number)


class LivingTree:
    """Root, head and pages as a vault has them; ``archive`` has every page ever computed, ``roots`` every root."""

    def __init__(self, seed: int = 0) -> None:
        self.token_bytes: TokenBytes = random.Random(seed).randbytes
        self.first_root = self.root = Secret(self.token_bytes(32))
        self.head = ChainHead.first(TREE_ID)
        self.pages: dict[Place, bytes] = {}
        self.archive: list[Increment] = []
        self.chain: list[Increment] = []
        self.roots = [self.root]

    def load(self, level: int, number: int) -> bytes | None:
        return self.pages.get(Place(level, number))

    def plan(self, doomed: Doomed) -> DestructionPlan:
        """A plan that is computed, and kept from then on by whoever collects pages."""
        plan = plan_destruction(self.root, self.head, doomed, self.load, self.token_bytes)
        self.archive.append(plan.increment)
        return plan

    def apply(self, plan: DestructionPlan) -> None:
        """What a committed batch does."""
        plan.increment.apply_to(self.pages)
        self.root, self.head = plan.new_root, plan.increment.head
        self.chain.append(plan.increment)
        self.roots.append(plan.new_root)

    def destroy(self, *leaves: LeafAddress, extents: set[int] | None = None) -> DestructionPlan:
        plan = self.plan(Doomed(leaves=frozenset(leaves), extents=frozenset(extents or ())))
        self.apply(plan)
        return plan

    @property
    def rooted(self) -> bool:
        return self.head.generation > 1

    def find(self, address: LeafAddress) -> Secret:
        return find_leaf(self.root, address, self.load, rooted=self.rooted)

    def reader(self, cached_pages: int = 4096) -> TreeReader:
        return TreeReader(
            self.root,
            tree_id=TREE_ID,
            generation=self.head.generation,
            load_page=self.load,
            cached_pages=cached_pages,
        )

    def first_secret(self, address: LeafAddress) -> Secret:
        """The secret that a leaf was born with, and has for as long as it lives."""
        return leaf_secret(self.first_root, address)

    def adversary(self, *roots: Secret) -> Adversary:
        """Somebody with every page ever computed, and these roots."""
        adversary = Adversary(TREE_ID)
        for increment in self.archive:
            adversary.learn_increment(increment)
        for root in roots:
            adversary.learn_root(root)
        return adversary

    def path(self, address: LeafAddress) -> list[tuple[Place, Secret, Page]]:
        """The pages from the root towards a leaf, as far as there are any, with their nodes' secrets."""
        found, node, place = [], self.root, Place(0, 0)
        for digit in address.digits:
            if place not in self.pages:
                break
            page = open_page(node, self.pages[place], tree_id=TREE_ID, place=place)
            found.append((place, node, page))
            node, place = page.secret(digit) if page.state(digit) else node, place.child(digit)
        return found
