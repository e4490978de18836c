"""Matters, what is in their scope, and how far the legal holds in the store follow.

Rule 1: what is held is a join of matters in force with records, looked at when it is asked; nothing is copied.
Rule 2: a scope is only added to; a released matter takes nothing more. Triggers keep this rule and the states.
Rule 3: a legal hold in the store is recorded only if nobody else recorded one for that version meanwhile; otherwise it
is not known (NULL), and set again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    CompoundSelect,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    case,
    distinct,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    tuple_,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from storage.catalogue.counters import next_value
from storage.catalogue.fonds import fonds, fonds_column, leaf_of, leaf_values
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.objects import leaf_columns
from storage.catalogue.records import records
from storage.catalogue.rows import Rows, Values
from storage.catalogue.versions import versions
from vault.errors import NotFound
from vault.holds import Coverage, Matter, MatterRef, MatterState, MirrorStep, ScopeItem, ScopeKind
from vault.ids import CustomerId, FondsId, MatterId, PersonId, RecordId

AT_ONCE: Final = 500
"""Ids a statement."""

matters = Table(
    "matters",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("number", Text, nullable=False),
    Column("state", Text, nullable=False),
    *leaf_columns(),
    Column("sealed", LargeBinary, nullable=False),
    Column("revision", Counted, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("release_proposed_by", Text),
    Column("release_proposed_at", UtcDateTime),
    Column("released_by", Text),
    Column("released_at", UtcDateTime),
    Column("change", Counted, nullable=False, unique=True),
    UniqueConstraint("fonds_id", "number"),
    Index("uq_matters_leaf", "fonds_id", "extent", "leaf", unique=True),
    one_of("state", MatterState),
    CheckConstraint("revision >= 1", name="revision"),
    CheckConstraint("(release_proposed_by IS NULL) = (release_proposed_at IS NULL)", name="release_proposed"),
    CheckConstraint("(state = 'in-force') = (release_proposed_by IS NULL)", name="proposal"),
    CheckConstraint("(released_by IS NULL) = (released_at IS NULL)", name="release"),
    CheckConstraint("(state = 'released') = (released_by IS NOT NULL)", name="released"),
    CheckConstraint("released_by IS NULL OR released_by <> release_proposed_by", name="two_people"),
)

matter_scopes = Table(
    "matter_scopes",
    metadata,
    Column("matter_id", Text, ForeignKey("matters.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("sealed", LargeBinary),
    Column("origin", Text),
    Column("added_by", Text, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("change", Counted, nullable=False),
    one_of("kind", ScopeKind),
    CheckConstraint("(kind = 'query') = (sealed IS NOT NULL)", name="sealed"),
    CheckConstraint("origin IS NULL OR kind = 'record'", name="origin"),
    Index("ix_matter_scopes_kind_subject", "kind", "subject"),
    Index("ix_matter_scopes_change", "change"),
)

_HOLDING: Final = matters.c.state != "released"
_LIVING: Final = records.c.state.in_(["received", "filed"])
_COLUMNS: Final[Mapping[ScopeKind, Any]] = {
    ScopeKind.RECORD: records.c.id,
    ScopeKind.CUSTOMER: records.c.customer_id,
    ScopeKind.CLASS: records.c.class_code,
}
"""What of a record an item of a scope names; queries name records one by one."""

_wanted: Final[BindParameter[Any]] = bindparam("wanted", expanding=True)


def _covered(kind: ScopeKind, *columns: Any) -> Select[Any]:
    """These columns of matters and the records in their scope, by items of one kind."""
    column = _COLUMNS[kind]
    return (
        select(*columns)
        .select_from(matter_scopes)
        .join(matters, matters.c.id == matter_scopes.c.matter_id)
        .join(records, and_(column == matter_scopes.c.subject, records.c.fonds_id == matters.c.fonds_id))
        .where(matter_scopes.c.kind == kind.value)
    )


def _by_all_kinds(*columns: Any, where: Sequence[Any]) -> CompoundSelect[Any]:
    return union(*(_covered(kind, *columns).where(*where) for kind in _COLUMNS))


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
        _HOLDING,
        matter_scopes.c.kind.in_([kind.value for kind in _COLUMNS]),
        matter_scopes.c.subject.in_(_wanted),
    )
)
_OF_CUSTOMERS = (
    select(matter_scopes.c.subject.label("held"), matters.c.id, matters.c.number)
    .join(matters, matters.c.id == matter_scopes.c.matter_id)
    .where(_HOLDING, matter_scopes.c.kind == "customer", matter_scopes.c.subject.in_(_wanted))
    .order_by(matters.c.number)
)
_QUERIES = (
    select(matters, fonds.c.tree_id, *(column.label(f"item_{column.name}") for column in matter_scopes.c))
    .join(fonds, fonds.c.id == matters.c.fonds_id)
    .join(matter_scopes, matter_scopes.c.matter_id == matters.c.id)
    .where(_HOLDING, matter_scopes.c.kind == "query", matters.c.fonds_id == bindparam("its_fonds"))
    .order_by(matters.c.number, matter_scopes.c.subject)
)
_of_matter = _by_all_kinds(records.c.id, records.c.state, where=(matters.c.id == bindparam("its_matter"),)).subquery(
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

# ---- the mirror ------------------------------------------------------------------------------------------------------

_STEP: Final = (
    versions.c.record_id,
    versions.c.ordinal,
    versions.c.object_key,
    versions.c.version_id,
    versions.c.hold_turn,
)
_IS_HELD = exists().where(
    matter_scopes.c.matter_id == matters.c.id,
    _HOLDING,
    matters.c.fonds_id == records.c.fonds_id,
    or_(
        *(
            and_(matter_scopes.c.kind == kind.value, matter_scopes.c.subject == column)
            for kind, column in _COLUMNS.items()
        )
    ),
)
_TO_HOLD = union(
    *(
        _covered(kind, *_STEP, literal(True).label("held"))
        .join(versions, versions.c.record_id == records.c.id)
        .where(_HOLDING, _LIVING, text("versions.legal_hold IS NOT TRUE"))
        for kind in _COLUMNS
    )
)
# In the words of the partial index, or SQLite would walk every version.
_TO_FREE = (
    select(*_STEP, literal(False).label("held"))
    .join(records, records.c.id == versions.c.record_id)
    .where(text("versions.legal_hold IS NOT FALSE"), or_(~_LIVING, ~_IS_HELD))
)
_TO_HOLD_SOME = _TO_HOLD.order_by(text("1"), text("2")).limit(bindparam("at_most"))
_TO_FREE_SOME = _TO_FREE.order_by(versions.c.record_id, versions.c.ordinal).limit(bindparam("at_most"))
_HOLD_LAG = select(func.count()).select_from(_TO_HOLD.subquery())
_FREE_LAG = select(func.count()).select_from(_TO_FREE.subquery())
_MIRRORED = (
    update(versions)
    .where(versions.c.record_id == bindparam("its_record"), versions.c.ordinal == bindparam("its_ordinal"))
    .values(
        legal_hold=case((versions.c.hold_turn == bindparam("its_turn"), bindparam("its_hold")), else_=None),
        hold_turn=versions.c.hold_turn + 1,
    )
)
_DOUBT = text("UPDATE versions SET legal_hold = NULL, hold_turn = hold_turn + 1 WHERE legal_hold IS NOT FALSE")


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


class SqlHoldShelf:
    """``vault.shelves.HoldShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

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

    def to_mirror(self, *, limit: int = 10_000) -> Sequence[MirrorStep]:
        # What is to be held goes first: it is the one that protects.
        steps: list[MirrorStep] = []
        for statement in (_TO_HOLD_SOME, _TO_FREE_SOME):
            rows = self._rows.all(statement, {"at_most": limit - len(steps)}) if len(steps) < limit else ()
            steps += (
                MirrorStep(
                    record_id=RecordId(row.record_id),
                    ordinal=row.ordinal,
                    key=row.object_key,
                    version_id=row.version_id,
                    held=bool(row.held),
                    turn=row.hold_turn,
                )
                for row in rows
            )
        return steps

    def mirror_lag(self) -> int:
        counted = (self._rows.first(statement) for statement in (_HOLD_LAG, _FREE_LAG))
        return sum(0 if row is None else int(row[0]) for row in counted)

    def mirrored(self, steps: Sequence[MirrorStep]) -> None:
        self._rows.run_many(
            _MIRRORED,
            [
                {
                    "its_record": step.record_id,
                    "its_ordinal": step.ordinal,
                    "its_turn": step.turn,
                    "its_hold": step.held,
                }
                for step in steps
            ],
        )

    def doubt_mirror(self) -> None:
        self._rows.run(_DOUBT)


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
