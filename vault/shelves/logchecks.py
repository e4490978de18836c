"""Checks of the log, and their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import LogCheckId, PersonId, ProcessId
from vault.logchecks import KeptCheck, LogVerdict


class LogCheckShelf(Protocol):
    def add(self, check_id: LogCheckId, *, asked_by: PersonId, at: datetime) -> None: ...

    def get(self, check_id: LogCheckId) -> KeptCheck | None: ...

    def open(self) -> Sequence[KeptCheck]:
        """Those that wait or run, oldest first."""
        ...

    def newest(self, *, limit: int, until: datetime | None = None) -> Sequence[KeptCheck]:
        """Ended ones, the newest first; with ``until`` only those that ended by then."""
        ...

    def claim(self, check_id: LogCheckId, process_id: ProcessId, *, at: datetime, silent_since: datetime) -> bool:
        """Takes a waiting one, or a running one of which nothing was heard since; False when somebody has it."""
        ...

    def tell(self, check_id: LogCheckId, process_id: ProcessId, *, done: int, total: int, at: datetime) -> None: ...

    def give_back(self, check_id: LogCheckId, process_id: ProcessId) -> None:
        """It waits again."""
        ...

    def end(self, check_id: LogCheckId, process_id: ProcessId, verdict: LogVerdict, *, at: datetime) -> bool:
        """Keeps the verdict; False when another process has taken it up meanwhile."""
        ...
