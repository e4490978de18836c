"""Second factors that people set up for themselves: an authenticator app, recovery codes, passkeys.

Rule 1: setting one up, and taking one away, asks for a fresh proof: a session that was left open does not do.
Rule 2: recovery codes are made with the first second factor, and shown once.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vault.audit import Event
from vault.challenges import ChallengeKind
from vault.credentials import (
    PASSKEYS_MAX,
    RECOVERY_CODES,
    Authenticator,
    Passkey,
    PasskeyFacts,
    RelyingParty,
    checked_passkey_name,
    is_totp,
    plain_code,
)
from vault.errors import AlreadyExists, Conflict, InvalidInput, NotFound, NotSignedIn
from vault.ids import PasskeyId
from vault.people import Person, PersonProfile
from vault.permissions import Actor
from vault.workflows import challenges, descriptions, proofs
from vault.workflows.freshness import require_fresh, require_oneself
from vault.workflows.onetime import keyed
from vault.workflows.vault import Vault

ISSUER = "Strongroom"
SECRET_LENGTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyView:
    """A passkey with its name."""

    passkey: Passkey
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """What somebody can prove themselves by, beside their password."""

    authenticator: bool
    passkeys: Sequence[PasskeyView]
    recovery_codes: int

    @property
    def second(self) -> bool:
        """Whether there is a second factor, so that a password alone does not do."""
        return self.authenticator or bool(self.passkeys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What an authenticator app has to know: the address in the picture (otpauth), and the secret to type in."""

    uri: str
    secret: str


def own_factors(vault: Vault, actor: Actor) -> Factors:
    """What somebody has set up. Raises ``NotAllowed``, ``NotFound`` for who is no person."""
    require_oneself(actor)
    person = _person(vault, actor)
    with vault.catalogue.read() as tx:
        authenticator = tx.credentials.authenticator(person.id)
        passkeys = tx.credentials.passkeys(person.id)
        left = tx.credentials.recovery_codes_left(person.id)
    return Factors(
        authenticator=authenticator is not None and authenticator.confirmed_at is not None,
        passkeys=[
            PasskeyView(passkey=each, name=descriptions.open_passkey(vault, person.profile_leaf, each).name)
            for each in passkeys
        ],
        recovery_codes=left,
    )


def begin_authenticator(vault: Vault, actor: Actor) -> Enrolment:
    """A new secret, which counts once a code of it was shown. Raises ``StepUpNeeded``, ``Conflict``."""
    require_fresh(vault, actor)
    person = _person(vault, actor)
    secret = vault.randomness.token_bytes(SECRET_LENGTH)
    sealed = descriptions.seal_authenticator(vault, person.profile_leaf, secret, person_id=person.id)
    begun = Authenticator(
        person_id=person.id, sealed_secret=sealed, last_step=0, created_at=vault.now(), confirmed_at=None
    )
    try:
        with vault.catalogue.write() as tx:
            tx.credentials.put_authenticator(begun)
    except AlreadyExists:
        raise Conflict("you have an authenticator app already; remove it first") from None
    return _enrolment(vault, person, secret)


def pending_authenticator(vault: Vault, actor: Actor) -> Enrolment:
    """The secret that waits for its first code, to be shown again. Raises ``StepUpNeeded``, ``NotFound``."""
    require_fresh(vault, actor)
    person = _person(vault, actor)
    return _enrolment(vault, person, _pending_secret(vault, person))


def confirm_authenticator(vault: Vault, actor: Actor, code: str) -> Sequence[str]:
    """Takes the first code; gives the recovery codes where they are new. Raises ``InvalidInput``, ``NotFound``."""
    require_fresh(vault, actor)
    person = _person(vault, actor)
    secret, given = _pending_secret(vault, person), plain_code(code)
    step = proofs.step_of(secret, given, vault.now()) if is_totp(given) else None
    if step is None:
        raise InvalidInput("this code is not right; type the one that the app shows now", field="code")
    with vault.catalogue.write() as tx:
        if not tx.credentials.take_step(person.id, step) or not tx.credentials.confirm_authenticator(
            person.id, at=vault.now()
        ):
            raise NotFound("nothing is being set up; begin again")
        tx.audit.append(vault.entry(person.id, Event.AUTHENTICATOR_ADDED, person.id))
    return _first_recovery_codes(vault, person)


def remove_authenticator(vault: Vault, actor: Actor) -> None:
    """Takes the authenticator app away. Raises ``StepUpNeeded``, ``NotFound``."""
    require_fresh(vault, actor)
    with vault.catalogue.write() as tx:
        if not tx.credentials.remove_authenticator(actor.person_id):
            raise NotFound("you have no authenticator app")
        tx.audit.append(vault.entry(actor.person_id, Event.AUTHENTICATOR_REMOVED, actor.person_id))


def make_recovery_codes(vault: Vault, actor: Actor) -> Sequence[str]:
    """New recovery codes, shown once; the old ones are worth nothing. Raises ``StepUpNeeded``, ``Conflict``."""
    require_fresh(vault, actor)
    person = _person(vault, actor)
    with vault.catalogue.read() as tx:
        if not tx.credentials.has_second_factor(person.id):
            raise Conflict("recovery codes stand in for a second factor; set one up first")
    return _recovery_codes(vault, person)


def begin_passkey(vault: Vault, actor: Actor) -> tuple[str, bytes]:
    """A challenge for a new passkey: its token, and what the browser is given.

    Raises ``StepUpNeeded``, ``Conflict``.
    """
    require_fresh(vault, actor)
    person = _person(vault, actor)
    with vault.catalogue.read() as tx:
        if len(tx.credentials.passkeys(person.id)) >= PASSKEYS_MAX:
            raise Conflict(f"you have {PASSKEYS_MAX} passkeys; remove one that is not used")
    token = challenges.begin(vault, ChallengeKind.NEW_PASSKEY, person.id)
    return token, challenges.derived(vault, token, "passkey")


def known_credentials(vault: Vault, actor: Actor) -> Sequence[bytes]:
    """Ids of the credentials that somebody has, so that a device does not make a second one."""
    require_oneself(actor)
    person = _person(vault, actor)
    with vault.catalogue.read() as tx:
        passkeys = tx.credentials.passkeys(person.id)
    return [descriptions.open_passkey(vault, person.profile_leaf, each).credential_id for each in passkeys]


def add_passkey(
    vault: Vault, actor: Actor, *, name: str, attestation: str, challenge: str, party: RelyingParty
) -> Sequence[str]:
    """Keeps a new passkey; gives the recovery codes where they are new. Raises ``InvalidInput``, ``StepUpNeeded``."""
    clean = checked_passkey_name(name)
    require_fresh(vault, actor)
    person = _person(vault, actor)
    if challenges.take(vault, ChallengeKind.NEW_PASSKEY, challenge).person_id != person.id:
        raise NotSignedIn("this took too long; begin again")
    made = vault.check_new_passkey(attestation, challenges.derived(vault, challenge, "passkey"), party)
    passkey_id = PasskeyId(vault.new_id())
    facts = PasskeyFacts(name=clean, credential_id=made.credential_id, public_key=made.public_key)
    with vault.catalogue.write() as tx:
        tx.credentials.add_passkey(
            Passkey(
                id=passkey_id,
                person_id=person.id,
                credential_index=proofs.credential_index(vault, made.credential_id),
                sealed=descriptions.seal_passkey(vault, person.profile_leaf, facts, passkey_id=passkey_id),
                sign_count=made.sign_count,
                created_at=vault.now(),
                last_used_at=None,
            )
        )
        tx.audit.append(vault.entry(person.id, Event.PASSKEY_ADDED, passkey_id))
    return _first_recovery_codes(vault, person)


def rename_passkey(vault: Vault, actor: Actor, passkey_id: PasskeyId, *, name: str) -> None:
    """Gives a passkey of one's own another name. Raises ``NotFound``, ``InvalidInput``."""
    require_oneself(actor)
    clean = checked_passkey_name(name)
    person = _person(vault, actor)
    with vault.catalogue.write() as tx:
        passkey = tx.credentials.passkey(passkey_id)
        if passkey is None or passkey.person_id != person.id:
            raise NotFound("there is no such passkey; look at the list again")
        facts = replace(descriptions.open_passkey(vault, person.profile_leaf, passkey), name=clean)
        sealed = descriptions.seal_passkey(vault, person.profile_leaf, facts, passkey_id=passkey_id)
        tx.credentials.reseal_passkey(passkey_id, sealed)
        tx.audit.append(vault.entry(person.id, Event.PASSKEY_RENAMED, passkey_id))


def remove_passkey(vault: Vault, actor: Actor, passkey_id: PasskeyId) -> None:
    """Takes a passkey of one's own away. Raises ``StepUpNeeded``, ``NotFound``."""
    require_fresh(vault, actor)
    with vault.catalogue.write() as tx:
        if not tx.credentials.remove_passkey(passkey_id, person_id=actor.person_id):
            raise NotFound("there is no such passkey; look at the list again")
        tx.audit.append(vault.entry(actor.person_id, Event.PASSKEY_REMOVED, passkey_id))


def _person(vault: Vault, actor: Actor) -> Person:
    with vault.catalogue.read() as tx:
        person = tx.people.get(actor.person_id)
    if person is None:
        raise NotFound("only people have an account; sign in first")
    return person


def _pending_secret(vault: Vault, person: Person) -> bytes:
    with vault.catalogue.read() as tx:
        kept = tx.credentials.authenticator(person.id)
    if kept is None or kept.confirmed_at is not None:
        raise NotFound("nothing is being set up; begin again")
    return descriptions.open_authenticator(vault, person.profile_leaf, kept.sealed_secret, person_id=person.id)


def _enrolment(vault: Vault, person: Person, secret: bytes) -> Enrolment:
    profile: PersonProfile = descriptions.open_person(
        vault, person.profile_leaf, person.sealed_profile, person_id=person.id
    )
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return Enrolment(
        uri=proofs.totp(secret).get_provisioning_uri(profile.login, ISSUER),
        secret=" ".join(text[start : start + 4] for start in range(0, len(text), 4)),
    )


def _first_recovery_codes(vault: Vault, person: Person) -> Sequence[str]:
    with vault.catalogue.read() as tx:
        has_some = tx.credentials.recovery_codes_left(person.id) > 0
    return () if has_some else _recovery_codes(vault, person)


def _recovery_codes(vault: Vault, person: Person) -> Sequence[str]:
    # 50 bits each: kept as a keyed digest, and guesses are counted.
    plain = [vault.new_id()[:10] for _ in range(RECOVERY_CODES)]
    with vault.catalogue.write() as tx:
        tx.credentials.replace_recovery_codes(
            person.id, [keyed(vault, "recovery-code", f"{person.id} {code}") for code in plain]
        )
        tx.audit.append(vault.entry(person.id, Event.RECOVERY_CODES_MADE, person.id, {"count": RECOVERY_CODES}))
    return [f"{code[:5]}-{code[5:]}" for code in plain]
