"""One-time links by which somebody chooses a new password, known by their SHA-256 only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from storage.catalogue.metadata import UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.ids import PersonId
from vault.resets import Reset

resets = Table(
    "resets",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False, index=True),
    Column("offered_by", Text, nullable=False),
    Column("drops_factors", Boolean, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
    CheckConstraint("length(token_sha256) = 32", name="token_sha256"),
    CheckConstraint("offered_by <> person_id", name="two_people"),
)

_ADD = insert(resets)
_GET = select(resets).where(resets.c.token_sha256 == bindparam("its_token"))
_USE = (
    update(resets)
    .where(
        resets.c.token_sha256 == bindparam("its_token"),
        resets.c.used_at.is_(None),
        resets.c.expires_at > bindparam("now"),
    )
    .values(used_at=bindparam("now"))
)
_WITHDRAW = (
    update(resets)
    .where(resets.c.person_id == bindparam("its_person"), resets.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
)


class SqlResetShelf:
    """``vault.shelves.ResetShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, reset: Reset) -> None:
        self._rows.run(
            _ADD,
            {
                "token_sha256": reset.token_sha256,
                "person_id": reset.person_id,
                "offered_by": reset.offered_by,
                "drops_factors": reset.drops_factors,
                "expires_at": reset.expires_at,
                "used_at": reset.used_at,
            },
        )

    def get(self, token_sha256: bytes) -> Reset | None:
        row = self._rows.first(_GET, {"its_token": token_sha256})
        return None if row is None else _reset_of(row)

    def use(self, token_sha256: bytes, *, now: datetime) -> bool:
        return self._rows.run(_USE, {"its_token": token_sha256, "now": now}) == 1

    def withdraw(self, person_id: PersonId, *, now: datetime) -> None:
        self._rows.run(_WITHDRAW, {"its_person": person_id, "now": now})


def _reset_of(row: Row[Any]) -> Reset:
    return Reset(
        token_sha256=row.token_sha256,
        person_id=PersonId(row.person_id),
        offered_by=PersonId(row.offered_by),
        drops_factors=row.drops_factors,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )
