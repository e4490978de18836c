"""Extents and the blocks that they are taken from. Leaves only go up: no leaf is issued twice.

Each taking is one UPDATE: it locks the row, and the database looks at the condition again once it has the lock.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import CheckConstraint, Column, Index, Table, Text, bindparam, func, insert, select, text, update

from storage.catalogue.fonds import fonds_column
from storage.catalogue.metadata import Counted, metadata
from storage.catalogue.rows import Rows
from vault.fonds import Extent
from vault.ids import FondsId

blocks = Table(
    "blocks",
    metadata,
    fonds_column(primary_key=True),
    Column("block", Counted, primary_key=True, autoincrement=False),
    Column("first_extent", Counted, nullable=False),
    Column("extent_count", Counted, nullable=False),
    Column("next_extent", Counted, nullable=False),
    Index("uq_blocks_first_extent", "fonds_id", "first_extent", unique=True),
    CheckConstraint("block >= 0 AND first_extent >= 0 AND extent_count > 0", name="range"),
    CheckConstraint("next_extent BETWEEN first_extent AND first_extent + extent_count", name="next_extent"),
)

extents = Table(
    "extents",
    metadata,
    fonds_column(primary_key=True),
    Column("number", Counted, primary_key=True, autoincrement=False),
    Column("owner", Text, nullable=False),
    Column("next_leaf", Counted, nullable=False),
    Index("ix_extents_owner", "fonds_id", "owner", "number"),
    CheckConstraint("number BETWEEN 0 AND 1073741823", name="number"),
    CheckConstraint("next_leaf BETWEEN 0 AND 64", name="next_leaf"),
)

_other = extents.alias("other")
_NEWEST_OF_OWNER = (
    select(func.max(_other.c.number))
    .where(_other.c.fonds_id == bindparam("its_fonds"), _other.c.owner == bindparam("its_owner"))
    .scalar_subquery()
)
_ISSUE_LEAF = (
    update(extents)
    .where(
        extents.c.fonds_id == bindparam("its_fonds"),
        extents.c.number == _NEWEST_OF_OWNER,
        extents.c.next_leaf < 64,
    )
    .values(next_leaf=extents.c.next_leaf + 1)
    .returning(extents.c.number, (extents.c.next_leaf - 1).label("issued"))
)

_earlier = blocks.alias("earlier")
_NEWEST_BLOCK = select(func.max(_earlier.c.block)).where(_earlier.c.fonds_id == bindparam("its_fonds"))
_TAKE_EXTENT = (
    update(blocks)
    .where(
        blocks.c.fonds_id == bindparam("its_fonds"),
        blocks.c.block == _NEWEST_BLOCK.scalar_subquery(),
        blocks.c.next_extent < blocks.c.first_extent + blocks.c.extent_count,
    )
    .values(next_extent=blocks.c.next_extent + 1)
    .returning((blocks.c.next_extent - 1).label("taken"))
)
_ADD_EXTENT = insert(extents)
_ADD_BLOCK = insert(blocks)
_RETIRE_ALL = update(extents).where(extents.c.fonds_id == bindparam("its_fonds")).values(next_leaf=64)
_RETIRE_BLOCKS = (
    update(blocks)
    .where(blocks.c.fonds_id == bindparam("its_fonds"))
    .values(next_extent=blocks.c.first_extent + blocks.c.extent_count)
)
_RETIRE = text(
    "INSERT INTO extents (fonds_id, number, owner, next_leaf) VALUES (:fonds_id, :number, :owner, 64)"
    " ON CONFLICT (fonds_id, number) DO UPDATE SET next_leaf = 64"
)
_OF_OWNER = (
    select(extents)
    .where(extents.c.fonds_id == bindparam("its_fonds"), extents.c.owner == bindparam("its_owner"))
    .order_by(extents.c.number)
)


class SqlExtentShelf:
    """``vault.shelves.ExtentShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def issue_leaf(self, fonds_id: FondsId, owner: str) -> tuple[int, int] | None:
        row = self._rows.first(_ISSUE_LEAF, {"its_fonds": fonds_id, "its_owner": owner})
        return None if row is None else (row.number, row.issued)

    def add_extent(self, fonds_id: FondsId, owner: str) -> tuple[int, int] | None:
        row = self._rows.first(_TAKE_EXTENT, {"its_fonds": fonds_id})
        if row is None:
            return None
        self._rows.run(_ADD_EXTENT, {"fonds_id": fonds_id, "number": row.taken, "owner": owner, "next_leaf": 1})
        return row.taken, 0

    def add_block(self, fonds_id: FondsId, block: int, *, first_extent: int, extent_count: int) -> None:
        self._rows.run(
            _ADD_BLOCK,
            {
                "fonds_id": fonds_id,
                "block": block,
                "first_extent": first_extent,
                "extent_count": extent_count,
                "next_extent": first_extent,
            },
        )

    def newest_block(self, fonds_id: FondsId) -> int | None:
        row = self._rows.first(_NEWEST_BLOCK, {"its_fonds": fonds_id})
        return None if row is None else row[0]

    def retire_all(self, fonds_id: FondsId) -> None:
        self._rows.run(_RETIRE_ALL, {"its_fonds": fonds_id})
        self._rows.run(_RETIRE_BLOCKS, {"its_fonds": fonds_id})

    def retire(self, fonds_id: FondsId, number: int, owner: str) -> None:
        self._rows.run(_RETIRE, {"fonds_id": fonds_id, "number": number, "owner": owner})

    def of_owner(self, fonds_id: FondsId, owner: str) -> Sequence[Extent]:
        return [
            Extent(fonds_id=FondsId(row.fonds_id), number=row.number, owner=row.owner, next_leaf=row.next_leaf)
            for row in self._rows.all(_OF_OWNER, {"its_fonds": fonds_id, "its_owner": owner})
        ]
