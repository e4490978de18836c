"""The shelf of attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class AttemptShelf(Protocol):
    """Counts guesses of secrets, by opaque subject (a keyed digest of link and address, or of a sign-in name)."""

    def add(self, subject: bytes, *, at: datetime) -> None: ...

    def count(self, subject: bytes, *, since: datetime) -> int: ...

    def take_back(self, subject: bytes, *, at: datetime) -> None:
        """Forgets one attempt of that time: it was none."""
        ...

    def forget(self, subject: bytes) -> None: ...

    def forget_before(self, before: datetime) -> None: ...

    def forget_after(self, after: datetime) -> None: ...
