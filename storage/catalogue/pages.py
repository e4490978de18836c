"""Pages of the key trees, sealed: the newest of each node, and no other.

Rule 1: a page is written, replaced or removed by the batch that is being carried out, which its generation names.
A trigger keeps this rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Table,
    bindparam,
    delete,
    func,
    select,
    text,
    tuple_,
)

from storage.catalogue.fonds import fonds_column
from storage.catalogue.metadata import Counted, metadata
from storage.catalogue.rows import Rows
from vault.ids import FondsId
from vault.seal.pages import Place

CHUNK: Final = 1000
"""Rows a statement."""

pages = Table(
    "pages",
    metadata,
    fonds_column(primary_key=True),
    Column("level", Counted, primary_key=True, autoincrement=False),
    Column("number", Counted, primary_key=True, autoincrement=False),
    Column("generation", Counted, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    CheckConstraint("level BETWEEN 0 AND 5 AND number >= 0", name="place"),
    CheckConstraint("generation >= 2", name="generation"),
    CheckConstraint("length(sealed) = 2140", name="sealed"),
    Index("ix_pages_generation", "fonds_id", "generation"),
)

_ONE = select(pages.c.sealed).where(
    pages.c.fonds_id == bindparam("its_fonds"),
    pages.c.level == bindparam("its_level"),
    pages.c.number == bindparam("its_number"),
)
_OF_GENERATION = select(pages.c.level, pages.c.number, pages.c.sealed).where(
    pages.c.fonds_id == bindparam("its_fonds"), pages.c.generation == bindparam("its_generation")
)
_AFTER = (
    select(pages.c.level, pages.c.number, pages.c.sealed)
    .where(
        pages.c.fonds_id == bindparam("its_fonds"),
        tuple_(pages.c.level, pages.c.number)
        > tuple_(bindparam("after_level", type_=Counted), bindparam("after_number", type_=Counted)),
    )
    .order_by(pages.c.level, pages.c.number)
    .limit(CHUNK)
)
_WRITE = text(
    "INSERT INTO pages (fonds_id, level, number, generation, sealed)"
    " VALUES (:fonds_id, :level, :number, :generation, :sealed)"
    " ON CONFLICT (fonds_id, level, number)"
    " DO UPDATE SET generation = excluded.generation, sealed = excluded.sealed"
)
_REMOVE = delete(pages).where(
    pages.c.fonds_id == bindparam("its_fonds"),
    pages.c.level == bindparam("its_level"),
    pages.c.number == bindparam("its_number"),
)
_COUNT = select(func.count()).select_from(pages).where(pages.c.fonds_id == bindparam("its_fonds"))


class SqlPages:
    """The half of ``vault.shelves.TreeShelf`` that is about pages; ``trees.py`` has the other."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def page(self, fonds_id: FondsId, level: int, number: int) -> bytes | None:
        row = self._rows.first(_ONE, {"its_fonds": fonds_id, "its_level": level, "its_number": number})
        return None if row is None else row.sealed

    def pages_of_generation(self, fonds_id: FondsId, generation: int) -> dict[Place, bytes]:
        rows = self._rows.all(_OF_GENERATION, {"its_fonds": fonds_id, "its_generation": generation})
        return {Place(row.level, row.number): row.sealed for row in rows}

    def pages(self, fonds_id: FondsId) -> Iterator[tuple[Place, bytes]]:
        after = Place(-1, 0)
        while rows := self._rows.all(
            _AFTER, {"its_fonds": fonds_id, "after_level": after.level, "after_number": after.number}
        ):
            for row in rows:
                yield Place(row.level, row.number), row.sealed
            after = Place(rows[-1].level, rows[-1].number)

    def page_count(self, fonds_id: FondsId) -> int:
        row = self._rows.first(_COUNT, {"its_fonds": fonds_id})
        return 0 if row is None else int(row[0])

    def write_pages(
        self, fonds_id: FondsId, generation: int, pages: Mapping[Place, bytes], removed: Iterable[Place]
    ) -> None:
        self._rows.run_many(
            _REMOVE,
            [
                {"its_fonds": fonds_id, "its_level": place.level, "its_number": place.number}
                for place in sorted(removed)
            ],
        )
        places = sorted(pages)
        for start in range(0, len(places), CHUNK):
            self._rows.run_many(
                _WRITE,
                [
                    {
                        "fonds_id": fonds_id,
                        "level": place.level,
                        "number": place.number,
                        "generation": generation,
                        "sealed": pages[place],
                    }
                    for place in places[start : start + CHUNK]
                ],
            )
