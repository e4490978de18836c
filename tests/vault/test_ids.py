"""Opaque ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.machine import SystemRandomness
from vault.errors import InvalidInput
from vault.ids import ID_LENGTH, id_from_bytes, id_to_bytes, new_id


@given(st.binary(min_size=16, max_size=16))
def test_an_id_gives_back_its_bytes(raw: bytes) -> None:
    text = id_from_bytes(raw)
    assert len(text) == ID_LENGTH
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert id_to_bytes(text) == raw


@given(st.text())
def test_whatever_is_taken_for_an_id_is_the_one_spelling_of_its_bytes(text: str) -> None:
    try:
        raw = id_to_bytes(text)
    except InvalidInput:
        return
    assert id_from_bytes(raw) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a" * 25,
        "a" * 27,
        "A" * 26,
        "1" * 26,
        "a" * 25 + "=",
        "a" * 25 + "b",  # the last letter carries three bits; the other two are zero
        "é" * 26,
        "\ud800" * 26,
        "a" * 25 + "\0",
        "a" * 25 + "\n",
        " " + "a" * 25,
        "ａ" * 26,
        "../" + "a" * 23,
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        id_to_bytes(text)


def test_ids_of_digits_only_are_ids() -> None:
    assert id_from_bytes(id_to_bytes("2" * 25 + "4")) == "2" * 25 + "4"


def test_new_ids_differ() -> None:
    assert len({new_id(SystemRandomness()) for _ in range(1000)}) == 1000
