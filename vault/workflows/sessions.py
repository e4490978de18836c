"""Signing in and out, proving oneself again, and who is signed in where.

Rule 1: one answer for every wrong sign-in, and the same work for a name that exists and one that does not.
Rule 2: a session's token is new at every sign-in and at every proof: one that was put upon somebody is worth nothing.
Rule 3: who has a second factor is asked for it at sign-in, and proves themselves by it; a password does not do then.
Rule 4: people see and end their own sessions; an administrator ends all of somebody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from vault.audit import Detail, Event
from vault.challenges import ChallengeKind
from vault.credentials import Passkey
from vault.errors import NotFound, NotSignedIn, SecondFactorNeeded
from vault.identities import Identity
from vault.ids import PersonId, SessionId
from vault.people import Person, PersonProfile
from vault.permissions import Action, Actor
from vault.sessions import SESSION_LIFETIME, TOUCH_AFTER, Client, Session
from vault.shelves import Transaction
from vault.tokens import TOKEN_PREFIX
from vault.workflows import challenges, descriptions, devices, guesses, proofs, tokens
from vault.workflows.freshness import require_fresh, require_oneself
from vault.workflows.groups import actor_of
from vault.workflows.onetime import digest_of, keyed, new_token
from vault.workflows.proofs import PasskeyAnswer, SecondFactor
from vault.workflows.vault import Vault

_NO_PASSKEY: Final = "this passkey is not known here; use another one, or sign in with your password"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody who is signed in, with the session that says so; None where a program came by an API token."""

    actor: Actor
    session: Session | None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduced(SignedIn):
    """The same, by name."""

    profile: PersonProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A session as its person sees it. ``current`` is the one they look by."""

    session: Session
    client: Client
    current: bool


def login_index(vault: Vault, login: str) -> bytes:
    """By which a sign-in name is found."""
    return keyed(vault, "login", login.strip())


def sign_in(
    vault: Vault, *, login: str, password: str, client: Client, factor: SecondFactor | None = None
) -> tuple[str, Introduced]:
    """Signs somebody in by name and password; gives the session's token.

    Raises ``NotSignedIn`` with one text for every reason, ``SecondFactorNeeded`` where they have one and ``factor``
    answers nothing, ``TooManyAttempts``, ``Overloaded``.
    """
    index = login_index(vault, login)
    with vault.catalogue.read() as tx:
        person = tx.people.by_login_index(index)
    guess = guesses.count_guess(vault, "sign-in", index, client, owner=person.id if person is not None else None)
    matches = proofs.check_password(vault, person, password)
    if person is None or not matches or not person.active:
        _refused(vault, person)
        raise NotSignedIn("sign-in name and password do not match")
    renewed = proofs.renew_hash(vault, person, password)
    with vault.catalogue.write() as tx:
        _require_unchanged(tx, person)
        guesses.forgive(tx, guess)
        if renewed is not None:
            person = replace(person, password_hash=renewed)
            tx.people.update(person)
        needs_factor = tx.credentials.has_second_factor(person.id)
    require = partial(_require_unchanged, person=person)
    if not needs_factor:
        return begin_session(vault, person, client, by="password", proved_at=vault.now(), require=require)
    challenge = challenges.begin(vault, ChallengeKind.SECOND_FACTOR, person.id, require=require)
    if factor is None or not factor.given:
        raise SecondFactorNeeded("a code or a passkey is needed too", challenge=challenge)
    return answer_second_factor(vault, challenge, factor, client=client)


def answer_second_factor(
    vault: Vault, challenge: str, factor: SecondFactor, *, client: Client
) -> tuple[str, Introduced]:
    """Goes on with a sign-in whose password was right. A wrong code may be corrected: it raises ``SecondFactorNeeded``
    with a challenge for the next try; ``NotSignedIn`` when this took too long, ``TooManyAttempts``."""
    # The token of the second factor's challenge is also what a passkey answers, so it is taken by whichever comes.
    begun = challenges.look(vault, ChallengeKind.SECOND_FACTOR, challenge)
    with vault.catalogue.read() as tx:
        person = tx.people.get(begun.person_id) if begun.person_id is not None else None
        identity = tx.identities.of_person(person.id) if person is not None else None
    if person is None or not person.active:
        raise NotSignedIn("sign-in name and password do not match")
    require = partial(_require_begun, person=person, identity=identity)
    if factor.passkey is None:
        challenges.take(vault, ChallengeKind.SECOND_FACTOR, challenge)
    try:
        proofs.check_second_factor(vault, person, factor, client, ChallengeKind.SECOND_FACTOR)
    except NotSignedIn as error:
        _refused(vault, person)
        again = challenges.begin(vault, ChallengeKind.SECOND_FACTOR, person.id, require=require)
        raise SecondFactorNeeded(error.message, challenge=again) from error
    by = "passkey" if factor.passkey is not None else "code"
    return begin_session(vault, person, client, by=by, proved_at=vault.now(), require=require)


def sign_in_by_passkey(vault: Vault, answer: PasskeyAnswer, *, client: Client) -> tuple[str, Introduced]:
    """Signs somebody in whose device has proved that it is them, and that they are there. Raises ``NotSignedIn``."""
    passkey = proofs.check_passkey(vault, answer, ChallengeKind.PASSKEY)
    with vault.catalogue.read() as tx:
        person = tx.people.get(passkey.person_id)
    if person is None or not person.active:
        _refused(vault, person)
        raise NotSignedIn(_NO_PASSKEY)
    require = partial(_require_passkey, person=person, passkey=passkey)
    return begin_session(vault, person, client, by="passkey", proved_at=vault.now(), require=require)


def begin_session(
    vault: Vault,
    person: Person,
    client: Client,
    *,
    by: str,
    proved_at: datetime | None,
    require: challenges.Check | None = None,
) -> tuple[str, Introduced]:
    """A session for somebody whose proof was checked; ``proved_at`` is when they gave it, None where nobody knows.

    Raises what ``require`` raises, and nothing is begun then.
    """
    now, token, session_id = vault.now(), new_token(vault), SessionId(vault.new_id())
    session = Session(
        id=session_id,
        token_sha256=digest_of(token),
        person_id=person.id,
        kind=client.kind,
        csrf_token=new_token(vault),
        created_at=now,
        seen_at=now,
        expires_at=now + SESSION_LIFETIME,
        stepped_up_at=proved_at,
        sealed_client=descriptions.seal_client(vault, person.profile_leaf, client.shortened(), session_id=session_id),
    )
    with vault.catalogue.write() as tx:
        if require is not None:
            require(tx)
        tx.sessions.add(session)
        detail: Detail = {"by": by, "kind": client.kind.value, "session": session_id}
        tx.audit.append(vault.entry(person.id, Event.SIGNED_IN, person.id, detail))
        actor = actor_of(tx, person.id, vault.fonds.id)
    return token, _introduced(vault, person, session, replace(actor, stepped_up_at=proved_at))


def device_cookie(vault: Vault, signed_in: SignedIn) -> str:
    """What a browser keeps from which somebody has signed in, so that others' guesses do not lock them out."""
    return devices.new_device(vault, signed_in.actor.person_id)


def signed_in(vault: Vault, token: str) -> SignedIn:
    """Who a token stands for, a session's or an API token. Raises ``NotSignedIn`` when it has ended."""
    if token.startswith(TOKEN_PREFIX):
        owner, api_token = tokens.use(vault, token)
        program = replace(owner, scope=api_token.scopes)
        return SignedIn(actor=program, session=None, expires_at=api_token.expires_at)
    session, _, actor = _session_in_use(vault, token)
    return SignedIn(actor=actor, session=session, expires_at=session.expires_at)


def introduced(vault: Vault, token: str) -> Introduced:
    """Who a session's token stands for, by name. Raises ``NotSignedIn``."""
    session, person, actor = _session_in_use(vault, token)
    return _introduced(vault, person, session, actor)


def is_open(vault: Vault, token: str) -> bool:
    """Whether a session is there that has not ended; to look does not prolong it."""
    with vault.catalogue.read() as tx:
        known = tx.sessions.with_person(digest_of(token))
    if known is None or not known[1].active:
        return False
    with suppress(NotSignedIn):
        known[0].require_live(now=vault.now())
        return True
    return False


def _session_in_use(vault: Vault, token: str) -> tuple[Session, Person, Actor]:
    now = vault.now()
    with vault.catalogue.read() as tx:
        known = tx.sessions.with_person(digest_of(token))
        if known is None or not known[1].active:
            raise NotSignedIn("you are not signed in; sign in first")
        session, person = known
        session.require_live(now=now)
        actor = actor_of(tx, person.id, vault.fonds.id)
    if now - session.seen_at >= TOUCH_AFTER:
        with vault.catalogue.write() as tx:
            tx.sessions.touch(session.id, seen_at=now)
    return session, person, replace(actor, stepped_up_at=session.stepped_up_at)


def sign_out(vault: Vault, token: str) -> None:
    """Ends a session; one that has ended already stays so."""
    with vault.catalogue.write() as tx:
        session = tx.sessions.get(digest_of(token))
        if session is not None and tx.sessions.end(session.id, person_id=session.person_id):
            tx.audit.append(
                vault.entry(session.person_id, Event.SIGNED_OUT, session.person_id, {"session": session.id})
            )


def step_up(
    vault: Vault, token: str, *, client: Client, password: str = "", factor: SecondFactor | None = None
) -> tuple[str, Introduced]:
    """Proves again that it is them; gives the session's new token. The old one is worth nothing from here on.

    Raises ``NotSignedIn`` for a wrong proof, ``TooManyAttempts``.
    """
    who = signed_in(vault, token)
    require_oneself(who.actor)
    with vault.catalogue.read() as tx:
        person = tx.people.get(who.actor.person_id)
        has_factor = tx.credentials.has_second_factor(who.actor.person_id)
    if person is None or who.session is None:
        raise NotSignedIn("you are not signed in; sign in first")
    by = _prove(vault, person, client, password=password, factor=factor, has_factor=has_factor)
    return renew(vault, who, token, person, by=by, proved_at=vault.now())


def renew(
    vault: Vault, who: SignedIn, token: str, person: Person, *, by: str, proved_at: datetime
) -> tuple[str, Introduced]:
    """The session of somebody who proved themselves at ``proved_at``, under a new token. Raises ``NotSignedIn``."""
    if who.session is None:
        raise NotSignedIn("you are not signed in; sign in first")
    now, renewed = vault.now(), new_token(vault)
    with vault.catalogue.write() as tx:
        if not tx.sessions.renew(
            who.session.id, token_sha256=digest_of(renewed), of=digest_of(token), stepped_up_at=proved_at, seen_at=now
        ):
            raise NotSignedIn("your session has ended; sign in again")
        tx.audit.append(vault.entry(person.id, Event.STEPPED_UP, person.id, {"by": by, "session": who.session.id}))
    session = replace(who.session, token_sha256=digest_of(renewed), stepped_up_at=proved_at, seen_at=now)
    return renewed, _introduced(vault, person, session, replace(who.actor, stepped_up_at=proved_at))


def _prove(
    vault: Vault, person: Person, client: Client, *, password: str, factor: SecondFactor | None, has_factor: bool
) -> str:
    try:
        if has_factor:
            proofs.check_second_factor(vault, person, factor or SecondFactor(), client, ChallengeKind.STEP_UP)
            return "passkey" if factor is not None and factor.passkey is not None else "code"
        guess = guesses.count_guess(vault, "sign-in", person.login_index, client, owner=person.id)
        if not proofs.check_password(vault, person, password):
            raise NotSignedIn("the password is not right")
        with vault.catalogue.write() as tx:
            guesses.forgive(tx, guess)
    except NotSignedIn:
        with vault.catalogue.write() as tx:
            tx.audit.append(vault.entry(person.id, Event.STEP_UP_REFUSED, person.id))
        raise
    return "password"


def own_sessions(vault: Vault, actor: Actor, *, current: SessionId | None) -> Sequence[SessionView]:
    """Where somebody is signed in, newest first. Raises ``NotAllowed``."""
    require_oneself(actor)
    now = vault.now()
    with vault.catalogue.read() as tx:
        person = tx.people.get(actor.person_id)
        found = tx.sessions.of_person(actor.person_id)
    if person is None:
        return ()
    return [
        SessionView(
            session=each,
            client=descriptions.open_client(vault, person.profile_leaf, each),
            current=each.id == current,
        )
        for each in found
        if each.is_live(now=now)
    ]


def end_session(vault: Vault, actor: Actor, session_id: SessionId) -> None:
    """Ends one of one's own sessions. Raises ``NotFound`` for one that is over, or somebody else's."""
    require_oneself(actor)
    with vault.catalogue.write() as tx:
        if not tx.sessions.end(session_id, person_id=actor.person_id):
            raise NotFound("there is no such session; look at the list again")
        tx.audit.append(vault.entry(actor.person_id, Event.SESSION_ENDED, actor.person_id, {"session": session_id}))


def end_other_sessions(vault: Vault, actor: Actor, *, current: SessionId | None) -> int:
    """Ends all of one's own sessions but the current one, and sign-ins that were begun; gives how many sessions."""
    require_oneself(actor)
    with vault.catalogue.write() as tx:
        ended = tx.sessions.end_all(actor.person_id, but=current)
        tx.challenges.drop_of(actor.person_id)
        tx.audit.append(vault.entry(actor.person_id, Event.SESSION_ENDED, actor.person_id, {"ended": ended}))
    return ended


def end_sessions_of(vault: Vault, actor: Actor, person_id: PersonId) -> int:
    """Ends every session of somebody, and sign-ins that were begun.

    Raises ``NotAllowed``, ``StepUpNeeded``, ``NotFound``.
    """
    actor.require(Action.INVITE_PERSON)
    require_fresh(vault, actor)
    with vault.catalogue.write() as tx:
        if tx.people.get(person_id) is None:
            raise NotFound("there is no such person; look them up in the list")
        ended = tx.sessions.end_all(person_id)
        tx.challenges.drop_of(person_id)
        tx.audit.append(vault.entry(actor.person_id, Event.SESSION_ENDED, person_id, {"ended": ended}))
    return ended


def _require_unchanged(tx: Transaction, person: Person) -> None:
    """Raises ``NotSignedIn`` when their password is another one by now, or they are deactivated; nobody changes either
    before the transaction ends."""
    current = tx.people.get(person.id, for_update=True)
    if current is None or not current.active or current.password_hash != person.password_hash:
        raise NotSignedIn("sign-in name and password do not match")


def _require_begun(tx: Transaction, person: Person, identity: Identity | None) -> None:
    """The same for a sign-in that waited for its second factor, by the provider's word perhaps."""
    _require_unchanged(tx, person)
    current = tx.identities.of_person(person.id)
    if (current and current.bound_at) != (identity and identity.bound_at):
        raise NotSignedIn("sign-in name and password do not match")


def _require_passkey(tx: Transaction, person: Person, passkey: Passkey) -> None:
    """Raises ``NotSignedIn`` when the passkey is theirs no more, or they are deactivated."""
    current = tx.people.get(person.id, for_update=True)
    if (
        current is None
        or not current.active
        or all(each.id != passkey.id for each in tx.credentials.passkeys(person.id))
    ):
        raise NotSignedIn(_NO_PASSKEY)


def _refused(vault: Vault, person: Person | None) -> None:
    who = person.id if person is not None else "unknown"
    with vault.catalogue.write() as tx:
        tx.audit.append(vault.entry(who, Event.SIGN_IN_REFUSED, who))


def _introduced(vault: Vault, person: Person, session: Session, actor: Actor) -> Introduced:
    profile = descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id)
    return Introduced(actor=actor, session=session, expires_at=session.expires_at, profile=profile)
