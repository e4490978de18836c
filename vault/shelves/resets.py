"""One-time links for a new password."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import PersonId
from vault.resets import Reset


class ResetShelf(Protocol):
    def add(self, reset: Reset) -> None: ...

    def get(self, token_sha256: bytes) -> Reset | None: ...

    def offered_by(self, person_id: PersonId, *, since: datetime) -> Sequence[Reset]:
        """Those that somebody made and that expire (or did) after a time, the newest first."""
        ...

    def use(self, token_sha256: bytes, *, now: datetime) -> bool:
        """Marks an unused, unexpired link as used; False when it is neither."""
        ...

    def withdraw(self, person_id: PersonId, *, now: datetime) -> None:
        """Marks every unused link of somebody as used."""
        ...
