"""The log's tree: against RFC 6962's own definition, proofs with their refusals, tiles by their C2SP names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import SealBroken
from vault.seal import merkle
from vault.seal.merkle import Growth, Tree, leaf_hash, require_consistency, require_inclusion, tile_path, width_at

# RFC 6962's reference entries, and the roots that certificate-transparency implementations test against.
ENTRIES = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243")]
ENTRIES += [bytes(range(0x50, 0x58)), bytes(range(0x60, 0x70))]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


def grown(size: int) -> tuple[Growth, Tree]:
    growth = Growth()
    tiles: dict[tuple[int, int], bytes] = {}
    for number in range(size):
        for level, at, tile in growth.add(leaf_hash(b"%d" % number)):
            tiles[level, at] = tile
    for level, at, tile in growth.partial_tiles():
        tiles[level, at] = tile
    assert {(level, number): 32 * width for level, number, width in merkle.tiles_of(size)} == {
        place: len(tile) for place, tile in tiles.items()
    }
    return growth, Tree(size, lambda level, number, width: tiles[level, number])


def test_roots_are_those_of_the_reference_entries() -> None:
    for size, root in ROOTS.items():
        leaves = ENTRIES[:size]
        assert merkle.root_of([leaf_hash(each) for each in leaves]).hex() == root
        assert defined_root(leaves).hex() == root


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 511, 512, 700, 65_536 + 256 + 3])
def test_a_grown_tree_has_the_root_that_the_definition_gives(size: int) -> None:
    growth, tree = grown(size)
    expected = defined_root([b"%d" % number for number in range(size)])
    assert growth.root() == expected
    assert tree.root() == expected


@given(st.integers(1, 900), st.data())
def test_every_proof_holds_and_none_holds_for_anything_else(size: int, data: st.DataObject) -> None:
    _, tree = grown(size)
    index = data.draw(st.integers(0, size - 1))
    older = data.draw(st.integers(1, size))
    root, leaf = tree.root(), tree.leaf(index)
    path = tree.prove_inclusion(index)
    require_inclusion(leaf, index, size, path, root)
    wrongs: tuple[Callable[[], None], ...] = (
        lambda: require_inclusion(leaf_hash(b"another"), index, size, path, root),
        lambda: require_inclusion(leaf, index, size, [*path, root], root),
        lambda: require_inclusion(leaf, size, size, path, root),
        lambda: require_inclusion(leaf, index, size, path, bytes(32)),
    )
    for wrong in wrongs:
        with pytest.raises(SealBroken):
            wrong()
    older_root = tree.root(older)
    assert older_root == defined_root([b"%d" % number for number in range(older)])
    steps = tree.prove_consistency(older)
    require_consistency(older, older_root, size, root, steps)
    refusals: tuple[Callable[[], None], ...] = (
        lambda: require_consistency(older, bytes(32), size, root, steps),
        lambda: require_consistency(older, older_root, size, bytes(32), steps),
        lambda: require_consistency(older, older_root, size, root, [*steps, root]),
        lambda: require_consistency(0, older_root, size, root, steps),
    )
    for refused in refusals:
        with pytest.raises(SealBroken):
            refused()


def test_a_tree_goes_on_from_its_edges() -> None:
    growth, tree = grown(700)
    edges = [merkle.split_hashes(tile) for _, _, tile in sorted(growth.partial_tiles(), key=lambda each: each[0])]
    assert len(edges) == 2
    again = Growth(700, edges)
    for number in range(700, 800):
        again.add(leaf_hash(b"%d" % number))
    assert again.root() == grown(800)[1].root()
    assert width_at(700, 1, 0) == 2
    assert tree.size == 700


def test_tiles_have_the_names_of_c2sp() -> None:
    assert tile_path(0, 0) == "tile/0/000"
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path("entries", 999, 17) == "tile/entries/999.p/17"
    assert tile_path(1, 1000, 1) == "tile/1/x001/000.p/1"
    for number, width in ((-1, 1), (0, 0), (0, 257)):
        with pytest.raises(ValueError):
            tile_path(0, number, width)


def test_bundles_of_entries_come_apart_again_and_a_cut_one_is_refused() -> None:
    bundle = merkle.bundle_entries(ENTRIES)
    assert merkle.split_entries(bundle) == ENTRIES
    with pytest.raises(SealBroken):
        merkle.split_entries(bundle[:-1])
    with pytest.raises(SealBroken):
        merkle.split_hashes(bytes(33))
    with pytest.raises(ValueError):
        merkle.bundle_entries([bytes(65_536)])


@pytest.mark.parametrize("before", [0, 5, 256, 65_280, 65_535])
def test_hashes_that_are_added_together_fill_the_same_tiles(before: int) -> None:
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(before + 2 * merkle.TILE_WIDTH)]
    one, together = Growth(), Growth()
    for leaf in leaves[:before]:
        assert one.add(leaf) == together.add(leaf)
    for first in range(before, len(leaves), merkle.TILE_WIDTH):
        part = leaves[first : first + merkle.TILE_WIDTH]
        assert together.extend(part) == [tile for leaf in part for tile in one.add(leaf)]
    assert (together.size, together.root(), together.partial_tiles()) == (one.size, one.root(), one.partial_tiles())
