"""What stands on disposal lists, who signed them, and which records are to be listed next.

Rule 1: a record stands on one open list at most, by a unique index; what was decided once is not decided again.
Rule 2: one person signs a list once, in one part: the key of a signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    exists,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)

from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.records import limits_of, record_of, records, seen_by
from storage.catalogue.rows import Rows, Values
from vault.disposal import Decision, DisposalItem, Part, Signature
from vault.errors import NotFound
from vault.ids import FondsId, ListId, PersonId, RecordId
from vault.records import Record

AT_ONCE: Final = 500
"""Ids a statement."""

disposal_items = Table(
    "disposal_items",
    metadata,
    Column("list_id", Text, ForeignKey("disposal_lists.id"), primary_key=True),
    Column("record_id", Text, ForeignKey("records.id"), primary_key=True),
    Column("decision", Text, nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("sealed", LargeBinary),
    Column("until", Date),
    Column("target", Text),
    Column("cause", Text),
    Column("change", Counted, nullable=False),
    one_of("decision", Decision),
    CheckConstraint("NOT listed OR decision IN ('pending', 'destroy')", name="listed"),
    CheckConstraint(
        "(decision = 'pending') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)", name="decided"
    ),
    CheckConstraint(
        "decision IN ('pending', 'destroy', 'left-out') OR (sealed IS NOT NULL AND until IS NOT NULL)", name="reason"
    ),
    CheckConstraint("(decision = 'reclassify') = (target IS NOT NULL)", name="target"),
    CheckConstraint("(decision = 'left-out') = (cause IS NOT NULL)", name="cause"),
    Index(
        "uq_disposal_items_listed",
        "record_id",
        unique=True,
        sqlite_where=text("listed"),
        postgresql_where=text("listed"),
    ),
    Index("ix_disposal_items_record_id_until", "record_id", "until"),
    Index("ix_disposal_items_change", "change"),
)

disposal_signatures = Table(
    "disposal_signatures",
    metadata,
    Column("list_id", Text, ForeignKey("disposal_lists.id"), primary_key=True),
    Column("person_id", Text, primary_key=True),
    Column("part", Text, nullable=False),
    Column("step", Counted, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("change", Counted, nullable=False),
    UniqueConstraint("list_id", "part", "step"),
    one_of("part", Part),
    CheckConstraint("step >= 1", name="step"),
    CheckConstraint("person_id <> 'clock'", name="person"),
    Index("ix_disposal_signatures_change", "change"),
)

_wanted: Final[BindParameter[Any]] = bindparam("wanted", expanding=True)
_ADD_ITEM = insert(disposal_items)
_OF_LIST = disposal_items.c.list_id == bindparam("its_list")
_UPDATE_ITEM = update(disposal_items).where(_OF_LIST, disposal_items.c.record_id == bindparam("its_record"))
_CLOSE = (
    update(disposal_items).where(_OF_LIST, disposal_items.c.listed).values(listed=False, change=bindparam("its_change"))
)
_ITEMS = (
    select(disposal_items)
    .where(_OF_LIST, disposal_items.c.record_id > bindparam("after"))
    .order_by(disposal_items.c.record_id)
    .limit(bindparam("at_most"))
)
_ITEM = select(disposal_items).where(_OF_LIST, disposal_items.c.record_id == bindparam("its_record"))
_OF_RECORD = (
    select(disposal_items)
    .where(disposal_items.c.record_id == bindparam("its_record"))
    .order_by(disposal_items.c.change.desc())
)
_COUNTS = (
    select(disposal_items.c.decision, func.count().label("records")).where(_OF_LIST).group_by(disposal_items.c.decision)
)
_ITEMS_BETWEEN = (
    select(disposal_items)
    .where(disposal_items.c.change > bindparam("after_change"), disposal_items.c.change <= bindparam("to_change"))
    .order_by(disposal_items.c.list_id, disposal_items.c.record_id)
)
_EXTENDED = (
    select(disposal_items.c.record_id, func.max(disposal_items.c.until).label("until"))
    .where(disposal_items.c.record_id.in_(_wanted), disposal_items.c.decision == "extend")
    .group_by(disposal_items.c.record_id)
)
_EXTENDED_IN = (
    select(disposal_items.c.record_id, func.max(disposal_items.c.until).label("until"))
    .join(records, records.c.id == disposal_items.c.record_id)
    .where(
        disposal_items.c.decision == "extend",
        records.c.class_code == bindparam("its_class"),
        text("records.state = 'filed'"),
    )
    .group_by(disposal_items.c.record_id)
)
_LATER = disposal_items.alias("later")
_TO_TRANSFER = (
    select(records)
    .join(disposal_items, disposal_items.c.record_id == records.c.id)
    .where(
        records.c.fonds_id == bindparam("its_fonds"),
        records.c.state.in_(["received", "filed"]),
        disposal_items.c.decision == "transfer",
        ~exists().where(_LATER.c.record_id == records.c.id, _LATER.c.change > disposal_items.c.change),
        records.c.id > bindparam("after"),
    )
    .order_by(records.c.id)
    .limit(bindparam("at_most"))
)
_TO_TRANSFER_OF_CLASSES = _TO_TRANSFER.where(*seen_by(frozenset({"classes"})))
_SIGN = insert(disposal_signatures)
_SIGNATURES = (
    select(disposal_signatures)
    .where(disposal_signatures.c.list_id == bindparam("its_list"))
    # Those of an automatic list came in one change: the proposer's first.
    .order_by(disposal_signatures.c.change, disposal_signatures.c.part.desc(), disposal_signatures.c.step)
)
_SIGNATURES_BETWEEN = (
    select(disposal_signatures)
    .where(
        disposal_signatures.c.change > bindparam("after_change"), disposal_signatures.c.change <= bindparam("to_change")
    )
    .order_by(disposal_signatures.c.change)
)
_BY_DUE_DATE = (records.c.due_on, records.c.id)
_TO_LIST = (
    select(records)
    .where(
        records.c.class_code == bindparam("its_class"),
        # In letters, for the partial index of filed records.
        text("records.state = 'filed'"),
        records.c.due_on <= bindparam("due_by"),
        ~exists().where(disposal_items.c.record_id == records.c.id, text("disposal_items.listed")),
        ~exists().where(disposal_items.c.record_id == records.c.id, disposal_items.c.until > bindparam("its_day")),
        tuple_(*_BY_DUE_DATE) > tuple_(bindparam("after_day", type_=Date), bindparam("after_id", type_=Text)),
    )
    .order_by(*_BY_DUE_DATE)
    .limit(bindparam("at_most"))
)


class SqlDisposalItems:
    """The part of ``vault.shelves.DisposalShelf`` that is about items and signatures."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add_items(self, items: Iterable[DisposalItem]) -> None:
        self._rows.run_many(
            _ADD_ITEM,
            [{"list_id": each.list_id, "record_id": each.record_id, **_item_values(each)} for each in items],
        )

    def update_item(self, item: DisposalItem) -> None:
        values = {"its_list": item.list_id, "its_record": item.record_id, **_item_values(item)}
        if self._rows.run(_UPDATE_ITEM, values) != 1:
            raise NotFound("this record does not stand on the list")

    def close_items(self, list_id: ListId, *, change: int) -> None:
        self._rows.run(_CLOSE, {"its_list": list_id, "its_change": change})

    def items(self, list_id: ListId, *, after: str = "", limit: int = 1000) -> Sequence[DisposalItem]:
        rows = self._rows.all(_ITEMS, {"its_list": list_id, "after": after, "at_most": limit})
        return [_item_of(row) for row in rows]

    def item(self, list_id: ListId, record_id: RecordId) -> DisposalItem | None:
        row = self._rows.first(_ITEM, {"its_list": list_id, "its_record": record_id})
        return None if row is None else _item_of(row)

    def of_record(self, record_id: RecordId) -> Sequence[DisposalItem]:
        return [_item_of(row) for row in self._rows.all(_OF_RECORD, {"its_record": record_id})]

    def counts(self, list_id: ListId) -> Mapping[Decision, int]:
        return {Decision(row.decision): int(row.records) for row in self._rows.all(_COUNTS, {"its_list": list_id})}

    def items_between(self, since: int, to: int) -> Sequence[DisposalItem]:
        return [_item_of(row) for row in self._rows.all(_ITEMS_BETWEEN, {"after_change": since, "to_change": to})]

    def extended(self, record_ids: Iterable[RecordId]) -> dict[RecordId, date]:
        return {
            RecordId(row.record_id): row.until
            for chunk in _chunks(record_ids)
            for row in self._rows.all(_EXTENDED, {"wanted": chunk})
        }

    def extended_in(self, class_code: str) -> dict[RecordId, date]:
        rows = self._rows.all(_EXTENDED_IN, {"its_class": class_code})
        return {RecordId(row.record_id): row.until for row in rows}

    def to_transfer(
        self, fonds_id: FondsId, *, classes: frozenset[str] | None = None, after: str = "", limit: int = 500
    ) -> Sequence[Record]:
        limits, seen = limits_of(classes, None)
        statement = _TO_TRANSFER_OF_CLASSES if limits else _TO_TRANSFER
        rows = self._rows.all(statement, {"its_fonds": fonds_id, "after": after, "at_most": limit, **seen})
        return [record_of(row) for row in rows]

    def to_list(
        self,
        class_code: str,
        *,
        due_by: date,
        today: date,
        after: tuple[date, RecordId] | None = None,
        limit: int = 1000,
    ) -> Sequence[Record]:
        day, record_id = after or (date.min, "")
        values = {
            "its_class": class_code,
            "due_by": due_by,
            "its_day": today,
            "after_day": day,
            "after_id": record_id,
            "at_most": limit,
        }
        return [record_of(row) for row in self._rows.all(_TO_LIST, values)]

    def sign(self, signature: Signature) -> None:
        values = {
            "list_id": signature.list_id,
            "person_id": signature.person_id,
            "part": signature.part.value,
            "step": signature.step,
            "at": signature.at,
            "change": signature.change,
        }
        self._rows.run(_SIGN, values)

    def signatures(self, list_id: ListId) -> Sequence[Signature]:
        return [_signature_of(row) for row in self._rows.all(_SIGNATURES, {"its_list": list_id})]

    def signatures_between(self, since: int, to: int) -> Sequence[Signature]:
        rows = self._rows.all(_SIGNATURES_BETWEEN, {"after_change": since, "to_change": to})
        return [_signature_of(row) for row in rows]


def _item_values(item: DisposalItem) -> Values:
    return {
        "decision": item.decision.value,
        "listed": item.listed,
        "decided_by": item.decided_by,
        "decided_at": item.decided_at,
        "sealed": item.sealed,
        "until": item.until,
        "target": item.target,
        "cause": item.cause,
        "change": item.change,
    }


def _item_of(row: Row[Any]) -> DisposalItem:
    return DisposalItem(
        list_id=ListId(row.list_id),
        record_id=RecordId(row.record_id),
        decision=Decision(row.decision),
        listed=row.listed,
        decided_by=None if row.decided_by is None else PersonId(row.decided_by),
        decided_at=row.decided_at,
        sealed=row.sealed,
        until=row.until,
        target=row.target,
        cause=row.cause,
        change=row.change,
    )


def _signature_of(row: Row[Any]) -> Signature:
    return Signature(
        list_id=ListId(row.list_id),
        person_id=PersonId(row.person_id),
        part=Part(row.part),
        step=row.step,
        at=row.at,
        change=row.change,
    )


def _chunks(ids: Iterable[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]
