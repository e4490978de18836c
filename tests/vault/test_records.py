"""What people may say of a record, and what a file may be called."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import InvalidInput
from vault.records import (
    FILE_NAME_MAX_BYTES,
    NOTE_MAX_CHARACTERS,
    TITLE_MAX_CHARACTERS,
    TRANSITIONS,
    Description,
    RecordState,
    checked_file_name,
)


def of_255_bytes(letter: str) -> str:
    """A name of exactly 255 bytes, of one letter as far as it goes."""
    size = len(letter.encode())
    return letter * (FILE_NAME_MAX_BYTES // size) + "x" * (FILE_NAME_MAX_BYTES % size)


LETTERS = {
    "latin": "a",
    "chinese": "档",
    "emoji": "📄",
    "emoji of several": "👩‍⚖️",
    "combining": "e\u0301",
    "arabic": "ملف",
    "thai": "แฟ้ม",
    "devanagari": "फ़",
    "hangul": "파",
    "right-to-left mark": "\u200f",
    "quote": '"',
}


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS.keys())
def test_a_name_of_255_bytes_of_any_script_is_kept_unchanged(letter: str) -> None:
    name = of_255_bytes(letter)
    assert len(name.encode()) == 255
    assert checked_file_name(name) == name


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS.keys())
def test_a_name_of_256_bytes_is_refused(letter: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_file_name(of_255_bytes(letter) + "y")
    assert refused.value.field == "file_name"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a\0b", "a\nb", "a\rb", "\x7f", "\x1b[31m", "\ud800", "a/", "a/..", "..\\..", "a/b\0"]
)
def test_a_name_that_could_do_harm_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_file_name(name)
    assert refused.value.field == "file_name"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("/etc/passwd", "passwd"),
        ("../../secret.pdf", "secret.pdf"),
        ("C:\\Users\\name\\合同.pdf", "合同.pdf"),
        ("folder/合同 (1).pdf", "合同 (1).pdf"),
        (" spaced .txt", " spaced .txt"),
        (".hidden", ".hidden"),
        ("...", "..."),
    ],
)
def test_of_a_path_only_the_last_piece_is_kept(name: str, kept: str) -> None:
    assert checked_file_name(name) == kept


@given(st.text())
def test_a_name_that_is_taken_has_no_folder_and_stays_as_it_is(name: str) -> None:
    try:
        taken = checked_file_name(name)
    except InvalidInput:
        return
    assert checked_file_name(taken) == taken
    assert not set(taken) & {"/", "\\", "\0", "\n"}
    assert len(taken.encode()) <= FILE_NAME_MAX_BYTES


def test_a_description_keeps_what_was_said() -> None:
    said = Description.checked(
        title="  合同 2026  ",
        dated_on=date(2026, 2, 28),
        place="成都",
        note="一行\n二行\t三\r\n",
        reason="scan upside down",
    )
    assert said == Description(
        title="合同 2026", dated_on=date(2026, 2, 28), place="成都", note="一行\n二行\t三", reason="scan upside down"
    )


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("title", ""),
        ("title", "  "),
        ("title", "x" * (TITLE_MAX_CHARACTERS + 1)),
        ("title", "a\nb"),
        ("title", "a\0b"),
        ("title", "\ud83d"),
        ("place", "x" * 201),
        ("place", "a\rb"),
        ("note", "x" * (NOTE_MAX_CHARACTERS + 1)),
        ("note", "a\0b"),
        ("note", "\udcff"),
        ("reason", "x" * 1001),
        ("reason", "\x1b"),
    ],
)
def test_a_description_that_does_not_fit_is_refused_naming_the_field(field: str, text: str) -> None:
    values: dict[str, Any] = {"title": "A record", field: text}
    with pytest.raises(InvalidInput) as refused:
        Description.checked(**values)
    assert refused.value.field == field
    assert len(refused.value.message) < 200


def test_the_longest_description_fits() -> None:
    said = Description.checked(title="题" * 300, place="地" * 200, note="注" * 4000, reason="因" * 1000)
    assert (len(said.title), len(said.place), len(said.note), len(said.reason)) == (300, 200, 4000, 1000)


def test_nothing_comes_back_from_destruction() -> None:
    assert not [step for step in TRANSITIONS if step[0] is RecordState.DESTROYED]
    assert (RecordState.FILED, RecordState.RECEIVED) not in TRANSITIONS
    assert (RecordState.ERASING, RecordState.FILED) not in TRANSITIONS
