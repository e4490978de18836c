"""The shelf of loans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.borrowing import Loan, LoanState
from vault.ids import PersonId, RecordId


class LoanShelf(Protocol):
    def add(self, loan: Loan) -> None:
        """Raises ``AlreadyExists`` when the person has an open one for the record."""
        ...

    def get(self, loan_id: str, *, for_update: bool = False) -> Loan | None: ...

    def update(self, loan: Loan) -> None:
        """Decides, or ends it; the database refuses whoever asked as the one who decides."""
        ...

    def granted(self, person_id: PersonId, record_id: RecordId) -> Loan | None:
        """The loan under which somebody has a record."""
        ...

    def of_person(self, person_id: PersonId, *, limit: int = 100) -> Sequence[Loan]:
        """What somebody asked for, newest first."""
        ...

    def in_state(self, state: LoanState, classes: frozenset[str] | None, *, limit: int = 100) -> Sequence[Loan]:
        """Loans of records of these classes (None is every class) in a state, oldest first."""
        ...

    def overdue(self, now: datetime, *, limit: int = 500) -> Sequence[Loan]:
        """Granted ones whose day has come, oldest first."""
        ...
