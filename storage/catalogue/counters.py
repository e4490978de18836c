"""Counters: numbers that are given in order and, once committed, never again.

The row of a counter stays locked until its transaction ends. So on PostgreSQL too, whoever takes a number after this
one commits after this one, and a reader that follows the numbers never misses one that commits later with a lower
number. The price: transactions that take the same counter commit one after another. Take counters late in a
transaction and always in this order: file number, change, audit. Two orders would deadlock.
The log takes its numbers with the commit itself.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, Table, Text, text

from storage.catalogue.metadata import Counted, metadata
from storage.catalogue.rows import Rows

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Counted, nullable=False),
    CheckConstraint("value >= 0", name="value"),
)

CHANGE: Final = "change"
AUDIT: Final = "audit"

_NEXT: Final = text(
    "INSERT INTO counters (name, value) VALUES (:name, 1)"
    " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value"
)


def next_value(rows: Rows, name: str) -> int:
    """The counter's next value; the first is 1."""
    row = rows.first(_NEXT, {"name": name})
    assert row is not None  # noqa: S101 - an upsert with RETURNING gives one row
    return int(row.value)


_NEXT_TWO: Final = text(
    "INSERT INTO counters (name, value) VALUES (:first, 1), (:second, 1)"
    " ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING name, value"
)


def next_two_values(rows: Rows, first: str, second: str) -> tuple[int, int]:
    """The next values of two counters, taken in this order, in one statement."""
    taken = {row.name: int(row.value) for row in rows.all(_NEXT_TWO, {"first": first, "second": second})}
    return taken[first], taken[second]


_MANY: Final = text(
    "INSERT INTO counters (name, value) VALUES (:name, :count)"
    " ON CONFLICT (name) DO UPDATE SET value = counters.value + :count RETURNING value"
)


def next_values(rows: Rows, name: str, count: int) -> int:
    """The first of ``count`` (one at least) values behind each other."""
    row = rows.first(_MANY, {"name": name, "count": count})
    assert row is not None  # noqa: S101 - an upsert with RETURNING gives one row
    return int(row.value) - count + 1
