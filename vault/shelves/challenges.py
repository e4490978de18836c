"""Challenges: what somebody has begun to prove."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from vault.challenges import Challenge
from vault.ids import PersonId


class ChallengeShelf(Protocol):
    def add(self, challenge: Challenge) -> None: ...

    def get(self, token_sha256: bytes) -> Challenge | None: ...

    def take(self, token_sha256: bytes) -> bool:
        """Takes a challenge away; False when it is gone already."""
        ...

    def drop_of(self, person_id: PersonId) -> None:
        """Takes away whatever somebody has begun."""
        ...

    def forget_expired(self, *, now: datetime) -> None: ...
