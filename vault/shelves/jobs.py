"""The shelf of upkeep's duties."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import ProcessId


class JobShelf(Protocol):
    def ran(self, job: str, *, at: datetime, outcome: str) -> None: ...

    def last_runs(self) -> Sequence[tuple[str, datetime, str]]:
        """(job, when it last ran, outcome)."""
        ...

    def take(self, job: str, process_id: ProcessId, *, now: datetime, until: datetime) -> bool:
        """Takes a job for one process, until then at most; False while another has it."""
        ...

    def leave(self, job: str, process_id: ProcessId) -> None:
        """Whoever has taken it has it no longer."""
        ...
