"""Filing: the due date, and the lock that the store then keeps."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import pytest

from storage.objects.provision import independent_client
from tests.support.store import RunningStore
from tests.support.vault import add_bytes
from tests.vault.workflows.faults import faulty, with_clock
from vault.audit import Event
from vault.errors import InvalidInput, NotAllowed, NotFound, StoreUnavailable
from vault.ids import PersonId, RecordId
from vault.objects import Lock, LockMode
from vault.permissions import Actor, Role
from vault.records import Description, RecordState, Version
from vault.workflows import holding, intake, upkeep
from vault.workflows.locks import RECEIPT_LOCK, receipt_lock
from vault.workflows.retrieval import show
from vault.workflows.vault import Vault

THIS_YEAR = 2026


def versions_of(vault: Vault, actor: Actor, record_id: RecordId) -> list[Version]:
    return [each.version for each in show(vault, actor, record_id).versions]


def lock_in_store(running: RunningStore, version: Version) -> Lock:
    """The lock as another maker's client reads it."""
    with independent_client(running.endpoint.operator) as client:
        kept = client.get_object_retention(
            bucket_name=running.settings.bucket, object_name=version.object.key, version_id=version.version_id
        )
    assert kept is not None
    return Lock(mode=LockMode(kept.mode), retain_until=kept.retain_until_date.astimezone(UTC))


def at_midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def test_at_receipt_the_lock_is_short_and_the_store_keeps_it(
    vault: Vault, actor: Actor, shared_store: RunningStore
) -> None:
    vault, clock = with_clock(vault)
    (version,) = versions_of(vault, actor, add_bytes(vault, actor, b"x").record_id)
    assert version.lock == receipt_lock(clock.at)
    assert lock_in_store(shared_store, version) == version.lock


@pytest.mark.parametrize(
    ("class_code", "trigger_on", "due_on", "mode"),
    [
        ("contract", date(2026, 5, 4), date(2036, 5, 4), LockMode.GOVERNANCE),
        ("voucher", date(2026, 5, 4), date(2057, 1, 1), LockMode.COMPLIANCE),
        ("correspondence", date(2028, 2, 29), date(2031, 3, 1), LockMode.GOVERNANCE),
    ],
)
def test_a_filed_record_is_locked_until_its_due_date_in_its_classes_mode(
    vault: Vault,
    actor: Actor,
    shared_store: RunningStore,
    class_code: str,
    trigger_on: date,
    due_on: date,
    mode: LockMode,
) -> None:
    record_id = add_bytes(vault, actor, b"x", class_code=class_code).record_id
    (received,) = versions_of(vault, actor, record_id)
    assert lock_in_store(shared_store, received) == received.lock
    assert received.lock.mode is mode
    filed = holding.file_record(vault, actor, record_id, trigger_on=trigger_on)
    assert (filed.state, filed.due_on, filed.class_code) == (RecordState.FILED, due_on, class_code)
    (version,) = versions_of(vault, actor, record_id)
    assert version.lock == Lock(mode=mode, retain_until=at_midnight(due_on))
    assert lock_in_store(shared_store, version) == version.lock
    events = [each.entry.event for each in show(vault, actor, record_id).entries]
    assert events == [Event.LOCK_EXTENDED, Event.RECORD_FILED, Event.RECORD_RECEIVED]


def test_what_was_received_as_of_another_class_is_locked_as_long_though_less_strictly(
    vault: Vault, actor: Actor, shared_store: RunningStore
) -> None:
    """The store refuses to turn GOVERNANCE into COMPLIANCE; once that left the short lock as it was."""
    record_id = add_bytes(vault, actor, b"x", class_code="contract").record_id
    holding.file_record(vault, actor, record_id, class_code="voucher", trigger_on=date(2026, 5, 4))
    (version,) = versions_of(vault, actor, record_id)
    assert lock_in_store(shared_store, version) == version.lock
    assert version.lock == Lock(mode=LockMode.GOVERNANCE, retain_until=at_midnight(date(2057, 1, 1)))


def test_a_due_date_moves_on_and_never_back(vault: Vault, actor: Actor, shared_store: RunningStore) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    holding.file_record(vault, actor, record_id, trigger_on=date(2030, 1, 1))
    with pytest.raises(InvalidInput) as refused:
        holding.file_record(vault, actor, record_id, trigger_on=date(2029, 12, 31))
    assert refused.value.field == "trigger_on"
    with pytest.raises(InvalidInput):
        holding.file_record(vault, actor, record_id, class_code="correspondence")
    moved = holding.file_record(vault, actor, record_id, trigger_on=date(2030, 1, 2))
    assert moved.due_on == date(2040, 1, 2)
    (version,) = versions_of(vault, actor, record_id)
    assert lock_in_store(shared_store, version).retain_until == at_midnight(date(2040, 1, 2))


def test_a_due_date_does_not_move_back_by_way_of_a_permanent_class(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    holding.file_record(vault, actor, record_id, trigger_on=date(2030, 1, 1))
    holding.file_record(vault, actor, record_id, class_code="house")
    with pytest.raises(InvalidInput):
        holding.file_record(vault, actor, record_id, class_code="correspondence")
    assert holding.file_record(vault, actor, record_id, class_code="contract").due_on == date(2040, 1, 1)


def test_without_a_trigger_a_filed_record_is_never_due_and_its_short_lock_is_renewed(
    vault: Vault, actor: Actor, shared_store: RunningStore
) -> None:
    vault, clock = with_clock(vault)
    record_id = add_bytes(vault, actor, b"x").record_id
    assert holding.file_record(vault, actor, record_id).due_on is None
    clock.advance(RECEIPT_LOCK - timedelta(days=9))
    upkeep.renew_locks(vault)
    (version,) = versions_of(vault, actor, record_id)
    assert version.lock == receipt_lock(clock.at)
    assert lock_in_store(shared_store, version) == version.lock


def test_a_record_that_was_due_long_ago_is_filed_and_keeps_its_short_lock(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    (before,) = versions_of(vault, actor, record_id)
    assert holding.file_record(vault, actor, record_id, trigger_on=date(1990, 1, 1)).due_on == date(2000, 1, 1)
    (after,) = versions_of(vault, actor, record_id)
    assert after.lock == before.lock
    upkeep.renew_locks(vault)


def test_upkeep_extends_what_the_store_could_not_at_filing(
    vault: Vault, actor: Actor, shared_store: RunningStore
) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    away = faulty(vault, "before:extend_lock", lambda: StoreUnavailable("away"))
    filed = holding.file_record(away, actor, record_id, trigger_on=date(2026, 5, 4))
    assert filed.state is RecordState.FILED
    (version,) = versions_of(vault, actor, record_id)
    assert lock_in_store(shared_store, version).retain_until < at_midnight(date(2036, 5, 4))
    upkeep.renew_locks(vault)
    (version,) = versions_of(vault, actor, record_id)
    assert lock_in_store(shared_store, version) == version.lock
    assert version.lock.retain_until == at_midnight(date(2036, 5, 4))


def test_a_correction_of_a_filed_record_is_locked_until_the_due_date_too(
    vault: Vault, actor: Actor, shared_store: RunningStore
) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    holding.file_record(vault, actor, record_id, trigger_on=date(2026, 5, 4))
    said = Description.checked(title="A record", reason="better")
    with intake.begin_correction(vault, actor, record_id, said, "f") as receiving:
        intake.receive_from(vault, receiving, io.BytesIO(b"y").readinto)
    upkeep.renew_locks(vault)
    for version in versions_of(vault, actor, record_id):
        assert lock_in_store(shared_store, version).retain_until == at_midnight(date(2036, 5, 4))


def test_one_object_that_is_gone_does_not_keep_the_other_locks_from_being_renewed(
    vault: Vault, actor: Actor, shared_store: RunningStore
) -> None:
    vault, clock = with_clock(vault)
    records = [add_bytes(vault, actor, b"x").record_id for _ in range(3)]
    (lost,) = versions_of(vault, actor, records[0])
    with independent_client(shared_store.endpoint.operator) as client:
        client._execute(  # the SDK has no call for it
            "DELETE",
            bucket_name=shared_store.settings.bucket,
            object_name=lost.object.key,
            query_params={"versionId": lost.version_id},
            headers={"x-amz-bypass-governance-retention": "true"},
        )
    assert vault.store.head(lost.object.key, lost.version_id) is None
    clock.advance(RECEIPT_LOCK - timedelta(days=5))
    upkeep.renew_locks(vault)
    for record_id in records[1:]:
        (version,) = versions_of(vault, actor, record_id)
        assert version.lock == receipt_lock(clock.at)


def test_who_may_not_file_is_refused(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"x").record_id
    reader = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER}))
    with pytest.raises(NotAllowed):
        holding.file_record(vault, reader, record_id)
    with pytest.raises(NotFound):
        holding.file_record(vault, actor, record_id, class_code="nothing")
    with pytest.raises(NotFound):
        holding.file_record(vault, actor, RecordId("a" * 26))
    assert show(vault, actor, record_id).view.record.state is RecordState.RECEIVED
