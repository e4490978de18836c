"""The shelf of upkeep's duties."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class JobShelf(Protocol):
    def ran(self, job: str, *, at: datetime, outcome: str) -> None: ...

    def last_runs(self) -> Sequence[tuple[str, datetime, str]]:
        """(job, when it last ran, outcome)."""
        ...
