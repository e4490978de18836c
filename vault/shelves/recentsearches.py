"""The shelf of recent searches."""

from __future__ import annotations

from typing import Protocol

from vault.ids import PersonId
from vault.recentsearches import SealedSearches


class RecentSearchShelf(Protocol):
    def of_person(self, person_id: PersonId) -> SealedSearches | None:
        """What is kept for a person."""
        ...

    def put(self, searches: SealedSearches) -> None:
        """Keeps them in place of what was kept."""
        ...
