"""The audit log: append-only, by trigger. Entries are numbered in the order in which they commit.

SQLite has one writer, so the next number is one above the highest. On PostgreSQL the number comes from a counter whose
row stays locked until the commit (``counters.py``); it is taken and the entry written in one statement.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Select,
    Table,
    Text,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)

from storage.catalogue.counters import AUDIT, counters
from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.audit import Entry, Event, NumberedEntry
from vault.errors import CatalogueBroken

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("number", Counted, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    CheckConstraint("number >= 1", name="number"),
    Index("ix_audit_entries_subject_number", "subject", "number"),
)

_ABOVE_THE_HIGHEST = select(func.coalesce(func.max(audit_entries.c.number), 0) + 1).scalar_subquery()
_APPEND_ON_SQLITE = insert(audit_entries).values(number=_ABOVE_THE_HIGHEST).returning(audit_entries.c.number)
_COUNTED = (
    update(counters)
    .where(counters.c.name == literal_column(f"'{AUDIT}'"))
    .values(value=counters.c.value + 1)
    .returning(counters.c.value)
    .cte("counted")
)
_APPEND_ON_POSTGRES = (
    insert(audit_entries).values(number=select(_COUNTED.c.value).scalar_subquery()).returning(audit_entries.c.number)
)


@cache
def _page(*, of_subject: bool, follows: bool) -> Select[Any]:
    statement = select(audit_entries)
    if of_subject:
        statement = statement.where(audit_entries.c.subject == bindparam("its_subject"))
    if follows:
        statement = statement.where(audit_entries.c.number < bindparam("before"))
    return statement.order_by(audit_entries.c.number.desc()).limit(bindparam("at_most"))


class SqlAuditShelf:
    """``vault.shelves.AuditShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def append(self, entry: Entry) -> int:
        row = self._rows.first(
            _APPEND_ON_POSTGRES if self._rows.on_postgres else _APPEND_ON_SQLITE,
            {
                "at": entry.at,
                "actor": entry.actor,
                "event": entry.event.value,
                "subject": entry.subject,
                "detail": json.dumps(dict(entry.detail), ensure_ascii=False, sort_keys=True, separators=(",", ":")),
            },
        )
        if row is None:
            raise CatalogueBroken("the audit log did not take an entry")
        return int(row.number)

    def page(
        self, *, subject: str | None = None, before: int | None = None, limit: int = 50
    ) -> Sequence[NumberedEntry]:
        values: dict[str, object] = {"at_most": limit}
        if subject is not None:
            values["its_subject"] = subject
        if before is not None:
            values["before"] = before
        return [
            NumberedEntry(
                number=row.number,
                entry=Entry(
                    at=row.at,
                    actor=row.actor,
                    event=Event(row.event),
                    subject=row.subject,
                    detail=json.loads(row.detail),
                ),
            )
            for row in self._rows.all(_page(of_subject=subject is not None, follows=before is not None), values)
        ]
