"""The shelf of openings."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from vault.ids import PersonId, RecordId


class OpeningShelf(Protocol):
    def recent(
        self,
        person_id: PersonId,
        record_id: RecordId,
        ordinal: int,
        purpose: str,
        *,
        since: datetime,
        until: datetime,
    ) -> bool:
        """Whether an opening of this kind is on record between then and then (both included)."""
        ...

    def add(self, person_id: PersonId, record_id: RecordId, ordinal: int, purpose: str, *, at: datetime) -> None: ...
