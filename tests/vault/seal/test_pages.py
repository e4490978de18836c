"""Pages of the key tree: their bytes, what they show, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.seal.reference_tree import opened_page
from tests.vault.seal.samples import vectors
from vault.errors import SealBroken
from vault.seal.keytree import lazy_child, lazy_children
from vault.seal.pages import PAGE_LENGTH, ROOT, ChildState, Page, Place, open_page, seal_page
from vault.seal.secrets import Secret

VECTORS = vectors("pages")
TREE = bytes.fromhex(VECTORS["tree_id"])
NODE = Secret(bytes(range(32)))
PAGE = Page.of_lazy(NODE)
secrets = st.binary(min_size=32, max_size=32).map(Secret)


def content_of(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(vector["states"] + vector["secrets"])


def edited(good: bytes, change: dict[str, Any]) -> bytes:
    """A vector's bytes with what a refusal changes in them."""
    data = bytearray(bytes.fromhex(change["sealed"]) if "sealed" in change else good)
    if "flip" in change:
        data[change["flip"]] ^= 1
    for at, value in change.get("put", {}).items():
        data[int(at) : int(at) + len(value) // 2] = bytes.fromhex(value)
    length = change.get("length", len(data))
    return bytes(data[:length]).ljust(length, b"\0")


@pytest.mark.parametrize("vector", VECTORS["pages"], ids=lambda vector: vector["name"])
def test_a_page_is_sealed_to_the_bytes_of_its_vector_and_opens(vector: dict[str, Any]) -> None:
    node, place = Secret(bytes.fromhex(vector["node"])), Place(vector["level"], vector["number"])
    page = Page(content_of(vector))
    sealed = seal_page(node, page, tree_id=TREE, place=place, nonce=bytes.fromhex(vector["nonce"]))
    assert sealed.hex() == vector["sealed"]
    assert len(sealed) == PAGE_LENGTH == 2140
    assert open_page(node, memoryview(sealed), tree_id=TREE, place=place).to_content() == content_of(vector)


@pytest.mark.parametrize("vector", VECTORS["refused_pages"], ids=lambda vector: vector["why"])
def test_any_other_page_is_refused(vector: dict[str, Any]) -> None:
    good = VECTORS["pages"][vector["of"]]
    told = {**good, **{name: vector[name] for name in ("node", "level", "number") if name in vector}}
    with pytest.raises(SealBroken):
        open_page(
            Secret(bytes.fromhex(told["node"])),
            edited(bytes.fromhex(good["sealed"]), vector),
            tree_id=bytes.fromhex(vector.get("tree_id", VECTORS["tree_id"])),
            place=Place(told["level"], told["number"]),
        )


@given(st.integers(0, PAGE_LENGTH * 8 - 1))
def test_one_flipped_bit_anywhere_is_refused(bit: int) -> None:
    sealed = bytearray(seal_page(NODE, PAGE, tree_id=TREE, place=ROOT, nonce=bytes(12)))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        open_page(NODE, sealed, tree_id=TREE, place=ROOT)


@given(secrets)
def test_the_page_of_a_lazy_node_holds_the_children_that_it_derives(node: Secret) -> None:
    page = Page.of_lazy(node)
    assert [page.secret(digit) for digit in range(64)] == [lazy_child(node, digit) for digit in range(64)]
    assert page.digits(ChildState.LAZY) == list(range(64))
    assert lazy_children(node) == b"".join(lazy_child(node, digit).expose() for digit in range(64))


@given(
    st.dictionaries(st.integers(0, 63), st.none() | secrets),
    st.integers(0, 4).flatmap(lambda level: st.builds(Place, st.just(level), st.integers(0, 64**level - 1))),
    secrets,
)
def test_a_replaced_page_says_so_and_leaves_the_others_alone(
    changes: dict[int, Secret | None], place: Place, node: Secret
) -> None:
    page = PAGE.replaced(changes)
    sealed = seal_page(node, page, tree_id=TREE, place=place, nonce=bytes(12))
    elsewhere = opened_page(node.expose(), sealed, TREE, place)
    for digit in range(64):
        secret = changes.get(digit, PAGE.secret(digit))
        if secret is None:
            assert page.state(digit) is ChildState.DEAD
            assert elsewhere[digit] == (0, bytes(32))
        else:
            assert page.state(digit) is (ChildState.PAGE if digit in changes else ChildState.LAZY)
            assert page.secret(digit) == secret
            assert elsewhere[digit] == (page.state(digit), secret.expose())
    assert PAGE.digits(ChildState.LAZY) == list(range(64))


def test_a_dead_child_has_no_secret_to_give() -> None:
    page = PAGE.replaced({5: None})
    with pytest.raises(ValueError, match="no secret"):
        page.secret(5)
    assert not page.is_dead
    assert PAGE.replaced(dict.fromkeys(range(64))).is_dead


@pytest.mark.parametrize("digit", [-1, 64])
def test_a_page_has_64_children(digit: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        PAGE.replaced({digit: None})


@pytest.mark.parametrize(
    ("page", "place", "nonce", "tree_id"),
    [
        (PAGE, Place(6, 0), bytes(12), TREE),
        (PAGE, Place(1, 64), bytes(12), TREE),
        (PAGE, Place(0, 1), bytes(12), TREE),
        (PAGE, Place(-1, 0), bytes(12), TREE),
        (PAGE, ROOT, bytes(11), TREE),
        (PAGE, ROOT, bytes(12), TREE[1:]),
        (PAGE.replaced({0: NODE}), Place(5, 0), bytes(12), TREE),
        (Page(bytes(10)), ROOT, bytes(12), TREE),
        (Page(bytes(64) + b"\x01" + bytes(2047)), ROOT, bytes(12), TREE),
    ],
)
def test_a_page_that_would_not_open_again_is_not_sealed(page: Page, place: Place, nonce: bytes, tree_id: bytes) -> None:
    with pytest.raises(ValueError, match="page"):
        seal_page(NODE, page, tree_id=tree_id, place=place, nonce=nonce)


def test_a_page_does_not_show_its_secrets() -> None:
    assert repr(PAGE) == str(PAGE) == f"{PAGE}" == "Page(********)"


@given(st.integers(0, 4).flatmap(lambda level: st.builds(Place, st.just(level), st.integers(0, 64**level - 1))))
def test_a_node_is_the_parent_of_its_children(place: Place) -> None:
    assert {place.child(digit).parent for digit in range(64)} == {place}
    assert all(place.child(digit).exists for digit in (0, 63))
    assert len({place.child(digit) for digit in range(64)}) == 64
