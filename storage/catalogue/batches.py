"""Destruction batches, and which records and customers each of them took.

Rule 1: a batch goes erasing -> promoted -> effective, and one fonds has one batch a generation. A trigger and a unique
index keep this rule.
Rule 2: a record, and a customer, is in one batch at most; what a batch took stays on record.
Rule 3: what touches many records is one statement over ``batch_records``, whatever their number.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    exists,
    insert,
    or_,
    select,
    text,
    union,
    update,
)

from storage.catalogue.candidates import SqlCandidates
from storage.catalogue.counters import CHANGE, next_values
from storage.catalogue.customers import customers
from storage.catalogue.derived import derived
from storage.catalogue.extents import extents
from storage.catalogue.filingreports import filing_reports
from storage.catalogue.fonds import fonds_column
from storage.catalogue.intents import intents
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.records import records
from storage.catalogue.versions import versions
from vault.destruction import Batch, BatchState
from vault.errors import Conflict
from vault.ids import BatchId, CustomerId, FondsId, ObjectId, PersonId, RecordId
from vault.seal.pages import Place

CHUNK: Final = 1000
_PLACE: Final = struct.Struct(">BI")

batches = Table(
    "batches",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("generation", Counted, nullable=False),
    Column("attempt", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("predecessor", LargeBinary, nullable=False),
    Column("removed", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("alone", Boolean, nullable=False),
    Column("record_count", Counted, nullable=False),
    Column("customer_count", Counted, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("effective_at", UtcDateTime),
    UniqueConstraint("fonds_id", "generation"),
    one_of("state", BatchState),
    CheckConstraint("generation >= 2", name="generation"),
    CheckConstraint("length(attempt) = 16 AND length(digest) = 32 AND length(predecessor) = 32", name="lengths"),
    CheckConstraint("record_count >= 0 AND customer_count >= 0", name="counts"),
    CheckConstraint("(state = 'effective') = (effective_at IS NOT NULL)", name="effective"),
    Index(
        "ix_batches_unfinished",
        "fonds_id",
        "generation",
        sqlite_where=text("state <> 'effective'"),
        postgresql_where=text("state <> 'effective'"),
    ),
)

batch_records = Table(
    "batch_records",
    metadata,
    Column("batch_id", Text, ForeignKey("batches.id"), primary_key=True),
    Column("position", Counted, primary_key=True, autoincrement=False),
    Column("record_id", Text, ForeignKey("records.id"), nullable=False, unique=True),
    Column("ciphertext_deleted_at", UtcDateTime),
    CheckConstraint("position >= 1", name="position"),
    Index(
        "ix_batch_records_ciphertext",
        "record_id",
        sqlite_where=text("ciphertext_deleted_at IS NULL"),
        postgresql_where=text("ciphertext_deleted_at IS NULL"),
    ),
)

batch_customers = Table(
    "batch_customers",
    metadata,
    Column("batch_id", Text, ForeignKey("batches.id"), primary_key=True),
    Column("customer_id", Text, ForeignKey("customers.id"), primary_key=True),
    Index("uq_batch_customers_customer_id", "customer_id", unique=True),
)

_ADD = insert(batches)
_ADD_RECORD = insert(batch_records)
_ADD_CUSTOMER = insert(batch_customers)
_GET = select(batches).where(batches.c.id == bindparam("its_id"))
_OF_RECORD = (
    select(batches)
    .join(batch_records, batch_records.c.batch_id == batches.c.id)
    .where(batch_records.c.record_id == bindparam("its_record"))
)
_PAGE = (
    select(batches)
    .where(batches.c.fonds_id == bindparam("its_fonds"), batches.c.generation < bindparam("before"))
    .order_by(batches.c.generation.desc())
    .limit(bindparam("at_most"))
)
_UNFINISHED = (
    select(batches)
    .where(batches.c.fonds_id == bindparam("its_fonds"), text("batches.state <> 'effective'"))
    .order_by(batches.c.generation)
)
_SET_STATE = (
    update(batches)
    .where(batches.c.id == bindparam("its_id"), batches.c.state == bindparam("from_state"))
    .values(state=bindparam("to_state"), effective_at=bindparam("at"))
)
_RECORDS = (
    select(batch_records.c.position, batch_records.c.record_id)
    .where(batch_records.c.batch_id == bindparam("its_batch"), batch_records.c.position > bindparam("after"))
    .order_by(batch_records.c.position)
    .limit(bindparam("at_most"))
)
_CUSTOMERS = select(batch_customers.c.customer_id).where(batch_customers.c.batch_id == bindparam("its_batch"))

# UPDATE ... FROM: a join, where a subquery for each row would cost the square of a large batch.
_MOVE_RECORDS = (
    update(records)
    .where(batch_records.c.batch_id == bindparam("its_batch"), batch_records.c.record_id == records.c.id)
    .values(state=bindparam("to_state"), change=bindparam("base") + batch_records.c.position)
)
_MOVE_CUSTOMER = (
    update(customers)
    .where(customers.c.id == bindparam("its_customer"))
    .values(state=bindparam("to_state"), change=bindparam("to_change"))
)
_RETIRE_EXTENTS = update(extents).where(extents.c.owner.in_(_CUSTOMERS)).values(next_leaf=64)
_DOOMED = select(batch_records.c.record_id).where(batch_records.c.batch_id == bindparam("its_batch"))
_FORGET_DERIVED = delete(derived).where(derived.c.record_id.in_(_DOOMED))
_FORGET_REPORTS = delete(filing_reports).where(filing_reports.c.record_id.in_(_DOOMED))
_CIPHERTEXT_DUE = (
    select(batch_records.c.record_id)
    .join(batches, batches.c.id == batch_records.c.batch_id)
    .where(
        batches.c.state == "effective",
        text("batch_records.ciphertext_deleted_at IS NULL"),
        batch_records.c.record_id > bindparam("after"),
        ~exists().where(
            versions.c.record_id == batch_records.c.record_id,
            # One whose legal hold is still on in the store, or not known, waits for the mirror.
            or_(versions.c.lock_until > bindparam("now"), text("versions.legal_hold IS NOT FALSE")),
        ),
    )
    .order_by(batch_records.c.record_id)
    .limit(bindparam("at_most"))
)
_OBJECTS_OF = union(
    *(
        select(table.c.object_id, table.c.object_key).where(table.c.record_id == bindparam("its_record"))
        for table in (versions, intents)
    )
)
_CIPHERTEXT_LEFT = (
    select(batch_records.c.record_id)
    .where(text("batch_records.ciphertext_deleted_at IS NULL"), batch_records.c.record_id > bindparam("after"))
    .order_by(batch_records.c.record_id)
    .limit(bindparam("at_most"))
)
_CIPHERTEXT_DELETED = (
    update(batch_records)
    .where(batch_records.c.record_id == bindparam("its_record"))
    .values(ciphertext_deleted_at=bindparam("at"))
)


def batch_of(row: Row[Any]) -> Batch:
    """The batch of a row."""
    return Batch(
        id=BatchId(row.id),
        fonds_id=FondsId(row.fonds_id),
        generation=row.generation,
        attempt=row.attempt,
        digest=row.digest,
        predecessor=row.predecessor,
        removed=frozenset(Place(*each) for each in _PLACE.iter_unpack(row.removed)),
        state=BatchState(row.state),
        requested_by=PersonId(row.requested_by),
        alone=row.alone,
        record_count=row.record_count,
        customer_count=row.customer_count,
        created_at=row.created_at,
        effective_at=row.effective_at,
    )


class SqlBatchShelf(SqlCandidates):
    """``vault.shelves.BatchShelf`` in SQL."""

    __slots__ = ()

    def add(self, batch: Batch, *, record_ids: Sequence[RecordId], customer_ids: Iterable[CustomerId]) -> None:
        self._rows.run(
            _ADD,
            {
                "id": batch.id,
                "fonds_id": batch.fonds_id,
                "generation": batch.generation,
                "attempt": batch.attempt,
                "digest": batch.digest,
                "predecessor": batch.predecessor,
                "removed": b"".join(_PLACE.pack(*place) for place in sorted(batch.removed)),
                "state": batch.state.value,
                "requested_by": batch.requested_by,
                "alone": batch.alone,
                "record_count": batch.record_count,
                "customer_count": batch.customer_count,
                "created_at": batch.created_at,
                "effective_at": batch.effective_at,
            },
        )
        for start in range(0, len(record_ids), CHUNK):
            chunk = enumerate(record_ids[start : start + CHUNK], start + 1)
            self._rows.run_many(
                _ADD_RECORD,
                [{"batch_id": batch.id, "position": position, "record_id": each} for position, each in chunk],
            )
        self._rows.run_many(_ADD_CUSTOMER, [{"batch_id": batch.id, "customer_id": each} for each in customer_ids])

    def get(self, batch_id: BatchId) -> Batch | None:
        row = self._rows.first(_GET, {"its_id": batch_id})
        return None if row is None else batch_of(row)

    def of_record(self, record_id: RecordId) -> Batch | None:
        row = self._rows.first(_OF_RECORD, {"its_record": record_id})
        return None if row is None else batch_of(row)

    def page(self, fonds_id: FondsId, *, before: int | None = None, limit: int = 50) -> Sequence[Batch]:
        values = {"its_fonds": fonds_id, "before": 2**32 if before is None else before, "at_most": limit}
        return [batch_of(row) for row in self._rows.all(_PAGE, values)]

    def unfinished(self, fonds_id: FondsId) -> Sequence[Batch]:
        return [batch_of(row) for row in self._rows.all(_UNFINISHED, {"its_fonds": fonds_id})]

    def records(self, batch_id: BatchId, *, after: int = 0, limit: int = 500) -> Sequence[tuple[int, RecordId]]:
        rows = self._rows.all(_RECORDS, {"its_batch": batch_id, "after": after, "at_most": limit})
        return [(row.position, RecordId(row.record_id)) for row in rows]

    def customers(self, batch_id: BatchId) -> Sequence[CustomerId]:
        return [CustomerId(row.customer_id) for row in self._rows.all(_CUSTOMERS, {"its_batch": batch_id})]

    def erase(self, batch: Batch) -> None:
        # No further leaf is issued in an extent that dies; the customer's rows are locked since ``scope``.
        self._rows.run(_RETIRE_EXTENTS, {"its_batch": batch.id})
        self._rows.run(_FORGET_DERIVED, {"its_batch": batch.id})
        self._rows.run(_FORGET_REPORTS, {"its_batch": batch.id})
        self._move(batch, "erasing")

    def promote(self, batch_id: BatchId) -> bool:
        return self._set_state(batch_id, BatchState.ERASING, BatchState.PROMOTED, None)

    def finish(self, batch: Batch, *, at: datetime) -> bool:
        if not self._set_state(batch.id, BatchState.PROMOTED, BatchState.EFFECTIVE, at):
            return False
        self._move(batch, "destroyed")
        return True

    def ciphertext_due(self, *, now: datetime, after: str = "", limit: int = 200) -> Sequence[RecordId]:
        rows = self._rows.all(_CIPHERTEXT_DUE, {"now": now, "after": after, "at_most": limit})
        return [RecordId(row.record_id) for row in rows]

    def objects_of(self, record_id: RecordId) -> Sequence[tuple[ObjectId, str]]:
        rows = self._rows.all(_OBJECTS_OF, {"its_record": record_id})
        return [(ObjectId(row.object_id), row.object_key) for row in rows]

    def ciphertext_left(self, *, after: str = "", limit: int = 200) -> Sequence[RecordId]:
        rows = self._rows.all(_CIPHERTEXT_LEFT, {"after": after, "at_most": limit})
        return [RecordId(row.record_id) for row in rows]

    def ciphertext_deleted(self, record_id: RecordId, *, at: datetime) -> None:
        self._rows.run(_CIPHERTEXT_DELETED, {"its_record": record_id, "at": at})

    def _set_state(self, batch_id: BatchId, before: BatchState, after: BatchState, at: datetime | None) -> bool:
        values = {"its_id": batch_id, "from_state": before.value, "to_state": after.value, "at": at}
        return self._rows.run(_SET_STATE, values) == 1

    def _move(self, batch: Batch, state: str) -> None:
        customer_ids = self.customers(batch.id)
        count = batch.record_count + len(customer_ids)
        if count == 0:
            return
        base = next_values(self._rows, CHANGE, count) - 1
        if batch.record_count:
            moved = self._rows.run(_MOVE_RECORDS, {"its_batch": batch.id, "to_state": state, "base": base})
            if moved != batch.record_count:
                raise Conflict("a record of this batch has changed meanwhile; begin again")
        for offset, customer_id in enumerate(customer_ids, base + batch.record_count + 1):
            self._rows.run(_MOVE_CUSTOMER, {"its_customer": customer_id, "to_state": state, "to_change": offset})
