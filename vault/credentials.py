"""What somebody proves themselves with beside a password: an authenticator's codes, recovery codes, passkeys.

Rule 1: a code counts once (RFC 6238 section 5.2): the last step that was taken is kept, and only later ones are.
Rule 2: secrets, names and public keys are sealed under their owner's leaf; a recovery code is found by a keyed index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vault.errors import InvalidInput
from vault.ids import PasskeyId, PersonId

RECOVERY_CODES: Final = 10
PASSKEYS_MAX: Final = 20
PASSKEY_NAME_MAX_CHARACTERS: Final = 64
_TOTP_CODE: Final = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """The secret that an authenticator app and the vault share. Not confirmed: nobody has shown a code of it yet."""

    person_id: PersonId
    sealed_secret: bytes
    last_step: int
    """The time step of the last code that was taken; codes up to it are refused."""
    created_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey as the catalogue keeps it; ``sealed`` opens to ``PasskeyFacts``."""

    id: PasskeyId
    person_id: PersonId
    credential_index: bytes
    sealed: bytes
    sign_count: int
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyFacts:
    """What is known of a passkey: its name, the credential's id and its public key (COSE)."""

    name: str
    credential_id: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """Where a browser shows a passkey: the host's name, and the origin of the page."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """A credential whose making was checked."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


CheckNewPasskey = Callable[[str, bytes, RelyingParty], NewCredential]
"""Checks what a browser says of a new credential (JSON), made for a challenge. Raises ``InvalidInput``."""

CheckPasskey = Callable[[str, bytes, RelyingParty, bytes, int], int]
"""Checks an assertion (JSON) for a challenge under a public key and the last count; gives the new count.

Raises ``NotSignedIn``.
"""


def checked_passkey_name(name: str) -> str:
    """A name for a passkey. Raises ``InvalidInput``."""
    clean = name.strip()
    if not clean:
        raise InvalidInput("name is empty; give one", field="name")
    if len(clean) > PASSKEY_NAME_MAX_CHARACTERS:
        raise InvalidInput(f"name is longer than {PASSKEY_NAME_MAX_CHARACTERS} characters", field="name")
    if any(ord(character) < 32 or "\ud800" <= character <= "\udfff" for character in clean):
        raise InvalidInput("name holds a control character; remove it", field="name")
    return clean


def plain_code(text: str) -> str:
    """A code as people type it, without the spaces and hyphens between its groups."""
    folded = unicodedata.normalize("NFKC", text[:64]).casefold()
    return "".join(character for character in folded if character.isalnum())


def is_totp(code: str) -> bool:
    """Whether a plain code is one that an authenticator app shows; others are recovery codes."""
    return _TOTP_CODE.fullmatch(code) is not None
