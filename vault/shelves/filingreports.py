"""The shelf of filing reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vault.filingreports import KeptReport
from vault.ids import RecordId


class FilingReportShelf(Protocol):
    def add(self, report: KeptReport) -> None: ...

    def get(self, record_id: RecordId, number: int) -> KeptReport | None: ...

    def of_record(self, record_id: RecordId) -> Sequence[KeptReport]:
        """Those of a record, newest first."""
        ...

    def newest_number(self, record_id: RecordId) -> int:
        """The number of a record's newest one, 0 without one."""
        ...
