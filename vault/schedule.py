"""The schedule: which version of each class's rule is in force, who proposed it and who let it become one.

    proposed -> in-force -> superseded          by the next version of the same class
       |            \\---> retired -> superseded   no new record takes the class; those that have it keep its rule
       \\-> withdrawn

Rule 1: whoever proposed a version does not approve it. Only what ships comes in force without people.
Rule 2: a version never changes, but for where it stands and who decided that.
Rule 3: of one class one version governs (in force, or retired), and one proposal waits, at most.
Rule 4: a class's code, titles and mandate are policy, and stand in clear. The reason of a proposal is sealed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from vault.classes import DisposalAction, Nature, RecordClass, Sensitivity, Trigger
from vault.ids import PersonId
from vault.objects import LockMode

SHIPPED_BY: Final = PersonId("strongroom")
"""Stands for whoever proposed what ships."""

LAST_ZONE: Final = timedelta(hours=12)


class RuleState(StrEnum):
    """Where a version of a rule stands."""

    PROPOSED = "proposed"
    IN_FORCE = "in-force"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVersion:
    """One version of a class's rule; ``version`` counts from 1. ``sealed_reason`` lies under the house's leaf.

    ``decided_*`` say who approved it, or withdrew it, and when: nobody, of what ships.
    """

    code: str
    version: int
    rule: RecordClass
    state: RuleState
    shipped: bool
    sealed_reason: bytes = field(repr=False)
    proposed_by: PersonId
    proposed_at: datetime
    decided_by: PersonId | None
    decided_at: datetime | None
    change: int

    @property
    def is_in_force(self) -> bool:
        """Whether new records may take the class."""
        return self.state is RuleState.IN_FORCE

    @property
    def governs(self) -> bool:
        """Whether records of the class follow this version."""
        return self.state in (RuleState.IN_FORCE, RuleState.RETIRED)


def ungoverned(code: str) -> RecordClass:
    """Stands for the rule of a class that no rule governs: what nobody decided on is kept for ever."""
    return RecordClass(
        code=code,
        title_zh=code,
        title_en=code,
        nature=Nature.HOUSE,
        sensitivity=Sensitivity.IMPORTANT,
        trigger=Trigger.CREATED,
        period_years=None,
        lock_mode=LockMode.GOVERNANCE,
        mandate="",
        action=DisposalAction.KEEP,
    )


def today(now: datetime) -> date:
    """The day that has begun everywhere on earth: a due date is reached in the last time zone, too (UTC-12)."""
    return (now - LAST_ZONE).date()
