"""Destruction: what dies is beyond reach, what lives opens, and a crash at any step is finished or never happened."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.destroying import faulty_keys
from tests.support.vault import add_bytes, read_bytes
from tests.vault.workflows.faults import Died, faulty, with_clock
from vault.audit import Event
from vault.customers import CustomerState, Profile
from vault.destruction import Batch, BatchState, Targets
from vault.errors import (
    Conflict,
    InvalidInput,
    KeeperUnavailable,
    KeyDestroyed,
    LinkRevoked,
    NotAllowed,
    NotDue,
    NotFound,
    StoreUnavailable,
)
from vault.fonds import HOUSE_OWNER
from vault.ids import BatchId, CustomerId, PersonId, ProcessId, RecordId
from vault.permissions import Actor, Role
from vault.records import Description, RecordState
from vault.seal.increments import ChainHead, read_increment, verify_chain
from vault.seal.keytree import LeafAddress
from vault.shelves import RecordFilter
from vault.workflows import (
    batches,
    ciphertext,
    customers,
    destruction,
    destructionscope,
    effect,
    finding,
    intake,
    retrieval,
    sharing,
    upkeep,
)
from vault.workflows.locks import RECEIPT_LOCK
from vault.workflows.retrieval import export_sealed, list_records, open_version, show
from vault.workflows.vault import Vault

LATER = RECEIPT_LOCK + timedelta(days=1)


def add_for(vault: Vault, actor: Actor, customer_id: CustomerId, content: bytes) -> RecordId:
    filing = intake.Filing(
        class_code="contract",
        customer_id=customer_id,
        description=Description.checked(title="Theirs"),
        file_name="theirs.bin",
    )
    with intake.begin(vault, actor, filing) as receiving:
        return intake.receive_from(vault, receiving, io.BytesIO(content).readinto).record_id


def unlocked(vault: Vault) -> Vault:
    """The vault on a day on which the short locks of now have lapsed."""
    later, clock = with_clock(vault)
    clock.advance(LATER)
    return later


def destroy(vault: Vault, actor: Actor, *records: RecordId, customers: frozenset[CustomerId] = frozenset()) -> Batch:
    targets = Targets(records=frozenset(records), customers=customers)
    return destruction.destroy(vault, actor, targets, alone=True, error=True)


def state_of(vault: Vault, record_id: RecordId) -> RecordState:
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
    assert record is not None
    return record.state


def assert_dead(vault: Vault, actor: Actor, *records: RecordId) -> None:
    for record_id in records:
        assert state_of(vault, record_id) is RecordState.DESTROYED
        with vault.catalogue.read() as tx:
            versions = tx.records.versions(record_id)
        for version in versions:
            with pytest.raises(KeyDestroyed):
                vault.leaf_keys(version.object.leaf)
        with pytest.raises(NotFound):
            open_version(vault, actor, record_id, purpose="business")


def test_a_destroyed_record_is_dead_and_the_others_open(vault: Vault, actor: Actor) -> None:
    doomed = [add_bytes(vault, actor, b"doomed %d" % number).record_id for number in range(3)]
    kept = [add_bytes(vault, actor, b"kept %d" % number).record_id for number in range(3)]
    later = unlocked(vault)
    before = vault.keys.generation()
    batch = destroy(later, actor, *doomed)
    assert (batch.state, batch.generation, batch.record_count) == (BatchState.EFFECTIVE, before + 1, 3)
    assert batch.alone
    assert vault.keys.generation() == before + 1
    assert_dead(vault, actor, *doomed)
    for number, record_id in enumerate(kept):
        assert read_bytes(vault, actor, record_id) == b"kept %d" % number
    held = {(each.name, each.is_proven) for each in vault.keys.standing()}
    assert held == {("file", True)}


def test_what_was_not_locked_away_is_refused_with_the_way_out(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    generation = vault.keys.generation()
    reader = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER, Role.RECORDS}))
    targets = Targets(records=frozenset({record_id}))
    with pytest.raises(NotDue, match=r"may not be destroyed: it is not filed; file it"):
        destruction.destroy(vault, actor, targets, alone=True)
    later = unlocked(vault)
    with pytest.raises(NotAllowed, match="two people"):
        destruction.destroy(later, actor, targets, alone=False)
    with pytest.raises(NotAllowed):
        destroy(later, reader, record_id)
    with pytest.raises(NotFound):
        destroy(later, actor, record_id, RecordId("nobody"))
    with pytest.raises(InvalidInput):
        destroy(later, actor)
    assert vault.keys.generation() == generation
    assert read_bytes(vault, actor, record_id) == b"x"
    destroy(later, actor, record_id)
    with pytest.raises(Conflict, match="destroyed already"):
        destroy(later, actor, record_id)


def test_a_preview_names_what_dies_and_what_stands_against_it(vault: Vault, actor: Actor) -> None:
    receipt = add_bytes(vault, actor, b"12345")
    sharing.make_link(vault, actor, receipt.record_id, lifetime=timedelta(days=1), uses_max=1, pass_code=None)
    targets = Targets(records=frozenset({receipt.record_id}))
    seen = destructionscope.preview(vault, actor, targets)
    assert [each.record.number for each in seen.candidates] == [receipt.number]
    assert (seen.version_count, seen.size_bytes, seen.link_count) == (1, 5, 1)
    assert [(each.subject, each.code) for each in seen.blockers] == [(receipt.number, "not-due")]
    assert seen.ciphertext_until is not None
    assert destructionscope.preview(vault, actor, targets, error=True).blockers == []
    assert read_bytes(vault, actor, receipt.record_id) == b"12345"


def test_a_customer_dies_with_everything_that_is_theirs(vault: Vault, actor: Actor) -> None:
    customer = customers.add_customer(vault, actor, Profile(name="Wei")).customer
    other = customers.add_customer(vault, actor, Profile(name="Other")).customer
    theirs = [add_for(vault, actor, customer.id, b"%d" % number) for number in range(70)]
    spared = add_for(vault, actor, other.id, b"other's")
    later = unlocked(vault)
    seen = destructionscope.preview(later, actor, Targets(customers=frozenset({customer.id})))
    assert {each.record.id for each in seen.candidates} == set(theirs)
    batch = destroy(later, actor, customers=frozenset({customer.id}))
    assert (batch.record_count, batch.customer_count, batch.state) == (70, 1, BatchState.EFFECTIVE)
    assert_dead(vault, actor, *theirs)
    with pytest.raises(KeyDestroyed):
        vault.leaf_keys(customer.profile_leaf)
    view = customers.find_customer(vault, actor, customer.number)
    assert (view.customer.state, view.profile) == (CustomerState.DESTROYED, Profile(name=""))
    assert customer.number in [each.customer.number for each in customers.list_customers(vault, actor, limit=500)]
    with pytest.raises(Conflict, match="nothing can be kept for them"):
        add_for(vault, actor, customer.id, b"late")
    with pytest.raises(Conflict):
        destroy(later, actor, customers=frozenset({customer.id}))
    assert read_bytes(vault, actor, spared) == b"other's"
    with vault.catalogue.read() as tx:
        assert {each.next_leaf for each in tx.extents.of_owner(vault.fonds.id, customer.id)} == {64}


def test_everything_that_shows_a_record_shows_its_stub(vault: Vault, actor: Actor) -> None:
    receipt = add_bytes(vault, actor, b"secret", title="Zanzibar")
    _, token = sharing.make_link(
        vault, actor, receipt.record_id, lifetime=timedelta(days=1), uses_max=1, pass_code=None, note="for you"
    )
    assert [view.record.id for view in finding.find(vault, actor, "zanzibar").views] == [receipt.record_id]
    batch = destroy(unlocked(vault), actor, receipt.record_id)
    assert finding.find(vault, actor, "zanzibar").views == []
    story = show(vault, actor, receipt.record_id)
    assert story.view.batch is not None
    assert (story.view.batch.id, story.view.description, story.versions, story.revisions) == (batch.id, None, [], [])
    assert retrieval.find_record(vault, actor, receipt.number).state is RecordState.DESTROYED
    stub = next(
        view
        for view in list_records(vault, actor, RecordFilter(state=RecordState.DESTROYED), limit=500)
        if view.record.id == receipt.record_id
    )
    assert (stub.record.number, stub.record.class_code, stub.content) == (receipt.number, "contract", None)
    with pytest.raises(LinkRevoked, match="no longer exists"):
        sharing.landing(vault, token)
    (link,) = sharing.list_links(vault, actor, record_id=receipt.record_id)
    assert (link.state, link.note) == ("revoked", "")
    with pytest.raises(NotFound):
        export_sealed(vault, actor, receipt.record_id)
    with pytest.raises(Conflict):
        intake.revise_description(vault, actor, receipt.record_id, Description.checked(title="again", reason="because"))


def test_a_snapshot_from_before_a_batch_still_lists_what_it_can(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
        assert record is not None
        destroy(unlocked(vault), actor, record_id)
        view = retrieval._view(vault, tx, record)
    assert view.description is None


def test_the_log_tells_of_a_batch_and_of_its_effect(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    batch = destroy(unlocked(vault), actor, record_id)
    with vault.catalogue.read() as tx:
        effective, begun = tx.audit.page(subject=batch.id)
    assert (begun.entry.event, begun.entry.actor) == (Event.DESTRUCTION_BEGUN, actor.person_id)
    assert begun.entry.detail["alone"] is True
    assert begun.entry.detail["records_sha256"] == hashlib.sha256(record_id.encode()).hexdigest()
    assert effective.entry.event is Event.DESTRUCTION_EFFECTIVE
    assert [each.id for each in batches.stubs(vault, actor, batch.id)] == [record_id]
    assert batches.list_batches(vault, actor)[0] == batches.show_batch(vault, actor, batch.id).batch
    with pytest.raises(NotFound):
        batches.show_batch(vault, actor, BatchId("none"))


def test_the_increments_in_the_store_are_one_chain_to_the_catalogues_head(vault: Vault, actor: Actor) -> None:
    records = [add_bytes(vault, actor, b"x").record_id for _ in range(3)]
    later = unlocked(vault)
    for record_id in records:
        destroy(later, actor, record_id)
    increments = []
    for listed in vault.store.versions(f"trees/{vault.fonds.tree_id.hex()}/"):
        with vault.store.read(listed.key, listed.version_id) as chunks:
            increments.append(read_increment(chunks))
    increments.sort(key=lambda each: each.generation)
    with vault.catalogue.read() as tx:
        state = tx.trees.get(vault.fonds.id)
    assert state is not None
    assert verify_chain(increments, after=ChainHead.first(vault.fonds.tree_id)) == state.head


def test_a_correction_that_was_given_up_dies_with_its_record(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    said = Description.checked(title="A record", reason="better")
    away = faulty(vault, "before:put", lambda: StoreUnavailable("away"), times=9)
    with (
        pytest.raises(StoreUnavailable),
        intake.begin_correction(away, actor, record_id, said, "f") as receiving,
    ):
        intake.receive_from(away, receiving, io.BytesIO(b"y").readinto)
    later = unlocked(vault)
    with pytest.raises(Conflict, match="just being received"):
        destroy(later, actor, record_id)
    upkeep.settle_intents(vault)
    destroy(later, actor, record_id)
    with vault.catalogue.read() as tx:
        objects = {object_id for object_id, _ in tx.batches.objects_of(record_id)}
        used = tx.extents.of_owner(vault.fonds.id, HOUSE_OWNER)[-1]
    assert len(objects) == 2
    given_up = LeafAddress(tree_id=vault.fonds.tree_id, extent=used.number, leaf=used.next_leaf - 1)
    with pytest.raises(KeyDestroyed):
        vault.leaf_keys(given_up)


def test_an_upload_that_comes_too_late_for_its_customer_leaves_nothing(vault: Vault, actor: Actor) -> None:
    customer = customers.add_customer(vault, actor, Profile(name="Wei")).customer
    filing = intake.Filing(
        class_code="contract",
        customer_id=customer.id,
        description=Description.checked(title="Theirs"),
        file_name="theirs.bin",
    )
    with intake.begin(vault, actor, filing) as receiving:
        destroy(unlocked(vault), actor, customers=frozenset({customer.id}))
        with pytest.raises(Conflict):
            intake.receive_from(vault, receiving, io.BytesIO(b"late").readinto)
    with vault.catalogue.read() as tx:
        assert not tx.intents.unsettled()


def test_ciphertext_goes_when_its_lock_lapses_and_not_before(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    later = unlocked(vault)
    destroy(later, actor, record_id)
    with vault.catalogue.read() as tx:
        (version,) = tx.records.versions(record_id)
    assert ciphertext.delete_ciphertext(vault).text == "deleted the bytes of 0 records, 0 still locked"
    told = ciphertext.delete_ciphertext(later).text
    assert "deleted the bytes of 0 records" in told  # the store's own clock has not moved
    assert vault.store.head(version.object.key, version.version_id) is not None


def test_a_process_that_has_not_confirmed_delays_effect_and_nothing_else(vault: Vault, actor: Actor) -> None:
    record_id, another = (add_bytes(vault, actor, b"x").record_id for _ in range(2))
    other = replace(vault, process_id=ProcessId(vault.new_id()), description="elsewhere")
    with vault.catalogue.write() as tx:
        tx.processes.beat(
            other.process_id, description="elsewhere", now=vault.now(), generation=vault.keys.generation()
        )
    later = unlocked(vault)
    batch = destroy(later, actor, record_id)
    assert batch.state is BatchState.PROMOTED
    assert state_of(vault, record_id) is RecordState.ERASING
    (waiting,) = effect.resume(vault)
    assert [text for text in waiting.waiting if other.process_id in text]
    assert batches.show_batch(vault, actor, batch.id).waiting == waiting.waiting
    assert destroy(later, actor, another).state is BatchState.PROMOTED
    upkeep.beat(other)
    assert effect.resume(vault) == []
    assert_dead(vault, actor, record_id, another)
    with vault.catalogue.write() as tx:
        tx.processes.end(other.process_id)


@pytest.mark.parametrize("step", ["before:put", "before:keys.promote", "before:keys.destroy_others"])
def test_what_is_away_after_the_commit_is_finished_later(vault: Vault, actor: Actor, step: str) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    error = StoreUnavailable if step == "before:put" else KeeperUnavailable
    later = unlocked(vault)
    batch = destroy(faulty_keys(later, step, lambda: error("away")), actor, record_id)
    assert batch.state in (BatchState.ERASING, BatchState.PROMOTED)
    assert state_of(vault, record_id) is RecordState.ERASING
    assert effect.resume(vault) == []
    assert_dead(vault, actor, record_id)


def test_no_batch_is_planned_while_an_earlier_ones_pages_are_not_in_the_store(vault: Vault, actor: Actor) -> None:
    first, second = (add_bytes(vault, actor, b"x").record_id for _ in range(2))
    later = faulty_keys(unlocked(vault), "before:put", lambda: StoreUnavailable("away"), times=2)
    assert destroy(later, actor, first).state is BatchState.ERASING
    with pytest.raises(StoreUnavailable):
        destroy(later, actor, second)
    assert state_of(vault, second) is RecordState.RECEIVED
    destroy(later, actor, second)
    assert_dead(vault, actor, first, second)


@pytest.mark.parametrize("step", ["before:keys.plan", "before:keys.stage", "after:keys.stage"])
def test_what_fails_before_the_commit_has_destroyed_nothing(vault: Vault, actor: Actor, step: str) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    generation = vault.keys.generation()
    with pytest.raises(KeeperUnavailable):
        destroy(faulty_keys(unlocked(vault), step, lambda: KeeperUnavailable("away")), actor, record_id)
    assert vault.keys.renew() == generation
    assert read_bytes(vault, actor, record_id) == b"x"
    destroy(unlocked(vault), actor, record_id)
    assert_dead(vault, actor, record_id)


def test_death_is_no_way_out(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    with pytest.raises(Died):
        destroy(faulty_keys(unlocked(vault), "before:put", Died), actor, record_id)
    with vault.catalogue.read() as tx:
        (version,) = tx.records.versions(record_id)
    vault.keys.renew()
    with pytest.raises(KeyDestroyed):
        vault.leaf_keys(version.object.leaf)
    assert effect.resume(vault) == []
    assert_dead(vault, actor, record_id)
