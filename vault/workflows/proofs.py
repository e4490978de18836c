"""Checks what somebody proves themselves with: a password, a code of an authenticator, a recovery code, a passkey.

Rule 1: every check counts as a guess first (``guesses``), except of a passkey: nobody guesses those.
Rule 2: a code counts once; so does a recovery code; the counter of a passkey never goes back.
Rule 3: one text for every wrong proof.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from vault.audit import Event
from vault.challenges import ChallengeKind
from vault.credentials import Passkey, RelyingParty, is_totp, plain_code
from vault.errors import NotSignedIn
from vault.people import Person
from vault.seal.passwords import hash_password, is_current, password_matches, password_of_nobody
from vault.sessions import Client
from vault.workflows import challenges, descriptions, guesses
from vault.workflows.onetime import keyed
from vault.workflows.vault import Vault

if TYPE_CHECKING:
    from vault.shelves import Transaction

STEP_S: Final = 30
DIGITS: Final = 6
STEPS_ASIDE: Final = 1
"""Clocks differ: the code before and the one after count, too (RFC 6238 section 5.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """What somebody answers when they are asked for more than a password; one of both."""

    code: str = ""
    passkey: PasskeyAnswer | None = None

    @property
    def given(self) -> bool:
        """Whether anything was answered."""
        return bool(self.code.strip()) or self.passkey is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyAnswer:
    """What a browser made of a challenge: the assertion (JSON), the challenge's token, and the page it came from."""

    assertion: str
    challenge: str
    party: RelyingParty


def check_password(vault: Vault, person: Person | None, password: str) -> bool:
    """Whether it is theirs. For nobody it takes as long. Raises ``Overloaded``."""
    with vault.hashing.enter():
        matches = password_matches(password, password_of_nobody() if person is None else person.password_hash)
    return matches and person is not None


def renew_hash(vault: Vault, person: Person, password: str) -> str | None:
    """A hash with today's parameters of a password that was right, None where the kept one has them already."""
    if is_current(person.password_hash):
        return None
    with vault.hashing.enter():
        return hash_password(password, token_bytes=vault.randomness.token_bytes)


def totp(secret: bytes) -> TOTP:
    """What authenticator apps compute: SHA-1, six digits, thirty seconds."""
    # SHA-1 within HMAC is what every app understands; a code tells 20 bits of it and lives for a minute (RFC 6238).
    return TOTP(secret, DIGITS, SHA1(), STEP_S)  # noqa: S303  # see above


def step_of(secret: bytes, code: str, now: datetime) -> int | None:
    """The time step whose code this is, None when it is none of those around now."""
    current = int(now.timestamp()) // STEP_S
    found = None
    for step in range(current - STEPS_ASIDE, current + STEPS_ASIDE + 1):
        # All are compared, whichever fits.
        if hmac.compare_digest(totp(secret).generate(step * STEP_S), code.encode()):
            found = step
    return found


def check_code(vault: Vault, person: Person, code: str, client: Client) -> None:
    """Takes a code of the authenticator, or a recovery code. Raises ``NotSignedIn``, ``TooManyAttempts``."""
    guess = guesses.count_guess(
        vault, "second-factor", keyed(vault, "second-factor-of", person.id), client, owner=person.id
    )
    given = plain_code(code)
    with vault.catalogue.write() as tx:
        taken = _take_totp(vault, tx, person, given) if is_totp(given) else _take_recovery(vault, tx, person, given)
        if taken:
            guesses.forgive(tx, guess)
    if not taken:
        raise NotSignedIn("this code is not right, or was used already; wait for the next one")


def _take_totp(vault: Vault, tx: Transaction, person: Person, code: str) -> bool:
    kept = tx.credentials.authenticator(person.id)
    if kept is None or kept.confirmed_at is None:
        return False
    secret = descriptions.open_authenticator(vault, person.profile_leaf, kept.sealed_secret, person_id=person.id)
    step = step_of(secret, code, vault.now())
    return step is not None and tx.credentials.take_step(person.id, step)


def _take_recovery(vault: Vault, tx: Transaction, person: Person, code: str) -> bool:
    digest = keyed(vault, "recovery-code", f"{person.id} {code}")
    if not tx.credentials.take_recovery_code(person.id, digest, now=vault.now()):
        return False
    left = tx.credentials.recovery_codes_left(person.id)
    tx.audit.append(vault.entry(person.id, Event.RECOVERY_CODE_USED, person.id, {"left": left}))
    return True


def check_passkey(vault: Vault, answer: PasskeyAnswer, kind: ChallengeKind) -> Passkey:
    """The passkey that answered a challenge. Raises ``NotSignedIn``."""
    challenge = challenges.take(vault, kind, answer.challenge)
    index = credential_index(vault, _credential_id(answer.assertion))
    with vault.catalogue.read() as tx:
        passkey = tx.credentials.passkey_by_index(index)
        person = tx.people.get(passkey.person_id) if passkey is not None else None
    if passkey is None or person is None or challenge.person_id not in (None, passkey.person_id):
        raise NotSignedIn("this passkey is not known here; use another one, or sign in with your password")
    if _user_handle(answer.assertion) not in (None, person.id):
        raise NotSignedIn("this passkey is not known here; use another one, or sign in with your password")
    facts = descriptions.open_passkey(vault, person.profile_leaf, passkey)
    count = vault.check_passkey(
        answer.assertion,
        challenges.derived(vault, answer.challenge, "passkey"),
        answer.party,
        facts.public_key,
        passkey.sign_count,
    )
    with vault.catalogue.write() as tx:
        if not tx.credentials.passkey_used(passkey, sign_count=count, at=vault.now()):
            raise NotSignedIn("this passkey was used at the same moment elsewhere; try again")
    return passkey


def check_second_factor(
    vault: Vault, person: Person, factor: SecondFactor, client: Client, kind: ChallengeKind
) -> None:
    """Takes a code or a passkey of this person. Raises ``NotSignedIn``, ``TooManyAttempts``."""
    if factor.passkey is None:
        check_code(vault, person, factor.code, client)
    elif check_passkey(vault, factor.passkey, kind).person_id != person.id:
        raise NotSignedIn("this passkey is not known here; use another one, or sign in with your password")


def credential_index(vault: Vault, credential_id: bytes) -> bytes:
    """By which a passkey is found again."""
    return keyed(vault, "passkey", credential_id.hex())


def _credential_id(assertion: str) -> bytes:
    try:
        named = json.loads(assertion)["id"]
        return base64.urlsafe_b64decode(named + "=" * (-len(named) % 4))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotSignedIn("this is not what a passkey answers; try again") from None


def _user_handle(assertion: str) -> str | None:
    """Whom the device says it speaks for; None where it does not say."""
    try:
        handle = json.loads(assertion)["response"].get("userHandle")
        return None if not handle else base64.urlsafe_b64decode(handle + "=" * (-len(handle) % 4)).decode("ascii")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotSignedIn("this is not what a passkey answers; try again") from None
