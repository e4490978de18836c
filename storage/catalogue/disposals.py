"""Disposal lists: where each stands. What stands on them is in ``disposalitems.py``.

Rule 1: a list moves along the states of ``vault.disposal``; it is approved when every item is decided and all have
signed, executed after its window and with all supervisors. Triggers and constraints keep this rule.
Rule 2: a list names its destruction by id only: a catalogue made again from the store has lists of destructions that it
never saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    insert,
    select,
    update,
)

from storage.catalogue.counters import next_value
from storage.catalogue.disposalitems import SqlDisposalItems
from storage.catalogue.fonds import fonds, fonds_column, leaf_of, leaf_values
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.objects import leaf_columns
from storage.catalogue.rows import Values
from vault.disposal import DisposalList, ListState
from vault.disposition import Ground
from vault.errors import NotFound
from vault.ids import BatchId, FondsId, ListId, PersonId

disposal_lists = Table(
    "disposal_lists",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("number", Text, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("rule_version", Counted, nullable=False),
    Column("ground", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("automatic", Boolean, nullable=False),
    *leaf_columns(),
    Column("sealed", LargeBinary, nullable=False),
    Column("revision", Counted, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("approvers", Counted, nullable=False),
    Column("supervisors", Counted, nullable=False),
    Column("due_until", Date),
    Column("window_until", UtcDateTime),
    Column("approved_at", UtcDateTime),
    Column("executed_at", UtcDateTime),
    Column("batch_id", Text, unique=True),
    Column("closed_at", UtcDateTime),
    Column("change", Counted, nullable=False, unique=True),
    UniqueConstraint("fonds_id", "number"),
    Index("uq_disposal_lists_leaf", "fonds_id", "extent", "leaf", unique=True),
    Index("ix_disposal_lists_state_number", "state", "number"),
    one_of("state", ListState),
    one_of("ground", Ground),
    CheckConstraint("revision >= 1 AND rule_version >= 1", name="revision"),
    CheckConstraint("approvers >= 1 AND supervisors IN (0, 2)", name="signing"),
    CheckConstraint("NOT automatic OR (ground = 'due' AND supervisors = 0 AND approvers = 1)", name="automatic"),
    CheckConstraint("(ground = 'due') = (due_until IS NOT NULL)", name="due"),
    CheckConstraint(
        "(state <> 'proposed' OR approved_at IS NULL)"
        " AND (state NOT IN ('approved', 'executing') OR approved_at IS NOT NULL)",
        name="approved",
    ),
    CheckConstraint(
        "(executed_at IS NULL) = (batch_id IS NULL) AND (state <> 'executing' OR batch_id IS NOT NULL)"
        " AND (batch_id IS NULL OR (approved_at IS NOT NULL AND state IN ('executing', 'done')))",
        name="executed",
    ),
    CheckConstraint("executed_at IS NULL OR window_until IS NULL OR executed_at >= window_until", name="window"),
    CheckConstraint("(closed_at IS NOT NULL) = (state IN ('done', 'cancelled'))", name="closed"),
)

_ALL = select(disposal_lists, fonds.c.tree_id).join(fonds, fonds.c.id == disposal_lists.c.fonds_id)
_ADD = insert(disposal_lists).values(
    fonds_id=select(fonds.c.id)
    .where(fonds.c.id == bindparam("its_fonds"), fonds.c.tree_id == bindparam("its_tree"))
    .scalar_subquery()
)
_UPDATE = update(disposal_lists).where(disposal_lists.c.id == bindparam("its_id"))
_GET = _ALL.where(disposal_lists.c.id == bindparam("its_id"))
_GET_FOR_UPDATE = _GET.with_for_update(of=disposal_lists)
_BY_NUMBER = _ALL.where(
    disposal_lists.c.fonds_id == bindparam("its_fonds"), disposal_lists.c.number == bindparam("its_number")
)
_PAGE = (
    _ALL.where(disposal_lists.c.fonds_id == bindparam("its_fonds"), disposal_lists.c.number < bindparam("before"))
    .order_by(disposal_lists.c.number.desc())
    .limit(bindparam("at_most"))
)
_PAGE_OF_STATE = _PAGE.where(disposal_lists.c.state == bindparam("its_state"))
_OF_CLASSES = disposal_lists.c.class_code.in_(bindparam("its_classes", expanding=True))
_PAGES = {
    (of_state, of_classes): page.where(_OF_CLASSES) if of_classes else page
    for of_state, page in ((False, _PAGE), (True, _PAGE_OF_STATE))
    for of_classes in (False, True)
}
_AUTOMATIC_OPEN = _ALL.where(
    disposal_lists.c.fonds_id == bindparam("its_fonds"),
    disposal_lists.c.state == "approved",
    disposal_lists.c.automatic,
).order_by(disposal_lists.c.number)
_OF_BATCH = _ALL.where(disposal_lists.c.batch_id == bindparam("its_batch"))
_CHANGED_SINCE = (
    _ALL.where(disposal_lists.c.change > bindparam("after_change"))
    .order_by(disposal_lists.c.change)
    .limit(bindparam("at_most"))
)
_AFTER_ALL: Final = "E"
"""Sorts behind every number of a list."""


class SqlDisposalShelf(SqlDisposalItems):
    """``vault.shelves.DisposalShelf`` in SQL."""

    __slots__ = ()

    def next_number(self, fonds_id: FondsId, year: int) -> str:
        return f"D-{year:04d}-{next_value(self._rows, f'disposal/{fonds_id}/{year:04d}'):04d}"

    def add(self, disposal: DisposalList) -> None:
        values = {
            **_values(disposal),
            **leaf_values(disposal.leaf),
            "id": disposal.id,
            "its_fonds": disposal.fonds_id,
            "number": disposal.number,
            "class_code": disposal.class_code,
            "rule_version": disposal.rule_version,
            "ground": disposal.ground.value,
            "automatic": disposal.automatic,
            "proposed_by": disposal.proposed_by,
            "proposed_at": disposal.proposed_at,
            "approvers": disposal.approvers,
            "supervisors": disposal.supervisors,
        }
        self._rows.run(_ADD, values)

    def update(self, disposal: DisposalList) -> None:
        if self._rows.run(_UPDATE, {"its_id": disposal.id, **_values(disposal)}) != 1:
            raise NotFound(f"disposal list {disposal.number} is not in the catalogue")

    def get(self, list_id: ListId, *, for_update: bool = False) -> DisposalList | None:
        row = self._rows.first(_GET_FOR_UPDATE if for_update else _GET, {"its_id": list_id})
        return None if row is None else _list_of(row)

    def by_number(self, fonds_id: FondsId, number: str) -> DisposalList | None:
        row = self._rows.first(_BY_NUMBER, {"its_fonds": fonds_id, "its_number": number})
        return None if row is None else _list_of(row)

    def page(
        self,
        fonds_id: FondsId,
        *,
        state: ListState | None = None,
        classes: frozenset[str] | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[DisposalList]:
        values = {
            "its_fonds": fonds_id,
            "before": _AFTER_ALL if before is None else before,
            "at_most": limit,
            **({} if state is None else {"its_state": state.value}),
            **({} if classes is None else {"its_classes": sorted(classes)}),
        }
        return [_list_of(row) for row in self._rows.all(_PAGES[state is not None, classes is not None], values)]

    def automatic_open(self, fonds_id: FondsId) -> Sequence[DisposalList]:
        return [_list_of(row) for row in self._rows.all(_AUTOMATIC_OPEN, {"its_fonds": fonds_id})]

    def of_batch(self, batch_id: BatchId) -> DisposalList | None:
        row = self._rows.first(_OF_BATCH, {"its_batch": batch_id})
        return None if row is None else _list_of(row)

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[DisposalList]:
        rows = self._rows.all(_CHANGED_SINCE, {"after_change": change, "at_most": limit})
        return [_list_of(row) for row in rows]


def _values(disposal: DisposalList) -> Values:
    """What of a list may change."""
    return {
        "state": disposal.state.value,
        "sealed": disposal.sealed,
        "revision": disposal.revision,
        "due_until": disposal.due_until,
        "window_until": disposal.window_until,
        "approved_at": disposal.approved_at,
        "executed_at": disposal.executed_at,
        "batch_id": disposal.batch_id,
        "closed_at": disposal.closed_at,
        "change": disposal.change,
    }


def _list_of(row: Row[Any]) -> DisposalList:
    return DisposalList(
        id=ListId(row.id),
        fonds_id=FondsId(row.fonds_id),
        number=row.number,
        class_code=row.class_code,
        rule_version=row.rule_version,
        ground=Ground(row.ground),
        state=ListState(row.state),
        automatic=row.automatic,
        leaf=leaf_of(row),
        sealed=row.sealed,
        revision=row.revision,
        proposed_by=PersonId(row.proposed_by),
        proposed_at=row.proposed_at,
        approvers=row.approvers,
        supervisors=row.supervisors,
        due_until=row.due_until,
        window_until=row.window_until,
        approved_at=row.approved_at,
        executed_at=row.executed_at,
        batch_id=None if row.batch_id is None else BatchId(row.batch_id),
        closed_at=row.closed_at,
        change=row.change,
    )
