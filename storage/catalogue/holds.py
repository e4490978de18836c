"""Matters and what is in their scope. The tables are in ``holdtables.py``, what the store has in ``holdmirror.py``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Row,
    Text,
    and_,
    bindparam,
    case,
    distinct,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from storage.catalogue.counters import next_value
from storage.catalogue.fonds import fonds, leaf_of, leaf_values
from storage.catalogue.holdmirror import SqlHoldMirror
from storage.catalogue.holdtables import COLUMNS, HOLDING, by_all_kinds, matter_scopes, matters
from storage.catalogue.records import records
from storage.catalogue.rows import Values
from storage.catalogue.versions import versions
from vault.errors import NotFound
from vault.holds import Coverage, Matter, MatterRef, MatterState, ScopeItem, ScopeKind
from vault.ids import CustomerId, FondsId, MatterId, PersonId, RecordId

AT_ONCE: Final = 500
"""Ids a statement."""
_wanted: Final[BindParameter[Any]] = bindparam("wanted", expanding=True)
_ADD = insert(matters).values(
    fonds_id=select(fonds.c.id)
    .where(fonds.c.id == bindparam("its_fonds"), fonds.c.tree_id == bindparam("its_tree"))
    .scalar_subquery()
)
_UPDATE = update(matters).where(matters.c.id == bindparam("its_id"))
_ALL = select(matters, fonds.c.tree_id).join(fonds, fonds.c.id == matters.c.fonds_id)
_GET = _ALL.where(matters.c.id == bindparam("its_id"))
_GET_FOR_UPDATE = _GET.with_for_update(of=matters)
_BY_NUMBER = _ALL.where(matters.c.fonds_id == bindparam("its_fonds"), matters.c.number == bindparam("its_number"))
_PAGE = (
    _ALL.where(matters.c.fonds_id == bindparam("its_fonds"), matters.c.number < bindparam("before"))
    .order_by(matters.c.number.desc())
    .limit(bindparam("at_most"))
)
_CHANGED_SINCE = (
    _ALL.where(matters.c.change > bindparam("after_change")).order_by(matters.c.change).limit(bindparam("at_most"))
)
_ADD_ITEM = {
    True: postgres_insert(matter_scopes).on_conflict_do_nothing(),
    False: sqlite_insert(matter_scopes).on_conflict_do_nothing(),
}
_SCOPE = (
    select(matter_scopes)
    .where(
        matter_scopes.c.matter_id == bindparam("its_matter"),
        tuple_(matter_scopes.c.kind, matter_scopes.c.subject)
        > tuple_(bindparam("after_kind", type_=Text), bindparam("after_subject", type_=Text)),
    )
    .order_by(matter_scopes.c.kind, matter_scopes.c.subject)
    .limit(bindparam("at_most"))
)
_ITEMS_BETWEEN = (
    select(matter_scopes)
    .where(matter_scopes.c.change > bindparam("after_change"), matter_scopes.c.change <= bindparam("to_change"))
    .order_by(matter_scopes.c.matter_id, matter_scopes.c.kind, matter_scopes.c.subject)
)
_NEWEST_ITEM = select(func.max(matter_scopes.c.change))
_ASKED = select(records.c.id, records.c.fonds_id, records.c.customer_id, records.c.class_code).where(
    records.c.id.in_(_wanted)
)
# Two statements, not a join: SQLite would begin with every record of a class in scope.
_NAMING = (
    select(matter_scopes.c.kind, matter_scopes.c.subject, matters.c.fonds_id, matters.c.id, matters.c.number)
    .join(matters, matters.c.id == matter_scopes.c.matter_id)
    .where(
        HOLDING,
        matter_scopes.c.kind.in_([kind.value for kind in COLUMNS]),
        matter_scopes.c.subject.in_(_wanted),
    )
)
_OF_CUSTOMERS = (
    select(matter_scopes.c.subject.label("held"), matters.c.id, matters.c.number)
    .join(matters, matters.c.id == matter_scopes.c.matter_id)
    .where(HOLDING, matter_scopes.c.kind == "customer", matter_scopes.c.subject.in_(_wanted))
    .order_by(matters.c.number)
)
_QUERIES = (
    select(matters, fonds.c.tree_id, *(column.label(f"item_{column.name}") for column in matter_scopes.c))
    .join(fonds, fonds.c.id == matters.c.fonds_id)
    .join(matter_scopes, matter_scopes.c.matter_id == matters.c.id)
    .where(HOLDING, matter_scopes.c.kind == "query", matters.c.fonds_id == bindparam("its_fonds"))
    .order_by(matters.c.number, matter_scopes.c.subject)
)
_of_matter = by_all_kinds(records.c.id, records.c.state, where=(matters.c.id == bindparam("its_matter"),)).subquery(
    "of_matter"
)
_COVERAGE = select(
    func.count(distinct(case((_of_matter.c.state.in_(["received", "filed"]), _of_matter.c.id)))).label("records"),
    func.count(distinct(case((_of_matter.c.state.in_(["erasing", "destroyed"]), _of_matter.c.id)))).label("destroyed"),
    func.count(case((_of_matter.c.state.in_(["received", "filed"]), versions.c.ordinal))).label("versions"),
    func.count(
        case((and_(_of_matter.c.state.in_(["received", "filed"]), versions.c.legal_hold.is_(True)), versions.c.ordinal))
    ).label("versions_held"),
).select_from(_of_matter.join(versions, versions.c.record_id == _of_matter.c.id))


def matter_of(row: Row[Any]) -> Matter:
    """The matter of a row that was joined with its fonds."""
    return Matter(
        id=MatterId(row.id),
        fonds_id=FondsId(row.fonds_id),
        number=row.number,
        state=MatterState(row.state),
        leaf=leaf_of(row),
        sealed=row.sealed,
        revision=row.revision,
        placed_by=PersonId(row.placed_by),
        placed_at=row.placed_at,
        release_proposed_by=PersonId(row.release_proposed_by) if row.release_proposed_by else None,
        release_proposed_at=row.release_proposed_at,
        released_by=PersonId(row.released_by) if row.released_by else None,
        released_at=row.released_at,
        change=row.change,
    )


class SqlHoldShelf(SqlHoldMirror):
    """``vault.shelves.HoldShelf`` in SQL."""

    __slots__ = ()

    def next_number(self, fonds_id: FondsId, year: int) -> str:
        return f"H-{year:04d}-{next_value(self._rows, f'matter/{fonds_id}/{year:04d}'):04d}"

    def add(self, matter: Matter) -> None:
        values = {
            **_values(matter),
            **leaf_values(matter.leaf),
            "id": matter.id,
            "its_fonds": matter.fonds_id,
            "number": matter.number,
            "placed_by": matter.placed_by,
            "placed_at": matter.placed_at,
        }
        self._rows.run(_ADD, values)

    def update(self, matter: Matter) -> None:
        if self._rows.run(_UPDATE, {"its_id": matter.id, **_values(matter)}) != 1:
            raise NotFound(f"matter {matter.number} is not in the catalogue")

    def get(self, matter_id: MatterId, *, for_update: bool = False) -> Matter | None:
        row = self._rows.first(_GET_FOR_UPDATE if for_update else _GET, {"its_id": matter_id})
        return None if row is None else matter_of(row)

    def by_number(self, fonds_id: FondsId, number: str) -> Matter | None:
        row = self._rows.first(_BY_NUMBER, {"its_fonds": fonds_id, "its_number": number})
        return None if row is None else matter_of(row)

    def page(self, fonds_id: FondsId, *, before: str | None = None, limit: int = 50) -> Sequence[Matter]:
        values = {"its_fonds": fonds_id, "before": "I" if before is None else before, "at_most": limit}
        return [matter_of(row) for row in self._rows.all(_PAGE, values)]

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[Matter]:
        rows = self._rows.all(_CHANGED_SINCE, {"after_change": change, "at_most": limit})
        return [matter_of(row) for row in rows]

    def add_items(self, items: Iterable[ScopeItem]) -> None:
        self._rows.run_many(
            _ADD_ITEM[self._rows.on_postgres],
            [
                {
                    "matter_id": item.matter_id,
                    "kind": item.kind.value,
                    "subject": item.subject,
                    "sealed": item.sealed,
                    "origin": item.origin,
                    "added_by": item.added_by,
                    "added_at": item.added_at,
                    "change": item.change,
                }
                for item in items
            ],
        )

    def scope_of(
        self, matter_id: MatterId, *, after: tuple[str, str] | None = None, limit: int = 500
    ) -> Sequence[ScopeItem]:
        kind, subject = after or ("", "")
        values = {"its_matter": matter_id, "after_kind": kind, "after_subject": subject, "at_most": limit}
        return [_item_of(row) for row in self._rows.all(_SCOPE, values)]

    def items_between(self, since: int, to: int) -> Sequence[ScopeItem]:
        rows = self._rows.all(_ITEMS_BETWEEN, {"after_change": since, "to_change": to})
        return [_item_of(row) for row in rows]

    def of_records(self, record_ids: Iterable[RecordId]) -> dict[RecordId, list[MatterRef]]:
        found: dict[RecordId, list[MatterRef]] = {}
        for chunk in _chunks(record_ids):
            asked = self._rows.all(_ASKED, {"wanted": chunk})
            named = {row.customer_id for row in asked if row.customer_id} | {row.class_code for row in asked}
            naming: dict[tuple[str, str, str], list[MatterRef]] = {}
            for row in self._rows.all(_NAMING, {"wanted": [*chunk, *sorted(named)]}):
                ref = MatterRef(id=MatterId(row.id), number=row.number)
                naming.setdefault((row.fonds_id, row.kind, row.subject), []).append(ref)
            for row in asked if naming else ():
                refs = {
                    ref.number: ref
                    for kind, subject in (("record", row.id), ("customer", row.customer_id), ("class", row.class_code))
                    for ref in naming.get((row.fonds_id, kind, subject), ())
                }
                if refs:
                    found[RecordId(row.id)] = [refs[number] for number in sorted(refs)]
        return found

    def of_customers(self, customer_ids: Iterable[CustomerId]) -> dict[CustomerId, list[MatterRef]]:
        found: dict[CustomerId, list[MatterRef]] = {}
        for chunk in _chunks(customer_ids):
            for row in self._rows.all(_OF_CUSTOMERS, {"wanted": chunk}):
                ref = MatterRef(id=MatterId(row.id), number=row.number)
                found.setdefault(CustomerId(row.held), []).append(ref)
        return found

    def queries_in_force(self, fonds_id: FondsId) -> Sequence[tuple[Matter, ScopeItem]]:
        rows = self._rows.all(_QUERIES, {"its_fonds": fonds_id})
        return [(matter_of(row), _item_of(row, prefix="item_")) for row in rows]

    def coverage(self, matter_id: MatterId) -> Coverage:
        row = self._rows.first(_COVERAGE, {"its_matter": matter_id})
        if row is None:
            return Coverage(records=0, destroyed=0, versions=0, versions_held=0)
        return Coverage(
            records=row.records, destroyed=row.destroyed, versions=row.versions, versions_held=row.versions_held
        )


def _values(matter: Matter) -> Values:
    """What of a matter may change."""
    return {
        "state": matter.state.value,
        "sealed": matter.sealed,
        "revision": matter.revision,
        "release_proposed_by": matter.release_proposed_by,
        "release_proposed_at": matter.release_proposed_at,
        "released_by": matter.released_by,
        "released_at": matter.released_at,
        "change": matter.change,
    }


def _item_of(row: Row[Any], *, prefix: str = "") -> ScopeItem:
    said = row._mapping
    return ScopeItem(
        matter_id=MatterId(said[f"{prefix}matter_id"]),
        kind=ScopeKind(said[f"{prefix}kind"]),
        subject=said[f"{prefix}subject"],
        sealed=said[f"{prefix}sealed"],
        origin=said[f"{prefix}origin"],
        added_by=PersonId(said[f"{prefix}added_by"]),
        added_at=said[f"{prefix}added_at"],
        change=said[f"{prefix}change"],
    )


def _chunks(ids: Iterable[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]
