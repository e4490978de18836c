"""What a program was answered, kept for a day under its idempotency key: whoever asks again is not done to twice.

Rule 1: the key is somebody's own; the catalogue has a keyed digest of it, request and answer sealed under their leaf.
Rule 2: a key names one request. It is taken before the deed and answered after it; a refusal gives it back.
Rule 3: an answer that holds a secret is not kept, only that there was one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.ids import PersonId

KEPT: Final = timedelta(days=1)
KEY_MAX_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """One request under a key. ``sealed`` opens to its digest, and to the answer once ``answered_at`` is set."""

    key_digest: bytes
    person_id: PersonId
    sealed: bytes
    asked_at: datetime
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered. ``body`` is None for one that held a secret."""

    status: int
    body: str | None
