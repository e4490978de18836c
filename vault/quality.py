"""Data quality: what is missing from what is said of a record, and which of its dates contradict each other.

Rule 1: which fields a class asks for follows from its nature: all but house files belong to a customer, and every
document has a date.
Rule 2: a flaw is told, and keeps nobody from filing: what is not known cannot be invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from vault.classes import Nature

_A_DAY: Final = timedelta(days=1)
"""A document of today may be dated a day ahead of UTC."""


class Flaw(StrEnum):
    """One thing that is not as it should be."""

    NO_DATE = "no-date"
    NO_CUSTOMER = "no-customer"
    DATED_LATE = "dated-late"
    """The document is dated after it was received."""
    ENDED_EARLY = "ended-early"
    """The event from which its period runs was before the document was made."""
    ENDED_AHEAD = "ended-ahead"
    """The event from which its period runs is said to be after the day on which that was said."""


MISSING: Final = (Flaw.NO_DATE, Flaw.NO_CUSTOMER)
CONTRADICTING: Final = (Flaw.DATED_LATE, Flaw.ENDED_EARLY, Flaw.ENDED_AHEAD)


def flaws_of(
    *,
    nature: Nature | None,
    has_customer: bool,
    dated_on: date | None,
    received_at: datetime,
    trigger_on: date | None,
    filed_at: datetime | None,
) -> Iterator[Flaw]:
    """The flaws of a record; ``nature`` None where no rule governs its class any more."""
    if dated_on is None:
        yield Flaw.NO_DATE
    if not has_customer and nature not in (Nature.HOUSE, None):
        yield Flaw.NO_CUSTOMER
    if dated_on is not None and dated_on > (received_at + _A_DAY).date():
        yield Flaw.DATED_LATE
    if trigger_on is not None and dated_on is not None and trigger_on < dated_on:
        yield Flaw.ENDED_EARLY
    if trigger_on is not None and filed_at is not None and trigger_on > (filed_at + _A_DAY).date():
        yield Flaw.ENDED_AHEAD
