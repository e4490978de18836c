"""Challenges: what somebody has begun to prove, and must finish within minutes, once.

Rule 1: only the SHA-256 of a challenge's token is kept. Whatever secret a step needs (a passkey's challenge, a nonce)
is made of the token, under the vault's key.
Rule 2: a challenge is taken by whoever answers it, right or wrong: it is never answered twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from vault.ids import PersonId

CHALLENGE_LIFETIME: Final = timedelta(minutes=10)


class ChallengeKind(StrEnum):
    """What is to be proved."""

    SECOND_FACTOR = "second-factor"
    """The password was right; the second factor follows."""
    PASSKEY = "passkey"
    """Signing in by a passkey, by whomever."""
    NEW_PASSKEY = "new-passkey"
    STEP_UP = "step-up"
    PROVIDER = "provider"
    """Signing in, or joining by an invitation, at the outside provider."""
    PROVIDER_STEP_UP = "provider-step-up"
    """Proving oneself again there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One challenge. ``person_id`` is None while nobody is known yet."""

    token_sha256: bytes
    kind: ChallengeKind
    person_id: PersonId | None
    expires_at: datetime

    @property
    def begun_at(self) -> datetime:
        """When it was begun."""
        return self.expires_at - CHALLENGE_LIFETIME
