"""The shelf of answers that are kept for whoever asks again."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from vault.answers import KeptAnswer


class AnswerShelf(Protocol):
    def take(self, kept: KeptAnswer) -> None:
        """Takes a key. Raises ``AlreadyExists``."""
        ...

    def get(self, key_digest: bytes) -> KeptAnswer | None: ...

    def answered(self, key_digest: bytes, sealed: bytes, *, at: datetime) -> None: ...

    def give_back(self, key_digest: bytes) -> None: ...

    def forget_before(self, before: datetime) -> None: ...
