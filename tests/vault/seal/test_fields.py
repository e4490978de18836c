"""Sealed fields open for their subject, field set and revision only; blind indexes find equal texts."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.seal.samples import vectors
from vault.errors import InvalidInput, SealBroken
from vault.seal.canonical import JSON, MAX_DEPTH, canonical_json
from vault.seal.fields import blind_index, open_fields, seal_fields, seal_fields_with
from vault.seal.secrets import Secret

FIELDS = vectors("fields")
KEY = Secret(bytes.fromhex(FIELDS["key"]))
WHOSE: dict[str, Any] = {name: FIELDS[name] for name in ("subject_id", "field_set", "revision")}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("vector", FIELDS["sealed"], ids=lambda vector: vector["name"])
def test_fields_are_sealed_to_the_bytes_of_their_vector(vector: dict[str, Any]) -> None:
    assert canonical_json(vector["values"]).decode() == vector["canonical"]
    sealed = seal_fields(KEY, vector["values"], nonce=bytes.fromhex(vector["nonce"]), **WHOSE)
    assert sealed.hex() == vector["sealed"]
    assert open_fields(KEY, sealed, **WHOSE) == vector["values"]


@given(st.dictionaries(texts, values, max_size=5))
def test_what_was_sealed_comes_back(content: dict[str, JSON]) -> None:
    sealed = seal_fields_with(os.urandom, KEY, content, **WHOSE)
    assert open_fields(KEY, memoryview(sealed), **WHOSE) == content


@given(st.dictionaries(texts, values, max_size=5))
def test_the_order_of_keys_does_not_matter(content: dict[str, JSON]) -> None:
    assert canonical_json(dict(reversed(content.items()))) == canonical_json(content)


@pytest.mark.parametrize(
    "other",
    [
        {"subject_id": "r-0002"},
        {"subject_id": "r-0001r"},
        {"field_set": "notes"},
        {"revision": 8},
        {"subject_id": "r-0001\0\x06", "field_set": "record"},
    ],
)
def test_fields_do_not_open_for_another_subject_set_or_revision(other: dict[str, Any]) -> None:
    sealed = seal_fields_with(os.urandom, KEY, {"title": "t"}, **WHOSE)
    with pytest.raises(SealBroken):
        open_fields(KEY, sealed, **{**WHOSE, **other})


def test_where_one_name_ends_and_the_next_begins_is_bound() -> None:
    sealed = seal_fields_with(os.urandom, KEY, {}, subject_id="ab", field_set="c", revision=0)
    with pytest.raises(SealBroken):
        open_fields(KEY, sealed, subject_id="a", field_set="bc", revision=0)


def test_altered_cut_or_foreign_fields_are_refused() -> None:
    sealed = seal_fields_with(os.urandom, KEY, {"title": "t"}, **WHOSE)
    for bit in range(8 * len(sealed)):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            open_fields(KEY, changed, **WHOSE)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            open_fields(KEY, sealed[:length], **WHOSE)
    with pytest.raises(SealBroken):
        open_fields(KEY, sealed + b"\0", **WHOSE)
    with pytest.raises(SealBroken):
        open_fields(Secret(bytes(32)), sealed, **WHOSE)


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), b"bytes", 2**53, -(2**53), ("tuple",), {1: "key"}, "\ud800", {"\udfff": 1}, {"a": {"b": {1}}}],
)
def test_what_has_no_canonical_spelling_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput):
        seal_fields_with(os.urandom, KEY, {"value": value}, **WHOSE)


def test_values_nested_too_deep_are_refused() -> None:
    nested: Any = None
    for _ in range(MAX_DEPTH):
        nested = [nested]
    with pytest.raises(InvalidInput, match="nested"):
        canonical_json(nested)


def test_a_revision_or_name_out_of_range_is_refused() -> None:
    for wrong in ({"revision": -1}, {"revision": 2**63}, {"subject_id": "x" * 65536}, {"field_set": "\ud800"}):
        with pytest.raises(InvalidInput):
            seal_fields_with(os.urandom, KEY, {}, **{**WHOSE, **wrong})
    with pytest.raises(ValueError, match="nonce"):
        seal_fields(KEY, {}, nonce=bytes(11), **WHOSE)


@pytest.mark.parametrize("vector", FIELDS["blind_indexes"], ids=lambda vector: f"{vector['domain']}-{vector['text']}")
def test_a_blind_index_is_that_of_its_vector(vector: dict[str, str]) -> None:
    key = Secret(bytes.fromhex(FIELDS["blinding_key"]))
    assert blind_index(key, vector["domain"], vector["text"]).hex() == vector["digest"]


@pytest.mark.parametrize(
    ("one", "other"), [("ABC", "\uff41bc"), ("STRASSE", "stra\u00dfe"), ("\u00c9", "e\u0301"), ("\u2460", "1")]
)
def test_texts_that_read_the_same_are_found_by_each_other(one: str, other: str) -> None:
    assert blind_index(KEY, "name", one) == blind_index(KEY, "name", other)


def test_blind_indexes_of_other_keys_domains_and_texts_differ() -> None:
    digests = {
        blind_index(key, domain, text)
        for key in (KEY, Secret(bytes(32)))
        for domain in ("name", "nam")
        for text in ("e", "\u674e", "")
    }
    assert len(digests) == 12
    with pytest.raises(InvalidInput):
        blind_index(KEY, "name", "\ud800")
