"""The shelf of courses and of attempts at their tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import PersonId
from vault.training import Attempt, CourseVersion


class TrainingShelf(Protocol):
    def add(self, version: CourseVersion) -> None:
        """Raises ``AlreadyExists`` when somebody else published that version meanwhile."""
        ...

    def newest(self) -> CourseVersion | None: ...

    def versions(self) -> Sequence[CourseVersion]:
        """Newest first."""
        ...

    def attempt(self, attempt: Attempt) -> None: ...

    def attempts(self, *, person_id: PersonId | None = None, since: datetime | None = None) -> Sequence[Attempt]:
        """Newest first; of one person, or of everybody."""
        ...

    def best(self, person_id: PersonId, *, since_version: int) -> Attempt | None:
        """The pass of that version, or a later one, that is good the longest."""
        ...
