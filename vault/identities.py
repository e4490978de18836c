"""Identities: people who are known by the word of an outside provider of OpenID Connect (统一身份认证).

Rule 1: an identity is a subject at one issuer. It is bound to one person, by an invitation or by an administrator;
never by an e-mail address, a name or anything else that a provider lets people choose.
Rule 2: what a provider says is judged here, of bytes and a time (OpenID Connect Core 1.0, section 3.1.3.7): issuer,
audience, nonce, and every moment in it. That the provider signed it was checked before.
Rule 3: the subject is personal: sealed under its person's leaf, found by a keyed index.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from vault.errors import InvalidInput, NotSignedIn
from vault.ids import PersonId
from vault.people import LOGIN_MAX_CHARACTERS

SKEW: Final = timedelta(seconds=60)
"""By how much the provider's clock may differ from ours."""
SUBJECT_MAX_CHARACTERS: Final = 255
"""OpenID Connect Core 1.0, section 2."""
PROVIDED_GROUP_MAX_CHARACTERS: Final = 200
PROVIDED_GROUPS_MAX: Final = 2000
_NOT_FOR_US: Final = "what the provider says was not said to this vault, or is too old; begin again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A subject of the provider that is a person here. ``sealed`` opens to the issuer and the subject."""

    person_id: PersonId
    subject_index: bytes
    sealed: bytes
    bound_by: PersonId
    bound_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMapping:
    """A group of the provider, as its claim writes it, whose members are members of a group here."""

    provided: str
    group: str
    mapped_by: PersonId
    mapped_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the provider was asked: by whom, with which nonce. ``since``: they had to prove themselves after that."""

    issuer: str
    client_id: str
    nonce: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an ID token says of somebody, once it was judged. ``proved_at``: when they proved themselves, if it says."""

    subject: str
    proved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Whom the provider has signed in. ``groups`` are as it writes them; name and login are what it suggests."""

    subject: str
    proved_at: datetime | None
    groups: frozenset[str]
    name: str
    login: str


def judge(claims: Mapping[str, object], asked: Asked, *, now: datetime) -> Told:
    """Judges the claims of an ID token whose signature was checked. Raises ``NotSignedIn``."""
    if claims.get("iss") != asked.issuer:
        raise NotSignedIn("another provider said this than the one that was asked; begin again")
    if claims.get("aud") not in (asked.client_id, [asked.client_id]):
        raise NotSignedIn(_NOT_FOR_US)
    if claims.get("azp", asked.client_id) != asked.client_id:
        raise NotSignedIn(_NOT_FOR_US)
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode("utf-8", "replace"), asked.nonce.encode()):
        raise NotSignedIn(_NOT_FOR_US)
    # The skew is put on our own moments: what a provider writes may be the last moment there is.
    latest = now + SKEW
    if _moment(claims, "exp") <= now - SKEW or _moment(claims, "iat") > latest:
        raise NotSignedIn(_NOT_FOR_US)
    if "nbf" in claims and _moment(claims, "nbf") > latest:
        raise NotSignedIn(_NOT_FOR_US)
    proved_at = _moment(claims, "auth_time") if "auth_time" in claims or asked.since is not None else None
    if proved_at is not None and proved_at > latest:
        raise NotSignedIn(_NOT_FOR_US)
    if asked.since is not None and (proved_at is None or proved_at < asked.since - SKEW):
        raise NotSignedIn("the provider did not ask you to prove yourself again; sign in there anew")
    try:
        return Told(subject=checked_subject(claims.get("sub")), proved_at=proved_at)
    except InvalidInput:
        raise NotSignedIn(_NOT_FOR_US) from None


def read_claims(told: Told, *sources: Mapping[str, object], groups_claim: str) -> Claims:
    """What is known of somebody: of each claim the first source that has it counts. Raises ``NotSignedIn``.

    No claim of groups is no group: whoever was taken out of all of them there is so here, too.
    """
    said = next((each[groups_claim] for each in sources if groups_claim in each), [])
    listed = [said] if isinstance(said, str) else said
    apart = [each.get("_claim_names") for each in sources]
    if not any(groups_claim in each for each in sources) and any(
        isinstance(each, Mapping) and groups_claim in each for each in apart
    ):
        # Providers with many groups name another place instead, which nobody here asks.
        raise NotSignedIn(
            "the provider says that there are too many groups to tell; let it tell those of this vault only"
        )
    if not isinstance(listed, Sequence) or len(listed) > PROVIDED_GROUPS_MAX:
        raise NotSignedIn("the provider's claim of groups is no list of names; ask whoever set it up")
    if not all(isinstance(each, str) for each in listed):
        raise NotSignedIn("the provider's claim of groups is no list of names; ask whoever set it up")
    login = _text("preferred_username", sources) or _text("name", sources) or told.subject[:LOGIN_MAX_CHARACTERS]
    return Claims(
        subject=told.subject,
        proved_at=told.proved_at,
        groups=frozenset(listed),
        name=_text("name", sources) or login,
        login=login,
    )


def checked_subject(subject: object) -> str:
    """A subject as a provider writes it, or an administrator types it. Raises ``InvalidInput``."""
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MAX_CHARACTERS or not subject.isascii():
        raise InvalidInput("a subject has 1 to 255 characters of ASCII; copy it from the provider", field="subject")
    if not subject.isprintable() or subject != subject.strip():
        raise InvalidInput("a subject has 1 to 255 characters of ASCII; copy it from the provider", field="subject")
    return subject


def checked_provided_group(provided: str) -> str:
    """A group's name as the provider's claim writes it. Raises ``InvalidInput``."""
    clean = provided.strip()
    if not 0 < len(clean) <= PROVIDED_GROUP_MAX_CHARACTERS or not clean.isprintable():
        raise InvalidInput(
            "a provider's group has 1 to 200 characters on one line; copy it from there", field="provided"
        )
    return clean


def _moment(claims: Mapping[str, object], name: str) -> datetime:
    said = claims.get(name)
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise NotSignedIn(_NOT_FOR_US)
    try:
        return datetime.fromtimestamp(said, UTC)
    except (OverflowError, ValueError, OSError):
        raise NotSignedIn(_NOT_FOR_US) from None


def _text(name: str, sources: Sequence[Mapping[str, object]]) -> str:
    """A claim as text that can be shown; empty where no source has one."""
    said = next((each[name] for each in sources if isinstance(each.get(name), str)), "")
    return "".join(each for each in str(said) if each.isprintable()).strip()[:LOGIN_MAX_CHARACTERS]
