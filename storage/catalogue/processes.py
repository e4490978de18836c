"""Processes that may own intents, and when each was seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Table, Text, bindparam, delete, select, text

from storage.catalogue.metadata import UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.ids import ProcessId

processes = Table(
    "processes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

_BEAT = text(
    "INSERT INTO processes (id, description, seen_at) VALUES (:id, :description, :seen_at)"
    " ON CONFLICT (id) DO UPDATE SET description = excluded.description, seen_at = excluded.seen_at"
).bindparams(bindparam("seen_at", type_=UtcDateTime))
_ALL = select(processes).order_by(processes.c.id)
_END = delete(processes).where(processes.c.id == bindparam("its_id"))


class SqlProcessShelf:
    """``vault.shelves.ProcessShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def beat(self, process_id: ProcessId, *, description: str, now: datetime) -> None:
        self._rows.run(_BEAT, {"id": process_id, "description": description, "seen_at": now})

    def all(self) -> Sequence[tuple[ProcessId, str, datetime]]:
        return [(ProcessId(row.id), row.description, row.seen_at) for row in self._rows.all(_ALL)]

    def end(self, process_id: ProcessId) -> None:
        self._rows.run(_END, {"its_id": process_id})
