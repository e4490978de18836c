"""People: invited by a one-time link, known by a password, remembered by a session.

Rule 1: one answer for every wrong sign-in, and the same work for a name that exists and one that does not.
Rule 2: guesses are counted per sign-in name and address, keyed; too many make the next one wait.
Rule 3: of tokens only the SHA-256 is kept: they are 256 random bits, so a fast digest is enough.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vault.audit import Event
from vault.errors import Conflict, InvalidInput, NotFound, NotSignedIn, TooManyAttempts
from vault.groups import Membership
from vault.ids import PersonId
from vault.people import OPERATOR_ID, Invitation, Person, PersonProfile, Session, checked_password
from vault.permissions import Action, Actor, Role
from vault.seal.fields import blind_index
from vault.seal.passwords import hash_password, password_matches
from vault.seal.secrets import Secret
from vault.workflows import allocation, descriptions
from vault.workflows.groups import actor_of, require_group, require_joinable
from vault.workflows.vault import Vault

SESSION_LIFETIME: Final = timedelta(hours=12)
SESSION_IDLE: Final = timedelta(hours=1)
TOUCH_AFTER: Final = timedelta(minutes=1)
SIGN_IN_TRIES_MAX: Final = 10
SIGN_IN_WINDOW: Final = timedelta(minutes=15)

# A string that no password matches, of the same cost as a real one: an unknown name takes as long as a known one.
_NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=1$5uLnK/HaGeKIOFjcylGn5A$MgHD9qPEM4dRargN+yGYog0Pjusv19t21q5goRzs8lE"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody who is signed in, with the session that says so."""

    actor: Actor
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduced(SignedIn):
    """The same, by name."""

    profile: PersonProfile


def invite(vault: Vault, actor: Actor, groups: Iterable[str], *, lifetime: timedelta = timedelta(hours=24)) -> str:
    """A one-time token that lets somebody become a member of these groups.

    Raises ``NotAllowed``, ``NotFound`` (a group), ``InvalidInput`` (none, or two administrations).
    """
    actor.require(Action.INVITE_PERSON)
    codes = frozenset(groups)
    if not codes:
        raise InvalidInput("an invitation names at least one group", field="groups")
    token = _token(vault)
    now = vault.now()
    invitation = Invitation(
        token_sha256=_sha256(token),
        groups=codes,
        invited_by=actor.person_id,
        expires_at=now + lifetime,
        used_at=None,
    )
    with vault.catalogue.write() as tx:
        require_joinable([require_group(tx, code) for code in sorted(codes)])
        if not tx.people.any():
            # The first administrator's link: only the newest one counts.
            tx.people.withdraw_invitations(now=now)
        tx.people.add_invitation(invitation)
        detail = {"groups": ",".join(sorted(codes))}
        tx.audit.append(vault.entry(actor.person_id, Event.PERSON_INVITED, "invitation", detail))
    return token


def check_invitation(vault: Vault, token: str) -> Invitation:
    """The invitation of a token. Raises ``NotFound`` when there is none, or it was used or has expired."""
    with vault.catalogue.read() as tx:
        invitation = tx.people.invitation(_sha256(token))
    if invitation is None or invitation.used_at is not None or vault.now() >= invitation.expires_at:
        raise NotFound("this invitation was used or has expired; ask for a new one")
    return invitation


def accept_invitation(vault: Vault, token: str, *, login: str, name: str, password: str) -> Person:
    """Makes the invited person. Raises ``NotFound``, ``InvalidInput``, ``AlreadyExists`` (the sign-in name)."""
    invitation = check_invitation(vault, token)
    profile = PersonProfile.checked(login=login, name=name)
    checked_password(password)
    with vault.hashing.enter():
        password_hash = hash_password(password, token_bytes=vault.randomness.token_bytes)
    person = _try_accept(vault, token, invitation, profile, password_hash)
    if person is None:
        allocation.with_block(vault)
        person = _try_accept(vault, token, invitation, profile, password_hash)
    if person is None:
        raise Conflict("every address of the reserved block was taken meanwhile; try again")
    return person


def sign_in(vault: Vault, *, login: str, password: str, origin: str) -> tuple[str, Introduced]:
    """Signs somebody in; gives the session's token. ``origin`` is the client's address, used keyed only.

    Raises ``NotSignedIn`` with one text for every reason, ``TooManyAttempts``, ``Overloaded``.
    """
    index = _login_index(vault, login)
    subject = blind_index(_blinding(vault), "sign-in", f"{index.hex()} {origin}")
    now = vault.now()
    with vault.catalogue.write() as tx:
        # The guess is counted before it is checked, so that guesses made at once are counted too.
        if tx.attempts.count(subject, since=now - SIGN_IN_WINDOW) >= SIGN_IN_TRIES_MAX:
            raise TooManyAttempts("too many wrong tries; wait 15 minutes and try again", retry_after_s=900)
        tx.attempts.add(subject, at=now)
        person = tx.people.by_login_index(index)
    with vault.catalogue.read() as tx:
        # Of guesses made at once none saw the others then; each sees here all that were counted before it.
        if tx.attempts.count(subject, since=now - SIGN_IN_WINDOW) > SIGN_IN_TRIES_MAX:
            raise TooManyAttempts("too many wrong tries; wait 15 minutes and try again", retry_after_s=900)
    with vault.hashing.enter():
        matches = password_matches(password, person.password_hash if person is not None else _NOBODY)
    if person is None or not matches or not person.active:
        with vault.catalogue.write() as tx:
            who = person.id if person is not None else "unknown"
            tx.audit.append(vault.entry(who, Event.SIGN_IN_REFUSED, who))
        raise NotSignedIn("sign-in name and password do not match")
    token = _token(vault)
    session = Session(
        token_sha256=_sha256(token),
        person_id=person.id,
        csrf_token=_token(vault),
        created_at=now,
        seen_at=now,
        expires_at=now + SESSION_LIFETIME,
    )
    with vault.catalogue.write() as tx:
        tx.attempts.forget(subject)
        tx.people.add_session(session)
        tx.audit.append(vault.entry(person.id, Event.SIGNED_IN, person.id))
        actor = actor_of(tx, person.id, vault.fonds.id)
    return token, _introduced(vault, person, session, actor)


def signed_in(vault: Vault, token: str) -> SignedIn:
    """Who a session's token stands for. Raises ``NotSignedIn`` when it has ended, or nobody used it for an hour."""
    session, _, actor = _session_in_use(vault, token)
    return SignedIn(actor=actor, session=session)


def introduced(vault: Vault, token: str) -> Introduced:
    """The same, by name."""
    session, person, actor = _session_in_use(vault, token)
    return _introduced(vault, person, session, actor)


def _session_in_use(vault: Vault, token: str) -> tuple[Session, Person, Actor]:
    now = vault.now()
    with vault.catalogue.read() as tx:
        known = tx.people.session_and_person(_sha256(token))
        if known is None or not known[1].active:
            raise NotSignedIn("you are not signed in; sign in first")
        session, person = known
        actor = actor_of(tx, person.id, vault.fonds.id)
    # A session seen well after now was made before the clock was set back; it would live on until then.
    if now >= session.expires_at or abs(now - session.seen_at) >= SESSION_IDLE:
        raise NotSignedIn("your session has ended; sign in again")
    if now - session.seen_at >= TOUCH_AFTER:
        with vault.catalogue.write() as tx:
            tx.people.touch_session(session.token_sha256, seen_at=now)
    return session, person, actor


def sign_out(vault: Vault, token: str) -> None:
    """Ends a session; one that has ended already stays so."""
    digest = _sha256(token)
    with vault.catalogue.write() as tx:
        session = tx.people.session(digest)
        if session is not None:
            tx.people.end_session(digest)
            tx.audit.append(vault.entry(session.person_id, Event.SIGNED_OUT, session.person_id))


def operator(vault: Vault) -> Actor:
    """Whoever runs commands on the machine: stands for every role until the first person exists.

    Raises ``NotSignedIn`` after that: records are then opened by persons only.
    """
    with vault.catalogue.read() as tx:
        if tx.people.any():
            raise NotSignedIn("this vault has people; run 'strongroom login' and act as yourself")
    return Actor(person_id=OPERATOR_ID, roles=frozenset(Role))


def machine_operator() -> Actor:
    """The operator for duties that stay the machine's: upkeep, keepers, the vault's state, whether the log holds."""
    return Actor(person_id=OPERATOR_ID, roles=frozenset({Role.OPERATOR}))


def _try_accept(
    vault: Vault, token: str, invitation: Invitation, profile: PersonProfile, password_hash: str
) -> Person | None:
    person_id = PersonId(vault.new_id())
    now = vault.now()
    with vault.catalogue.write() as tx:
        leaf = allocation.issue_leaf(vault, tx, person_id)
        if leaf is None:
            return None
        if not tx.people.use_invitation(_sha256(token), now=now):
            raise NotFound("this invitation was used or has expired; ask for a new one")
        person = Person(
            id=person_id,
            login_index=_login_index(vault, profile.login),
            profile_leaf=leaf,
            sealed_profile=descriptions.seal_person(vault, leaf, profile, person_id=person_id),
            password_hash=password_hash,
            active=True,
            created_at=now,
        )
        tx.people.add(person)
        for code in sorted(invitation.groups):
            membership = Membership(group=code, person_id=person_id, added_by=invitation.invited_by, added_at=now)
            tx.groups.join(require_group(tx, code), membership)
        detail = {"groups": ",".join(sorted(invitation.groups)), "invited_by": invitation.invited_by}
        tx.audit.append(vault.entry(person.id, Event.PERSON_ADDED, person.id, detail))
    return person


def _introduced(vault: Vault, person: Person, session: Session, actor: Actor) -> Introduced:
    profile = descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id)
    return Introduced(actor=actor, session=session, profile=profile)


def _login_index(vault: Vault, login: str) -> bytes:
    return blind_index(_blinding(vault), "login", login.strip().encode("utf-8", "replace").decode("utf-8"))


def _blinding(vault: Vault) -> Secret:
    return vault.house_keys().blinding_key


def _token(vault: Vault) -> str:
    return base64.urlsafe_b64encode(vault.randomness.token_bytes(32)).rstrip(b"=").decode("ascii")


def _sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
