"""What a batch destroys is beyond reach of everybody with every page and the current root; all else keeps its keys."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.vault.seal.living_tree import TREE_ID, LivingTree, leaf
from tests.vault.seal.reference_tree import leaf_of
from vault.errors import InvalidInput, KeyDestroyed
from vault.seal.destruction import Doomed, plan_destruction
from vault.seal.increments import replay, verify_chain
from vault.seal.keytree import LeafAddress, lazy_child
from vault.seal.pages import ROOT, ChildState, Place, seal_page
from vault.seal.tree import find_leaf, walk_pages

FIRST, SECOND, OTHER = leaf(4711, 9), leaf(4711, 10), leaf(99, 0)


def test_one_leaf_costs_the_six_pages_of_its_path() -> None:
    tree = LivingTree()
    plan = tree.destroy(FIRST)
    assert sorted(plan.increment.pages) == [Place(level, 4711 // 64 ** (5 - level)) for level in range(6)]
    assert plan.increment.removed == frozenset()
    assert plan.increment.generation == tree.head.generation == 2
    assert plan.destroyed == Doomed(leaves={FIRST})
    assert not plan.already_dead
    assert plan.increment.length < 13_000


def test_a_plan_opens_in_the_reference_implementation() -> None:
    tree = LivingTree()
    tree.destroy(FIRST, OTHER)
    tree.destroy(SECOND, extents={4712, 64**4})
    pages = {(place.level, place.number): page for place, page in tree.pages.items()}
    for address in (FIRST, SECOND, OTHER, leaf(4712, 3), leaf(64**4, 0), leaf(4711, 11), leaf(0, 0)):
        found = leaf_of(tree.root.expose(), pages, TREE_ID, list(address.digits))
        gone = address.extent in (4712, 64**4) or address in (FIRST, SECOND, OTHER)
        assert found == (None if gone else tree.first_secret(address).expose())


def test_destroying_the_dead_is_harmless_and_told() -> None:
    tree = LivingTree()
    tree.destroy(FIRST, extents={50})
    plan = tree.destroy(FIRST, SECOND, leaf(50, 1), leaf(60, 1), extents={50, 60})
    assert plan.already_dead == Doomed(leaves={FIRST}, extents={50})
    assert plan.destroyed == Doomed(leaves={SECOND}, extents={60})
    again = tree.destroy(FIRST, SECOND, leaf(50, 1), extents={60})
    assert again.already_dead == Doomed(leaves={FIRST, SECOND, leaf(50, 1)}, extents={60})
    assert not again.destroyed
    assert list(again.increment.pages) == [ROOT]
    assert tree.find(OTHER) == tree.first_secret(OTHER)


def test_with_nothing_doomed_the_root_alone_is_replaced() -> None:
    tree = LivingTree()
    for generation in (2, 3):
        plan = tree.destroy()
        assert list(plan.increment.pages) == [ROOT]
        assert tree.head.generation == generation
        assert tree.find(OTHER) == tree.first_secret(OTHER)
    assert len({root.expose() for root in tree.roots}) == 3


def test_an_extent_dies_as_one_entry_and_its_page_goes() -> None:
    tree = LivingTree()
    tree.destroy(FIRST)
    plan = tree.destroy(extents={4711, 4712})
    assert plan.increment.removed == {Place(5, 4711)}
    assert max(place.level for place in tree.pages) == 4
    assert plan.destroyed == Doomed(extents={4711, 4712})


def test_an_extent_whose_last_leaf_dies_is_dead_in_the_page_above() -> None:
    tree = LivingTree()
    tree.destroy(*(leaf(4711, number) for number in range(63)))
    assert Place(5, 4711) in tree.pages
    plan = tree.destroy(leaf(4711, 63))
    assert plan.increment.removed == {Place(5, 4711)}
    assert plan.destroyed == Doomed(leaves={leaf(4711, 63)})
    page = tree.path(FIRST)[-1][2]
    assert page.digits(ChildState.DEAD) == [4711 % 64]
    at_once = LivingTree()
    assert Place(5, 4711) not in at_once.destroy(*(leaf(4711, number) for number in range(64))).increment.pages


def test_a_subtree_dies_with_its_last_extent() -> None:
    tree = LivingTree()
    tree.destroy(leaf(64, 5), extents=set(range(65, 128)))
    assert Place(4, 1) in tree.pages
    plan = tree.destroy(extents={64})
    assert plan.increment.removed == {Place(4, 1), Place(5, 64)}
    assert sorted(place.level for place in tree.pages) == [0, 1, 2, 3]
    with pytest.raises(KeyDestroyed):
        tree.find(leaf(100, 0))
    assert tree.find(leaf(128, 0)) == tree.first_secret(leaf(128, 0))
    assert tree.destroy(leaf(70, 1), extents={80}).already_dead == Doomed(leaves={leaf(70, 1)}, extents={80})


def test_a_customer_of_100_000_records_is_one_batch_of_few_pages() -> None:
    tree = LivingTree()
    tree.destroy(FIRST, leaf(5000, 1), leaf(5000, 2))
    first, extents = 4700, set(range(4700, 4700 + 1563))
    plan = tree.destroy(extents=extents)
    assert len(plan.increment.pages) < 10
    chance = random.Random(5)
    samples = [leaf(first + chance.randrange(1563), chance.randrange(64)) for _ in range(3000)]
    for address in samples:
        with pytest.raises(KeyDestroyed):
            tree.find(address)
    assert tree.adversary(tree.root).found_among((each, tree.first_secret(each)) for each in samples) == set()
    assert tree.adversary(tree.roots[-2]).derives(samples[0], tree.first_secret(samples[0]))


@pytest.mark.parametrize(
    "doomed",
    [
        Doomed(leaves={LeafAddress(tree_id=bytes(16), extent=0, leaf=0)}),
        Doomed(extents={-1}),
        Doomed(extents={64**5}),
    ],
)
def test_what_is_not_of_this_tree_is_refused(doomed: Doomed) -> None:
    with pytest.raises(InvalidInput):
        LivingTree().plan(doomed)


def test_a_plan_does_not_show_its_root() -> None:
    plan = LivingTree().plan(Doomed(leaves={FIRST}))
    assert plan.new_root.expose().hex() not in repr(plan)
    assert str(plan.new_root.expose()) not in repr(plan)


def history(seed: int) -> tuple[LivingTree, set[LeafAddress], set[LeafAddress]]:
    """Six batches over some thousand leaves, each after one that crashed; the dead and the live."""
    tree, chance = LivingTree(seed), random.Random(seed)
    live = {leaf(chance.choice((0, 64**3, 64**4)) + chance.randrange(400), chance.randrange(64)) for _ in range(4000)}
    dead: set[LeafAddress] = set()
    for _ in range(6):
        tree.plan(Doomed(leaves=set(chance.sample(sorted(live), 50))))
        leaves = set(chance.sample(sorted(live), 150))
        extents = {address.extent for address in chance.sample(sorted(live), 5)}
        tree.destroy(*leaves, extents=extents)
        gone = leaves | {address for address in live if address.extent in extents}
        live, dead = live - gone, dead | gone
    return tree, dead, live


def test_every_page_ever_computed_and_the_current_root_lead_to_no_dead_leaf_and_to_all_live_ones() -> None:
    tree, dead, live = history(1)
    adversary = tree.adversary(tree.root)
    assert len(dead) > 900
    assert len(live) > 2500
    assert adversary.found_among((each, tree.first_secret(each)) for each in dead) == set()
    assert adversary.found_among((each, tree.first_secret(each)) for each in live) == live
    assert adversary.opened_pages() == len(tree.pages)


@pytest.mark.parametrize("kept", range(6))
def test_whoever_kept_an_older_root_finds_what_died_since(kept: int) -> None:
    """The control of the test before: a keeper that did not destroy a root, with pages of any time."""
    tree, dead, _ = history(1)
    found = tree.adversary(tree.root, tree.roots[kept]).found_among((each, tree.first_secret(each)) for each in dead)
    _, pages = replay(tree.chain[:kept], tree_id=TREE_ID)
    since = set()
    for address in dead:
        try:
            find_leaf(tree.roots[kept], address, lambda *at: pages.get(Place(*at)), rooted=kept > 0)
            since.add(address)
        except KeyDestroyed:
            continue
    assert found == since
    assert len(found) > 100


def test_a_root_that_was_staged_and_never_destroyed_is_found() -> None:
    tree = LivingTree()
    tree.destroy(OTHER)
    staged = tree.plan(Doomed(leaves={SECOND})).new_root
    tree.destroy(FIRST)
    assert not tree.adversary(tree.root).derives(FIRST, tree.first_secret(FIRST))
    assert tree.adversary(tree.root, staged).derives(FIRST, tree.first_secret(FIRST))
    assert not tree.adversary(tree.root, staged).derives(OTHER, tree.first_secret(OTHER))


@pytest.mark.parametrize("rooted_before", [False, True])
@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_secret_that_was_not_replaced_is_found(level: int, rooted_before: bool) -> None:
    """A sabotaged batch: one node on the path keeps its secret. Everything opens; only the adversary sees it."""
    tree = LivingTree()
    if rooted_before:
        tree.destroy(SECOND)
        old = tree.path(FIRST)[level][1]
    else:
        old = tree.first_root
        for digit in FIRST.digits[:level]:
            old = lazy_child(old, digit)
    tree.destroy(FIRST)
    honest = tree.path(FIRST)
    (parent, parent_node, parent_page), (place, _, page) = honest[level - 1], honest[level]
    sabotaged = parent_page.replaced({FIRST.digits[level - 1]: old})
    tree.pages[parent] = seal_page(parent_node, sabotaged, tree_id=TREE_ID, place=parent, nonce=bytes(12))
    tree.pages[place] = seal_page(old, page, tree_id=TREE_ID, place=place, nonce=bytes(12))
    with pytest.raises(KeyDestroyed):
        tree.find(FIRST)
    assert tree.find(leaf(4711, 11)) == tree.first_secret(leaf(4711, 11))
    adversary = tree.adversary(tree.root)
    assert not adversary.derives(FIRST, tree.first_secret(FIRST))
    adversary.learn_pages(tree.pages)
    assert adversary.derives(FIRST, tree.first_secret(FIRST))


def test_randomness_that_repeats_is_found() -> None:
    tree = LivingTree()
    tree.token_bytes = random.Random(7).randbytes
    tree.destroy(FIRST)
    tree.token_bytes = random.Random(7).randbytes
    tree.destroy(SECOND)
    assert tree.adversary(tree.root).derives(SECOND, tree.first_secret(SECOND))


def test_every_page_is_sealed_under_a_secret_of_its_own() -> None:
    """The rule that lets a page key be used without counting nonces."""
    tree, drawn = LivingTree(), list[bytes]()
    source = tree.token_bytes

    def token_bytes(count: int) -> bytes:
        value = source(count)
        drawn.append(value)
        return value

    tree.token_bytes = token_bytes
    for batch in ((FIRST, OTHER), (SECOND,), (leaf(4711, 11), leaf(64**4, 3))):
        tree.plan(Doomed(leaves={leaf(1, 1)}))
        tree.destroy(*batch)
    pages = sum(len(increment.pages) for increment in tree.archive)
    node_secrets = [value for value in drawn if len(value) == 32]
    assert len(node_secrets) == len(set(node_secrets)) == pages
    nonces = [page[:12] for increment in tree.archive for page in increment.pages.values()]
    assert len(nonces) == len(set(nonces)) == pages


def test_a_source_of_randomness_that_gives_too_little_is_refused() -> None:
    tree = LivingTree()
    with pytest.raises(ValueError, match="randomness"):
        plan_destruction(tree.root, tree.head, Doomed(leaves={FIRST}), tree.load, lambda count: bytes(count - 1))


digits = st.sampled_from((0, 1, 63))
extents = st.one_of(
    st.tuples(digits, digits, digits, digits, digits).map(lambda ds: sum(d * 64**p for p, d in enumerate(ds))),
    st.integers(0, 64**5 - 1),
    st.integers(64, 67),
)
addresses = st.builds(leaf, extents, st.one_of(digits, st.integers(0, 63)))


class Histories(RuleBasedStateMachine):
    """Ingest, destroy, crash in any order; all that may be got hold of is kept in the archive."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = LivingTree()
        self.live: set[LeafAddress] = set()
        self.dead: set[LeafAddress] = set()
        self.dead_extents: set[int] = set()

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.tree = LivingTree(seed)

    def is_dead(self, address: LeafAddress) -> bool:
        return address in self.dead or address.extent in self.dead_extents

    def carry_out(self, leaves: set[LeafAddress], whole: set[int]) -> None:
        old = self.tree.root
        before = {each for each in leaves if not self.is_dead(each)}
        plan = self.tree.destroy(*leaves, extents=whole)
        dying = {each for each in before if each.extent not in whole}
        assert plan.destroyed.leaves == dying
        assert plan.destroyed.leaves | plan.already_dead.leaves == {e for e in leaves if e.extent not in whole}
        assert plan.destroyed.extents | plan.already_dead.extents == whole
        self.dead |= leaves
        self.dead_extents |= whole
        gone = {each for each in self.live if self.is_dead(each)}
        self.live -= gone
        self.dead |= gone
        for each in list(before)[:2]:
            assert self.tree.adversary(old).derives(each, self.tree.first_secret(each))

    @rule(address=addresses)
    def ingest(self, address: LeafAddress) -> None:
        if not self.is_dead(address):
            self.live.add(address)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def destroy_live_leaves(self, data: st.DataObject) -> None:
        self.carry_out(set(data.draw(st.lists(st.sampled_from(sorted(self.live)), min_size=1, max_size=5))), set())

    @rule(leaves=st.sets(addresses, max_size=8), whole=st.sets(extents, max_size=4))
    def destroy_batch(self, leaves: set[LeafAddress], whole: set[int]) -> None:
        self.carry_out(leaves, whole)

    @rule(extent=extents)
    def destroy_all_leaves_singly(self, extent: int) -> None:
        self.carry_out({leaf(extent, number) for number in range(64)}, set())

    @rule(start=st.sampled_from((0, 64)))
    def destroy_neighbouring_extents(self, start: int) -> None:
        self.carry_out(set(), set(range(start, start + 64)))

    @rule(leaves=st.sets(addresses, max_size=8), whole=st.sets(extents, max_size=4))
    def crash(self, leaves: set[LeafAddress], whole: set[int]) -> None:
        self.tree.plan(Doomed(leaves=leaves, extents=whole))

    @invariant()
    def live_leaves_keep_their_secrets_and_dead_ones_are_refused(self) -> None:
        reader = self.tree.reader()
        for address in self.live:
            assert reader.leaf(address) == self.tree.first_secret(address)
        for address in [*self.dead, *(leaf(extent, 7) for extent in self.dead_extents)]:
            with pytest.raises(KeyDestroyed):
                reader.leaf(address)

    def teardown(self) -> None:
        tree = self.tree
        adversary = tree.adversary(tree.root)
        doomed = self.dead | {leaf(extent, number) for extent in self.dead_extents for number in (0, 31, 63)}
        assert adversary.found_among((each, tree.first_secret(each)) for each in doomed) == set()
        assert adversary.found_among((each, tree.first_secret(each)) for each in self.live) == self.live
        assert verify_chain(tree.chain, after=tree.head.first(TREE_ID)) == tree.head
        head, pages = replay(tree.chain, tree_id=TREE_ID)
        assert (head, pages) == (tree.head, tree.pages)
        reached = {place for place, _ in walk_pages(tree.root, tree.load, tree_id=TREE_ID, rooted=tree.rooted)}
        assert reached == set(tree.pages)


TestHistories: Any = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
