"""The shelf of rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vault.schedule import RuleVersion


class ScheduleShelf(Protocol):
    """Versions of rules. One of a class governs (in force, or retired), and one proposal of it waits, at most."""

    def add(self, rule: RuleVersion) -> None:
        """Raises ``AlreadyExists`` when the class has a proposal that waits, or this version."""
        ...

    def rule(self, code: str, *, for_update: bool = False) -> RuleVersion | None:
        """The version that governs a class. Cheap: it is asked for each file that comes in."""
        ...

    def governing(self) -> Sequence[RuleVersion]:
        """Every version that governs, by code; of a retired class, too."""
        ...

    def in_force(self) -> Sequence[RuleVersion]:
        """Every version that new records may take, by code."""
        ...

    def proposal(self, code: str, *, for_update: bool = False) -> RuleVersion | None: ...

    def proposals(self) -> Sequence[RuleVersion]:
        """What waits, by code."""
        ...

    def versions(self, code: str) -> Sequence[RuleVersion]:
        """Newest first."""
        ...

    def newest(self, code: str) -> int:
        """The highest version number of a class; 0 when it has none."""
        ...

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[RuleVersion]: ...

    def decide(self, rule: RuleVersion) -> None:
        """Keeps where a version stands and who decided. The database refuses its proposer as its approver."""
        ...
