"""What is derived from versions: sealed, made again at any time, gone with the record."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    or_,
    select,
)

from storage.catalogue.counters import next_values
from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.derived import PASSING, Derived
from vault.ids import RecordId

COUNTER = "derived"
AT_ONCE = 500

derived = Table(
    "derived",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("ordinal", Counted, primary_key=True, autoincrement=False),
    Column("number", Counted, nullable=False),
    Column("parsers", Counted, nullable=False),
    Column("reason", Text, nullable=False),
    Column("sealed_text", LargeBinary),
    Column("sealed_thumbnail", LargeBinary),
    Column("made_at", UtcDateTime, nullable=False),
    Column("sealed_found", LargeBinary),
    ForeignKeyConstraint(["record_id", "ordinal"], ["versions.record_id", "versions.ordinal"]),
    CheckConstraint("length(reason) <= 32", name="reason"),
    CheckConstraint("reason = '' OR (sealed_text IS NULL AND sealed_thumbnail IS NULL)", name="unreadable"),
    Index("uq_derived_number", "number", unique=True),
)

_ADD = insert(derived)
_REMOVE = delete(derived).where(
    derived.c.record_id == bindparam("its_record"), derived.c.ordinal == bindparam("its_ordinal")
)
_GET = select(derived).where(
    derived.c.record_id == bindparam("its_record"), derived.c.ordinal == bindparam("its_ordinal")
)
_OF_RECORDS = select(derived.c.record_id, derived.c.ordinal).where(
    derived.c.record_id.in_(bindparam("wanted", expanding=True))
)
_KNOWN = _OF_RECORDS.where(
    derived.c.parsers >= bindparam("at_least"),
    or_(derived.c.reason.not_in(PASSING), derived.c.made_at >= bindparam("since", type_=UtcDateTime)),
)
_PICTURED = _OF_RECORDS.where(derived.c.sealed_thumbnail.is_not(None))
_SINCE = (
    select(derived.c.number, derived.c.record_id, derived.c.ordinal)
    .where(derived.c.number > bindparam("after"))
    .order_by(derived.c.number)
    .limit(bindparam("at_most"))
)


class SqlDerivedShelf:
    """``vault.shelves.DerivedShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def next_number(self) -> int:
        return next_values(self._rows, COUNTER, 1)

    def keep(self, derived: Derived) -> None:
        self._rows.run(_REMOVE, {"its_record": derived.record_id, "its_ordinal": derived.ordinal})
        self._rows.run(
            _ADD,
            {
                "record_id": derived.record_id,
                "ordinal": derived.ordinal,
                "number": derived.number,
                "parsers": derived.parsers,
                "reason": derived.reason,
                "sealed_text": derived.sealed_text,
                "sealed_thumbnail": derived.sealed_thumbnail,
                "sealed_found": derived.sealed_found,
                "made_at": derived.made_at,
            },
        )

    def get(self, record_id: RecordId, ordinal: int) -> Derived | None:
        row = self._rows.first(_GET, {"its_record": record_id, "its_ordinal": ordinal})
        if row is None:
            return None
        return Derived(
            record_id=RecordId(row.record_id),
            ordinal=row.ordinal,
            number=row.number,
            parsers=row.parsers,
            reason=row.reason,
            sealed_text=None if row.sealed_text is None else bytes(row.sealed_text),
            sealed_thumbnail=None if row.sealed_thumbnail is None else bytes(row.sealed_thumbnail),
            sealed_found=None if row.sealed_found is None else bytes(row.sealed_found),
            made_at=row.made_at,
        )

    def known(
        self, record_ids: Sequence[RecordId], *, parsers: int, since: datetime
    ) -> AbstractSet[tuple[RecordId, int]]:
        asked = {"at_least": parsers, "since": since}
        return {
            (RecordId(row.record_id), row.ordinal)
            for start in range(0, len(record_ids), AT_ONCE)
            for row in self._rows.all(_KNOWN, {"wanted": record_ids[start : start + AT_ONCE], **asked})
        }

    def pictured(self, record_ids: Sequence[RecordId]) -> AbstractSet[tuple[RecordId, int]]:
        return {
            (RecordId(row.record_id), row.ordinal)
            for start in range(0, len(record_ids), AT_ONCE)
            for row in self._rows.all(_PICTURED, {"wanted": record_ids[start : start + AT_ONCE]})
        }

    def since(self, number: int, *, limit: int = 500) -> Sequence[tuple[int, RecordId, int]]:
        rows = self._rows.all(_SINCE, {"after": number, "at_most": limit})
        return [(row.number, RecordId(row.record_id), row.ordinal) for row in rows]
