"""Sealed metadata objects that still have to reach the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, LargeBinary, Table, Text, bindparam, delete, func, insert, select, text

from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows

outbox = Table(
    "outbox",
    metadata,
    Column("number", Counted, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

_ADD = insert(outbox)
_PENDING = select(outbox).order_by(outbox.c.number).limit(bindparam("at_most"))
_SENT = delete(outbox).where(outbox.c.number == bindparam("its_number"))
_WAITING = select(outbox.c.body).where(outbox.c.key == bindparam("its_key"))
_REGISTERED = text("SELECT value FROM counters WHERE name = 'registered'")
# The row is there from the first register on; of two who write the same one, the second changes nothing.
_FIRST_REGISTER = text("INSERT INTO counters (name, value) VALUES ('registered', 0) ON CONFLICT (name) DO NOTHING")
_REGISTER = text("UPDATE counters SET value = :to WHERE name = 'registered' AND value = :since")
_LAG = select(func.count(outbox.c.number).label("waiting"), func.min(outbox.c.at).label("oldest"))


class SqlOutboxShelf:
    """``vault.shelves.OutboxShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, key: str, body: bytes, *, at: datetime) -> None:
        self._rows.run(_ADD, {"key": key, "body": body, "at": at})

    def pending(self, *, limit: int = 100) -> Sequence[tuple[int, str, bytes]]:
        return [(row.number, row.key, row.body) for row in self._rows.all(_PENDING, {"at_most": limit})]

    def sent(self, number: int) -> None:
        self._rows.run(_SENT, {"its_number": number})

    def waiting(self, key: str) -> bytes | None:
        row = self._rows.first(_WAITING, {"its_key": key})
        return None if row is None else bytes(row.body)

    def registered(self) -> int:
        row = self._rows.first(_REGISTERED)
        return 0 if row is None else int(row.value)

    def register(self, key: str, body: bytes, *, since: int, to: int, at: datetime) -> bool:
        self._rows.run(_FIRST_REGISTER)
        if self._rows.run(_REGISTER, {"since": since, "to": to}) != 1:
            return False
        self.add(key, body, at=at)
        return True

    def lag(self) -> tuple[int, datetime | None]:
        row = self._rows.first(_LAG)
        return (0, None) if row is None else (int(row.waiting), row.oldest)
