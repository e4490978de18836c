"""Fonds, and what every table with a leaf address needs of them: the tree's id stands here only.

``generation`` is the one that a fonds began with and never changes; where its tree stands is in ``trees.py``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Row,
    ScalarSelect,
    Table,
    Text,
    bindparam,
    insert,
    select,
    text,
    update,
)

from storage.catalogue.counters import CHANGE, next_value
from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows, Values
from vault.fonds import Fonds
from vault.ids import FondsId, VaultId
from vault.seal.keytree import LeafAddress
from vault.seal.tree import FIRST_GENERATION

fonds = Table(
    "fonds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("vault_id", Text, nullable=False),
    Column("tree_id", LargeBinary, nullable=False, unique=True),
    Column("generation", Counted, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sealed_name", LargeBinary),
    CheckConstraint("length(tree_id) = 16", name="tree_id"),
    CheckConstraint("generation >= 0", name="generation"),
)

_ADD = insert(fonds)
_NAME = update(fonds).where(fonds.c.id == bindparam("its_id")).values(sealed_name=bindparam("its_name"))
_NAMED = text("SELECT value FROM counters WHERE name = 'named'")
_NAMED_AT = text(
    "INSERT INTO counters (name, value) VALUES ('named', :its_change)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_FIRST = select(fonds).order_by(fonds.c.created_at, fonds.c.id).limit(1)


def fonds_column(*, primary_key: bool = False) -> Column[str]:
    """The column that says which fonds a row belongs to."""
    return Column("fonds_id", Text, ForeignKey("fonds.id"), nullable=False, primary_key=primary_key)


def fonds_of_tree() -> ScalarSelect[str]:
    """The fonds whose tree an address stands in (bound as ``its_tree``); an unknown tree is refused as NULL."""
    return select(fonds.c.id).where(fonds.c.tree_id == bindparam("its_tree")).scalar_subquery()


def leaf_values(address: LeafAddress) -> Values:
    """An address as the values of its columns."""
    return {"its_tree": address.tree_id, "extent": address.extent, "leaf": address.leaf}


def leaf_of(row: Row[Any]) -> LeafAddress:
    """An address from a row that was joined with its fonds."""
    return LeafAddress(tree_id=row.tree_id, extent=row.extent, leaf=row.leaf)


class SqlFondsShelf:
    """``vault.shelves.FondsShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, fonds: Fonds) -> None:
        self._rows.run(
            _ADD,
            {
                "id": fonds.id,
                "vault_id": fonds.vault_id,
                "tree_id": fonds.tree_id,
                "generation": FIRST_GENERATION,
                "created_at": fonds.created_at,
                "sealed_name": fonds.sealed_name,
            },
        )

    def first(self) -> Fonds | None:
        row = self._rows.first(_FIRST)
        if row is None:
            return None
        return Fonds(
            id=FondsId(row.id),
            vault_id=VaultId(row.vault_id),
            tree_id=row.tree_id,
            created_at=row.created_at,
            sealed_name=row.sealed_name,
        )

    def name(self, fonds_id: FondsId, sealed_name: bytes) -> None:
        self._rows.run(_NAME, {"its_id": fonds_id, "its_name": sealed_name})
        self._rows.run(_NAMED_AT, {"its_change": next_value(self._rows, CHANGE)})

    def named(self) -> int:
        row = self._rows.first(_NAMED)
        return 0 if row is None else int(row.value)
