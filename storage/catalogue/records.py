"""Records: their numbers, their state and the lists of them. What they consist of is in ``versions.py``.

Rule 1: a record's row changes only along ``vault.records.TRANSITIONS`` (a received record may also change and stay
received: a correction); its identity never; its change number only upwards. A trigger keeps this rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Row,
    Select,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)

from storage.catalogue.counters import CHANGE, next_two_values, next_value
from storage.catalogue.fonds import fonds_column
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.rows import Rows, Values
from vault.errors import NotFound
from vault.ids import CustomerId, FondsId, PersonId, RecordId
from vault.records import Record, RecordState
from vault.shelves import RecordFilter

AT_ONCE: Final = 500

_FILED = "state = 'filed'"

records = Table(
    "records",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("number", Text, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("customer_id", Text, ForeignKey("customers.id")),
    Column("state", Text, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("received_by", Text, nullable=False),
    Column("filed_at", UtcDateTime),
    Column("filed_by", Text),
    Column("trigger_on", Date),
    Column("due_on", Date),
    Column("current_ordinal", Counted, nullable=False),
    Column("current_revision", Counted, nullable=False),
    Column("change", Counted, nullable=False, unique=True),
    Column("rule_version", Counted, nullable=False, server_default="1"),
    Column("restricted_by", Text),
    Column("unsettled_by", Text),
    Column("restriction_lifted_by", Text),
    UniqueConstraint("fonds_id", "number"),
    UniqueConstraint("id", "fonds_id"),
    one_of("state", RecordState),
    CheckConstraint("current_ordinal >= 1 AND current_revision >= 1", name="current"),
    CheckConstraint("state <> 'received' OR filed_at IS NULL", name="received"),
    CheckConstraint("state <> 'filed' OR (filed_at IS NOT NULL AND filed_by IS NOT NULL)", name="filed"),
    CheckConstraint("rule_version >= 1", name="rule_version"),
    CheckConstraint(
        "restriction_lifted_by IS NULL OR (restricted_by IS NOT NULL AND restriction_lifted_by <> restricted_by)",
        name="two_people",
    ),
    Index("ix_records_received_at_id", "received_at", "id"),
    Index("ix_records_class_code_received_at_id", "class_code", "received_at", "id"),
    Index("ix_records_customer_id_received_at_id", "customer_id", "received_at", "id"),
    Index("ix_records_state_received_at_id", "state", "received_at", "id"),
    # Only of what is filed: a record that comes in does not pay for them.
    Index(
        "ix_records_class_code_due_on_id",
        "class_code",
        "due_on",
        "id",
        sqlite_where=text(_FILED),
        postgresql_where=text(_FILED),
    ),
    Index(
        "ix_records_class_code_rule_version",
        "class_code",
        "rule_version",
        sqlite_where=text(_FILED),
        postgresql_where=text(_FILED),
    ),
)

_ADD = insert(records)
_GET = select(records).where(records.c.id == bindparam("its_id"))
_GET_FOR_UPDATE = _GET.with_for_update()
_BY_NUMBER = select(records).where(
    records.c.fonds_id == bindparam("its_fonds"), records.c.number == bindparam("its_number")
)
# The fonds is not written again: others' keys name it, and SQLite would look at each row of theirs.
_UPDATE = update(records).where(records.c.id == bindparam("its_id"), records.c.fonds_id == bindparam("its_fonds"))
_CHANGED_SINCE = (
    select(records)
    .where(records.c.change > bindparam("after_change"))
    .order_by(records.c.change)
    .limit(bindparam("at_most"))
)
_COUNT = select(func.count()).select_from(records)
_wanted: Final[BindParameter[Any]] = bindparam("wanted", expanding=True)
_MANY = select(records).where(records.c.id.in_(_wanted))


def seen_by(limits: frozenset[str]) -> Sequence[ColumnElement[bool]]:
    """What limits what somebody sees: ``classes`` (bound as ``its_classes``), and ``restricted``: what may only be
    stored is left out but for the classes bound as ``its_open``."""
    conditions: list[ColumnElement[bool]] = []
    if "classes" in limits:
        conditions.append(records.c.class_code.in_(bindparam("its_classes", expanding=True)))
    if "restricted" in limits:
        unrestricted = or_(records.c.restricted_by.is_(None), records.c.restriction_lifted_by.is_not(None))
        conditions.append(or_(unrestricted, records.c.class_code.in_(bindparam("its_open", expanding=True))))
    return conditions


def limits_of(classes: frozenset[str] | None, restricted_in: frozenset[str] | None) -> tuple[frozenset[str], Values]:
    """The limits that ``seen_by`` takes, and the values that it binds."""
    said = {"classes": ("its_classes", classes), "restricted": ("its_open", restricted_in)}
    bound = {limit: (name, sorted(codes)) for limit, (name, codes) in said.items() if codes is not None}
    return frozenset(bound), dict(bound.values())


@cache
def _listed(limits: frozenset[str]) -> Select[Any]:
    return select(records.c.id).where(records.c.id.in_(_wanted), *seen_by(limits))


@cache
def _page(
    filtered: frozenset[str], limits: frozenset[str], *, follows: bool, begins: bool = False, ends: bool = False
) -> Select[Any]:
    """The list's statement for the columns filtered by, and what limits what is seen."""
    statement = select(records).where(*seen_by(limits))
    if begins:
        statement = statement.where(records.c.received_at >= bindparam("begins_at", type_=UtcDateTime))
    if ends:
        statement = statement.where(records.c.received_at < bindparam("ends_at", type_=UtcDateTime))
    for column in sorted(filtered):
        statement = statement.where(records.c[column] == bindparam(f"its_{column}"))
    if follows:
        before = tuple_(bindparam("before_at", type_=UtcDateTime), bindparam("before_id", type_=Text))
        statement = statement.where(tuple_(records.c.received_at, records.c.id) < before)
    return statement.order_by(records.c.received_at.desc(), records.c.id.desc()).limit(bindparam("at_most"))


def _record_values(record: Record) -> Values:
    return {
        "number": record.number,
        "class_code": record.class_code,
        "customer_id": record.customer_id,
        "state": record.state.value,
        "received_at": record.received_at,
        "received_by": record.received_by,
        "filed_at": record.filed_at,
        "filed_by": record.filed_by,
        "trigger_on": record.trigger_on,
        "due_on": record.due_on,
        "current_ordinal": record.current_ordinal,
        "current_revision": record.current_revision,
        "change": record.change,
        "rule_version": record.rule_version,
        "restricted_by": record.restricted_by,
        "restriction_lifted_by": record.restriction_lifted_by,
        "unsettled_by": record.unsettled_by,
    }


def record_of(row: Row[Any]) -> Record:
    """The record of a row."""
    return Record(
        id=RecordId(row.id),
        fonds_id=FondsId(row.fonds_id),
        number=row.number,
        class_code=row.class_code,
        customer_id=None if row.customer_id is None else CustomerId(row.customer_id),
        state=RecordState(row.state),
        received_at=row.received_at,
        received_by=PersonId(row.received_by),
        filed_at=row.filed_at,
        filed_by=None if row.filed_by is None else PersonId(row.filed_by),
        trigger_on=row.trigger_on,
        due_on=row.due_on,
        current_ordinal=row.current_ordinal,
        current_revision=row.current_revision,
        change=row.change,
        rule_version=row.rule_version,
        restricted_by=None if row.restricted_by is None else PersonId(row.restricted_by),
        restriction_lifted_by=None if row.restriction_lifted_by is None else PersonId(row.restriction_lifted_by),
        unsettled_by=None if row.unsettled_by is None else PersonId(row.unsettled_by),
    )


class SqlRecords:
    """The half of ``vault.shelves.RecordShelf`` that is about records; ``versions.py`` has the other."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def next_number(self, fonds_id: FondsId, year: int) -> str:
        return f"{year:04d}-{next_value(self._rows, f'record/{fonds_id}/{year:04d}'):06d}"

    def next_number_and_change(self, fonds_id: FondsId, year: int) -> tuple[str, int]:
        number, change = next_two_values(self._rows, f"record/{fonds_id}/{year:04d}", CHANGE)
        return f"{year:04d}-{number:06d}", change

    def next_change(self) -> int:
        return next_value(self._rows, CHANGE)

    def add(self, record: Record) -> None:
        self._rows.run(_ADD, {"id": record.id, "fonds_id": record.fonds_id, **_record_values(record)})

    def get(self, record_id: RecordId, *, for_update: bool = False) -> Record | None:
        row = self._rows.first(_GET_FOR_UPDATE if for_update else _GET, {"its_id": record_id})
        return None if row is None else record_of(row)

    def many(self, record_ids: Sequence[RecordId]) -> Mapping[RecordId, Record]:
        return {
            RecordId(row.id): record_of(row)
            for start in range(0, len(record_ids), AT_ONCE)
            for row in self._rows.all(_MANY, {"wanted": record_ids[start : start + AT_ONCE]})
        }

    def by_number(self, fonds_id: FondsId, number: str) -> Record | None:
        row = self._rows.first(_BY_NUMBER, {"its_fonds": fonds_id, "its_number": number})
        return None if row is None else record_of(row)

    def update(self, record: Record) -> None:
        its = {"its_id": record.id, "its_fonds": record.fonds_id}
        if self._rows.run(_UPDATE, {**its, **_record_values(record)}) != 1:
            raise NotFound(f"record {record.id} is not in the catalogue")

    def listed(self, record_ids: Sequence[RecordId], classes: frozenset[str] | None) -> Sequence[RecordId]:
        limits, seen = limits_of(classes, frozenset())
        found = {
            row.id
            for start in range(0, len(record_ids), AT_ONCE)
            for row in self._rows.all(_listed(limits), {**seen, "wanted": record_ids[start : start + AT_ONCE]})
        }
        return [record_id for record_id in record_ids if record_id in found]

    def page(
        self, filter: RecordFilter, *, before: tuple[datetime, RecordId] | None = None, limit: int = 50
    ) -> Sequence[Record]:
        if filter.classes is None:
            return self._page(filter, before, limit)
        codes = filter.classes if filter.class_code is None else filter.classes & {filter.class_code}
        # A question for each class walks that class's index and stops after a page, however rare the class is.
        found = [record for code in codes for record in self._page(replace(filter, class_code=code), before, limit)]
        return sorted(found, key=lambda record: (record.received_at, record.id), reverse=True)[:limit]

    def _page(self, filter: RecordFilter, before: tuple[datetime, RecordId] | None, limit: int) -> Sequence[Record]:
        asked: dict[str, object] = {
            "class_code": filter.class_code,
            "customer_id": filter.customer_id,
            "state": None if filter.state is None else filter.state.value,
        }
        filtered = {column: value for column, value in asked.items() if value is not None}
        values = {f"its_{column}": value for column, value in filtered.items()}
        values["at_most"] = limit
        if before is not None:
            values["before_at"], values["before_id"] = before
        if filter.received_from is not None:
            values["begins_at"] = filter.received_from
        if filter.received_before is not None:
            values["ends_at"] = filter.received_before
        limits, seen = limits_of(None, filter.restricted_in)
        statement = _page(
            frozenset(filtered),
            limits,
            follows=before is not None,
            begins=filter.received_from is not None,
            ends=filter.received_before is not None,
        )
        return [record_of(row) for row in self._rows.all(statement, {**values, **seen})]

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[Record]:
        rows = self._rows.all(_CHANGED_SINCE, {"after_change": change, "at_most": limit})
        return [record_of(row) for row in rows]

    def count(self) -> int:
        row = self._rows.first(_COUNT)
        return 0 if row is None else int(row[0])
