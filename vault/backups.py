"""Backups as people see them: where they go, when the last ones were taken, what came of trying them.

Rule 1: nothing here proves a backup; ``strongroom backup verify`` and drills do, and their last verdicts are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

BACKUP_JOB: Final = "back-up"
DRILL_JOB: Final = "drill"
"""The jobs of upkeep under which the last backup, and the verdict of the last drill, are kept."""

VERIFY_JOB: Final = "verify"
"""Under which the verdict of the last ``strongroom backup verify`` is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRun:
    """One backup that ended. Its figures are None where its manifest cannot be read."""

    name: str
    taken_at: datetime
    records: int | None
    objects: int | None
    object_bytes: int | None
    generation: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """Where backups go and how often; ``place`` is for people and holds no secret.

    ``runs`` gives the newest ones, newest first, at most so many. It raises ``StoreUnavailable`` when the place is
    away.
    """

    place: str
    every: timedelta
    drill_every: timedelta
    kept: int
    runs: Callable[[int], Sequence[BackupRun]]
