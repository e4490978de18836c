"""The shelf of processes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import ProcessId


class ProcessShelf(Protocol):
    """Processes that may own intents; one that has not been seen for long is dead."""

    def beat(self, process_id: ProcessId, *, description: str, now: datetime, generation: int = 0) -> None:
        """Registers the process, or says that it is alive. ``description`` says where it runs, for liveness checks;
        ``generation`` is the oldest root from which it may have keys."""
        ...

    def behind(self, generation: int) -> Sequence[tuple[ProcessId, str, datetime]]:
        """Those that have not confirmed this generation: (id, description, seen at)."""
        ...

    def all(self) -> Sequence[tuple[ProcessId, str, datetime]]:
        """(id, description, seen at)."""
        ...

    def end(self, process_id: ProcessId) -> None: ...
