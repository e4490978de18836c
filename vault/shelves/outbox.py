"""The shelf of what still has to reach the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class OutboxShelf(Protocol):
    """Sealed metadata objects that still have to reach the store, oldest first."""

    def add(self, key: str, body: bytes, *, at: datetime) -> None: ...

    def pending(self, *, limit: int = 100) -> Sequence[tuple[int, str, bytes]]:
        """(number, object key, sealed bytes)."""
        ...

    def sent(self, number: int) -> None: ...

    def waiting(self, key: str) -> bytes | None:
        """What waits to be sent under a key; None where nothing does (any more)."""
        ...

    def registered(self) -> int:
        """The newest change number that a register covers."""
        ...

    def register(self, key: str, body: bytes, *, since: int, to: int, at: datetime) -> bool:
        """Adds the register of changes ``since`` to ``to``; False when another one was added meanwhile."""
        ...

    def lag(self) -> tuple[int, datetime | None]:
        """How many wait, and since when the oldest does."""
        ...
