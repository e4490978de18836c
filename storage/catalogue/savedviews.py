"""Saved views: a person's own, never changed, removed when they are not wanted any more."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Text, bindparam, delete, insert, select

from storage.catalogue.fonds import fonds_column
from storage.catalogue.metadata import UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.ids import FondsId, PersonId, ViewId
from vault.savedviews import SavedView

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_saved_views_person_id_created_at_id", "person_id", "created_at", "id"),
)

_ADD = insert(saved_views)
_OF_PERSON = (
    select(saved_views)
    .where(saved_views.c.person_id == bindparam("its_person"))
    .order_by(saved_views.c.created_at, saved_views.c.id)
)
_REMOVE = delete(saved_views).where(
    saved_views.c.id == bindparam("its_id"), saved_views.c.person_id == bindparam("its_person")
)


class SqlSavedViewShelf:
    """``vault.shelves.SavedViewShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, view: SavedView) -> None:
        self._rows.run(
            _ADD,
            {
                "id": view.id,
                "fonds_id": view.fonds_id,
                "person_id": view.person_id,
                "sealed": view.sealed,
                "created_at": view.created_at,
            },
        )

    def of_person(self, person_id: PersonId) -> Sequence[SavedView]:
        return [
            SavedView(
                id=ViewId(row.id),
                fonds_id=FondsId(row.fonds_id),
                person_id=PersonId(row.person_id),
                sealed=bytes(row.sealed),
                created_at=row.created_at,
            )
            for row in self._rows.all(_OF_PERSON, {"its_person": person_id})
        ]

    def remove(self, person_id: PersonId, view_id: ViewId) -> bool:
        return self._rows.run(_REMOVE, {"its_id": view_id, "its_person": person_id}) == 1
