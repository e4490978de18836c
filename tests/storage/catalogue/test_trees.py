"""Key trees, pages and batches in the catalogue, and the rules that the databases keep by themselves."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from storage.catalogue.database import SqlCatalogue
from tests.storage.catalogue.samples import NOW, Home, an_id
from tests.storage.catalogue.test_rules import raw
from vault.customers import CustomerState
from vault.destruction import Batch, BatchState, Targets, TreeState
from vault.errors import AlreadyExists, CatalogueBroken, Conflict
from vault.ids import BatchId, CustomerId, PersonId, ProcessId, RecordId
from vault.objects import Lock, LockMode
from vault.records import RecordState
from vault.seal.pages import PAGE_LENGTH, Place

LAPSED = Lock(mode=LockMode.GOVERNANCE, retain_until=NOW - timedelta(days=1))


def first_state(home: Home) -> TreeState:
    return TreeState.first(home.fonds.tree_id, secrets.token_bytes(16))


@pytest.fixture
def tree(home: Home) -> TreeState:
    """The first state of the fonds's tree, on the shelf."""
    state = first_state(home)
    with home.catalogue.write() as tx:
        tx.trees.add(home.fonds.id, state)
    return state


def batch_after(home: Home, state: TreeState, *, records: int = 0, customers: int = 0) -> Batch:
    return Batch(
        id=BatchId(an_id()),
        fonds_id=home.fonds.id,
        generation=state.generation + 1,
        attempt=secrets.token_bytes(16),
        digest=secrets.token_bytes(32),
        predecessor=state.digest,
        removed=frozenset(),
        state=BatchState.ERASING,
        requested_by=PersonId("operator"),
        alone=True,
        record_count=records,
        customer_count=customers,
        created_at=NOW,
        effective_at=None,
    )


def state_after(batch: Batch, state: TreeState) -> TreeState:
    return replace(state, generation=batch.generation, attempt=batch.attempt, digest=batch.digest)


def page() -> bytes:
    return secrets.token_bytes(PAGE_LENGTH)


def carry_out(
    home: Home, state: TreeState, *, records: tuple[RecordId, ...] = (), customers: tuple[CustomerId, ...] = ()
) -> Batch:
    """A batch, as far as ``erasing``, with a page at the root."""
    batch = batch_after(home, state, records=len(records), customers=len(customers))
    with home.catalogue.write() as tx:
        tx.batches.add(batch, record_ids=records, customer_ids=customers)
        tx.trees.write_pages(home.fonds.id, batch.generation, {Place(0, 0): page()}, ())
        tx.trees.advance(home.fonds.id, state_after(batch, state))
        tx.batches.erase(batch)
    return batch


def test_a_batch_moves_the_tree_and_replaces_its_pages(home: Home, tree: TreeState) -> None:
    fonds_id = home.fonds.id
    old, new = {Place(0, 0): page(), Place(5, 64**5 - 1): page()}, {Place(0, 0): page(), Place(1, 63): page()}
    first = replace(batch_after(home, tree), removed=frozenset())
    with home.catalogue.write() as tx:
        tx.batches.add(first, record_ids=(), customer_ids=())
        tx.trees.write_pages(fonds_id, 2, old, ())
        tx.trees.advance(fonds_id, state_after(first, tree))
        assert tx.batches.promote(first.id)
        assert not tx.batches.promote(first.id)
    at_two = state_after(first, tree)
    second = replace(batch_after(home, at_two), removed=frozenset({Place(5, 64**5 - 1)}))
    with home.catalogue.write() as tx:
        assert tx.trees.get(fonds_id, for_update=True) == at_two
        tx.batches.add(second, record_ids=(), customer_ids=())
        tx.trees.write_pages(fonds_id, 3, new, second.removed)
        tx.trees.advance(fonds_id, state_after(second, at_two))
    with home.catalogue.read() as tx:
        assert dict(tx.trees.pages(fonds_id)) == new
        assert tx.trees.pages_of_generation(fonds_id, 3) == new
        assert tx.trees.pages_of_generation(fonds_id, 2) == {}
        assert tx.trees.page(fonds_id, 1, 63) == new[Place(1, 63)]
        assert tx.trees.page(fonds_id, 5, 0) is None
        assert tx.trees.page_count(fonds_id) == 2
        assert tx.batches.get(second.id) == second
        assert tx.batches.page(fonds_id) == [second, replace(first, state=BatchState.PROMOTED)]
        assert tx.batches.page(fonds_id, before=3, limit=1) == [replace(first, state=BatchState.PROMOTED)]
        assert [each.id for each in tx.batches.unfinished(fonds_id)] == [first.id, second.id]
    with home.catalogue.write() as tx:
        assert tx.batches.finish(first, at=NOW)
        assert not tx.batches.finish(first, at=NOW)
    with home.catalogue.read() as tx:
        assert tx.batches.get(first.id) == replace(first, state=BatchState.EFFECTIVE, effective_at=NOW)


def test_pages_are_listed_by_place_whatever_their_number(home: Home, tree: TreeState) -> None:
    batch = batch_after(home, tree)
    pages = {Place(5, number * 7): page() for number in range(1100)} | {Place(0, 0): page(), Place(4, 1): page()}
    with home.catalogue.write() as tx:
        tx.batches.add(batch, record_ids=(), customer_ids=())
        tx.trees.write_pages(home.fonds.id, 2, pages, ())
    with home.catalogue.read() as tx:
        listed = list(tx.trees.pages(home.fonds.id))
    assert [place for place, _ in listed] == sorted(pages)
    assert dict(listed) == pages


def test_a_tree_moves_on_by_one_generation_and_by_a_batch_only(home: Home, tree: TreeState) -> None:
    batch = batch_after(home, tree)
    for wrong in (
        state_after(batch, tree),
        replace(state_after(batch, tree), digest=bytes(32)),
    ):
        with pytest.raises(CatalogueBroken), home.catalogue.write() as tx:
            tx.trees.advance(home.fonds.id, wrong)
    with home.catalogue.write() as tx:
        tx.batches.add(batch, record_ids=(), customer_ids=())
    with pytest.raises(CatalogueBroken), home.catalogue.write() as tx:
        tx.trees.advance(home.fonds.id, replace(state_after(batch, tree), attempt=bytes(16)))
    with pytest.raises(Conflict), home.catalogue.write() as tx:
        tx.trees.advance(home.fonds.id, replace(state_after(batch, tree), generation=3))
    with home.catalogue.write() as tx:
        tx.trees.advance(home.fonds.id, state_after(batch, tree))
    with pytest.raises(Conflict), home.catalogue.write() as tx:
        tx.trees.advance(home.fonds.id, state_after(batch, tree))


def test_pages_change_for_a_batch_that_is_being_carried_out_only(home: Home, tree: TreeState) -> None:
    fonds_id = home.fonds.id
    with pytest.raises(CatalogueBroken), home.catalogue.write() as tx:
        tx.trees.write_pages(fonds_id, 2, {Place(0, 0): page()}, ())
    batch = carry_out(home, tree)
    with pytest.raises(CatalogueBroken), home.catalogue.write() as tx:
        tx.trees.write_pages(fonds_id, 3, {Place(0, 0): page()}, ())
    with home.catalogue.write() as tx:
        tx.batches.promote(batch.id)
    for pages, removed in (({Place(0, 0): page()}, ()), ({Place(1, 0): page()}, ()), ({}, (Place(0, 0),))):
        with pytest.raises(CatalogueBroken), home.catalogue.write() as tx:
            tx.trees.write_pages(fonds_id, 2, pages, removed)
    with pytest.raises(CatalogueBroken), home.catalogue.write() as tx:
        tx.trees.write_pages(fonds_id, 2, {Place(0, 0): page()[1:]}, ())


def test_a_generation_has_one_batch_and_a_record_is_in_one(home: Home, tree: TreeState) -> None:
    record, _ = home.keep()
    batch = carry_out(home, tree, records=(record.id,))
    with pytest.raises(AlreadyExists), home.catalogue.write() as tx:
        tx.batches.add(batch_after(home, tree), record_ids=(), customer_ids=())
    after = batch_after(home, state_after(batch, tree), records=1)
    with pytest.raises(AlreadyExists), home.catalogue.write() as tx:
        tx.batches.add(after, record_ids=(record.id,), customer_ids=())


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE batches SET state = 'effective', effective_at = created_at",
        "UPDATE batches SET digest = attempt",
        "UPDATE batches SET alone = NOT alone",
        "UPDATE batches SET record_count = 99",
        "DELETE FROM batch_records",
        "DELETE FROM batch_customers",
        "DELETE FROM batches",
        "DELETE FROM trees",
        "UPDATE batch_records SET position = position + 100",
        "UPDATE batch_customers SET batch_id = 'another'",
        "UPDATE customers SET state = 'destroyed' WHERE state = 'live'",
        "UPDATE customers SET state = 'live' WHERE state = 'erasing'",
        "UPDATE customers SET state = 'gone'",
        "DELETE FROM customers",
        "UPDATE trees SET generation = generation - 1",
    ],
)
def test_the_database_refuses(url: str, home: Home, tree: TreeState, attempt: str) -> None:
    record, _ = home.keep()
    carry_out(home, tree, records=(record.id,), customers=(home.customer_id,))
    with pytest.raises(IntegrityError), raw(url) as connection:
        connection.execute(text(attempt))


def test_records_and_customers_of_a_batch_move_together_under_new_change_numbers(home: Home, tree: TreeState) -> None:
    kept = [home.keep()[0] for _ in range(5)]
    with home.catalogue.read() as tx:
        before = max(each.change for each in kept)
    batch = carry_out(home, tree, records=tuple(each.id for each in kept[:4]), customers=(home.customer_id,))
    with home.catalogue.read() as tx:
        moved = [tx.records.get(each.id) for each in kept]
        customer = tx.customers.get(home.customer_id)
        assert customer is not None
        assert [each.state for each in moved if each] == [RecordState.ERASING] * 4 + [RecordState.RECEIVED]
        assert len({each.change for each in moved if each} | {customer.change}) == 6
        assert min(each.change for each in moved[:4] if each) > before
        assert customer.state is CustomerState.ERASING
        assert [record_id for _, record_id in tx.batches.records(batch.id)] == [each.id for each in kept[:4]]
        assert tx.batches.records(batch.id, after=3)[0][0] == 4
        assert tx.batches.customers(batch.id) == [home.customer_id]
        assert tx.batches.of_record(kept[0].id) == batch
        assert tx.batches.of_record(kept[4].id) is None
        assert {each.next_leaf for each in tx.extents.of_owner(home.fonds.id, home.customer_id)} == {64}
    with home.catalogue.write() as tx:
        tx.batches.promote(batch.id)
        tx.batches.finish(batch, at=NOW)
    with home.catalogue.read() as tx:
        gone = [tx.records.get(each.id) for each in kept[:4]]
        assert {each.state for each in gone if each} == {RecordState.DESTROYED}
        changed = [each.id for each in tx.records.changed_since(before, limit=5000)]
        assert {each.id for each in kept[:4]} <= set(changed)


def test_the_scope_of_a_record_has_its_leaves_and_what_decides_over_it(home: Home, tree: TreeState) -> None:
    record, version = home.keep()
    with home.catalogue.write() as tx:
        correction = home.intent(tx, record_id=record.id, ordinal=2, revision=2)
        tx.intents.add(correction)
    targets = Targets(records=frozenset({record.id}))
    for update in (False, True):
        with home.catalogue.write() as tx:
            scope = tx.batches.scope(home.fonds, targets, for_update=update)
        (candidate,) = scope.candidates
        assert (candidate.record, candidate.version_count, candidate.link_count) == (record, 1, 0)
        assert candidate.size_bytes == version.object.size_bytes
        assert candidate.locked_until == version.lock.retain_until
        assert candidate.has_open_intent
        assert scope.doomed.leaves == {version.object.leaf, correction.object.leaf}
        assert not scope.doomed.extents
        assert not scope.customers


def test_the_scope_of_a_customer_has_their_extents_and_leaves_elsewhere(home: Home, tree: TreeState) -> None:
    with home.catalogue.write() as tx:
        customer = home.customer(tx)
        tx.customers.add(customer)
        theirs = replace(home.record(tx), customer_id=customer.id)
        tx.records.add(theirs)
        own = replace(home.object(tx), leaf=home.leaf(tx, customer.id))
        tx.records.add_version(home.version(tx, theirs, object=own))
        elsewhere = home.version(tx, theirs, ordinal=2)
        tx.records.add_version(elsewhere)
        stranger = home.record(tx)
        tx.records.add(stranger)
        tx.records.add_version(
            home.version(tx, stranger, object=replace(home.object(tx), leaf=home.leaf(tx, customer.id)))
        )
    with home.catalogue.write() as tx:
        scope = tx.batches.scope(home.fonds, Targets(customers=frozenset({customer.id})), for_update=True)
    assert [each.record.id for each in scope.candidates] == [theirs.id]
    assert scope.candidates[0].version_count == 2
    assert scope.doomed.extents == {customer.profile_leaf.extent}
    assert scope.doomed.leaves == {elsewhere.object.leaf}
    assert scope.strangers == [stranger.number]
    assert scope.customers == [customer]


def test_ciphertext_is_due_once_locks_have_lapsed_and_the_batch_is_effective(home: Home, tree: TreeState) -> None:
    lapsed, _ = home.keep(lock=LAPSED)
    locked, _ = home.keep()
    batch = carry_out(home, tree, records=(lapsed.id, locked.id))

    def due() -> list[RecordId]:
        with home.catalogue.read() as tx:
            found = tx.batches.ciphertext_due(now=NOW, limit=5000)
        return [each for each in found if each in (lapsed.id, locked.id)]

    assert due() == []
    with home.catalogue.write() as tx:
        tx.batches.promote(batch.id)
        tx.batches.finish(batch, at=NOW)
    assert due() == [lapsed.id]
    with home.catalogue.write() as tx:
        tx.batches.ciphertext_deleted(lapsed.id, at=NOW)
        assert len(tx.batches.objects_of(lapsed.id)) == 1
    assert due() == []


def test_processes_that_have_not_confirmed_a_generation_are_told(catalogue: SqlCatalogue) -> None:
    here, there = ProcessId(an_id()), ProcessId(an_id())
    with catalogue.write() as tx:
        tx.processes.beat(here, description="here", now=NOW, generation=7)
        tx.processes.beat(there, description="there", now=NOW, generation=6)
    with catalogue.read() as tx:
        behind = [each[0] for each in tx.processes.behind(7)]
    assert there in behind
    assert here not in behind
    with catalogue.write() as tx:
        tx.processes.beat(there, description="there", now=NOW, generation=7)
        assert there not in [each[0] for each in tx.processes.behind(7)]
        tx.processes.end(here)
        tx.processes.end(there)
