"""Recent searches: one sealed row a person, written over."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, Text, bindparam, delete, insert, select

from storage.catalogue.fonds import fonds_column
from storage.catalogue.metadata import metadata
from storage.catalogue.rows import Rows
from vault.ids import FondsId, PersonId
from vault.recentsearches import SealedSearches

recent_searches = Table(
    "recent_searches",
    metadata,
    Column("person_id", Text, ForeignKey("people.id"), primary_key=True),
    fonds_column(),
    Column("sealed", LargeBinary, nullable=False),
)

_ADD = insert(recent_searches)
_OF_PERSON = select(recent_searches).where(recent_searches.c.person_id == bindparam("its_person"))
_REMOVE = delete(recent_searches).where(recent_searches.c.person_id == bindparam("its_person"))


class SqlRecentSearchShelf:
    """``vault.shelves.RecentSearchShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def of_person(self, person_id: PersonId) -> SealedSearches | None:
        row = self._rows.first(_OF_PERSON, {"its_person": person_id})
        if row is None:
            return None
        return SealedSearches(
            fonds_id=FondsId(row.fonds_id), person_id=PersonId(row.person_id), sealed=bytes(row.sealed)
        )

    def put(self, searches: SealedSearches) -> None:
        self._rows.run(_REMOVE, {"its_person": searches.person_id})
        self._rows.run(
            _ADD, {"person_id": searches.person_id, "fonds_id": searches.fonds_id, "sealed": searches.sealed}
        )
