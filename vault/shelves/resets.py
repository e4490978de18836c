"""One-time links for a new password."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from vault.ids import PersonId
from vault.resets import Reset


class ResetShelf(Protocol):
    def add(self, reset: Reset) -> None: ...

    def get(self, token_sha256: bytes) -> Reset | None: ...

    def use(self, token_sha256: bytes, *, now: datetime) -> bool:
        """Marks an unused, unexpired link as used; False when it is neither."""
        ...

    def withdraw(self, person_id: PersonId, *, now: datetime) -> None:
        """Marks every unused link of somebody as used."""
        ...
