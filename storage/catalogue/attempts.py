"""Guesses of secrets, counted by an opaque subject."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, Table, bindparam, delete, func, insert, select

from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows

attempts = Table(
    "attempts",
    metadata,
    Column("number", Counted, primary_key=True, autoincrement=True),
    Column("subject", LargeBinary, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_attempts_subject_at", "subject", "at"),
    Index("ix_attempts_at", "at"),
)

_ADD = insert(attempts)
_COUNT = (
    select(func.count())
    .select_from(attempts)
    .where(attempts.c.subject == bindparam("its_subject"), attempts.c.at >= bindparam("since"))
)
_FORGET = delete(attempts).where(attempts.c.subject == bindparam("its_subject"))
_TAKE_BACK = delete(attempts).where(
    attempts.c.number
    == select(func.max(attempts.c.number))
    .where(attempts.c.subject == bindparam("its_subject"), attempts.c.at == bindparam("its_at"))
    .scalar_subquery()
)
_FORGET_BEFORE = delete(attempts).where(attempts.c.at < bindparam("before"))
_FORGET_AFTER = delete(attempts).where(attempts.c.at > bindparam("after"))


class SqlAttemptShelf:
    """``vault.shelves.AttemptShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, subject: bytes, *, at: datetime) -> None:
        self._rows.run(_ADD, {"subject": subject, "at": at})

    def count(self, subject: bytes, *, since: datetime) -> int:
        row = self._rows.first(_COUNT, {"its_subject": subject, "since": since})
        return 0 if row is None else int(row[0])

    def take_back(self, subject: bytes, *, at: datetime) -> None:
        self._rows.run(_TAKE_BACK, {"its_subject": subject, "its_at": at})

    def forget(self, subject: bytes) -> None:
        self._rows.run(_FORGET, {"its_subject": subject})

    def forget_before(self, before: datetime) -> None:
        self._rows.run(_FORGET_BEFORE, {"before": before})

    def forget_after(self, after: datetime) -> None:
        self._rows.run(_FORGET_AFTER, {"after": after})
