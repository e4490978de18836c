"""Data quality: what is missing from a record, what nobody went on with, and which of its dates contradict each other.

Rule 1: which fields a class asks for follows from its nature: all but house files belong to a customer, and every
document has a date.
Rule 2: a flaw is told, and keeps nobody from filing: what is not known cannot be invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from vault.classes import Nature, RecordClass

_A_DAY: Final = timedelta(days=1)
"""A document of today may be dated a day ahead of UTC."""


class Flaw(StrEnum):
    """One thing that is not as it should be."""

    NO_DATE = "no-date"
    NO_CUSTOMER = "no-customer"
    UNFILED = "unfiled"
    NO_TRIGGER = "no-trigger"
    """It is filed, and the event from which its period runs is not known."""
    DATED_LATE = "dated-late"
    """The document is dated after it was received."""
    ENDED_EARLY = "ended-early"
    """The event from which its period runs was before the document was made."""
    ENDED_AHEAD = "ended-ahead"
    """The event from which its period runs was said to be still to come."""
    TWIN = "twin"
    """Another record of the same owner has the same bytes."""


class WorkList(StrEnum):
    """Records with flaws of one kind, to be gone through."""

    MISSING = "missing"
    STALE = "stale"
    DATES = "dates"
    TWINS = "twins"


LISTED: Final[Mapping[WorkList, tuple[Flaw, ...]]] = {
    WorkList.MISSING: (Flaw.NO_DATE, Flaw.NO_CUSTOMER),
    WorkList.STALE: (Flaw.UNFILED, Flaw.NO_TRIGGER),
    WorkList.DATES: (Flaw.DATED_LATE, Flaw.ENDED_EARLY, Flaw.ENDED_AHEAD),
    WorkList.TWINS: (Flaw.TWIN,),
}
STALE_AFTER_DAYS: Final = 30
DAYS_MAX: Final = 36_500


def flaws_of(
    rule: RecordClass | None,
    *,
    has_customer: bool,
    dated_on: date | None,
    received_at: datetime,
    trigger_on: date | None,
    filed_at: datetime | None,
) -> Iterator[Flaw]:
    """The flaws that a record has by itself; ``rule`` None where none governs its class any more."""
    if dated_on is None:
        yield Flaw.NO_DATE
    if not has_customer and rule is not None and rule.nature is not Nature.HOUSE:
        yield Flaw.NO_CUSTOMER
    if filed_at is None:
        yield Flaw.UNFILED
    elif trigger_on is None and rule is not None and not rule.is_permanent:
        yield Flaw.NO_TRIGGER
    if dated_on is not None and dated_on > (received_at + _A_DAY).date():
        yield Flaw.DATED_LATE
    if trigger_on is not None and dated_on is not None and trigger_on < dated_on:
        yield Flaw.ENDED_EARLY
    if trigger_on is not None and filed_at is not None and trigger_on > (filed_at + _A_DAY).date():
        yield Flaw.ENDED_AHEAD
