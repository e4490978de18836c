"""Words as a terminal may show them: nothing that a file's name or a title holds can move the cursor or reverse a line.

Rule 1: what came from a person or a file passes ``plain`` before it is printed for people. JSON needs no such care: the
encoder escapes it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final

_KIB: Final = 1024
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")
# Explicit directional marks (UAX #9): they would show the rest of the line in another order than it is.
_DIRECTIONAL: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str) -> str:
    """``text`` on one line, with control characters, directional marks and undecodable bytes written as escapes."""
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character in _DIRECTIONAL or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def plain_lines(text: str) -> list[str]:
    """A note's lines, each one plain."""
    return [plain(line) for line in text.splitlines()] or [""]


def width(text: str) -> int:
    """Columns that a terminal gives to ``text``: two for a wide character (UAX #11), none for one that combines."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, columns aligned by two spaces."""
    cells = [list(headings), *([plain(cell) for cell in row] for row in rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(headings))]
    for row in cells:
        padded = (cell + " " * (wanted - width(cell)) for cell, wanted in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def size(count: int) -> str:
    """A size for people: ``831 bytes``, ``2.4 GiB``."""
    amount, unit = float(count), 0
    while amount >= _KIB and unit < len(_UNITS) - 1:
        amount, unit = amount / _KIB, unit + 1
    return f"{count} {_UNITS[0]}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def local(moment: datetime) -> str:
    """A time for people, in the zone of the machine."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def iso(moment: datetime | None) -> str | None:
    """A time for programs: ISO 8601, UTC."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def iso_date(day: date | None) -> str | None:
    """A date for programs: ISO 8601."""
    return None if day is None else day.isoformat()
