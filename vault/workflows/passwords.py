"""Passwords: changed by their person, or chosen anew by a one-time link that an administrator made.

Rule 1: a changed password ends every other session of its person; one chosen by a link ends all, and their API tokens.
Rule 2: a link for a new password leaves second factors alone, unless whoever made it says that they are lost. Nobody
makes one for themselves.
"""

from __future__ import annotations

from dataclasses import replace

from vault.audit import Detail, Event
from vault.errors import Conflict, InvalidInput, NotFound
from vault.ids import PersonId
from vault.people import Person, checked_password
from vault.permissions import Action, Actor
from vault.resets import RESET_LIFETIME, Reset
from vault.seal.passwords import hash_password
from vault.sessions import Client
from vault.workflows import guesses, proofs
from vault.workflows.freshness import require_fresh, require_oneself
from vault.workflows.onetime import digest_of, new_token
from vault.workflows.sessions import SignedIn
from vault.workflows.vault import Vault


def change_password(vault: Vault, who: SignedIn, *, old: str, new: str, client: Client) -> None:
    """Changes one's own password. Raises ``InvalidInput`` naming the field, ``StepUpNeeded``, ``TooManyAttempts``."""
    require_oneself(who.actor)
    checked_password(new)
    require_fresh(vault, who.actor)
    person = _person(vault, who.actor.person_id)
    guess = guesses.count_guess(vault, "sign-in", person.login_index, client, owner=person.id)
    if not proofs.check_password(vault, person, old):
        raise InvalidInput("the password is not right", field="old")
    with vault.catalogue.write() as tx:
        guesses.forgive(tx, guess)
    hashed = _hashed(vault, new)
    with vault.catalogue.write() as tx:
        current = tx.people.get(person.id, for_update=True)
        if current is None or not current.active or current.password_hash != person.password_hash:
            raise InvalidInput("the password is not right", field="old")
        tx.people.update(replace(current, password_hash=hashed))
        ended = tx.sessions.end_all(person.id, but=who.session.id if who.session is not None else None)
        tx.challenges.drop_of(person.id)
        tx.resets.withdraw(person.id, now=vault.now())
        tx.audit.append(vault.entry(person.id, Event.PASSWORD_CHANGED, person.id, {"ended": ended}))


def offer_reset(vault: Vault, actor: Actor, person_id: PersonId, *, drops_factors: bool) -> str:
    """A one-time token by which somebody chooses a new password; earlier ones are withdrawn.

    Raises ``NotAllowed``, ``StepUpNeeded``, ``NotFound``, ``Conflict`` for oneself, and for somebody deactivated.
    """
    actor.require(Action.INVITE_PERSON)
    require_fresh(vault, actor)
    token, now = new_token(vault), vault.now()
    if person_id == actor.person_id:
        raise Conflict("nobody resets their own password; change it, or ask another administrator")
    person = _person(vault, person_id)
    if not person.active:
        raise Conflict("this person was deactivated; reactivate them first")
    with vault.catalogue.write() as tx:
        tx.resets.withdraw(person_id, now=now)
        tx.resets.add(
            Reset(
                token_sha256=digest_of(token),
                person_id=person_id,
                offered_by=actor.person_id,
                drops_factors=drops_factors,
                expires_at=now + RESET_LIFETIME,
                used_at=None,
            )
        )
        tx.audit.append(
            vault.entry(actor.person_id, Event.PASSWORD_RESET_OFFERED, person_id, {"drops_factors": drops_factors})
        )
    return token


def check_reset(vault: Vault, token: str) -> Reset:
    """The reset of a token. Raises ``NotFound`` when there is none, or it was used or has expired."""
    with vault.catalogue.read() as tx:
        reset = tx.resets.get(digest_of(token))
        # Looked for in any case: a link that nobody has takes the same work as one that was used.
        person = tx.people.get(reset.person_id if reset is not None else PersonId(""))
    usable = reset is not None and reset.used_at is None and vault.now() < reset.expires_at
    if reset is None or not usable or person is None or not person.active:
        raise NotFound("this link was used or has expired; ask for a new one")
    return reset


def reset_password(vault: Vault, token: str, *, password: str) -> PersonId:
    """Sets the password that somebody chose. Raises ``NotFound``, ``InvalidInput``."""
    reset = check_reset(vault, token)
    checked_password(password)
    hashed, now = _hashed(vault, password), vault.now()
    with vault.catalogue.write() as tx:
        if not tx.resets.use(reset.token_sha256, now=now):
            raise NotFound("this link was used or has expired; ask for a new one")
        person = tx.people.get(reset.person_id, for_update=True)
        if person is None:
            raise NotFound("this link was used or has expired; ask for a new one")
        tx.people.update(replace(person, password_hash=hashed))
        tx.sessions.end_all(person.id)
        tx.challenges.drop_of(person.id)
        tx.tokens.revoke_all(person.id, at=now)
        if reset.drops_factors:
            tx.credentials.remove_authenticator(person.id)
            tx.credentials.replace_recovery_codes(person.id, ())
            for passkey in tx.credentials.passkeys(person.id):
                tx.credentials.remove_passkey(passkey.id, person_id=person.id)
        detail: Detail = {"offered_by": reset.offered_by, "drops_factors": reset.drops_factors}
        tx.audit.append(vault.entry(person.id, Event.PASSWORD_RESET, person.id, detail))
    return reset.person_id


def _person(vault: Vault, person_id: PersonId) -> Person:
    with vault.catalogue.read() as tx:
        person = tx.people.get(person_id)
    if person is None:
        raise NotFound("there is no such person; look them up in the list")
    return person


def _hashed(vault: Vault, password: str) -> str:
    with vault.hashing.enter():
        return hash_password(password, token_bytes=vault.randomness.token_bytes)
