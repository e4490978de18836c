"""Guesses of passwords and codes: counted before they are checked, so that nobody tries them all.

Rule 1: whoever guesses locks themselves out, not the true owner. What is counted first is the pair of name and address;
a device from which the owner has signed in has a counter of its own, which nobody else can fill: its cookie is signed.
Rule 2: many guesses at one name from many addresses, or at many names, slow the unknown down: one try in a while.
Rule 3: every guess is counted before it is checked, and a right one is taken back: guesses made at once count too.
Limit: an owner who comes from a new device while their name is under attack from everywhere shares that slow lane with
the attackers. A device they used before, a passkey, or the machine's command line is not slowed down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.errors import TooManyAttempts
from vault.ids import PersonId
from vault.sessions import Client
from vault.shelves import Transaction
from vault.workflows import devices
from vault.workflows.onetime import keyed
from vault.workflows.vault import Vault

WINDOW: Final = timedelta(minutes=15)
TRIES_MAX: Final = 10
"""Per name and address, and per device."""
NAME_TRIES_MAX: Final = 50
NAME_LANE: Final = timedelta(seconds=30)
ALL_TRIES_MAX: Final = 500
ALL_LANE: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A guess that was counted. ``subject`` is the counter that may refuse, ``shared`` those that slow down."""

    at: datetime
    subject: bytes
    shared: tuple[bytes, ...]


def count_guess(vault: Vault, what: str, name: bytes, client: Client, *, owner: PersonId | None) -> Guess:
    """Counts a guess of ``what`` (a password, a code) at a name. Raises ``TooManyAttempts``.

    ``name`` is the keyed index of whatever is guessed at; ``owner`` its person, None for a name that nobody has.
    """
    now = vault.now()
    nonce = devices.device_of(vault, client, owner)
    device = keyed(vault, f"{what}-device", nonce) if nonce is not None else None
    here = keyed(vault, what, f"{name.hex()} {client.address}")
    anywhere, everybody = keyed(vault, f"{what}-name", name.hex()), keyed(vault, f"{what}-all", "")
    with vault.catalogue.write() as tx:
        if device is not None and tx.attempts.count(device, since=now - WINDOW) < TRIES_MAX:
            guess = Guess(at=now, subject=device, shared=())
        else:
            _require_below(tx, here, now, most=TRIES_MAX)
            if not client.local:
                _require_lane(tx, anywhere, now, most=NAME_TRIES_MAX, lane=NAME_LANE)
                _require_lane(tx, everybody, now, most=ALL_TRIES_MAX, lane=ALL_LANE)
            guess = Guess(at=now, subject=here, shared=() if client.local else (anywhere, everybody))
        for subject in (guess.subject, *guess.shared):
            tx.attempts.add(subject, at=now)
    with vault.catalogue.read() as tx:
        # Of guesses made at once none saw the others then; each sees here all that were counted before it.
        _require_below(tx, guess.subject, now, most=TRIES_MAX + 1)
    return guess


def forgive(tx: Transaction, guess: Guess) -> None:
    """The guess was right: its own counter begins anew, the shared ones are as if it had not been."""
    tx.attempts.forget(guess.subject)
    for subject in guess.shared:
        tx.attempts.take_back(subject, at=guess.at)


def _require_below(tx: Transaction, subject: bytes, now: datetime, *, most: int) -> None:
    if tx.attempts.count(subject, since=now - WINDOW) >= most:
        raise TooManyAttempts("too many wrong tries; wait 15 minutes and try again", retry_after_s=900)


def _require_lane(tx: Transaction, subject: bytes, now: datetime, *, most: int, lane: timedelta) -> None:
    if tx.attempts.count(subject, since=now - WINDOW) >= most and tx.attempts.count(subject, since=now - lane) > 0:
        raise TooManyAttempts(
            "too many people try to sign in just now; wait a little and try again",
            retry_after_s=int(lane.total_seconds()),
        )
