"""Borrowing (借阅): a record of an important class is lent to one person, for some days, by somebody else.

Rule 1: whoever asks does not decide; the catalogue refuses it, too.
Rule 2: a loan ends by itself on its day; then, and when it is given back, nothing opens under it any more.
Rule 3: what it is for, and the answer, are sealed under the record's leaf.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from vault.errors import InvalidInput
from vault.ids import PersonId, RecordId
from vault.seal.keytree import LeafAddress

DAYS_MAX: Final = 90
DAYS_USUAL: Final = 14


class LoanState(StrEnum):
    """``requested`` -> ``granted`` -> ``returned``, or ``refused``; ``withdrawn`` before anybody decided."""

    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


OPEN: Final = frozenset({LoanState.REQUESTED, LoanState.GRANTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """One request and what came of it. ``sealed`` opens to its words; ``until`` is set when it is granted."""

    id: str
    record_id: RecordId
    person_id: PersonId
    state: LoanState
    purpose: str
    days: int
    leaf: LeafAddress
    sealed: bytes
    revision: int
    asked_at: datetime
    decided_by: PersonId | None = None
    decided_at: datetime | None = None
    until: datetime | None = None
    returned_at: datetime | None = None

    def opens(self, now: datetime) -> bool:
        """Whether its borrower may open the record now."""
        return self.state is LoanState.GRANTED and self.until is not None and now < self.until


def checked_days(days: int) -> int:
    """For how many days something is lent. Raises ``InvalidInput``."""
    if not 1 <= days <= DAYS_MAX:
        raise InvalidInput(f"a record is lent for 1 to {DAYS_MAX} days", field="days")
    return days
