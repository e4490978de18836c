"""Times and ranges as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.cli.moments import byte_range, day, lifetime
from vault.errors import InvalidInput

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        (" 2w ", timedelta(weeks=2)),
        ("2026-03-01T13:00Z", timedelta(hours=1)),
        ("2026-03-01T21:00+08:00", timedelta(hours=1)),
    ],
)
def test_a_span_or_a_time_says_how_long_a_link_lives(text: str, span: timedelta) -> None:
    assert lifetime(text, now=NOW) == span


def test_a_day_means_until_that_day_is_over_on_this_machine() -> None:
    end = (NOW + lifetime("2026-03-05", now=NOW)).astimezone()
    assert (end.date(), end.hour, end.minute) == (date(2026, 3, 6), 0, 0)


@pytest.mark.parametrize(
    "text", ["", "7", "d", "7y", "-7d", "0d", "soon", "2026-13-01", "2026-02-01", "٧d", "9999-12-31"]
)
def test_what_is_no_time_to_come_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        lifetime(text, now=NOW)


def test_a_day_is_written_one_way() -> None:
    assert day("2026-03-01", field="date") == date(2026, 3, 1)
    assert day(None, field="date") is None
    assert day("", field="date") is None
    for text in ("20260301", "1.3.2026", "2026-3-1", "2026-W09-7"):
        with pytest.raises(InvalidInput) as refusal:
            day(text, field="date")
        assert refusal.value.field == "date"


@pytest.mark.parametrize(
    ("text", "span"),
    [("0-0", (0, 1)), ("2-4", (2, 3)), ("7-", (7, 3)), ("-4", (6, 4)), ("5-500", (5, 5)), ("-500", (0, 10))],
)
def test_a_range_reads_as_in_http(text: str, span: tuple[int, int]) -> None:
    assert byte_range(text, size_bytes=10) == span


@pytest.mark.parametrize("text", ["", "-", "5", "4-2", "10-", "-0", "a-b", "1-2,4-5", " 1 - 2", "1--2"])
def test_what_is_no_range_of_the_record_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        byte_range(text, size_bytes=10)


@given(size=st.integers(0, 2**40), first=st.none() | st.integers(0, 2**41), last=st.none() | st.integers(0, 2**41))
def test_a_range_never_leaves_the_record(size: int, first: int | None, last: int | None) -> None:
    text = f"{'' if first is None else first}-{'' if last is None else last}"
    try:
        start, length = byte_range(text, size_bytes=size)
    except InvalidInput:
        return
    assert length > 0
    assert start >= 0
    assert start + length <= size
