"""Certificates of destruction: sealed documents of a permanent register.

Rule 1: a certificate is never deleted, and what it states never changes: a pending one becomes complete, once. Triggers
keep this.
Rule 2: a generation of the keys has one at most. Its batch is named, not referred to: a catalogue that was made again
knows the batch by another id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
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

from storage.catalogue.batches import batch_of, batches
from storage.catalogue.counters import next_value
from storage.catalogue.fonds import fonds, fonds_column, leaf_of
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.rows import Rows
from vault.certificates import Certificate, CertificateState
from vault.destruction import Batch
from vault.ids import BatchId, CertificateId, FondsId, RecordId
from vault.seal.keytree import LeafAddress

AT_ONCE: Final = 500

certificates = Table(
    "certificates",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("number", Text, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("generation", Counted, nullable=False),
    Column("state", Text, nullable=False),
    Column("statement_sha256", LargeBinary, nullable=False),
    Column("extent", Counted, nullable=False),
    Column("leaf", Counted, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    UniqueConstraint("fonds_id", "number"),
    UniqueConstraint("fonds_id", "generation"),
    one_of("state", CertificateState),
    CheckConstraint("length(statement_sha256) = 32", name="digest"),
    CheckConstraint("leaf BETWEEN 0 AND 63", name="leaf"),
    Index("ix_certificates_issued_at_id", "issued_at", "id"),
    Index(
        "ix_certificates_pending",
        "fonds_id",
        "generation",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)

register_titles = Table(
    "register_titles",
    metadata,
    Column("record_id", Text, ForeignKey("records.id"), primary_key=True),
    fonds_column(),
    Column("extent", Counted, nullable=False),
    Column("leaf", Counted, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    CheckConstraint("leaf BETWEEN 0 AND 63", name="leaf"),
)

_ADD_TITLE = insert(register_titles)
_wanted: Final[BindParameter[Any]] = bindparam("wanted", expanding=True)
_TITLES = (
    select(register_titles, fonds.c.tree_id)
    .join(fonds, fonds.c.id == register_titles.c.fonds_id)
    .where(register_titles.c.record_id.in_(_wanted))
)
_ADD = insert(certificates)
_ALL = select(certificates, fonds.c.tree_id).join(fonds, fonds.c.id == certificates.c.fonds_id)
_OF_FONDS = _ALL.where(certificates.c.fonds_id == bindparam("its_fonds"))
_GET = _ALL.where(certificates.c.id == bindparam("its_id"))
_BY_NUMBER = _OF_FONDS.where(certificates.c.number == bindparam("its_number"))
_OF_GENERATION = _OF_FONDS.where(certificates.c.generation == bindparam("its_generation"))
_FIRST_PAGE = _OF_FONDS.order_by(certificates.c.issued_at.desc(), certificates.c.id.desc()).limit(bindparam("at_most"))
_NEXT_PAGE = _FIRST_PAGE.where(
    tuple_(certificates.c.issued_at, certificates.c.id)
    < tuple_(bindparam("before_at", type_=UtcDateTime), bindparam("before_id", type_=Text))
)
_PENDING = (
    _OF_FONDS.where(text("certificates.state = 'pending'"))
    .order_by(certificates.c.generation)
    .limit(bindparam("at_most"))
)
_COMPLETE = (
    update(certificates)
    .where(certificates.c.id == bindparam("its_id"), certificates.c.state == CertificateState.PENDING.value)
    .values(state=CertificateState.COMPLETE.value, sealed=bindparam("its_sealed"))
)
_UNCERTIFIED = (
    batches.c.fonds_id == bindparam("its_fonds"),
    batches.c.state == "effective",
    batches.c.record_count + batches.c.customer_count > 0,
    ~exists().where(certificates.c.fonds_id == batches.c.fonds_id, certificates.c.generation == batches.c.generation),
)
_DUE = (
    select(batches)
    .where(*_UNCERTIFIED, batches.c.generation > bindparam("after"))
    .order_by(batches.c.generation)
    .limit(bindparam("at_most"))
)
_COUNT_DUE = select(func.count(batches.c.id).label("due")).where(*_UNCERTIFIED)


def _certificate_of(row: Row[Any]) -> Certificate:
    return Certificate(
        id=CertificateId(row.id),
        fonds_id=FondsId(row.fonds_id),
        number=row.number,
        batch_id=BatchId(row.batch_id),
        generation=row.generation,
        state=CertificateState(row.state),
        statement_sha256=bytes(row.statement_sha256),
        leaf=leaf_of(row),
        sealed=bytes(row.sealed),
        issued_at=row.issued_at,
    )


class SqlCertificateShelf:
    """``vault.shelves.CertificateShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def next_number(self, fonds_id: FondsId, year: int) -> str:
        return f"C-{year:04d}-{next_value(self._rows, f'certificate/{fonds_id}/{year:04d}'):04d}"

    def add(self, certificate: Certificate) -> None:
        self._rows.run(
            _ADD,
            {
                "id": certificate.id,
                "fonds_id": certificate.fonds_id,
                "number": certificate.number,
                "batch_id": certificate.batch_id,
                "generation": certificate.generation,
                "state": certificate.state.value,
                "statement_sha256": certificate.statement_sha256,
                "extent": certificate.leaf.extent,
                "leaf": certificate.leaf.leaf,
                "sealed": certificate.sealed,
                "issued_at": certificate.issued_at,
            },
        )

    def complete(self, certificate: Certificate) -> bool:
        return self._rows.run(_COMPLETE, {"its_id": certificate.id, "its_sealed": certificate.sealed}) == 1

    def get(self, certificate_id: CertificateId) -> Certificate | None:
        row = self._rows.first(_GET, {"its_id": certificate_id})
        return None if row is None else _certificate_of(row)

    def by_number(self, fonds_id: FondsId, number: str) -> Certificate | None:
        row = self._rows.first(_BY_NUMBER, {"its_fonds": fonds_id, "its_number": number})
        return None if row is None else _certificate_of(row)

    def of_batch(self, batch: Batch) -> Certificate | None:
        row = self._rows.first(_OF_GENERATION, {"its_fonds": batch.fonds_id, "its_generation": batch.generation})
        return None if row is None else _certificate_of(row)

    def page(
        self, fonds_id: FondsId, *, before: tuple[datetime, str] | None = None, limit: int = 50
    ) -> Sequence[Certificate]:
        values = {"its_fonds": fonds_id, "at_most": limit}
        if before is None:
            return [_certificate_of(row) for row in self._rows.all(_FIRST_PAGE, values)]
        values |= {"before_at": before[0], "before_id": before[1]}
        return [_certificate_of(row) for row in self._rows.all(_NEXT_PAGE, values)]

    def pending(self, fonds_id: FondsId, *, limit: int = 50) -> Sequence[Certificate]:
        rows = self._rows.all(_PENDING, {"its_fonds": fonds_id, "at_most": limit})
        return [_certificate_of(row) for row in rows]

    def due(self, fonds_id: FondsId, *, after: int = 0, limit: int = 50) -> Sequence[Batch]:
        rows = self._rows.all(_DUE, {"its_fonds": fonds_id, "after": after, "at_most": limit})
        return [batch_of(row) for row in rows]

    def count_due(self, fonds_id: FondsId) -> int:
        row = self._rows.first(_COUNT_DUE, {"its_fonds": fonds_id})
        return 0 if row is None else int(row.due)

    def keep_titles(self, fonds_id: FondsId, leaf: LeafAddress, sealed: Mapping[RecordId, bytes]) -> None:
        fixed = {"fonds_id": fonds_id, "extent": leaf.extent, "leaf": leaf.leaf}
        self._rows.run_many(
            _ADD_TITLE, [{**fixed, "record_id": record_id, "sealed": each} for record_id, each in sealed.items()]
        )

    def titles(self, record_ids: Sequence[RecordId]) -> Mapping[RecordId, tuple[LeafAddress, bytes]]:
        return {
            RecordId(row.record_id): (leaf_of(row), bytes(row.sealed))
            for start in range(0, len(record_ids), AT_ONCE)
            for row in self._rows.all(_TITLES, {"wanted": record_ids[start : start + AT_ONCE]})
        }
