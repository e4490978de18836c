"""Signed links: one record for somebody without an account, until a time, so many times, with a pass code or without.

Rule 1: looking (GET) takes no use; asking for the download (POST) takes one, atomically.
Rule 2: a use lets its holder read for 24 hours and at most 1.5 times the record's size.
Rule 3: a use is given back only if no byte left under it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from vault.errors import InvalidInput, LinkExpired, LinkRevoked, LinkUsedUp
from vault.ids import LinkId, PersonId, RecordId, UseId
from vault.seal.keytree import LeafAddress

LIFETIME_MAX = timedelta(days=90)
USES_MAX = 1000
USE_LIFETIME = timedelta(hours=24)
PASS_CODE_MIN_CHARACTERS = 6
PASS_CODE_MAX_CHARACTERS = 64
PASS_CODE_TRIES_MAX = 5
PASS_CODE_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link. ``sealed_note`` (whom it is for) is sealed under the record's leaf.

    ``pass_code_hash`` is empty for a link without a pass code.
    """

    id: LinkId
    record_id: RecordId
    ordinal: int
    expires_at: datetime
    uses_max: int
    uses_taken: int
    pass_code_hash: str
    leaf: LeafAddress
    sealed_note: bytes
    created_at: datetime
    created_by: PersonId
    revoked_at: datetime | None

    def require_open(self, *, now: datetime) -> None:
        """Raises ``LinkRevoked``, ``LinkExpired`` or ``LinkUsedUp`` when nothing can be opened any more."""
        self.require_alive(now=now)
        if self.uses_taken >= self.uses_max:
            raise LinkUsedUp("this link has been used as often as it may be; ask its sender for a new one")

    def require_alive(self, *, now: datetime) -> None:
        """Raises ``LinkRevoked`` or ``LinkExpired``; a use already taken goes on under a link that is used up."""
        if self.revoked_at is not None:
            raise LinkRevoked("this link was withdrawn; ask its sender for a new one")
        if now >= self.expires_at:
            raise LinkExpired("this link has expired; ask its sender for a new one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use taken of a link. ``bytes_max`` is the byte allowance, ``bytes_sent`` what was reserved of it."""

    id: UseId
    link_id: LinkId
    token_sha256: bytes
    taken_at: datetime
    expires_at: datetime
    bytes_max: int
    bytes_sent: int


def byte_allowance(size_bytes: int) -> int:
    """How many bytes one use may send: 1.5 times the size, and at least one mebibyte for small files' retries."""
    return max(size_bytes + size_bytes // 2, size_bytes + 1024 * 1024)


def checked_pass_code(pass_code: str) -> str:
    """A pass code from outside. Raises ``InvalidInput``."""
    if not PASS_CODE_MIN_CHARACTERS <= len(pass_code) <= PASS_CODE_MAX_CHARACTERS:
        raise InvalidInput(
            f"a pass code has {PASS_CODE_MIN_CHARACTERS} to {PASS_CODE_MAX_CHARACTERS} characters", field="pass_code"
        )
    return pass_code
