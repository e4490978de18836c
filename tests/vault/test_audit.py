"""Entries of the log: one spelling each, the one of canonical JSON, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.audit import Entry, Event, NumberedEntry
from vault.errors import InvalidInput, SealBroken
from vault.seal.canonical import canonical_json

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
DETAIL = st.dictionaries(TEXT, st.none() | st.booleans() | TEXT | st.integers(-(2**53) + 1, 2**53 - 1), max_size=5)
TIMES = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9998, 1, 1))  # noqa: DTZ001 - made aware below
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30))])


@given(st.integers(1, 2**53 - 1), TIMES, ZONES, TEXT, st.sampled_from(Event), TEXT, DETAIL)
def test_an_entry_is_canonical_json_and_comes_back(
    number: int,
    at: datetime,
    zone: timezone,
    actor: str,
    event: Event,
    subject: str,
    detail: dict[str, str | int | bool | None],
) -> None:
    aware = at.replace(tzinfo=zone)
    entry = Entry(at=aware, actor=actor, event=event, subject=subject, detail=detail)
    numbered = NumberedEntry(number=number, entry=entry)
    spelt = numbered.to_bytes()
    assert spelt == canonical_json(
        {
            "v": 1,
            "number": number,
            "at": aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "actor": actor,
            "event": event.value,
            "subject": subject,
            "detail": detail,
        }
    )
    assert NumberedEntry.from_bytes(spelt) == numbered


def test_what_canonical_json_cannot_say_is_text_or_refused() -> None:
    def told(detail: dict[str, str | int | bool | None]) -> bytes:
        entry = Entry(at=datetime(2026, 1, 1, tzinfo=UTC), actor="a", event=Event.DRILL_RUN, subject="s", detail=detail)
        return NumberedEntry(number=1, entry=entry).to_bytes()

    assert b'"n":"9007199254740992"' in told({"n": 2**53})
    with pytest.raises(InvalidInput):
        told({"n": "\ud800"})
    with pytest.raises(InvalidInput):
        told({"n": 0.5})  # type: ignore[dict-item]  # what a type says, nobody checks at run time
    whole = told({"n": 1})
    for wrong in (whole + b"\n", whole.replace(b'"v":1', b'"v":2'), whole[:-1], b"{}", b"\xff", b'"x"'):
        with pytest.raises(SealBroken):
            NumberedEntry.from_bytes(wrong)
