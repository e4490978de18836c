"""The shelf of saved views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vault.ids import PersonId, ViewId
from vault.savedviews import SavedView


class SavedViewShelf(Protocol):
    def add(self, view: SavedView) -> None: ...

    def of_person(self, person_id: PersonId) -> Sequence[SavedView]:
        """All views of a person, oldest first."""
        ...

    def remove(self, person_id: PersonId, view_id: ViewId) -> bool:
        """Whether the person had such a view."""
        ...
