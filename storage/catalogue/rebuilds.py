"""Rebuilds of the catalogue, and who confirmed the holds after each. Two different people, by constraint."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Table, Text, bindparam, insert, select, text, update

from storage.catalogue.fonds import fonds_column
from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.errors import NotFound
from vault.fonds import Rebuild
from vault.ids import FondsId, PersonId

rebuilds = Table(
    "rebuilds",
    metadata,
    Column("number", Counted, primary_key=True, autoincrement=True),
    fonds_column(),
    Column("at", UtcDateTime, nullable=False),
    Column("first_by", Text),
    Column("first_at", UtcDateTime),
    Column("second_by", Text),
    Column("second_at", UtcDateTime),
    CheckConstraint("(first_by IS NULL) = (first_at IS NULL)", name="first"),
    CheckConstraint("(second_by IS NULL) = (second_at IS NULL)", name="second"),
    CheckConstraint("second_by IS NULL OR (first_by IS NOT NULL AND first_by <> second_by)", name="two_people"),
)

_ADD = insert(rebuilds)
_UNCONFIRMED = (
    select(rebuilds)
    .where(rebuilds.c.fonds_id == bindparam("its_fonds"), text("rebuilds.second_by IS NULL"))
    .order_by(rebuilds.c.number)
    .limit(1)
)
_FOR_UPDATE = _UNCONFIRMED.with_for_update()
_CONFIRM = update(rebuilds).where(rebuilds.c.number == bindparam("its_number"))


class SqlRebuildShelf:
    """``vault.shelves.RebuildShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, fonds_id: FondsId, *, at: datetime) -> None:
        self._rows.run(_ADD, {"fonds_id": fonds_id, "at": at})

    def unconfirmed(self, fonds_id: FondsId, *, for_update: bool = False) -> Rebuild | None:
        row = self._rows.first(_FOR_UPDATE if for_update else _UNCONFIRMED, {"its_fonds": fonds_id})
        if row is None:
            return None
        return Rebuild(
            number=row.number,
            fonds_id=FondsId(row.fonds_id),
            at=row.at,
            first_by=PersonId(row.first_by) if row.first_by else None,
            first_at=row.first_at,
            second_by=PersonId(row.second_by) if row.second_by else None,
            second_at=row.second_at,
        )

    def confirm(self, rebuild: Rebuild) -> None:
        values = {
            "its_number": rebuild.number,
            "first_by": rebuild.first_by,
            "first_at": rebuild.first_at,
            "second_by": rebuild.second_by,
            "second_at": rebuild.second_at,
        }
        if self._rows.run(_CONFIRM, values) != 1:
            raise NotFound("there is no such rebuild")
