"""API tokens: for programs of one person, for some actions, until a day.

Rule 1: a token is shown once; only its SHA-256 is kept.
Rule 2: it may do what its scope names and its person still may; never what asks for a fresh proof, nor tend accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.errors import InvalidInput
from vault.ids import PersonId, TokenId
from vault.permissions import Action

TOKEN_PREFIX: Final = "strongroom_"  # noqa: S105  # what they begin with
"""What every token begins with, so that people and scanners know one when it lies somewhere."""
TOKEN_LIFETIME_MAX: Final = timedelta(days=366)
TOKEN_NAME_MAX_CHARACTERS: Final = 64
TOKENS_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """One token. ``sealed`` opens to the name that its person gave it."""

    id: TokenId
    token_sha256: bytes
    person_id: PersonId
    sealed: bytes
    scopes: frozenset[Action]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_live(self, *, now: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and now < self.expires_at


def checked_token_name(name: str) -> str:
    """What a token is for. Raises ``InvalidInput``."""
    clean = name.strip()
    if not clean:
        raise InvalidInput("name is empty; give one", field="name")
    if len(clean) > TOKEN_NAME_MAX_CHARACTERS:
        raise InvalidInput(f"name is longer than {TOKEN_NAME_MAX_CHARACTERS} characters", field="name")
    if any(ord(character) < 32 or "\ud800" <= character <= "\udfff" for character in clean):
        raise InvalidInput("name holds a control character; remove it", field="name")
    return clean


def checked_lifetime(lifetime: timedelta) -> timedelta:
    """How long a token lives. Raises ``InvalidInput``."""
    if not timedelta(minutes=1) <= lifetime <= TOKEN_LIFETIME_MAX:
        raise InvalidInput("a token lives from one minute to 366 days", field="expires")
    return lifetime


def checked_scopes(names: frozenset[str]) -> frozenset[Action]:
    """Actions by their codes. Raises ``InvalidInput``."""
    try:
        scopes = frozenset(Action(name) for name in names)
    except ValueError:
        raise InvalidInput("there is no such action; choose of those that are offered", field="scopes") from None
    if not scopes:
        raise InvalidInput("a token is for one action at least; choose what it may do", field="scopes")
    return scopes
