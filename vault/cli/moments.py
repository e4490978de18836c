"""Times as people type them: ``90m``, ``7d``, ``2026-03-01``, ``2026-03-01T12:00+08:00``, and ranges of bytes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from vault.errors import InvalidInput

_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION: Final = re.compile(r"([0-9]{1,6})([mhdw])", re.ASCII)
_RANGE: Final = re.compile(r"([0-9]{0,19})-([0-9]{0,19})", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def lifetime(text: str, *, now: datetime) -> timedelta:
    """How long from ``now``: a number with ``m``, ``h``, ``d`` or ``w``, or an ISO 8601 time.

    A day without a time means until that day is over; a time without a zone is the machine's. Raises ``InvalidInput``.
    """
    match = _DURATION.fullmatch(text.strip())
    span = int(match[1]) * _UNITS[match[2]] if match else _until(text.strip()) - now
    if span <= timedelta(0):
        raise InvalidInput("that time is over already; name a later one, or a span such as 7d", field="expires")
    return span


def _until(text: str) -> datetime:
    try:
        if _DAY.fullmatch(text):
            end_of_day = datetime.combine(date.fromisoformat(text) + timedelta(days=1), time())
            return end_of_day.astimezone(UTC)
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            "this is not a time: write a span (90m, 12h, 7d, 2w), a day (2026-03-01) or an ISO time", field="expires"
        ) from None


def day(text: str | None, *, field: str) -> date | None:
    """A date ``YYYY-MM-DD``; None for nothing or an empty text. Raises ``InvalidInput``."""
    if not text or not text.strip():
        return None
    try:
        if not _DAY.fullmatch(text.strip()):
            raise ValueError
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(f"{field} is not a day; write it as YYYY-MM-DD", field=field) from None


def byte_range(text: str, *, size_bytes: int) -> tuple[int, int]:
    """(start, length) of ``a-b`` (both included), ``a-`` (to the end) or ``-n`` (the last n), as in RFC 9110 14.1.2.

    Raises ``InvalidInput`` when it is none of these or starts behind the end; an end behind the end is the end.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None or not (match[1] or match[2]):
        raise InvalidInput("a range reads FIRST-LAST, FIRST- or -COUNT, in bytes from 0", field="range")
    if not match[1]:
        length = min(int(match[2]), size_bytes)
        start = size_bytes - length
    else:
        start = int(match[1])
        last = min(int(match[2]), size_bytes - 1) if match[2] else size_bytes - 1
        length = last - start + 1
        if match[2] and int(match[2]) < start:
            raise InvalidInput("the range ends before it starts; write FIRST-LAST", field="range")
    if length <= 0:
        raise InvalidInput(f"the range is outside of the record, which has {size_bytes} bytes", field="range")
    return start, length
