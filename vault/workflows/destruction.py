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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.customers import Customer
from vault.destruction import (
    Batch,
    BatchState,
    Candidate,
    Scope,
    Targets,
    TreeState,
    require_destroyable,
    require_living,
)
from vault.disposition import Approval, Ground
from vault.errors import (
    AlreadyExists,
    Broken,
    CatalogueBroken,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    Refused,
    SealBroken,
    StillLocked,
    Unavailable,
)
from vault.holds import require_unheld
from vault.ids import BatchId, PersonId, RecordId
from vault.people import CLOCK_ID, PERMISSIONS, Action, Actor
from vault.records import Record
from vault.seal.destruction import Doomed
from vault.seal.increments import Increment
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows.backups import require_holds_confirmed
from vault.workflows.destructionregister import keep_titles, names_titles, register_leaf
from vault.workflows.lists import close_executed
from vault.workflows.locks import receipt_lock
from vault.workflows.processes import beat, unconfirmed
from vault.workflows.vault import Vault

TRIES: Final = 5
CIPHERTEXT_WINDOW: Final = timedelta(seconds=60)
CIPHERTEXT_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """Why something may not die now; ``subject`` is its number."""

    subject: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a destruction would take, exactly. ``ciphertext_until`` is when the last lock on its sealed bytes lapses.

    ``blockers`` empty says that it may be done now. ``needs_two`` says that nobody orders it alone: two people could
    sign a disposal list.
    """

    needs_two: bool

    candidates: Sequence[Candidate]
    customers: Sequence[Customer]
    version_count: int
    size_bytes: int
    link_count: int
    ciphertext_until: datetime | None
    blockers: Sequence[Blocker]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """A batch, and what it still waits for, in words."""

    batch: Batch
    waiting: Sequence[str]


def preview(vault: Vault, actor: Actor, targets: Targets, *, error: bool = False) -> Preview:
    """What would die, and what stands against it. Raises ``NotAllowed``, ``NotFound``, ``InvalidInput``."""
    actor.require(Action.DESTROY_RECORDS)
    _require_some(targets)
    with vault.catalogue.read() as tx:
        scope = _scope(vault, tx, targets, for_update=False)
        needs_two = _needs_two(tx, scope, targets)
    dying = list(_dying(scope, targets))
    return Preview(
        needs_two=needs_two,
        candidates=dying,
        customers=scope.customers,
        version_count=sum(each.version_count for each in dying),
        size_bytes=sum(each.size_bytes for each in dying),
        link_count=sum(each.link_count for each in dying),
        ciphertext_until=max((each.locked_until for each in dying), default=None),
        blockers=list(_blockers(scope, dying, vault.now(), _approval(error=error))),
    )


def destroy(vault: Vault, actor: Actor, targets: Targets, *, alone: bool, error: bool = False) -> Batch:
    """Destroys the keys of records and customers, for ever; gives the batch, whose state tells how far it came.

    ``alone`` is said by somebody who orders it without a second person, which only goes while there is none who could
    sign a disposal list; the log keeps it. ``error`` says that they were filed in error: then no period keeps them,
    while a hold does. Raises ``NotAllowed``, ``NotFound``,
    ``InvalidInput``, ``Conflict`` and ``NotDue`` (naming the first that stands against it), ``KeeperUnavailable``,
    ``StoreUnavailable``, ``CatalogueUnavailable``: nothing is destroyed then.
    """
    actor.require(Action.DESTROY_RECORDS)
    _require_some(targets)
    if not alone:
        raise NotAllowed("a destruction needs two people; whoever has nobody else says --i-am-alone, which is logged")
    _require_alone(vault, targets)
    return carry_out(vault, Order(by=actor.person_id, alone=alone, approval=_approval(error=error)), targets)


def rotate_root(vault: Vault, actor: Actor) -> Batch:
    """Replaces the root: a batch in which nothing dies, so it is logged and finished after a crash like any other.

    Raises as ``destroy``.
    """
    actor.require(Action.CHANGE_KEEPERS)
    return carry_out(vault, Order(by=actor.person_id, alone=False, approval=None), Targets())


def _approval(*, error: bool) -> Approval:
    return Approval(ground=Ground.FILED_IN_ERROR if error else Ground.DUE)


def _require_alone(vault: Vault, targets: Targets) -> None:
    """Raises ``NotAllowed`` where two people could sign."""
    with vault.catalogue.read() as tx:
        needs_two = _needs_two(tx, _scope(vault, tx, targets, for_update=False), targets)
    if needs_two:
        raise NotAllowed(
            "nobody is alone here: two people can sign. Propose a disposal list with `strongroom disposition propose`, "
            "and let another person sign it"
        )


def _needs_two(tx: Transaction, scope: Scope, targets: Targets) -> bool:
    """Whether two people could sign; a customer of whom nothing lives any more is no record."""
    people = [person for person in tx.people.all() if person.active]
    proposers = sum(not person.roles.isdisjoint(PERMISSIONS[Action.REVIEW_DISPOSAL]) for person in people)
    approvers = sum(not person.roles.isdisjoint(PERMISSIONS[Action.SIGN_DISPOSAL]) for person in people)
    return proposers >= 2 and approvers >= 1 and any(True for _ in _dying(scope, targets))


def carry_out(vault: Vault, order: Order, targets: Targets) -> Batch:
    """Destroys what an order names; gives the batch, whose state tells how far it came. Raises as ``destroy``."""
    resume(vault)
    for _ in range(TRIES):
        with vault.catalogue.read() as tx:
            require_holds_confirmed(tx, vault.fonds)
            _require_chain(vault, tx)
            scope = _scope(vault, tx, targets, for_update=False)
        _require_destroyable(scope, targets, vault.now(), order.approval)
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


def resume(vault: Vault) -> Sequence[BatchView]:
    """Finishes what was committed, as far as it can be now; gives the batches that still wait, and for what.

    Doing it again, or in several processes at once, does no harm. Raises ``StoreUnavailable``, ``KeeperUnavailable``,
    ``CatalogueUnavailable``.
    """
    tries = TRIES
    while True:
        with vault.catalogue.read() as tx:
            unfinished = tx.batches.unfinished(vault.fonds.id)
        if not unfinished:
            return []
        try:
            for batch in unfinished:
                if batch.state is BatchState.ERASING:
                    _promote(vault, batch)
            waiting = _take_effect(vault)
            break
        except (Refused, Broken):
            # Another process may have gone on with it meanwhile, and further: what was read is old then.
            tries -= 1
            with vault.catalogue.read() as tx:
                if tries == 0 or tx.batches.unfinished(vault.fonds.id) == unfinished:
                    raise
    with vault.catalogue.read() as tx:
        return [BatchView(batch=batch, waiting=waiting) for batch in tx.batches.unfinished(vault.fonds.id)]


def list_batches(vault: Vault, actor: Actor, *, before: int | None = None, limit: int = 50) -> Sequence[Batch]:
    """A page of batches, newest first; ``before`` is the generation of the last one of the page before.

    Raises ``NotAllowed``.
    """
    actor.require(Action.SEE_STATE)
    with vault.catalogue.read() as tx:
        return tx.batches.page(vault.fonds.id, before=before, limit=limit)


def show_batch(vault: Vault, actor: Actor, batch_id: BatchId) -> BatchView:
    """A batch, and what it waits for. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_STATE)
    with vault.catalogue.read() as tx:
        batch = tx.batches.get(batch_id)
    if batch is None:
        raise NotFound("there is no such destruction; look it up in the list")
    if batch.state is BatchState.EFFECTIVE:
        return BatchView(batch=batch, waiting=())
    if batch.state is BatchState.ERASING:
        return BatchView(batch=batch, waiting=["its key pages are not in the object store yet"])
    return BatchView(batch=batch, waiting=_waiting(vault, batch.generation))


def stubs(vault: Vault, actor: Actor, batch_id: BatchId, *, after: int = 0, limit: int = 500) -> Sequence[Record]:
    """What stays of the records of a batch, ``limit`` of them behind the first ``after``. Raises ``NotAllowed``."""
    actor.require(Action.SEE_STATE)
    with vault.catalogue.read() as tx:
        found = [tx.records.get(record_id) for _, record_id in tx.batches.records(batch_id, after=after, limit=limit)]
    return [record for record in found if record is not None]


def delete_ciphertext(vault: Vault) -> str:
    """Deletes the sealed bytes of destroyed records whose locks have lapsed, every version by its id.

    A record counts as done when a listing shows that nothing is left. Raises ``StoreUnavailable``.
    """
    now, after, done, left = vault.now(), "", 0, 0
    while done + left < CIPHERTEXT_AT_ONCE and vault.now() - now < CIPHERTEXT_WINDOW:
        with vault.catalogue.read() as tx:
            due = tx.batches.ciphertext_due(now=now, after=after)
        if not due:
            break
        after = due[-1]
        for record_id in due:
            if _delete_ciphertext_of(vault, record_id):
                done += 1
            else:
                left += 1
    return f"deleted the bytes of {done} records, {left} still locked"


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
        scope = _scope(vault, tx, targets, for_update=True)
        if scope.doomed != planned:
            raise _Overtaken
        dying = _require_destroyable(scope, targets, now, order.approval)
        batch = Batch(
            id=BatchId(vault.new_id()),
            fonds_id=fonds.id,
            generation=increment.generation,
            attempt=increment.attempt,
            digest=increment.digest,
            predecessor=increment.predecessor,
            removed=increment.removed,
            state=BatchState.ERASING,
            requested_by=order.by,
            alone=order.alone,
            record_count=len(dying),
            customer_count=len(scope.customers),
            created_at=now,
            effective_at=None,
        )
        record_ids = [each.record.id for each in dying]
        tx.batches.add(batch, record_ids=record_ids, customer_ids=[each.id for each in scope.customers])
        if titles is not None:
            keep_titles(vault, tx, titles, dying, scope.rules)
        vault.keys.stage(increment)
        tx.trees.write_pages(fonds.id, increment.generation, increment.pages, increment.removed)
        tx.trees.advance(
            fonds.id,
            TreeState(
                tree_id=fonds.tree_id,
                generation=increment.generation,
                attempt=increment.attempt,
                digest=increment.digest,
            ),
        )
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


def _promote(vault: Vault, batch: Batch) -> None:
    """Step 5."""
    increment = increment_of(vault, batch)
    key = vault.layout.increment(increment.tree_id, increment.generation, increment.attempt)
    body = b"".join(increment.chunks())
    try:
        vault.store.put(key, body, sha256=hashlib.sha256(body).digest(), lock=receipt_lock(vault.now()))
    except AlreadyExists:
        _require_same(vault, key, batch)
    for copy in vault.page_copies:
        copy(key, body)
    vault.keys.promote(batch.generation, batch.attempt)
    with vault.catalogue.write() as tx:
        tx.batches.promote(batch.id)


def _take_effect(vault: Vault) -> Sequence[str]:
    """Steps 6 and 7; gives what they wait for."""
    with vault.catalogue.read() as tx:
        tree = tx.trees.get(vault.fonds.id)
        batches = tx.batches.unfinished(vault.fonds.id)
    if tree is None or not batches:
        return []
    if batches[-1].state is BatchState.ERASING:
        return ["the key pages of a later destruction are not in the object store yet"]
    vault.keys.destroy_others(tree.generation, tree.attempt)
    beat(vault)
    waiting = _waiting(vault, tree.generation)
    if waiting:
        return waiting
    for batch in batches:
        with vault.catalogue.write() as tx:
            if tx.batches.finish(batch, at=vault.now()):
                close_executed(vault, tx, batch)
                detail: Detail = {"generation": tree.generation, "records": batch.record_count}
                tx.audit.append(vault.entry(CLOCK_ID, Event.DESTRUCTION_EFFECTIVE, batch.id, detail))
    return []


def increment_of(vault: Vault, batch: Batch) -> Increment:
    """The increment of the newest batch, from the catalogue. Raises ``SealBroken`` when rows are missing or altered."""
    with vault.catalogue.read() as tx:
        pages = tx.trees.pages_of_generation(vault.fonds.id, batch.generation)
    increment = Increment(
        tree_id=vault.fonds.tree_id,
        generation=batch.generation,
        attempt=batch.attempt,
        predecessor=batch.predecessor,
        pages=pages,
        removed=batch.removed,
    )
    if increment.digest != batch.digest:
        raise SealBroken(
            f"the key pages of generation {batch.generation} in the catalogue are not those that were written; restore "
            "the catalogue from a backup"
        )
    return increment


def _waiting(vault: Vault, generation: int) -> list[str]:
    keepers = [f"keeper {each.name}: {each.text}" for each in vault.keys.standing() if not each.is_proven]
    return keepers + unconfirmed(vault, generation)


def _require_same(vault: Vault, key: str, batch: Batch) -> None:
    """What lies under the increment's key is the increment: put there before a crash, or by another process."""
    facts = vault.store.head(key)
    hashing = hashlib.sha256()
    if facts is not None:
        with vault.store.read(key, facts.version_id) as chunks:
            for chunk in chunks:
                hashing.update(chunk)
    if hashing.digest() != batch.digest:
        raise SealBroken(f"the object {key} is not the key pages of generation {batch.generation}; run the doctor")


def _scope(vault: Vault, tx: Transaction, targets: Targets, *, for_update: bool) -> Scope:
    scope = tx.batches.scope(vault.fonds, targets, for_update=for_update)
    found_records = {each.record.id for each in scope.candidates}
    found_customers = {each.id for each in scope.customers}
    if not targets.records <= found_records:
        raise NotFound("there is no such record; look it up in the list")
    if not targets.customers <= found_customers:
        raise NotFound("there is no such customer; look the number up in the list")
    return replace(scope, rules={each.code: each.rule for each in tx.schedules.governing()})


def _dying(scope: Scope, targets: Targets) -> Iterator[Candidate]:
    """All candidates but those of whole customers that another batch has already."""
    return (each for each in scope.candidates if not each.is_dead or each.record.id in targets.records)


def _require_destroyable(
    scope: Scope, targets: Targets, now: datetime, approval: Approval | None
) -> Sequence[Candidate]:
    """What dies. Raises what stands against it first."""
    dying = list(_dying(scope, targets))
    for customer in scope.customers:
        _require_customer(scope, customer)
    for candidate in dying:
        require_destroyable(candidate, scope.rules.get(candidate.record.class_code), now=now, approval=approval)
    return dying


def _require_customer(scope: Scope, customer: Customer) -> None:
    require_living(customer)
    require_unheld(f"customer {customer.number}", scope.customer_matters.get(customer.id, ()))
    if customer.id in scope.busy_customers:
        raise Conflict(
            f"a file for customer {customer.number} is just being received; wait until it is done, or settled"
        )
    if scope.strangers:
        raise Conflict(
            f"record {scope.strangers[0]} belongs to somebody else and stands under the keys of customer "
            f"{customer.number}; correct it first"
        )


def _blockers(scope: Scope, dying: Iterable[Candidate], now: datetime, approval: Approval) -> Iterator[Blocker]:
    for customer in scope.customers:
        try:
            _require_customer(scope, customer)
        except Refused as refusal:
            yield Blocker(subject=customer.number, code=refusal.code, message=refusal.message)
    for candidate in dying:
        try:
            require_destroyable(candidate, scope.rules.get(candidate.record.class_code), now=now, approval=approval)
        except Refused as refusal:
            yield Blocker(subject=candidate.record.number, code=refusal.code, message=refusal.message)


def _require_chain(vault: Vault, tx: Transaction) -> None:
    if any(batch.state is BatchState.ERASING for batch in tx.batches.unfinished(vault.fonds.id)):
        raise Conflict(
            "the key pages of an earlier destruction are not in the object store yet; see that it answers, run "
            "`strongroom destruction resume`, then try again"
        )


def _require_some(targets: Targets) -> None:
    if not targets:
        raise InvalidInput("nothing is named that is to be destroyed; name records or customers", field="records")


def _digest_of(record_ids: Iterable[RecordId]) -> str:
    return hashlib.sha256("\n".join(sorted(record_ids)).encode("ascii")).hexdigest()


def _reread(vault: Vault, batch: Batch) -> Batch:
    with vault.catalogue.read() as tx:
        return tx.batches.get(batch.id) or batch


def _delete_ciphertext_of(vault: Vault, record_id: RecordId) -> bool:
    with vault.catalogue.read() as tx:
        objects = tx.batches.objects_of(record_id)
    places = [key for _, key in objects]
    places += [vault.layout.meta_folder(subject) for subject in (record_id, *(object_id for object_id, _ in objects))]
    for place in places:
        for listed in list(vault.store.versions(place)):
            try:
                vault.store.delete_version(listed.key, listed.version_id)
            except StillLocked:
                return False
    if any(True for place in places for _ in vault.store.versions(place)):
        return False
    with vault.catalogue.write() as tx:
        tx.batches.ciphertext_deleted(record_id, at=vault.now())
        tx.audit.append(vault.entry(CLOCK_ID, Event.CIPHERTEXT_DELETED, record_id))
    return True
