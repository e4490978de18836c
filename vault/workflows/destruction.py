"""Destruction in seven steps (DESIGN 5), each of which may be the last before a crash.

    1. plan: key pages and the next root are computed, outside of any transaction.
    2. One transaction takes the tree's row, and looks again: is it still the same generation, and may all of it die?
    3. In it, the root is staged: durable on every keeper that answers.
    4. In it, pages, generation and attempt are written, the records become ``erasing``; commit. There is no way back.
    5. The increment goes to the object store and to every backup place; the root is promoted.
    6. Every other root is destroyed on all keepers.
    7. Once every keeper is proven and every process confirms the generation: ``destroyed``.

Rule 1: what is cut off before the commit in step 4 has destroyed nothing; after it, ``resume`` finishes the batch.
Rule 2: no batch is planned while an earlier one's increment is not in the store: the chain in the store has no gap.
Rule 3: a keeper or a process that is away delays step 7, visibly, and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from vault.audit import Detail, Event
from vault.destruction import Batch, BatchState, Targets, TreeState
from vault.disposition import Approval
from vault.errors import CatalogueBroken, Conflict, NotAllowed, Unavailable
from vault.ids import BatchId, PersonId, RecordId
from vault.permissions import Action, Actor
from vault.seal.destruction import Doomed
from vault.seal.increments import Increment
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows.backups import require_holds_confirmed
from vault.workflows.destructionregister import keep_titles, names_titles, register_leaf
from vault.workflows.destructionscope import (
    approval_of,
    dying_of,
    require_all_destroyable,
    require_some,
    require_theirs,
    scope_of,
    two_could_sign,
)
from vault.workflows.effect import resume
from vault.workflows.freshness import require_fresh
from vault.workflows.vault import Vault

TRIES: Final = 5


def _nothing(tx: Transaction) -> None:
    """Asks for nothing more."""


def _taken(tx: Transaction, batch: Batch) -> None:
    """Has nothing to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who orders a destruction, and on which approval; ``None`` is for a batch in which nothing dies.

    ``require`` is asked in the transaction, behind the tree's row, before anything is looked at; ``taken`` writes what
    follows from the batch in it. Whatever they raise, nothing is destroyed.
    """

    by: PersonId
    alone: bool
    approval: Approval | None
    require: Callable[[Transaction], None] = _nothing
    taken: Callable[[Transaction, Batch], None] = _taken


def destroy(vault: Vault, actor: Actor, targets: Targets, *, alone: bool, error: bool = False) -> Batch:
    """Destroys the keys of records and customers, for ever; gives the batch, whose state tells how far it came.

    ``alone`` is said by somebody who orders it without a second person, which only goes while there is none who could
    sign a disposal list; the log keeps it. ``error`` says that they were filed in error: then no period keeps them,
    while a hold does. Raises ``NotAllowed``, ``NotFound``,
    ``InvalidInput``, ``Conflict`` and ``NotDue`` (naming the first that stands against it), ``KeeperUnavailable``,
    ``StoreUnavailable``, ``CatalogueUnavailable``: nothing is destroyed then.
    """
    actor.require(Action.DESTROY_RECORDS)
    require_fresh(vault, actor)
    require_some(targets)
    if not alone:
        raise NotAllowed("a destruction needs two people; whoever has nobody else says --i-am-alone, which is logged")
    _require_alone(vault, actor, targets)
    return carry_out(vault, Order(by=actor.person_id, alone=alone, approval=approval_of(error=error)), targets)


def rotate_root(vault: Vault, actor: Actor) -> Batch:
    """Replaces the root: a batch in which nothing dies, so it is logged and finished after a crash like any other.

    Raises as ``destroy``.
    """
    actor.require(Action.CHANGE_KEEPERS)
    require_fresh(vault, actor)
    return carry_out(vault, Order(by=actor.person_id, alone=False, approval=None), Targets())


def _require_alone(vault: Vault, actor: Actor, targets: Targets) -> None:
    """Raises ``NotAllowed`` where two people could sign, or the classes are not the actor's."""
    with vault.catalogue.read() as tx:
        # A customer of whom nothing lives any more is no record. What lives is counted only where it matters.
        require_theirs(tx, actor, targets)
        needs_two = two_could_sign(vault, tx) and any(
            True for _ in dying_of(scope_of(vault, tx, targets, for_update=False), targets)
        )
    if needs_two:
        raise NotAllowed(
            "nobody is alone here: two people can sign. Propose a disposal list with `strongroom disposition propose`, "
            "and let another person sign it"
        )


def carry_out(vault: Vault, order: Order, targets: Targets) -> Batch:
    """Destroys what an order names; gives the batch, whose state tells how far it came. Raises as ``destroy``."""
    resume(vault)
    for _ in range(TRIES):
        with vault.catalogue.read() as tx:
            require_holds_confirmed(tx, vault.fonds)
            _require_chain(vault, tx)
            scope = scope_of(vault, tx, targets, for_update=False)
        require_all_destroyable(scope, targets, vault.now(), order.approval)
        titles = register_leaf(vault) if names_titles(scope.candidates, scope.rules) else None
        increment = vault.keys.plan(scope.doomed)
        try:
            batch = _commit(vault, order, targets, scope.doomed, increment, titles)
        except _Overtaken:
            continue
        # Committed is committed: what cannot be finished now is upkeep's.
        with suppress(Unavailable):
            resume(vault)
        return _reread(vault, batch)
    raise Conflict("other destructions came first again and again; nothing was destroyed; try again")


class _Overtaken(Exception):
    """The tree, or what was to be destroyed, changed between plan and transaction; it is planned again."""


def _commit(
    vault: Vault,
    order: Order,
    targets: Targets,
    planned: Doomed,
    increment: Increment,
    titles: LeafAddress | None,
) -> Batch:
    """Steps 2 to 4. ``titles`` is the leaf under which the register keeps them, where it does."""
    fonds = vault.fonds
    now = vault.now()
    with vault.catalogue.write() as tx:
        tree = tx.trees.get(fonds.id, for_update=True)
        if tree is None:
            raise CatalogueBroken("the catalogue has no key tree for its fonds; restore it from a backup")
        if (tree.generation + 1, tree.digest) != (increment.generation, increment.predecessor):
            raise _Overtaken
        require_holds_confirmed(tx, vault.fonds)
        _require_chain(vault, tx)
        order.require(tx)
        scope = scope_of(vault, tx, targets, for_update=True)
        if scope.doomed != planned:
            raise _Overtaken
        dying = require_all_destroyable(scope, targets, now, order.approval)
        batch = Batch.begun(
            increment,
            id=BatchId(vault.new_id()),
            fonds_id=fonds.id,
            by=order.by,
            alone=order.alone,
            record_count=len(dying),
            customer_count=len(scope.customers),
            at=now,
        )
        record_ids = [each.record.id for each in dying]
        tx.batches.add(batch, record_ids=record_ids, customer_ids=[each.id for each in scope.customers])
        if titles is not None:
            keep_titles(vault, tx, titles, dying, scope.rules)
        vault.keys.stage(increment)
        tx.trees.write_pages(fonds.id, increment.generation, increment.pages, increment.removed)
        tx.trees.advance(fonds.id, TreeState.after(increment))
        tx.batches.erase(batch)
        order.taken(tx, batch)
        approval = order.approval
        detail: Detail = {
            "generation": batch.generation,
            "records": batch.record_count,
            "records_sha256": _digest_of(record_ids),
            "customers": batch.customer_count,
            "increment": batch.digest.hex(),
            "alone": order.alone,
            "ground": approval.ground.value if approval is not None else None,
        }
        if approval is not None and approval.rule is not None:
            detail = {**detail, "list": approval.list_number, "class": approval.rule[0], "rule": approval.rule[1]}
        tx.audit.append(vault.entry(order.by, Event.DESTRUCTION_BEGUN, batch.id, detail))
    return batch


def _require_chain(vault: Vault, tx: Transaction) -> None:
    if any(batch.state is BatchState.ERASING for batch in tx.batches.unfinished(vault.fonds.id)):
        raise Conflict(
            "the key pages of an earlier destruction are not in the object store yet; see that it answers, run "
            "`strongroom destruction resume`, then try again"
        )


def _digest_of(record_ids: Iterable[RecordId]) -> str:
    return hashlib.sha256("\n".join(sorted(record_ids)).encode("ascii")).hexdigest()


def _reread(vault: Vault, batch: Batch) -> Batch:
    with vault.catalogue.read() as tx:
        return tx.batches.get(batch.id) or batch
