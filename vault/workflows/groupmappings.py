"""Groups of the outside provider that are groups here, and the memberships that follow them at each sign-in.

Rule 1: only memberships that came by a mapping are taken away by one; whom somebody added here stays.
Rule 2: nobody comes into a group by a mapping that they made themselves; the catalogue refuses it, too.
Rule 3: whoever would be of two administrations is not signed in: nothing is changed, and both groups are named.
Rule 4: the security administration keeps its last active member, whatever the provider says.
Rule 5: what a permission review took back no mapping of before gives again: silence would not take back otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vault.audit import Detail, Event
from vault.errors import AlreadyExists, Conflict, NotFound
from vault.groups import Group, Membership
from vault.identities import GroupMapping, checked_provided_group
from vault.ids import PersonId
from vault.permissions import Action, Actor
from vault.shelves import Transaction
from vault.workflows.freshness import require_fresh
from vault.workflows.groups import end_membership, is_last, require_group
from vault.workflows.vault import Vault

BY_PROVIDER: Final = "provider"


def map_group(vault: Vault, actor: Actor, provided: str, code: str) -> GroupMapping:
    """Lets members of a provider's group be members of a group here, from their next sign-in on.

    Raises ``NotAllowed``, ``StepUpNeeded``, ``NotFound`` (the group here), ``InvalidInput``, ``AlreadyExists``.
    """
    actor.require(Action.CHANGE_GROUPS)
    require_fresh(vault, actor)
    clean = checked_provided_group(provided)
    with vault.catalogue.write() as tx:
        group = require_group(tx, code)
        mapping = GroupMapping(provided=clean, group=group.code, mapped_by=actor.person_id, mapped_at=vault.now())
        if any((each.provided, each.group) == (clean, group.code) for each in tx.identities.mappings()):
            raise AlreadyExists("this group of the provider is mapped to that group already")
        tx.identities.map_group(mapping)
        tx.audit.append(vault.entry(actor.person_id, Event.GROUP_MAPPED, group.code))
    return mapping


def unmap_group(vault: Vault, actor: Actor, provided: str, code: str) -> int:
    """Ends a mapping, and the memberships that it gave, at once; gives how many. What another mapping gives somebody
    as well is theirs again at their next sign-in.

    Raises ``NotAllowed``, ``StepUpNeeded``, ``NotFound``.
    """
    actor.require(Action.CHANGE_GROUPS)
    require_fresh(vault, actor)
    clean = checked_provided_group(provided)
    with vault.catalogue.write() as tx:
        group = require_group(tx, code, for_update=True)
        if not tx.identities.unmap_group(clean, group.code):
            raise NotFound("there is no such mapping; look it up in the list")
        ended = 0
        for each in tx.groups.memberships():
            # Who is the last one is known only once those before have gone.
            if (each.group, each.provided) == (group.code, clean) and not is_last(
                vault, tx, group.code, each.person_id
            ):
                end_membership(vault, tx, actor.person_id, group, each.person_id)
                ended += 1
        tx.audit.append(vault.entry(actor.person_id, Event.GROUP_UNMAPPED, group.code, {"ended": ended}))
    return ended


def list_mappings(vault: Vault, actor: Actor) -> Sequence[GroupMapping]:
    """Every mapping, by the provider's group. Raises ``NotAllowed``."""
    actor.require(Action.SEE_GROUPS)
    with vault.catalogue.read() as tx:
        return tx.identities.mappings()


def follow(
    vault: Vault, tx: Transaction, person_id: PersonId, provided: Iterable[str], *, by: str = BY_PROVIDER
) -> None:
    """Brings somebody's memberships to what the provider says of them. Raises ``Conflict`` (rule 3)."""
    said = frozenset(provided)
    # Locked first, then read: what another ends meanwhile is not given again. One order for all, so that two who sign
    # in at once wait for each other's groups without a knot. What comes to another group meanwhile waits for the next.
    candidates = {*_wanted(tx, said, person_id), *_theirs(tx, person_id)}
    touched = {code: require_group(tx, code, for_update=True) for code in sorted(candidates)}
    wanted = {code: each for code, each in _wanted(tx, said, person_id).items() if code in touched}
    theirs = {code: each for code, each in _theirs(tx, person_id).items() if code in touched}
    ending = [
        each
        for each in theirs.values()
        if each.provided
        and (each.group not in wanted or wanted[each.group].provided != each.provided)
        and not is_last(vault, tx, each.group, each.person_id)
    ]
    kept = [code for code in theirs if code not in {each.group for each in ending}]
    _require_one_administration([touched[code] for code in sorted({*kept, *wanted})])
    for membership in ending:
        end_membership(vault, tx, by, touched[membership.group], person_id)
    for code in sorted(set(wanted) - set(kept)):
        mapping = wanted[code]
        membership = Membership(
            group=code, person_id=person_id, added_by=mapping.mapped_by, added_at=vault.now(), provided=mapping.provided
        )
        tx.groups.join(touched[code], membership)
        detail: Detail = {"group": code, "mapped_by": mapping.mapped_by}
        tx.audit.append(vault.entry(by, Event.MEMBER_ADDED, person_id, detail))


def _theirs(tx: Transaction, person_id: PersonId) -> Mapping[str, Membership]:
    """Somebody's memberships, by group."""
    return {each.group: each for each in tx.groups.memberships() if each.person_id == person_id}


def _wanted(tx: Transaction, said: frozenset[str], person_id: PersonId) -> Mapping[str, GroupMapping]:
    """By the code of each group that somebody comes into, the first mapping that gives it (rules 2 and 5)."""
    taken_back = tx.reviews.taken_back(person_id)
    found: dict[str, GroupMapping] = {}
    for each in sorted(tx.identities.mappings(), key=lambda one: (one.mapped_at, one.provided)):
        reviewed_at = taken_back.get(each.group)
        reviewed = reviewed_at is not None and each.mapped_at <= reviewed_at
        if each.provided in said and each.mapped_by != person_id and not reviewed:
            found.setdefault(each.group, each)
    return found


def _require_one_administration(groups: Sequence[Group]) -> None:
    of = [group for group in groups if group.administration is not None]
    if len({group.administration for group in of}) > 1:
        raise Conflict(
            f"your groups at the provider and here would make you of two administrations, which exclude each other: "
            f"{', '.join(group.code for group in of)}; ask a security administrator to take you out of one"
        )
