"""The way to a leaf through pages: what lives is found, what died is refused, what was tampered with is an error."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.vault.seal.living_tree import TREE_ID, LivingTree, leaf
from vault.errors import InvalidInput, KeyDestroyed, Refused, SealBroken
from vault.seal.keytree import LeafAddress
from vault.seal.pages import ROOT, Place
from vault.seal.tree import TreeReader, find_leaf, walk_pages

DEAD, NEAR, FAR = leaf(4711, 9), leaf(4711, 10), leaf(99, 0)
PATH = [Place(level, 4711 // 64 ** (5 - level)) for level in range(6)]


def tree_of_three() -> LivingTree:
    """Generation 4: three batches, each of which replaced the path to extent 4711 and another one."""
    tree = LivingTree()
    tree.destroy(DEAD, leaf(5000, 1))
    tree.destroy(leaf(4711, 20), leaf(64**4, 0))
    tree.destroy(leaf(4711, 21), extents={4712})
    return tree


@pytest.fixture
def tree() -> LivingTree:
    return tree_of_three()


def test_a_destroyed_leaf_is_refused_and_its_neighbours_keep_their_secrets(tree: LivingTree) -> None:
    reader = tree.reader()
    for find in (tree.find, reader.leaf):
        for address in (NEAR, FAR, leaf(4713, 0), leaf(64**5 - 1, 63)):
            assert find(address) == tree.first_secret(address)
        for address in (DEAD, leaf(4711, 20), leaf(4712, 0), leaf(4712, 63), leaf(64**4, 0)):
            with pytest.raises(KeyDestroyed, match=address.text) as refusal:
                find(address)
            assert refusal.value.code == "key-destroyed"
            assert isinstance(refusal.value, Refused)


def test_a_tree_that_never_destroyed_anything_asks_for_no_page() -> None:
    def none(level: int, number: int) -> bytes:
        raise AssertionError(f"{level}/{number} was asked for")

    tree = LivingTree()
    assert find_leaf(tree.root, FAR, none, rooted=False) == tree.first_secret(FAR)
    reader = TreeReader(tree.root, tree_id=TREE_ID, generation=1, load_page=none)
    assert reader.leaf(FAR) == tree.first_secret(FAR)
    assert list(walk_pages(tree.root, none, tree_id=TREE_ID, rooted=False)) == []


def test_a_reader_refuses_a_leaf_of_another_tree(tree: LivingTree) -> None:
    with pytest.raises(InvalidInput):
        tree.reader().leaf(LeafAddress(tree_id=bytes(16), extent=0, leaf=0))


@pytest.mark.parametrize(("cached_pages", "expected"), [(4096, 5 + 2 * 1), (5, 5 + 2 * 1), (0, 2 * 6)])
def test_a_reader_loads_a_page_above_the_extents_once(tree: LivingTree, cached_pages: int, expected: int) -> None:
    loaded: list[Place] = []

    def load(level: int, number: int) -> bytes | None:
        loaded.append(Place(level, number))
        return tree.load(level, number)

    reader = TreeReader(tree.root, tree_id=TREE_ID, generation=4, load_page=load, cached_pages=cached_pages)
    assert reader.leaf(NEAR) == reader.leaf(NEAR) == tree.first_secret(NEAR)
    assert len(loaded) == expected


def test_a_reader_with_room_for_few_pages_is_right_all_the_same(tree: LivingTree) -> None:
    reader = tree.reader(cached_pages=2)
    for address in [NEAR, FAR, leaf(5000, 2), leaf(64**4, 1)] * 5:
        assert reader.leaf(address) == tree.first_secret(address)


def test_a_reader_serves_several_threads() -> None:
    tree = tree_of_three()
    reader = tree.reader(cached_pages=3)
    addresses = [leaf(extent, number) for extent in (99, 4711, 5000, 64**4, 64**5 - 1) for number in range(2, 9)] * 20
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(reader.leaf, addresses))
    assert found == [tree.first_secret(address) for address in addresses]


def test_walking_finds_every_page_and_no_other(tree: LivingTree) -> None:
    places = [place for place, _ in walk_pages(tree.root, tree.load, tree_id=TREE_ID, rooted=True)]
    assert sorted(places) == sorted(tree.pages)
    assert places[0] == ROOT
    assert all(places.index(place.parent) < places.index(place) for place in places[1:])


def delete(tree: LivingTree, place: Place) -> None:
    del tree.pages[place]


def flip(tree: LivingTree, place: Place) -> None:
    page = bytearray(tree.pages[place])
    page[1000] ^= 4
    tree.pages[place] = bytes(page)


def cut(tree: LivingTree, place: Place) -> None:
    tree.pages[place] = tree.pages[place][:-1]


def replay_of(generation: int) -> Callable[[LivingTree, Place], None]:
    def replay(tree: LivingTree, place: Place) -> None:
        tree.pages[place] = tree.chain[generation - 2].pages[place]

    replay.__name__ = f"replay_generation_{generation}"
    return replay


def swap(tree: LivingTree, place: Place) -> None:
    """With the row beside it if there is one, else with one of another level."""
    other = next((at for at in tree.pages if at != place and at.level == place.level), Place(5, 5000))
    other = other if other != place else ROOT
    tree.pages[place], tree.pages[other] = tree.pages[other], tree.pages[place]


def from_another_tree(tree: LivingTree, place: Place) -> None:
    other = LivingTree(seed=1)
    other.destroy(DEAD)
    tree.pages[place] = other.pages[place]


def never_committed(tree: LivingTree, place: Place) -> None:
    before = dict(tree.pages)
    crashed = LivingTree()
    crashed.root, crashed.head, crashed.pages = tree.root, tree.head, before
    crashed.destroy(leaf(4711, 30))
    tree.pages[place] = crashed.pages[place]


@pytest.mark.parametrize("place", PATH, ids=str)
@pytest.mark.parametrize(
    "tamper",
    [delete, flip, cut, replay_of(2), replay_of(3), swap, from_another_tree, never_committed],
    ids=lambda tamper: tamper.__name__,
)
def test_tampering_with_a_page_fails_closed(tamper: Callable[[LivingTree, Place], None], place: Place) -> None:
    tree = tree_of_three()
    tamper(tree, place)
    for address in (NEAR, DEAD):
        with pytest.raises(SealBroken, match="key page"):
            tree.find(address)
        with pytest.raises(SealBroken, match="key page"):
            tree.reader().leaf(address)
    with pytest.raises(SealBroken, match="key page"):
        list(walk_pages(tree.root, tree.load, tree_id=TREE_ID, rooted=True))
    with pytest.raises(SealBroken, match="key page"):
        tree.destroy(NEAR)


def test_any_exchange_of_two_rows_is_noticed() -> None:
    for one, other in itertools.combinations(sorted(tree_of_three().pages), 2):
        tree = tree_of_three()
        tree.pages[one], tree.pages[other] = tree.pages[other], tree.pages[one]
        with pytest.raises(SealBroken):
            list(walk_pages(tree.root, tree.load, tree_id=TREE_ID, rooted=True))


def test_a_root_of_another_generation_opens_nothing(tree: LivingTree) -> None:
    for root in tree.roots[:-1]:
        with pytest.raises(SealBroken):
            find_leaf(root, NEAR, tree.load, rooted=True)
