"""Begins what somebody has to finish within minutes, and takes it when they come back."""

from __future__ import annotations

from collections.abc import Callable

from vault.challenges import CHALLENGE_LIFETIME, Challenge, ChallengeKind
from vault.errors import NotSignedIn
from vault.ids import PersonId
from vault.shelves import Transaction
from vault.workflows.onetime import digest_of, keyed, new_token
from vault.workflows.vault import Vault

Check = Callable[[Transaction], None]
"""What has to hold in the transaction in which something begins; it raises where it does not."""


def begin(vault: Vault, kind: ChallengeKind, person_id: PersonId | None = None, *, require: Check | None = None) -> str:
    """A token to come back with, within ten minutes. Raises what ``require`` raises, and nothing is begun then."""
    token = new_token(vault)
    challenge = Challenge(
        token_sha256=digest_of(token), kind=kind, person_id=person_id, expires_at=vault.now() + CHALLENGE_LIFETIME
    )
    with vault.catalogue.write() as tx:
        if require is not None:
            require(tx)
        tx.challenges.add(challenge)
    return token


def look(vault: Vault, kind: ChallengeKind, token: str) -> Challenge:
    """The challenge of a token, left where it is. Raises ``NotSignedIn`` when there is none, or it is over."""
    with vault.catalogue.read() as tx:
        challenge = tx.challenges.get(digest_of(token))
    if challenge is None or challenge.kind is not kind or vault.now() >= challenge.expires_at:
        raise NotSignedIn("this took too long; begin again")
    return challenge


def take(vault: Vault, kind: ChallengeKind, token: str) -> Challenge:
    """The same, taken away: nobody answers it again. Raises ``NotSignedIn``."""
    challenge = look(vault, kind, token)
    with vault.catalogue.write() as tx:
        if not tx.challenges.take(challenge.token_sha256):
            raise NotSignedIn("this took too long; begin again")
    return challenge


def derived(vault: Vault, token: str, purpose: str) -> bytes:
    """32 bytes that only the vault makes of a token: what a browser or a provider is to answer with."""
    # The token's digest, for the keyed digest takes no note of capital letters.
    return keyed(vault, f"challenge-{purpose}", digest_of(token).hex())
