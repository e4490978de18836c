"""Filing reports: added, never changed, gone with the record (``batches``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
)

from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.rows import Rows
from vault.filingreports import KeptReport, Property, Verdict
from vault.ids import PersonId, RecordId

filing_reports = Table(
    "filing_reports",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("number", Counted, primary_key=True, autoincrement=False),
    Column("ordinal", Counted, nullable=False),
    Column("filed_by", Text, nullable=False),
    Column("filed_at", UtcDateTime, nullable=False),
    *(Column(each.value, Text, nullable=False) for each in Property),
    Column("sealed", LargeBinary, nullable=False),
    ForeignKeyConstraint(["record_id", "ordinal"], ["versions.record_id", "versions.ordinal"]),
    CheckConstraint("number >= 1", name="number"),
    *(one_of(each.value, Verdict) for each in Property),
)

_ADD = insert(filing_reports)
_ITS = filing_reports.c.record_id == bindparam("its_record")
_GET = select(filing_reports).where(_ITS, filing_reports.c.number == bindparam("its_number"))
_OF_RECORD = select(filing_reports).where(_ITS).order_by(filing_reports.c.number.desc())
_NEWEST = select(func.coalesce(func.max(filing_reports.c.number), 0)).where(_ITS)


class SqlFilingReportShelf:
    """``vault.shelves.FilingReportShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, report: KeptReport) -> None:
        self._rows.run(
            _ADD,
            {
                "record_id": report.record_id,
                "number": report.number,
                "ordinal": report.ordinal,
                "filed_by": report.filed_by,
                "filed_at": report.filed_at,
                **{each.value: report.verdicts[each].value for each in Property},
                "sealed": report.sealed,
            },
        )

    def get(self, record_id: RecordId, number: int) -> KeptReport | None:
        row = self._rows.first(_GET, {"its_record": record_id, "its_number": number})
        return None if row is None else _report_of(row)

    def of_record(self, record_id: RecordId) -> Sequence[KeptReport]:
        return [_report_of(row) for row in self._rows.all(_OF_RECORD, {"its_record": record_id})]

    def newest_number(self, record_id: RecordId) -> int:
        row = self._rows.first(_NEWEST, {"its_record": record_id})
        return 0 if row is None else int(row[0])


def _report_of(row: Row[Any]) -> KeptReport:
    return KeptReport(
        record_id=RecordId(row.record_id),
        number=row.number,
        ordinal=row.ordinal,
        filed_by=PersonId(row.filed_by),
        filed_at=row.filed_at,
        verdicts={each: Verdict(getattr(row, each.value)) for each in Property},
        sealed=bytes(row.sealed),
    )
