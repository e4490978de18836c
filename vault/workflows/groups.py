"""Groups at work: what they grant, who joins and leaves them, and what follows for who acts.

Rule 1: nobody adds themselves to a group, or gives a group of theirs more; the catalogue refuses the first, too.
Rule 2: nobody is of two administrations at once; the catalogue refuses it.
Rule 3: the security administration is never without an active member: nobody could let anybody in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vault.audit import Detail, Event
from vault.classes import RecordClass
from vault.errors import AlreadyExists, Conflict, InvalidInput, NotAllowed, NotFound
from vault.fonds import Fonds
from vault.groups import SECURITY, SHIPPED, Grant, Group, Membership, checked_code, require_grantable
from vault.ids import FondsId, PersonId, could_be_key
from vault.people import OPERATOR_ID
from vault.permissions import ALL_CLASSES, Action, Actor, Role
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.freshness import require_fresh, require_oneself
from vault.workflows.vault import Vault

TWO_ADMINISTRATIONS: Final = "nobody is of two administrations (system, security, audit); name one of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """A member by name."""

    membership: Membership
    name: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group with what it grants and who is in it."""

    group: Group
    grants: Sequence[Grant]
    members: Sequence[MemberView]


def actor_of(tx: Transaction, person_id: PersonId, fonds_id: FondsId) -> Actor:
    """Somebody with the roles that their groups give them."""
    return _acting(person_id, tx.groups.held_by(person_id, fonds_id))


def everybody_acting(tx: Transaction, fonds_id: FondsId) -> Sequence[Actor]:
    """Every active person who has a role."""
    held: dict[PersonId, list[tuple[Role, str]]] = {}
    for person_id, role, class_code in tx.groups.held_by_all(fonds_id):
        held.setdefault(person_id, []).append((role, class_code))
    return [_acting(person_id, roles) for person_id, roles in held.items()]


def grant_shipped(tx: Transaction, fonds: Fonds) -> None:
    """Gives the groups that ship their roles on every class of a new fonds."""
    for code, role in SHIPPED:
        grant = Grant(
            group=code,
            fonds_id=fonds.id,
            role=role,
            class_code=ALL_CLASSES,
            granted_by=OPERATOR_ID,
            granted_at=fonds.created_at,
        )
        tx.groups.grant(require_group(tx, code), grant)


def list_groups(vault: Vault, actor: Actor) -> Sequence[GroupView]:
    """Every group, by code. Raises ``NotAllowed``."""
    actor.require(Action.SEE_GROUPS)
    with vault.catalogue.read() as tx:
        groups, grants, members = tx.groups.all(), tx.groups.grants(vault.fonds.id), _members(vault, tx)
    return [
        GroupView(
            group=group,
            grants=[each for each in grants if each.group == group.code],
            members=members.get(group.code, ()),
        )
        for group in groups
    ]


def show_group(vault: Vault, actor: Actor, code: str) -> GroupView:
    """One group. Raises ``NotAllowed``, ``NotFound``."""
    found = [each for each in list_groups(vault, actor) if each.group.code == code]
    if not found:
        raise NotFound("there is no such group; look it up in the list")
    return found[0]


def list_people(vault: Vault, actor: Actor) -> Mapping[PersonId, str]:
    """Everybody by id, with their name and sign-in name. Raises ``NotAllowed``."""
    actor.require(Action.SEE_GROUPS)
    with vault.catalogue.read() as tx:
        people = tx.people.all()
    profiles = {
        person.id: descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id)
        for person in people
    }
    return {person_id: f"{profile.name} ({profile.login})" for person_id, profile in profiles.items()}


def grantable_classes(vault: Vault, actor: Actor) -> Sequence[RecordClass]:
    """The classes that a group can grant roles on, by code. Raises ``NotAllowed``."""
    actor.require(Action.SEE_GROUPS)
    with vault.catalogue.read() as tx:
        return [each.rule for each in tx.schedules.governing()]


def groups_of(vault: Vault, actor: Actor) -> Sequence[str]:
    """The codes of one's own groups."""
    with vault.catalogue.read() as tx:
        return _groups_of(tx, actor)


def add_group(vault: Vault, actor: Actor, code: str) -> Group:
    """Makes a group, which grants nothing yet. Raises ``NotAllowed``, ``InvalidInput``, ``AlreadyExists``."""
    actor.require(Action.CHANGE_GROUPS)
    group = Group(code=checked_code(code), administration=None, created_by=actor.person_id, created_at=vault.now())
    with vault.catalogue.write() as tx:
        if tx.groups.get(group.code) is not None:
            raise AlreadyExists(f"there is a group {group.code} already; choose another code")
        tx.groups.add(group)
        tx.audit.append(vault.entry(actor.person_id, Event.GROUP_ADDED, group.code))
    return group


def grant_role(vault: Vault, actor: Actor, code: str, role: Role, class_code: str) -> Grant:
    """Lets a group give a role on a class, or on all of them.

    Raises ``NotAllowed`` (a group of one's own, too), ``StepUpNeeded``, ``NotFound`` (group, class), ``InvalidInput``,
    ``AlreadyExists``.
    """
    actor.require(Action.CHANGE_GROUPS)
    require_fresh(vault, actor)
    with vault.catalogue.write() as tx:
        group = require_group(tx, code, for_update=True)
        require_grantable(group, role, class_code)
        if class_code != ALL_CLASSES and tx.schedules.newest(class_code) == 0:
            raise NotFound("there is no such class; look it up with `strongroom class list`")
        if _is_member(tx, group, actor.person_id):
            raise NotAllowed(f"you are a member of group {code}; somebody else has to give it more")
        held = (role, class_code) in {(each.role, each.class_code) for each in _grants_of(vault, tx, group)}
        if held:
            raise AlreadyExists(f"group {code} grants that already")
        grant = Grant(
            group=group.code,
            fonds_id=vault.fonds.id,
            role=role,
            class_code=class_code,
            granted_by=actor.person_id,
            granted_at=vault.now(),
        )
        tx.groups.grant(group, grant)
        detail = {"role": role.value, "class": class_code}
        tx.audit.append(vault.entry(actor.person_id, Event.ROLE_GRANTED, group.code, detail))
    return grant


def revoke_role(vault: Vault, actor: Actor, code: str, role: Role, class_code: str) -> None:
    """Takes a grant back. Raises ``NotAllowed``, ``NotFound``, ``Conflict`` (what an administration is)."""
    actor.require(Action.CHANGE_GROUPS)
    with vault.catalogue.write() as tx:
        group = require_group(tx, code, for_update=True)
        end_grant(vault, tx, actor.person_id, group, role, class_code)


def end_grant(
    vault: Vault, tx: Transaction, by: str, group: Group, role: Role, class_code: str, *, detail: Detail | None = None
) -> None:
    """Takes a grant back; the caller has authorised. Raises ``NotFound``, ``Conflict`` (what an administration is)."""
    if group.administration is not None:
        raise Conflict(f"group {group.code} is the {group.administration.value} administration; take its members out")
    if not tx.groups.revoke(group.code, vault.fonds.id, role, class_code):
        raise NotFound(f"group {group.code} does not grant that; look at what it grants")
    said: Detail = {"role": role.value, "class": class_code, **(detail or {})}
    tx.audit.append(vault.entry(by, Event.ROLE_REVOKED, group.code, said))


def add_member(vault: Vault, actor: Actor, code: str, person_id: str) -> Membership:
    """Adds somebody to a group.

    Raises ``NotAllowed`` (oneself, too), ``StepUpNeeded``, ``NotFound``, ``AlreadyExists``, ``Conflict`` (of another
    administration).
    """
    actor.require(Action.CHANGE_GROUPS)
    require_fresh(vault, actor)
    with vault.catalogue.write() as tx:
        group = require_group(tx, code, for_update=True)
        person = tx.people.get(PersonId(person_id)) if could_be_key(person_id) else None
        if person is None:
            raise NotFound("there is no such person; look the id up in the list")
        if person.id == actor.person_id:
            raise NotAllowed("nobody adds themselves to a group; ask another security administrator")
        if _is_member(tx, group, person.id):
            raise AlreadyExists(f"this person is a member of group {code} already")
        if group.administration is not None:
            _require_free(tx, group, person.id)
        membership = Membership(group=group.code, person_id=person.id, added_by=actor.person_id, added_at=vault.now())
        tx.groups.join(group, membership)
        tx.audit.append(vault.entry(actor.person_id, Event.MEMBER_ADDED, person.id, {"group": group.code}))
    return membership


def remove_member(vault: Vault, actor: Actor, code: str, person_id: str) -> None:
    """Takes somebody, or oneself, out of a group. Raises ``NotAllowed``, ``NotFound``, ``Conflict`` (the last one).

    Whoever leaves is not told of groups that they are not in.
    """
    if person_id == actor.person_id:
        require_oneself(actor)
    else:
        actor.require(Action.CHANGE_GROUPS)
    with vault.catalogue.write() as tx:
        if person_id == actor.person_id and code not in _groups_of(tx, actor):
            raise NotFound("there is no such group of yours; look at the permissions page")
        end_membership(vault, tx, actor.person_id, require_group(tx, code, for_update=True), person_id)


def end_membership(
    vault: Vault, tx: Transaction, by: str, group: Group, person_id: str, *, detail: Detail | None = None
) -> None:
    """Takes somebody out of a group; the caller has authorised. Raises ``NotFound``, ``Conflict`` (the last one)."""
    if is_last(vault, tx, group.code, person_id):
        raise Conflict("nobody would be left who lets people in; add another security administrator first")
    if not could_be_key(person_id) or not tx.groups.leave(group.code, PersonId(person_id)):
        raise NotFound(f"this person is no member of group {group.code}")
    said: Detail = {"group": group.code, **(detail or {})}
    tx.audit.append(vault.entry(by, Event.MEMBER_REMOVED, person_id, said))


def is_last(vault: Vault, tx: Transaction, code: str, person_id: str) -> bool:
    """Whether nobody would be left who lets people in, if somebody were taken out of a group."""
    return code == SECURITY and not any(
        each.may(Action.CHANGE_GROUPS) and each.person_id != person_id for each in everybody_acting(tx, vault.fonds.id)
    )


def require_group(tx: Transaction, code: str, *, for_update: bool = False) -> Group:
    """The group with a code. Raises ``NotFound``."""
    group = tx.groups.get(code, for_update=for_update) if could_be_key(code) else None
    if group is None:
        raise NotFound("there is no such group; look it up with `strongroom group list`")
    return group


def require_joinable(groups: Iterable[Group]) -> None:
    """Raises ``InvalidInput`` where one person would be of two administrations."""
    if len({group.administration for group in groups if group.administration is not None}) > 1:
        raise InvalidInput(TWO_ADMINISTRATIONS, field="groups")


def _groups_of(tx: Transaction, actor: Actor) -> Sequence[str]:
    return [each.group for each in tx.groups.memberships() if each.person_id == actor.person_id]


def _acting(person_id: PersonId, held: Iterable[tuple[Role, str]]) -> Actor:
    known = frozenset(held)
    return Actor(
        person_id=person_id,
        roles=frozenset(role for role, class_code in known if class_code == ALL_CLASSES),
        class_roles=frozenset((role, class_code) for role, class_code in known if class_code != ALL_CLASSES),
    )


def _members(vault: Vault, tx: Transaction) -> Mapping[str, Sequence[MemberView]]:
    people = {person.id: person for person in tx.people.all()}
    found: dict[str, list[MemberView]] = {}
    for membership in tx.groups.memberships():
        person = people[membership.person_id]
        profile = descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id)
        view = MemberView(membership=membership, name=profile.name, active=person.active)
        found.setdefault(membership.group, []).append(view)
    return found


def _grants_of(vault: Vault, tx: Transaction, group: Group) -> Sequence[Grant]:
    return [each for each in tx.groups.grants(vault.fonds.id) if each.group == group.code]


def _is_member(tx: Transaction, group: Group, person_id: PersonId) -> bool:
    return any(each.group == group.code and each.person_id == person_id for each in tx.groups.memberships())


def _require_free(tx: Transaction, group: Group, person_id: PersonId) -> None:
    """Raises ``Conflict`` where somebody is of another administration; the catalogue would refuse it, too."""
    theirs = {each.group for each in tx.groups.memberships() if each.person_id == person_id}
    others = [each for each in tx.groups.all() if each.code in theirs and each.administration is not None]
    if others:
        raise Conflict(
            f"this person is of the {others[0].administration} administration, which excludes {group.administration}; "
            f"take them out of group {others[0].code} first"
        )
