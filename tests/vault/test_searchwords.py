"""Words of texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.searchwords import fold, heads_of, spelled


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("租赁合同", ["租赁", "赁合", "合同", "同"]),
        ("扫描01.PDF", ["扫描", "描", "01", "pdf"]),
        ("A座", ["a", "座"]),
        ("one\ntwo", ["one", "_", "two"]),
        ("a_b", ["a", "b"]),
        ("𠮷野家", ["𠮷野", "野家", "家"]),
    ],
)
def test_chinese_is_told_in_pairs_and_other_letters_as_they_are_spaced(text: str, words: list[str]) -> None:
    assert spelled(fold(text)) == words


def test_heads_are_single_characters_and_first_letters() -> None:
    assert heads_of(fold("王伟 Lease 2026 a")) == {"王", "伟", "le", "lea", "leas"}
