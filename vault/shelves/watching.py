"""The shelf of early warning: counts by person and hour, the rule, alarms, and who is suspended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vault.ids import PersonId
from vault.watching import Alarm, Counted, Deed, Suspension, WatchRule


class WatchShelf(Protocol):
    def count(self, person_id: PersonId, deed: Deed, hour: int) -> int:
        """Counts one more; gives how many it are in that hour."""
        ...

    def counted(self, person_id: PersonId, *, first: int, last: int) -> Sequence[Counted]:
        """What somebody did in these hours, both included."""
        ...

    def active(self, *, first: int, last: int) -> Sequence[PersonId]:
        """Who did anything in these hours."""
        ...

    def forget_before(self, hour: int) -> None: ...

    def rule(self) -> WatchRule:
        """The newest rule; the one that ships, where none was set."""
        ...

    def set_rule(self, rule: WatchRule) -> None: ...

    def add_alarm(self, alarm: Alarm) -> bool:
        """False where that sign was raised for that person on that day already."""
        ...

    def alarm(self, alarm_id: str, *, for_update: bool = False) -> Alarm | None: ...

    def alarms(self, *, unsettled: bool, limit: int = 100) -> Sequence[Alarm]:
        """The newest first."""
        ...

    def settle(self, alarm: Alarm) -> None: ...

    def suspend(self, suspension: Suspension) -> bool:
        """False where they are suspended already."""
        ...

    def suspension_of(self, person_id: str) -> Suspension | None:
        """The suspension that is in force."""
        ...

    def suspensions(self) -> Sequence[Suspension]:
        """All that are in force."""
        ...

    def lift(self, suspension: Suspension) -> None: ...
