"""Increments: one spelling, a chain, and the pages that they lead to."""

from __future__ import annotations

import hashlib
import itertools
import random
from dataclasses import replace
from typing import Any

import pytest

from tests.vault.seal.living_tree import LivingTree, leaf
from tests.vault.seal.reference_tree import leaf_of
from tests.vault.seal.samples import vectors
from tests.vault.seal.test_pages import edited
from vault.errors import KeyDestroyed, SealBroken
from vault.seal.increments import ChainHead, Increment, read_increment, replay, verify_chain
from vault.seal.keytree import LeafAddress
from vault.seal.pages import PAGE_LENGTH, ROOT, Place
from vault.seal.secrets import Secret
from vault.seal.tree import find_leaf, walk_pages

VECTORS = vectors("pages")
TREE = bytes.fromhex(VECTORS["tree_id"])
FIRST = ChainHead.first(TREE)
STEPS = VECTORS["generations"]
CHAIN = [read_increment([bytes.fromhex(step["increment"])]) for step in STEPS]


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_an_increment_has_the_bytes_and_digest_of_its_vector(number: int) -> None:
    data, increment = bytes.fromhex(STEPS[number]["increment"]), CHAIN[number]
    assert b"".join(increment.chunks()) == data
    assert increment.length == len(data)
    assert increment.digest.hex() == STEPS[number]["digest"] == hashlib.sha256(data).hexdigest()
    assert increment.generation == number + 2


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_replayed_pages_lead_to_the_leaves_of_the_vector(number: int) -> None:
    step = STEPS[number]
    head, pages = replay(CHAIN[: number + 1], tree_id=TREE)
    assert head == CHAIN[number].head
    assert [list(place) for place in sorted(pages)] == step["places"]
    root = Secret(bytes.fromhex(step["root"]))
    for row in step["leaves"]:
        address = LeafAddress(tree_id=TREE, extent=row["extent"], leaf=row["leaf"])
        if row["secret"] is None:
            with pytest.raises(KeyDestroyed):
                find_leaf(root, address, lambda *place: pages.get(Place(*place)), rooted=True)
        else:
            found = find_leaf(root, address, lambda *place: pages.get(Place(*place)), rooted=True)
            assert found.expose().hex() == row["secret"]
        assert leaf_of(
            root.expose(), {(*place,): page for place, page in pages.items()}, TREE, list(address.digits)
        ) == (None if row["secret"] is None else bytes.fromhex(row["secret"]))
    reached = [place for place, _ in walk_pages(root, lambda *at: pages.get(Place(*at)), tree_id=TREE, rooted=True)]
    assert sorted(reached) == sorted(pages)


@pytest.mark.parametrize("vector", VECTORS["refused_increments"], ids=lambda vector: vector["why"])
def test_any_other_spelling_is_refused(vector: dict[str, Any]) -> None:
    data = edited(bytes.fromhex(STEPS[vector["of"]]["increment"]), vector)
    with pytest.raises(SealBroken):
        read_increment([data])


def test_rows_in_another_order_or_twice_are_refused() -> None:
    tree = LivingTree()
    tree.destroy(leaf(1, 1), leaf(2, 2))
    plan = tree.destroy(extents={1, 2})
    row = 5 + PAGE_LENGTH
    first = b"".join(tree.chain[0].chunks())
    one, other = first[-2 * row : -row], first[-row:]
    removed, end = b"".join(plan.increment.chunks()), 77 + 10
    for data, changed in (
        (first, first[: -2 * row] + other + one),
        (first, first[: -2 * row] + one + one),
        (removed, removed[:77] + removed[82:end] + removed[77:82] + removed[end:]),
        (removed, removed[:77] + removed[77:82] * 2 + removed[end:]),
    ):
        assert read_increment([data]) in tree.chain
        assert len(changed) == len(data)
        with pytest.raises(SealBroken, match="out of order"):
            read_increment([changed])


@pytest.mark.parametrize("seed", range(20))
def test_an_increment_is_read_from_pieces_of_any_size(seed: int) -> None:
    data, chance = bytes.fromhex(STEPS[1]["increment"]), random.Random(seed)
    cuts = sorted(chance.randrange(len(data)) for _ in range(chance.randrange(40)))
    pieces = [memoryview(data)[start:end] for start, end in itertools.pairwise([0, *cuts, len(data)])]
    assert read_increment(iter(pieces)) == CHAIN[1]
    with pytest.raises(SealBroken, match="behind their end"):
        read_increment([*pieces, b"", b"\0"])
    with pytest.raises(SealBroken, match="cut short"):
        read_increment([data[:-1]])


def test_pieces_are_bounded_whatever_the_batch() -> None:
    pages = {Place(2, number): bytes(PAGE_LENGTH) for number in range(4096)}
    pages |= {Place(1, number): bytes(PAGE_LENGTH) for number in range(64)}
    many = replace(CHAIN[0], pages={ROOT: bytes(PAGE_LENGTH), **pages})
    assert max(len(chunk) for chunk in many.chunks()) <= 1 << 20
    assert sum(len(chunk) for chunk in many.chunks()) == many.length
    assert read_increment(many.chunks()) == many


def test_a_chain_is_followed_from_any_head_on() -> None:
    assert verify_chain(CHAIN, after=FIRST) == CHAIN[-1].head
    assert verify_chain(iter(CHAIN[1:]), after=CHAIN[0].head) == CHAIN[-1].head
    assert verify_chain([], after=FIRST) == FIRST


@pytest.mark.parametrize(
    "chain",
    [
        [CHAIN[1]],
        [CHAIN[0], CHAIN[2]],
        [CHAIN[0], CHAIN[0]],
        [CHAIN[0], replace(CHAIN[1], predecessor=bytes(31) + b"\x01")],
        [replace(CHAIN[0], attempt=bytes(16)), CHAIN[1]],
        [replace(CHAIN[0], tree_id=bytes(16))],
    ],
    ids=["first missing", "one missing", "one twice", "another predecessor", "another attempt", "another tree"],
)
def test_a_chain_with_a_fault_is_refused(chain: list[Increment]) -> None:
    with pytest.raises(SealBroken):
        verify_chain(chain, after=FIRST)
    with pytest.raises(SealBroken):
        replay(chain, tree_id=TREE)


def test_pages_that_an_increment_removes_have_to_be_there() -> None:
    pages = dict(CHAIN[0].pages)
    with pytest.raises(SealBroken, match="not there"):
        CHAIN[2].apply_to({place: page for place, page in pages.items() if place.level < 5})


def test_what_cannot_be_one_batch_is_no_increment() -> None:
    good, page = CHAIN[0], bytes(PAGE_LENGTH)
    faults: tuple[dict[str, Any], ...] = (
        {"pages": {}},
        {"pages": {**good.pages, Place(5, 42): page[1:]}},
        {"pages": {**good.pages, Place(5, 63 * 64): page}},
        {"removed": frozenset({Place(5, 42)})},
        {"removed": frozenset({Place(3, 0)})},
        {"removed": frozenset({ROOT})},
        {"generation": 2**32},
        {"attempt": bytes(15)},
        {"tree_id": bytes(15)},
        {"predecessor": bytes(31)},
    )
    for changes in faults:
        with pytest.raises(SealBroken):
            replace(good, **changes)


def test_an_increment_does_not_print_its_pages() -> None:
    assert len(repr(CHAIN[0])) < 600
