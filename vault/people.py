"""People who work with the vault, and how they are known to be who they say; what they may do is ``permissions.py``'s.

Rule 1: a name or sign-in name is sealed; a sign-in name is found by a keyed index.
Rule 2: the operator (whoever runs commands on the machine itself) acts as a person only until the first person exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from vault.errors import InvalidInput
from vault.ids import PersonId
from vault.seal.keytree import LeafAddress

OPERATOR_ID: Final = PersonId("operator")
"""Stands as the actor in the log for commands run by the machine's operator."""

CLOCK_ID: Final = PersonId("clock")
"""Stands as the actor in the log for what upkeep does by itself."""

PASSWORD_MIN_CHARACTERS = 12
PASSWORD_MAX_CHARACTERS = 256
LOGIN_MAX_CHARACTERS = 64
LANGUAGES: Final = ("", "en", "zh-Hans")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person. ``sealed_profile`` opens to ``PersonProfile``; ``login_index`` is 32 bytes, keyed."""

    id: PersonId
    login_index: bytes
    profile_leaf: LeafAddress
    sealed_profile: bytes
    password_hash: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonProfile:
    """What is known of a person: sealed."""

    login: str
    name: str
    language: str = ""
    """Its tag; empty: as the browser says."""

    @classmethod
    def checked(cls, *, login: str, name: str, language: str = "") -> PersonProfile:
        """A profile from outside. Raises ``InvalidInput`` naming the field."""
        if language not in LANGUAGES:
            raise InvalidInput("there is no such language", field="language")
        clean_login, clean_name = login.strip(), name.strip()
        for field, text in (("login", clean_login), ("name", clean_name)):
            if not text:
                raise InvalidInput(f"{field} is empty; give one", field=field)
            if len(text) > LOGIN_MAX_CHARACTERS:
                raise InvalidInput(f"{field} is longer than {LOGIN_MAX_CHARACTERS} characters", field=field)
            if any(
                ord(character) < 32 or ord(character) == 127 or "\ud800" <= character <= "\udfff" for character in text
            ):
                raise InvalidInput(f"{field} holds a control character; remove it", field=field)
        return cls(login=clean_login, name=clean_name, language=language)


def checked_password(password: str) -> str:
    """A password that is long enough (NIST SP 800-63B-4: length, no composition rules). Raises ``InvalidInput``."""
    if len(password) < PASSWORD_MIN_CHARACTERS:
        raise InvalidInput(f"the password is shorter than {PASSWORD_MIN_CHARACTERS} characters", field="password")
    if len(password) > PASSWORD_MAX_CHARACTERS:
        raise InvalidInput(f"the password is longer than {PASSWORD_MAX_CHARACTERS} characters", field="password")
    return password


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A one-time link that lets somebody become a person in these groups. Only the token's SHA-256 is kept."""

    token_sha256: bytes
    groups: frozenset[str]
    invited_by: PersonId
    expires_at: datetime
    used_at: datetime | None
