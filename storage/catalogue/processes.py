"""Processes that may own intents and hold keys, when each was seen, and which generation of keys it serves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Table, Text, bindparam, delete, select, text

from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.ids import ProcessId

processes = Table(
    "processes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("generation", Counted, nullable=False, server_default="0"),
)

_BEAT = text(
    "INSERT INTO processes (id, description, seen_at, generation) VALUES (:id, :description, :seen_at, :generation)"
    " ON CONFLICT (id) DO UPDATE SET description = excluded.description, seen_at = excluded.seen_at,"
    " generation = excluded.generation"
).bindparams(bindparam("seen_at", type_=UtcDateTime))
_ALL = select(processes).order_by(processes.c.id)
_BEHIND = select(processes).where(processes.c.generation < bindparam("wanted")).order_by(processes.c.id)
_END = delete(processes).where(processes.c.id == bindparam("its_id"))


class SqlProcessShelf:
    """``vault.shelves.ProcessShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def beat(self, process_id: ProcessId, *, description: str, now: datetime, generation: int = 0) -> None:
        values = {"id": process_id, "description": description, "seen_at": now, "generation": generation}
        self._rows.run(_BEAT, values)

    def all(self) -> Sequence[tuple[ProcessId, str, datetime]]:
        return [(ProcessId(row.id), row.description, row.seen_at) for row in self._rows.all(_ALL)]

    def behind(self, generation: int) -> Sequence[tuple[ProcessId, str, datetime]]:
        rows = self._rows.all(_BEHIND, {"wanted": generation})
        return [(ProcessId(row.id), row.description, row.seen_at) for row in rows]

    def end(self, process_id: ProcessId) -> None:
        self._rows.run(_END, {"its_id": process_id})
