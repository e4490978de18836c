"""What people type to find records."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import InvalidInput
from vault.queries import Field, read_query, read_words


def test_filters_are_taken_out_of_the_words_in_both_languages() -> None:
    query = read_query(
        '租赁 类别：合同 class:invoice customer:"锦江 公司" 状态:已归档 早于:2026-03 after:2025 档号:2026-000001'
    )
    assert query.classes == ("合同", "invoice")
    assert query.states == {"filed"}
    assert (query.before, query.after) == (date(2026, 3, 1), date(2025, 12, 31))
    assert [(phrase.field, phrase.said) for phrase in query.phrases] == [
        (None, "租赁"),
        (Field.CUSTOMER, "锦江 公司"),
        (Field.NUMBER, "2026-000001"),
    ]


def test_a_colon_makes_no_filter_of_a_word_that_is_none() -> None:
    assert [phrase.said for phrase in read_query("http://example 12:30 note:x").phrases] == [
        "http://example",
        "12:30",
        "note:x",
    ]


@pytest.mark.parametrize(
    ("said", "first"), [("2024", 1), ("2024年", 1), ("2024/01", 1), ("2024.1.1", 1), ("２０２４-01-01", 1)]
)
def test_dates_are_read_as_they_are_written(said: str, first: int) -> None:
    assert read_query(f"before:{said}").before == date(2024, 1, first)


@pytest.mark.parametrize(
    "text",
    ["x" * 201, "before:soon", "after:2024-13", "before:2024-02-30", "state:gone", "before:0000", "after:9999999"],
)
def test_what_is_not_understood_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_query(text)
    assert "x" * 20 not in refused.value.message


def test_the_last_months_there_are_can_be_said() -> None:
    assert read_query("after:9999-12").after == date.max
    assert read_query("before:0001").before == date.min


@given(st.text(max_size=200))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        query = read_query(text)
    except InvalidInput:
        query = read_words(text)
    assert all(phrase.words for phrase in query.phrases)
