"""Matters: shown, and released by two people (FEATURES R4). How they are placed is ``placing``'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vault.audit import Event
from vault.errors import Conflict, NotAllowed, NotFound
from vault.holds import Coverage, Matter, MatterProfile, MatterState, ScopeItem, ScopeKind, checked_reason
from vault.ids import CustomerId, MatterId, RecordId, could_be_key
from vault.permissions import Action, Actor
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.dryrun import writing
from vault.workflows.freshness import require_fresh
from vault.workflows.vault import Vault

ITEMS_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterView:
    """A matter with what is said of it, and what it holds now."""

    matter: Matter
    profile: MatterProfile
    coverage: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """One item of a scope; ``label`` is a record's or a customer's number, a class's code, a query's words."""

    item: ScopeItem
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterStory:
    """A matter with the beginning of its scope; ``more`` says that there are items behind those."""

    view: MatterView
    items: Sequence[ItemView]
    more: bool


def propose_release(vault: Vault, actor: Actor, matter_id: MatterId, reason: str) -> MatterView:
    """Proposes to release a matter; it holds on until another person releases it.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput`` (no reason), ``Conflict`` (proposed or released already).
    """
    actor.require(Action.RELEASE_HOLD)
    reason = checked_reason(reason)
    with vault.catalogue.write() as tx:
        matter = require_matter(tx, matter_id)
        if matter.state is not MatterState.IN_FORCE:
            raise Conflict(f"matter {matter.number} is {matter.state.value} already; look at it again")
        return _change(
            vault,
            tx,
            actor,
            replace(
                matter,
                state=MatterState.RELEASE_PROPOSED,
                release_proposed_by=actor.person_id,
                release_proposed_at=vault.now(),
            ),
            Event.HOLD_RELEASE_PROPOSED,
            release_reason=reason,
        )


def withdraw_release(vault: Vault, actor: Actor, matter_id: MatterId) -> MatterView:
    """Takes a proposed release back: the matter is in force. Raises ``NotAllowed``, ``NotFound``, ``Conflict``."""
    actor.require(Action.RELEASE_HOLD)
    with vault.catalogue.write() as tx:
        matter = _require_proposed(require_matter(tx, matter_id))
        return _change(
            vault,
            tx,
            actor,
            replace(matter, state=MatterState.IN_FORCE, release_proposed_by=None, release_proposed_at=None),
            Event.HOLD_RELEASE_WITHDRAWN,
            release_reason="",
        )


def release_hold(vault: Vault, actor: Actor, matter_id: MatterId, *, dry_run: bool = False) -> MatterView:
    """Releases a matter, for ever; the store's legal holds are lifted by upkeep where no other matter holds.

    Raises ``NotAllowed`` (whoever proposed it may not), ``NotFound``, ``Conflict`` (not proposed, or released).
    """
    actor.require(Action.RELEASE_HOLD)
    if not dry_run:
        require_fresh(vault, actor)
    with writing(vault, dry_run=dry_run) as tx:
        matter = _require_proposed(require_matter(tx, matter_id))
        if matter.release_proposed_by == actor.person_id:
            raise NotAllowed("you have proposed this release; a second person has to confirm it")
        released = replace(matter, state=MatterState.RELEASED, released_by=actor.person_id, released_at=vault.now())
        return _change(vault, tx, actor, released, Event.HOLD_RELEASED)


def find_matter(vault: Vault, actor: Actor, key: str) -> Matter:
    """The matter with an id or a number. Raises ``NotFound``, ``NotAllowed``."""
    actor.require(Action.SEE_HOLDS)
    matter = None
    if could_be_key(key):
        with vault.catalogue.read() as tx:
            matter = tx.holds.by_number(vault.fonds.id, key) or tx.holds.get(MatterId(key))
    if matter is None:
        raise NotFound("there is no such matter; look it up in the list")
    return matter


def list_matters(
    vault: Vault, actor: Actor, *, before: str | None = None, limit: int = 50
) -> Sequence[tuple[Matter, MatterProfile]]:
    """A page of matters, newest first; ``before`` is the number of the last one of the page before.

    Raises ``NotAllowed``.
    """
    actor.require(Action.SEE_HOLDS)
    with vault.catalogue.read() as tx:
        found = tx.holds.page(vault.fonds.id, before=before, limit=limit)
    return [(matter, descriptions.open_matter(vault, matter)) for matter in found]


def show_matter(
    vault: Vault,
    actor: Actor,
    matter_id: MatterId,
    *,
    after: tuple[str, str] | None = None,
    limit: int = ITEMS_SHOWN_MAX,
) -> MatterStory:
    """A matter, what it holds, ``limit`` items of its scope behind ``after``. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_HOLDS)
    with vault.catalogue.read() as tx:
        matter = tx.holds.get(matter_id)
        if matter is None:
            raise NotFound("there is no such matter; look it up in the list")
        items = tx.holds.scope_of(matter_id, after=after, limit=limit + 1)
        return MatterStory(
            view=view_of(vault, tx, matter),
            items=[ItemView(item=item, label=_label(vault, tx, matter, item)) for item in items[:limit]],
            more=len(items) > limit,
        )


def require_matter(tx: Transaction, matter_id: MatterId) -> Matter:
    """The matter, its row taken. Raises ``NotFound``."""
    matter = tx.holds.get(matter_id, for_update=True)
    if matter is None:
        raise NotFound("there is no such matter; look it up in the list")
    return matter


def _require_proposed(matter: Matter) -> Matter:
    if matter.state is MatterState.RELEASED:
        raise Conflict(f"matter {matter.number} is released already; that is final")
    if matter.state is not MatterState.RELEASE_PROPOSED:
        raise Conflict(f"the release of matter {matter.number} is not proposed; propose it first")
    return matter


def _change(
    vault: Vault, tx: Transaction, actor: Actor, matter: Matter, event: Event, *, release_reason: str | None = None
) -> MatterView:
    profile = descriptions.open_matter(vault, matter)
    if release_reason is not None:
        profile = replace(profile, release_reason=release_reason)
        revision = matter.revision + 1
        sealed = descriptions.seal_matter(vault, matter.leaf, profile, matter_id=matter.id, revision=revision)
        matter = replace(matter, sealed=sealed, revision=revision)
    matter = replace(matter, change=tx.records.next_change())
    tx.holds.update(matter)
    tx.audit.append(vault.entry(actor.person_id, event, matter.id, {"number": matter.number}))
    return MatterView(matter=matter, profile=profile, coverage=tx.holds.coverage(matter.id))


def view_of(vault: Vault, tx: Transaction, matter: Matter) -> MatterView:
    """A matter as it is shown, in a transaction."""
    profile = descriptions.open_matter(vault, matter)
    return MatterView(matter=matter, profile=profile, coverage=tx.holds.coverage(matter.id))


def _label(vault: Vault, tx: Transaction, matter: Matter, item: ScopeItem) -> str:
    if item.kind is ScopeKind.RECORD:
        record = tx.records.get(RecordId(item.subject))
        return record.number if record is not None else item.subject
    if item.kind is ScopeKind.CUSTOMER:
        customer = tx.customers.get(CustomerId(item.subject))
        return customer.number if customer is not None else item.subject
    if item.kind is ScopeKind.QUERY:
        return descriptions.open_query(vault, matter.leaf, item.sealed or b"", query_id=item.subject)
    return item.subject
