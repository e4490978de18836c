"""The order of the index: each record has a place, higher the newer it is, so that newest first is no sorting at all.

Rule 1: places have gaps; a record that comes late gets one between its neighbours. Only where a gap is used up is the
order off by a few records.
Rule 2: they are close together, because an entry of the index costs the distance to the one before it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

MIDDLE: Final = 1 << 40
GAP: Final = 8


class Places:
    """Gives places within one transaction of the writer."""

    def __init__(self, index: sqlite3.Connection) -> None:
        self._index = index
        self._newest = self._at("SELECT place, received FROM docs ORDER BY place DESC LIMIT 1")
        self._oldest = self._at("SELECT place, received FROM docs ORDER BY place LIMIT 1")

    def give(self, received: Sequence[int]) -> list[int]:
        """A place for each of several times, which come oldest first; they are taken before the next call."""
        if self._newest is None or self._oldest is None:
            return [MIDDLE + GAP * position for position in range(len(received))]
        if received[0] >= self._newest[1]:
            return [self._newest[0] + GAP * position for position in range(1, len(received) + 1)]
        if received[-1] <= self._oldest[1]:
            return [self._oldest[0] - GAP * position for position in range(len(received), 0, -1)]
        taken: set[int] = set()
        for each in received:
            taken.add(self._between(each, taken))
        return sorted(taken)

    def _between(self, received: int, taken: set[int]) -> int:
        below = place_below(self._index, received, at_least=True)
        place = (MIDDLE if below is None else below) + 1
        if below is None and self._oldest is not None:
            place = self._oldest[0] - GAP
            while place in taken:
                place -= 1
            return place
        following = self._at("SELECT place, received FROM docs WHERE place > ? ORDER BY place LIMIT 1", place - 1)
        if following is None:
            place += GAP - 1
        elif following[0] - place > 1:
            place += (following[0] - place) // 2
        while place in taken or self._at("SELECT place, received FROM docs WHERE place = ?", place) is not None:
            place += 1
        return place

    def _at(self, statement: str, *values: int) -> tuple[int, int] | None:
        row: tuple[int, int] | None = self._index.execute(statement, values).fetchone()
        return row


def place_below(index: sqlite3.Connection, received: int, *, at_least: bool = False) -> int | None:
    """The highest place of what was received before a time (``at_least``: or at it); None where nothing was."""
    span = index.execute("SELECT min(place), max(place) FROM docs").fetchone()
    if span[0] is None:
        return None
    low, high = span[0] - 1, span[1]  # places at or below ``low`` are before it; those above ``high`` are not
    found: int | None = None
    while low < high:
        middle = (low + high + 1) // 2
        row = index.execute(
            "SELECT place, received FROM docs WHERE place <= ? ORDER BY place DESC LIMIT 1", (middle,)
        ).fetchone()
        if row is None or row[1] < received or (at_least and row[1] == received):
            low, found = middle, row[0] if row is not None else found
        else:
            high = row[0] - 1
    return found
