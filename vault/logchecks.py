"""A check of the whole log, and the verdict that is kept of it: who asked, when, up to which entry, what came of it.

    waiting -> running -> ended          a running one whose process fell silent is taken up by another, from its start

Rule 1: an ended check is never changed; the catalogue refuses to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.ids import LogCheckId, PersonId

SILENT_AFTER: Final = timedelta(minutes=2)
"""How long a running check may not say how far it is before another process takes it up."""
BY_ITSELF_EVERY: Final = timedelta(days=7)
"""How old the newest check may become before upkeep makes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogVerdict:
    """What came of a check. ``size`` is the last entry that it covers; numbers are those of entries."""

    size: int
    root: bytes
    waiting: int
    changed: Sequence[int]
    missing: Sequence[int]
    problems: Sequence[str]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.changed or self.missing or self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCheck:
    """One check. ``done`` of ``total`` entries are looked at; ``verdict`` is None until it has ended."""

    id: LogCheckId
    asked_by: PersonId
    asked_at: datetime
    begun_at: datetime | None
    done: int
    total: int
    ended_at: datetime | None
    verdict: LogVerdict | None

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.verdict is None
