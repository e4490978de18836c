"""Matters: placed, added to, shown, released by two people (FEATURES R4).

Rule 1: placing, and adding to a scope, takes the row of the key tree, as a destruction does. So either the hold comes
first and the destruction is refused, or the destruction came first and the hold is told that it is too late.
Rule 2: a record or a customer named by itself has to live; what a customer, a class or a query brings along that is
destroyed already is counted, not refused.
Rule 3: a dry run does everything, and then undoes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vault.audit import Detail, Event
from vault.destruction import require_living
from vault.errors import CatalogueBroken, Conflict, InvalidInput, NotAllowed, NotFound
from vault.holds import (
    Coverage,
    HoldScope,
    Matter,
    MatterProfile,
    MatterState,
    ScopeItem,
    ScopeKind,
    checked_query,
    checked_reason,
)
from vault.ids import CustomerId, MatterId, RecordId, could_be_key
from vault.people import Action, Actor
from vault.records import RecordState
from vault.shelves import Transaction
from vault.workflows import allocation, descriptions, finding, scopes
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


def place_hold(
    vault: Vault, actor: Actor, profile: MatterProfile, scope: HoldScope, *, dry_run: bool = False
) -> MatterView:
    """Opens a matter: what is in its scope is held when this returns, in the catalogue; the store follows.

    Raises ``NotAllowed``, ``InvalidInput`` (an empty scope, a query), ``NotFound`` (a record, customer or class),
    ``Conflict`` (one of them is destroyed already; named), ``StoreUnavailable``.
    """
    actor.require(Action.PLACE_HOLD)
    scope = _checked(scope)
    found = _found(vault, scope)
    view = _try_place(vault, actor, profile, scope, found, dry_run=dry_run)
    if view is None:
        allocation.with_block(vault)
        view = _try_place(vault, actor, profile, scope, found, dry_run=dry_run)
    if view is None:
        raise Conflict("every address of the reserved block was taken meanwhile; try again")
    return view


def add_to_hold(
    vault: Vault, actor: Actor, matter_id: MatterId, scope: HoldScope, *, dry_run: bool = False
) -> MatterView:
    """Adds to the scope of a matter in force. Raises as ``place_hold``; ``Conflict`` also when it is not."""
    actor.require(Action.PLACE_HOLD)
    scope = _checked(scope)
    found = _found(vault, scope)
    try:
        with vault.catalogue.write() as tx:
            _take_turn(vault, tx)
            matter = _matter(tx, matter_id)
            if matter.state is not MatterState.IN_FORCE:
                way_out = "place a new one" if matter.state is MatterState.RELEASED else "withdraw the proposal first"
                raise Conflict(f"matter {matter.number} is {matter.state.value}; {way_out}")
            matter = replace(matter, change=tx.records.next_change())
            tx.holds.update(matter)
            _add_items(vault, tx, actor, matter, scope, found, Event.HOLD_SCOPE_ADDED)
            view = _view(vault, tx, matter)
            if dry_run:
                raise _Undone(view)
    except _Undone as undone:
        return undone.view
    return view


def propose_release(vault: Vault, actor: Actor, matter_id: MatterId, reason: str) -> MatterView:
    """Proposes to release a matter; it holds on until another person releases it.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput`` (no reason), ``Conflict`` (proposed or released already).
    """
    actor.require(Action.RELEASE_HOLD)
    reason = checked_reason(reason)
    with vault.catalogue.write() as tx:
        matter = _matter(tx, matter_id)
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
        matter = _require_proposed(_matter(tx, matter_id))
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
    try:
        with vault.catalogue.write() as tx:
            matter = _require_proposed(_matter(tx, matter_id))
            if matter.release_proposed_by == actor.person_id:
                raise NotAllowed("you have proposed this release; a second person has to confirm it")
            released = replace(matter, state=MatterState.RELEASED, released_by=actor.person_id, released_at=vault.now())
            view = _change(vault, tx, actor, released, Event.HOLD_RELEASED)
            if dry_run:
                raise _Undone(view)
    except _Undone as undone:
        return undone.view
    return view


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
            view=_view(vault, tx, matter),
            items=[ItemView(item=item, label=_label(vault, tx, matter, item)) for item in items[:limit]],
            more=len(items) > limit,
        )


class _Undone(Exception):
    """A dry run ends here; nothing of it is kept."""

    def __init__(self, view: MatterView) -> None:
        super().__init__()
        self.view = view


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Queries by a fresh id, what each found in the index, and the change number from which to look again."""

    queries: Mapping[str, str]
    records: Mapping[str, set[RecordId]]
    since: int


def _checked(scope: HoldScope) -> HoldScope:
    if not scope:
        raise InvalidInput(
            "nothing is named that is to be held; name records, customers, classes or words", field="scope"
        )
    return replace(scope, queries=tuple(checked_query(words) for words in scope.queries))


def _found(vault: Vault, scope: HoldScope) -> _Found:
    """Looks the queries up outside of any transaction; what changes after that is looked at in it."""
    queries = {vault.new_id(): words for words in scope.queries}
    if not queries:
        return _Found(queries={}, records={}, since=0)
    finding.follow(vault)
    looked = {query_id: scopes.matching(vault, words) for query_id, words in queries.items()}
    return _Found(
        queries=queries,
        records={query_id: records for query_id, (records, _) in looked.items()},
        since=min(position for _, position in looked.values()),
    )


def _try_place(
    vault: Vault, actor: Actor, profile: MatterProfile, scope: HoldScope, found: _Found, *, dry_run: bool
) -> MatterView | None:
    matter_id, now = MatterId(vault.new_id()), vault.now()
    try:
        with vault.catalogue.write() as tx:
            _take_turn(vault, tx)
            leaf = allocation.issue_leaf(vault, tx, matter_id)
            if leaf is None:
                return None
            matter = Matter(
                id=matter_id,
                fonds_id=vault.fonds.id,
                number=tx.holds.next_number(vault.fonds.id, now.year),
                state=MatterState.IN_FORCE,
                leaf=leaf,
                sealed=descriptions.seal_matter(vault, leaf, profile, matter_id=matter_id, revision=1),
                revision=1,
                placed_by=actor.person_id,
                placed_at=now,
                release_proposed_by=None,
                release_proposed_at=None,
                released_by=None,
                released_at=None,
                change=tx.records.next_change(),
            )
            tx.holds.add(matter)
            _add_items(vault, tx, actor, matter, scope, found, Event.HOLD_PLACED)
            view = _view(vault, tx, matter)
            if dry_run:
                raise _Undone(view)
    except _Undone as undone:
        return undone.view
    return view


def _take_turn(vault: Vault, tx: Transaction) -> None:
    """Rule 1: from here on no destruction commits before this transaction has ended."""
    if tx.trees.get(vault.fonds.id, for_update=True) is None:
        raise CatalogueBroken("the catalogue has no key tree for its fonds; restore it from a backup")


def _add_items(
    vault: Vault, tx: Transaction, actor: Actor, matter: Matter, scope: HoldScope, found: _Found, event: Event
) -> None:
    now = vault.now()

    def item(kind: ScopeKind, subject: str, sealed: bytes | None = None) -> ScopeItem:
        return ScopeItem(
            matter_id=matter.id,
            kind=kind,
            subject=subject,
            sealed=sealed,
            origin=None,
            added_by=actor.person_id,
            added_at=now,
            change=matter.change,
        )

    _require_all(tx, scope)
    items = [item(ScopeKind.RECORD, each) for each in sorted(scope.records)]
    items += [item(ScopeKind.CUSTOMER, each) for each in sorted(scope.customers)]
    items += [item(ScopeKind.CLASS, each) for each in sorted(scope.classes)]
    matched = 0
    if found.queries:
        seen = scopes.still_matching(vault, tx, found.queries, found.records, since=found.since)
        for query_id, words in found.queries.items():
            sealed = descriptions.seal_query(vault, matter.leaf, words, query_id=query_id)
            query = item(ScopeKind.QUERY, query_id, sealed)
            items.append(query)
            items += [
                scopes.named_by(matter, query, each, change=matter.change, vault=vault)
                for each in sorted(seen[query_id])
            ]
            matched += len(seen[query_id])
    tx.holds.add_items(items)
    detail: Detail = {
        "number": matter.number,
        "records": len(scope.records),
        "customers": len(scope.customers),
        "classes": len(scope.classes),
        "queries": len(found.queries),
        "matched": matched,
    }
    tx.audit.append(vault.entry(actor.person_id, event, matter.id, detail))


def _require_all(tx: Transaction, scope: HoldScope) -> None:
    """Rule 2. Raises ``NotFound``, ``Conflict``."""
    for record_id in sorted(scope.records):
        record = tx.records.get(record_id)
        if record is None:
            raise NotFound("there is no such record; look it up in the list")
        if record.state in (RecordState.ERASING, RecordState.DESTROYED):
            raise Conflict(
                f"record {record.number} is {record.state.value} already: a hold comes too late; leave it out"
            )
    for customer_id in sorted(scope.customers):
        customer = tx.customers.get(customer_id)
        if customer is None:
            raise NotFound("there is no such customer; look the number up in the list")
        require_living(customer)
    for code in sorted(scope.classes):
        if not tx.schedules.versions(code):
            raise NotFound("there is no such class; look it up in the list of classes")


def _matter(tx: Transaction, matter_id: MatterId) -> Matter:
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


def _view(vault: Vault, tx: Transaction, matter: Matter) -> MatterView:
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
