"""Resets: a one-time link by which somebody chooses a new password. Only its token's SHA-256 is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.ids import PersonId

RESET_LIFETIME: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """A link for one person. ``drops_factors``: their second factors go, too, because they are lost."""

    token_sha256: bytes
    person_id: PersonId
    offered_by: PersonId
    drops_factors: bool
    expires_at: datetime
    used_at: datetime | None
