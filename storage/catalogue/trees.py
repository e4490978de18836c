"""How far each key tree has come: one row a fonds, which only a destruction batch moves on.

Rule 1: this row's lock serialises batches, and whatever has to come before or behind them as a whole.
Rule 2: a tree goes from one generation to the next, to one that a batch names. A trigger keeps this rule.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, LargeBinary, Table, bindparam, insert, select, update

from storage.catalogue.fonds import fonds, fonds_column
from storage.catalogue.metadata import Counted, metadata
from storage.catalogue.pages import SqlPages
from storage.catalogue.rows import Rows
from vault.destruction import TreeState
from vault.errors import Conflict
from vault.ids import FondsId

trees = Table(
    "trees",
    metadata,
    fonds_column(primary_key=True),
    Column("generation", Counted, nullable=False),
    Column("attempt", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    CheckConstraint("generation >= 1", name="generation"),
    CheckConstraint("length(attempt) = 16 AND length(digest) = 32", name="lengths"),
)

_ADD = insert(trees)
_GET = (
    select(trees, fonds.c.tree_id)
    .join(fonds, fonds.c.id == trees.c.fonds_id)
    .where(trees.c.fonds_id == bindparam("its_fonds"))
)
_GET_FOR_UPDATE = _GET.with_for_update(of=trees)
_ADVANCE = (
    update(trees)
    .where(trees.c.fonds_id == bindparam("its_fonds"), trees.c.generation == bindparam("its_generation") - 1)
    .values(generation=bindparam("its_generation"), attempt=bindparam("its_attempt"), digest=bindparam("its_digest"))
)


class SqlTreeShelf(SqlPages):
    """``vault.shelves.TreeShelf`` in SQL."""

    __slots__ = ()

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)

    def add(self, fonds_id: FondsId, state: TreeState) -> None:
        self._rows.run(
            _ADD,
            {
                "fonds_id": fonds_id,
                "generation": state.generation,
                "attempt": state.attempt,
                "digest": state.digest,
            },
        )

    def get(self, fonds_id: FondsId, *, for_update: bool = False) -> TreeState | None:
        row = self._rows.first(_GET_FOR_UPDATE if for_update else _GET, {"its_fonds": fonds_id})
        if row is None:
            return None
        return TreeState(tree_id=row.tree_id, generation=row.generation, attempt=row.attempt, digest=row.digest)

    def advance(self, fonds_id: FondsId, state: TreeState) -> None:
        changed = self._rows.run(
            _ADVANCE,
            {
                "its_fonds": fonds_id,
                "its_generation": state.generation,
                "its_attempt": state.attempt,
                "its_digest": state.digest,
            },
        )
        if changed != 1:
            raise Conflict(f"the key tree is not at generation {state.generation - 1} any more; begin again")
