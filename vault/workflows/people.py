"""People: invited by a one-time link, seen and deactivated by administrators, named as they wish.

Rule 1: of an invitation's token only the SHA-256 is kept.
Rule 2: whoever is deactivated is out at once: their sessions end, and their API tokens are refused with them.
Rule 3: nobody deactivates themselves, so somebody who may reactivate is always left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vault.audit import Event
from vault.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from vault.groups import Membership
from vault.ids import PersonId
from vault.people import OPERATOR_ID, Invitation, Person, PersonProfile, checked_password
from vault.permissions import Action, Actor, Role
from vault.seal.passwords import hash_password
from vault.shelves import Transaction
from vault.workflows import allocation, descriptions
from vault.workflows.freshness import require_fresh, require_oneself
from vault.workflows.groups import actor_of, require_group, require_joinable
from vault.workflows.onetime import digest_of, new_token
from vault.workflows.sessions import login_index
from vault.workflows.vault import Vault

MakeWhole = Callable[[Transaction, Person], None]
"""What else is written of a new person in the transaction that makes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """A person as administrators see them."""

    person: Person
    profile: PersonProfile
    roles: Sequence[str]
    second_factor: bool
    sessions: int


def invite(vault: Vault, actor: Actor, groups: Iterable[str], *, lifetime: timedelta = timedelta(hours=24)) -> str:
    """A one-time token that lets somebody become a member of these groups.

    Raises ``NotAllowed``, ``StepUpNeeded``, ``NotFound`` (a group), ``InvalidInput`` (none, or two administrations).
    """
    actor.require(Action.INVITE_PERSON)
    require_fresh(vault, actor)
    codes = frozenset(groups)
    if not codes:
        raise InvalidInput("an invitation names at least one group", field="groups")
    token = new_token(vault)
    now = vault.now()
    invitation = Invitation(
        token_sha256=digest_of(token),
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
        invitation = tx.people.invitation(digest_of(token))
    if invitation is None or invitation.used_at is not None or vault.now() >= invitation.expires_at:
        raise NotFound("this invitation was used or has expired; ask for a new one")
    return invitation


def accept_invitation(vault: Vault, token: str, *, login: str, name: str, password: str) -> Person:
    """Makes the invited person. Raises ``NotFound``, ``InvalidInput``, ``AlreadyExists`` (the sign-in name)."""
    check_invitation(vault, token)
    profile = PersonProfile.checked(login=login, name=name)
    checked_password(password)
    with vault.hashing.enter():
        password_hash = hash_password(password, token_bytes=vault.randomness.token_bytes)
    return become(vault, token, profile, password_hash)


def become(
    vault: Vault, token: str, profile: PersonProfile, password_hash: str, *, also: MakeWhole | None = None
) -> Person:
    """Makes the person whom an invitation is for, and, in the same transaction, what ``also`` adds to them.

    Raises ``NotFound``, ``AlreadyExists`` (the sign-in name), and whatever ``also`` raises.
    """
    invitation = check_invitation(vault, token)
    person = _try_accept(vault, token, invitation, profile, password_hash, also)
    if person is None:
        allocation.with_block(vault)
        person = _try_accept(vault, token, invitation, profile, password_hash, also)
    if person is None:
        raise Conflict("every address of the reserved block was taken meanwhile; try again")
    return person


def list_people(vault: Vault, actor: Actor) -> Sequence[PersonView]:
    """Everybody, in the order in which they came. Raises ``NotAllowed``."""
    actor.require(Action.INVITE_PERSON)
    now = vault.now()
    with vault.catalogue.read() as tx:
        return [_view(vault, tx, person, now) for person in tx.people.all()]


def find_person(vault: Vault, actor: Actor, key: str) -> PersonView:
    """Somebody by id or sign-in name. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.INVITE_PERSON)
    with vault.catalogue.read() as tx:
        person = tx.people.get(PersonId(key)) or tx.people.by_login_index(login_index(vault, key))
        if person is None:
            raise NotFound("there is no such person; look them up in the list")
        return _view(vault, tx, person, vault.now())


def deactivate(vault: Vault, actor: Actor, person_id: PersonId) -> Person:
    """Shuts somebody out, at once. Raises ``NotAllowed``, ``StepUpNeeded``, ``NotFound``, ``Conflict`` for oneself."""
    if person_id == actor.person_id:
        raise Conflict("nobody deactivates themselves; ask another administrator")
    return _set_active(vault, actor, person_id, active=False)


def reactivate(vault: Vault, actor: Actor, person_id: PersonId) -> Person:
    """Lets somebody in again, who signs in as before. Raises ``NotAllowed``, ``StepUpNeeded``, ``NotFound``."""
    return _set_active(vault, actor, person_id, active=True)


def change_profile(
    vault: Vault, actor: Actor, *, name: str | None = None, language: str | None = None
) -> PersonProfile:
    """One's own name and language; what is None stays. Raises ``InvalidInput``, ``NotAllowed``."""
    require_oneself(actor)
    with vault.catalogue.write() as tx:
        person = tx.people.get(actor.person_id, for_update=True)
        if person is None:
            raise NotFound("only people have an account; sign in first")
        kept = descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id)
        profile = PersonProfile.checked(
            login=kept.login,
            name=kept.name if name is None else name,
            language=kept.language if language is None else language,
        )
        sealed = descriptions.seal_person(vault, person.profile_leaf, profile, person_id=person.id)
        tx.people.update(replace(person, sealed_profile=sealed))
        tx.audit.append(vault.entry(person.id, Event.PROFILE_CHANGED, person.id))
    return profile


def own_profile(vault: Vault, actor: Actor) -> PersonProfile:
    """One's own profile. Raises ``NotFound`` for who is no person."""
    require_oneself(actor)
    with vault.catalogue.read() as tx:
        person = tx.people.get(actor.person_id)
    if person is None:
        raise NotFound("only people have an account; sign in first")
    return descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id)


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
    vault: Vault,
    token: str,
    invitation: Invitation,
    profile: PersonProfile,
    password_hash: str,
    also: MakeWhole | None,
) -> Person | None:
    person_id = PersonId(vault.new_id())
    now = vault.now()
    with vault.catalogue.write() as tx:
        leaf = allocation.issue_leaf(vault, tx, person_id)
        if leaf is None:
            return None
        if not tx.people.use_invitation(digest_of(token), now=now):
            raise NotFound("this invitation was used or has expired; ask for a new one")
        person = Person(
            id=person_id,
            login_index=login_index(vault, profile.login),
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
        if also is not None:
            also(tx, person)
    return person


def _set_active(vault: Vault, actor: Actor, person_id: PersonId, *, active: bool) -> Person:
    actor.require(Action.INVITE_PERSON)
    require_fresh(vault, actor)
    with vault.catalogue.write() as tx:
        person = tx.people.get(person_id, for_update=True)
        if person is None:
            raise NotFound("there is no such person; look them up in the list")
        if person.active is active:
            return person
        changed = replace(person, active=active)
        tx.people.update(changed)
        if not active:
            tx.sessions.end_all(person_id)
            tx.challenges.drop_of(person_id)
            tx.resets.withdraw(person_id, now=vault.now())
        event = Event.PERSON_REACTIVATED if active else Event.PERSON_DEACTIVATED
        tx.audit.append(vault.entry(actor.person_id, event, person_id))
    return changed


def _view(vault: Vault, tx: Transaction, person: Person, now: datetime) -> PersonView:
    return PersonView(
        person=person,
        profile=descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id),
        roles=actor_of(tx, person.id, vault.fonds.id).role_names,
        second_factor=tx.credentials.has_second_factor(person.id),
        sessions=sum(session.is_live(now=now) for session in tx.sessions.of_person(person.id)),
    )
