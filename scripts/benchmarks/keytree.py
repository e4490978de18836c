"""The key tree at 10 million addresses: keys of random leaves after a destruction, and what destroying costs.

Addresses cost no storage: 156,250 extents of 64 leaves are simply in use. Pages stand in memory here; those measures
that say so have them in a catalogue on disk, and a keeper (``keytree_catalogue.py``).
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from scripts.benchmarks import Measure, at_least, at_most
from scripts.benchmarks.keytree_catalogue import measure_shelved
from vault.errors import KeyDestroyed
from vault.seal.destruction import DestructionPlan, Doomed, plan_destruction
from vault.seal.increments import ChainHead, read_increment
from vault.seal.keytree import ARITY, LeafAddress, leaf_keys, walk
from vault.seal.pages import Place
from vault.seal.secrets import Secret
from vault.seal.tree import TreeReader, find_leaf

ADDRESSES = 10_000_000
EXTENTS = ADDRESSES // ARITY
CUSTOMER_RECORDS = 100_000
CUSTOMER_EXTENTS = -(-CUSTOMER_RECORDS // ARITY)


@dataclass(slots=True)
class Tree:
    """A tree in memory, with the seeded chance that picks its victims."""

    first_root: Secret
    root: Secret
    head: ChainHead
    pages: dict[Place, bytes] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(20_260_101))  # noqa: S311  # picks victims

    @classmethod
    def new(cls) -> Tree:
        root = Secret(os.urandom(32))
        return cls(root, root, ChainHead.first(os.urandom(16)))

    def load(self, level: int, number: int) -> bytes | None:
        return self.pages.get(Place(level, number))

    def address(self) -> LeafAddress:
        number = self.chance.randrange(ADDRESSES)
        return LeafAddress(tree_id=self.head.tree_id, extent=number // ARITY, leaf=number % ARITY)

    def leaves(self, count: int) -> Doomed:
        return Doomed(leaves={self.address() for _ in range(count)})

    def plan(self, doomed: Doomed) -> tuple[DestructionPlan, float]:
        """The plan, and its seconds."""
        started = time.perf_counter()
        plan = plan_destruction(self.root, self.head, doomed, self.load, os.urandom)
        return plan, time.perf_counter() - started

    def destroy(self, doomed: Doomed) -> DestructionPlan:
        plan, _ = self.plan(doomed)
        plan.increment.apply_to(self.pages)
        self.root, self.head = plan.new_root, plan.increment.head
        return plan

    def reader(self) -> TreeReader:
        return TreeReader(self.root, tree_id=self.head.tree_id, generation=self.head.generation, load_page=self.load)


def measure(quick: bool) -> list[Measure]:
    """Medians: reading over single leaves, destroying over whole plans (quick: fewer repetitions, the same sizes)."""
    rounds = 1 if quick else 5
    tree = Tree.new()
    first_s, first = _repeated(tree, lambda: tree.leaves(10_000), rounds)
    tree.destroy(tree.leaves(10_000))
    measures = _reading(tree, 4_000 if quick else 40_000)
    one_s, one = _repeated(tree, lambda: tree.leaves(1), 20 * rounds)
    measures += [at_most("one leaf destroyed", 10, one_s * 1000, "ms"), *_sizes("one leaf", one)]
    many_s, many = _repeated(tree, lambda: tree.leaves(10_000), rounds)
    measures += [
        at_most("10,000 random leaves destroyed, first time", 8, first_s, "s"),
        *_sizes("10,000 leaves, first time", first),
        at_most("10,000 random leaves destroyed, once more", 8, many_s, "s"),
        *_sizes("10,000 leaves, once more", many),
    ]
    customers: tuple[tuple[str, Callable[[], Doomed]], ...] = (
        ("in one run", lambda: Doomed(extents=set(range(70_000, 70_000 + CUSTOMER_EXTENTS)))),
        ("scattered", lambda: Doomed(extents=set(tree.chance.sample(range(EXTENTS), CUSTOMER_EXTENTS)))),
    )
    for kind, customer in customers:
        name = f"customer of 100,000, extents {kind}"
        seconds, plan = _repeated(tree, customer, 3 * rounds)
        measures += [at_most(f"{name}, destroyed", 1, seconds, "s"), *_sizes(name, plan)]
    measures.append(_serialised(many))
    measures += measure_shelved(
        many=[tree.address() for _ in range(1_000 if quick else 10_000)],
        single=[tree.address() for _ in range(5 if quick else 50)],
        customer=set(range(70_000, 70_000 + CUSTOMER_EXTENTS)),
        asked=[tree.address() for _ in range(1_000 if quick else 20_000)],
    )
    return measures


def _reading(tree: Tree, count: int) -> list[Measure]:
    """Random leaves' keys through one reader, and through none; every secret is compared with the first root's."""
    figures = []
    reader = tree.reader()
    ways: tuple[tuple[str, Callable[[LeafAddress], Secret]], ...] = (
        ("with a reader", reader.leaf),
        ("without", lambda address: find_leaf(tree.root, address, tree.load, rooted=True)),
    )
    for way, find in ways:
        taken, right, dead = [], 0, 0
        for _ in range(count):
            address = tree.address()
            started = time.perf_counter()
            try:
                secret = find(address)
                leaf_keys(secret)
            except KeyDestroyed:
                dead += 1
                continue
            taken.append((time.perf_counter() - started) * 1e6)
            right += secret == walk(tree.first_root, address.digits)
        figures.append(at_most(f"keys of a random leaf, {way}, median", 150, statistics.median(taken), "us"))
        slowest = statistics.quantiles(taken, n=100)[-1]
        figures.append(
            Measure(measure=f"keys of a random leaf, {way}, 99th of 100", goal="", figure=slowest, unit="us")
        )
        figures.append(
            at_least(f"live leaves with their first keys, {way}, of {count - dead:,}", 1, right / len(taken))
        )
    return figures


def _repeated(tree: Tree, doomed: Callable[[], Doomed], rounds: int) -> tuple[float, DestructionPlan]:
    """The median seconds of some plans from the same state, and the last of them."""
    plans = [tree.plan(doomed()) for _ in range(rounds)]
    return statistics.median(seconds for _, seconds in plans), plans[-1][0]


def _sizes(name: str, plan: DestructionPlan) -> list[Measure]:
    return [
        Measure(measure=f"{name}: pages written", goal="", figure=len(plan.increment.pages)),
        Measure(measure=f"{name}: increment", goal="", figure=plan.increment.length / 1e6, unit="MB"),
    ]


def _serialised(plan: DestructionPlan) -> Measure:
    started = time.perf_counter()
    again = read_increment(plan.increment.chunks())
    seconds = time.perf_counter() - started
    if again != plan.increment:
        raise ValueError("an increment did not come back from its bytes")
    return Measure(
        measure="increment written and read again", goal="", figure=plan.increment.length / 1e6 / seconds, unit="MB/s"
    )
