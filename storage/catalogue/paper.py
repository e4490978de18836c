"""Paper originals: one a record at most.

Rule 1: what was destroyed stays so, and nothing of it is changed any more; a row is never deleted. Triggers keep this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from storage.catalogue.fonds import fonds, fonds_column, leaf_of
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.rows import Rows, Values
from vault.errors import NotFound
from vault.ids import FondsId, PaperId, PersonId, RecordId
from vault.paper import Paper, PaperMethod, PaperState

AT_ONCE: Final = 500

papers = Table(
    "papers",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("record_id", Text, ForeignKey("records.id"), nullable=False, unique=True),
    Column("box", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("extent", Counted, nullable=False),
    Column("leaf", Counted, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("revision", Counted, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("method", Text),
    Column("weight_grams", Counted),
    Column("destroyed_by", Text),
    Column("destroyed_at", UtcDateTime),
    Column("change", Counted, nullable=False),
    one_of("state", PaperState),
    CheckConstraint("method IS NULL OR method IN ('shredding', 'pulping', 'incineration')", name="method"),
    CheckConstraint("leaf BETWEEN 0 AND 63", name="leaf"),
    CheckConstraint("revision >= 1", name="revision"),
    CheckConstraint("weight_grams IS NULL OR weight_grams >= 1", name="weight"),
    CheckConstraint(
        "(state = 'destroyed') = (method IS NOT NULL) AND (method IS NULL) = (weight_grams IS NULL)"
        " AND (method IS NULL) = (destroyed_by IS NULL) AND (method IS NULL) = (destroyed_at IS NULL)",
        name="destroyed",
    ),
    Index("ix_papers_box", "box"),
)

_ADD = insert(papers)
_ALL = select(papers, fonds.c.tree_id).join(fonds, fonds.c.id == papers.c.fonds_id)
_wanted: Final[BindParameter[Any]] = bindparam("wanted", expanding=True)
_OF_RECORDS = _ALL.where(papers.c.record_id.in_(_wanted))
_IN_BOX = (
    _ALL.where(
        papers.c.fonds_id == bindparam("its_fonds"),
        papers.c.box == bindparam("its_box"),
        papers.c.id > bindparam("after"),
    )
    .order_by(papers.c.id)
    .limit(bindparam("at_most"))
)
_UPDATE = update(papers).where(papers.c.id == bindparam("its_id"))


def _changing(paper: Paper) -> Values:
    return {
        "box": paper.box,
        "state": paper.state.value,
        "extent": paper.leaf.extent,
        "leaf": paper.leaf.leaf,
        "sealed": paper.sealed,
        "revision": paper.revision,
        "method": paper.method.value if paper.method else None,
        "weight_grams": paper.weight_grams,
        "destroyed_by": paper.destroyed_by,
        "destroyed_at": paper.destroyed_at,
        "change": paper.change,
    }


def _paper_of(row: Row[Any]) -> Paper:
    return Paper(
        id=PaperId(row.id),
        fonds_id=FondsId(row.fonds_id),
        record_id=RecordId(row.record_id),
        box=row.box,
        state=PaperState(row.state),
        leaf=leaf_of(row),
        sealed=bytes(row.sealed),
        revision=row.revision,
        added_by=PersonId(row.added_by),
        added_at=row.added_at,
        method=PaperMethod(row.method) if row.method else None,
        weight_grams=row.weight_grams,
        destroyed_by=PersonId(row.destroyed_by) if row.destroyed_by else None,
        destroyed_at=row.destroyed_at,
        change=row.change,
    )


class SqlPaperShelf:
    """``vault.shelves.PaperShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, paper: Paper) -> None:
        fixed = {
            "id": paper.id,
            "fonds_id": paper.fonds_id,
            "record_id": paper.record_id,
            "added_by": paper.added_by,
            "added_at": paper.added_at,
        }
        self._rows.run(_ADD, {**fixed, **_changing(paper)})

    def update(self, paper: Paper) -> None:
        if self._rows.run(_UPDATE, {"its_id": paper.id, **_changing(paper)}) != 1:
            raise NotFound(f"paper original {paper.id} is not in the catalogue")

    def of_record(self, record_id: RecordId) -> Paper | None:
        return self.of_records([record_id]).get(record_id)

    def of_records(self, record_ids: Sequence[RecordId]) -> Mapping[RecordId, Paper]:
        return {
            RecordId(row.record_id): _paper_of(row)
            for start in range(0, len(record_ids), AT_ONCE)
            for row in self._rows.all(_OF_RECORDS, {"wanted": record_ids[start : start + AT_ONCE]})
        }

    def in_box(self, fonds_id: FondsId, box: str, *, after: str = "", limit: int = 500) -> Sequence[Paper]:
        rows = self._rows.all(_IN_BOX, {"its_fonds": fonds_id, "its_box": box, "after": after, "at_most": limit})
        return [_paper_of(row) for row in rows]
