"""Placing a hold, and adding to its scope (FEATURES R4).

Rule 1: both take the row of the key tree, as a destruction does. So either the hold comes first and the destruction is
refused, or the destruction came first and the hold is told that it is too late.
Rule 2: a record or a customer named by itself has to live; what a customer, a class or a query brings along that is
destroyed already is counted, not refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vault.audit import Detail, Event
from vault.destruction import require_living
from vault.errors import CatalogueBroken, Conflict, InvalidInput, NotFound
from vault.holds import HoldScope, Matter, MatterProfile, MatterState, ScopeItem, ScopeKind, checked_query
from vault.ids import MatterId, RecordId
from vault.permissions import Action, Actor
from vault.queries import read_query
from vault.records import RecordState
from vault.shelves import Transaction
from vault.workflows import allocation, descriptions, indexing, scopes
from vault.workflows.dryrun import writing
from vault.workflows.matters import MatterView, require_matter, view_of
from vault.workflows.vault import Vault


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
    with writing(vault, dry_run=dry_run) as tx:
        _take_turn(vault, tx)
        matter = require_matter(tx, matter_id)
        if matter.state is not MatterState.IN_FORCE:
            way_out = "place a new one" if matter.state is MatterState.RELEASED else "withdraw the proposal first"
            raise Conflict(f"matter {matter.number} is {matter.state.value}; {way_out}")
        matter = replace(matter, change=tx.records.next_change())
        tx.holds.update(matter)
        _add_items(vault, tx, actor, matter, scope, found, Event.HOLD_SCOPE_ADDED)
        return view_of(vault, tx, matter)


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
    for words in scope.queries:
        read_query(checked_query(words))
    return replace(scope, queries=tuple(checked_query(words) for words in scope.queries))


def _found(vault: Vault, scope: HoldScope) -> _Found:
    """Looks the queries up outside of any transaction; what changes after that is looked at in it."""
    queries = {vault.new_id(): words for words in scope.queries}
    if not queries:
        return _Found(queries={}, records={}, since=0)
    indexing.require_followed(vault)
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
    with writing(vault, dry_run=dry_run) as tx:
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
        return view_of(vault, tx, matter)


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
