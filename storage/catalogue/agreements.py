"""Versions of the confidentiality agreement, and who signed them. Rows are only added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, LargeBinary, Row, Table, Text, bindparam, insert, select

from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.agreements import AgreementSignature, AgreementVersion
from vault.ids import PersonId

agreements = Table(
    "agreements",
    metadata,
    Column("version", Counted, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("length(sha256) = 32", name="sha256"),
)

agreement_signatures = Table(
    "agreement_signatures",
    metadata,
    Column("version", Counted, ForeignKey("agreements.version"), primary_key=True, autoincrement=False),
    Column("person_id", Text, ForeignKey("people.id"), primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    CheckConstraint("length(sha256) = 32", name="sha256"),
)

_ADD = insert(agreements)
_VERSIONS = select(agreements).order_by(agreements.c.version.desc())
_NEWEST = _VERSIONS.limit(1)
_SIGN = insert(agreement_signatures)
_SIGNATURES = select(agreement_signatures).order_by(
    agreement_signatures.c.version.desc(), agreement_signatures.c.signed_at, agreement_signatures.c.person_id
)
_SIGNATURE = select(agreement_signatures).where(
    agreement_signatures.c.version == bindparam("its_version"),
    agreement_signatures.c.person_id == bindparam("its_person"),
)


class SqlAgreementShelf:
    """``vault.shelves.AgreementShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, version: AgreementVersion) -> None:
        self._rows.run(
            _ADD,
            {
                "version": version.version,
                "sealed": version.sealed,
                "sha256": version.text_sha256,
                "published_by": version.published_by,
                "published_at": version.published_at,
            },
        )

    def newest(self) -> AgreementVersion | None:
        row = self._rows.first(_NEWEST)
        return None if row is None else _version_of(row)

    def versions(self) -> Sequence[AgreementVersion]:
        return [_version_of(row) for row in self._rows.all(_VERSIONS)]

    def sign(self, signature: AgreementSignature) -> None:
        self._rows.run(
            _SIGN,
            {
                "version": signature.version,
                "person_id": signature.person_id,
                "sha256": signature.text_sha256,
                "signed_at": signature.signed_at,
            },
        )

    def signature(self, version: int, person_id: PersonId) -> AgreementSignature | None:
        row = self._rows.first(_SIGNATURE, {"its_version": version, "its_person": person_id})
        return None if row is None else _signature_of(row)

    def signatures(self) -> Sequence[AgreementSignature]:
        return [_signature_of(row) for row in self._rows.all(_SIGNATURES)]


def _version_of(row: Row[Any]) -> AgreementVersion:
    return AgreementVersion(
        version=row.version,
        sealed=row.sealed,
        text_sha256=row.sha256,
        published_by=PersonId(row.published_by),
        published_at=row.published_at,
    )


def _signature_of(row: Row[Any]) -> AgreementSignature:
    return AgreementSignature(
        version=row.version,
        person_id=PersonId(row.person_id),
        text_sha256=row.sha256,
        signed_at=row.signed_at,
    )
