"""Addresses have one spelling; keys come down the tree as FORMAT.md 2 says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.seal.samples import vectors
from vault.errors import InvalidInput
from vault.seal.keytree import EXTENT_COUNT, LeafAddress, lazy_child, leaf_keys, leaf_secret, walk
from vault.seal.secrets import Secret

TREE = vectors("keytree")
ROOT = Secret(bytes.fromhex(TREE["root"]))
addresses = st.builds(
    LeafAddress,
    tree_id=st.binary(min_size=16, max_size=16),
    extent=st.integers(0, EXTENT_COUNT - 1),
    leaf=st.integers(0, 63),
)


@pytest.mark.parametrize("vector", TREE["leaves"], ids=lambda vector: vector["text"])
def test_a_leaf_has_the_keys_of_its_vector(vector: dict[str, Any]) -> None:
    address = LeafAddress(tree_id=bytes.fromhex(TREE["tree_id"]), extent=vector["extent"], leaf=vector["leaf"])
    assert list(address.digits) == vector["digits"]
    assert address.text == str(address) == vector["text"]
    assert address.to_bytes().hex() == vector["bytes"]
    leaf = leaf_secret(ROOT, address)
    keys = leaf_keys(leaf)
    assert leaf.expose().hex() == vector["leaf_secret"]
    assert keys.kek.expose().hex() == vector["kek"]
    assert keys.metadata_key.expose().hex() == vector["metadata_key"]
    assert keys.blinding_key.expose().hex() == vector["blinding_key"]


@pytest.mark.parametrize("text", TREE["refused_texts"])
def test_any_other_spelling_of_an_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        LeafAddress.parse(text)


@given(addresses)
def test_an_address_comes_back_from_text_and_bytes(address: LeafAddress) -> None:
    assert LeafAddress.parse(address.text) == address
    assert LeafAddress.from_bytes(address.to_bytes()) == address
    assert len(address.text) == 44
    assert len(address.to_bytes()) == 21


@given(addresses, st.integers(0, 6))
def test_a_walk_may_begin_at_any_node(address: LeafAddress, depth: int) -> None:
    node = walk(ROOT, address.digits[:depth])
    assert walk(node, address.digits[depth:]) == leaf_secret(ROOT, address)


@given(addresses, addresses)
def test_addresses_sort_as_their_bytes_do(one: LeafAddress, other: LeafAddress) -> None:
    assert (one < other) == (one.to_bytes() < other.to_bytes())


@pytest.mark.parametrize(
    ("tree_id", "extent", "leaf"),
    [
        (bytes(15), 0, 0),
        (bytes(17), 0, 0),
        (bytes(16), -1, 0),
        (bytes(16), 64**5, 0),
        (bytes(16), 0, -1),
        (bytes(16), 0, 64),
    ],
)
def test_an_address_out_of_range_is_refused(tree_id: bytes, extent: int, leaf: int) -> None:
    with pytest.raises(InvalidInput):
        LeafAddress(tree_id=tree_id, extent=extent, leaf=leaf)


@pytest.mark.parametrize("value", [b"", bytes(20), bytes(22), bytes(16) + b"\x40\0\0\0" + b"\0", bytes(20) + b"\x40"])
def test_other_bytes_are_no_address(value: bytes) -> None:
    with pytest.raises(InvalidInput):
        LeafAddress.from_bytes(value)


@pytest.mark.parametrize("digit", [-1, 64])
def test_a_node_has_no_child_out_of_range(digit: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        lazy_child(ROOT, digit)


def test_siblings_cousins_and_keys_of_one_leaf_all_differ() -> None:
    found = set()
    for extent in (0, 1, 64, 64**4):
        for leaf in (0, 1, 63):
            keys = leaf_keys(leaf_secret(ROOT, LeafAddress(tree_id=bytes(16), extent=extent, leaf=leaf)))
            found |= {key.expose() for key in (keys.kek, keys.metadata_key, keys.blinding_key)}
    assert len(found) == 4 * 3 * 3
