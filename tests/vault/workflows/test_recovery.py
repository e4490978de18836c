"""Recovery: whatever died where, what the store completed becomes a record and what it did not leaves nothing."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from storage.objects.settings import S3Settings
from tests.support.store import RunningStore
from tests.support.vault import random_content, read_bytes, running_vault, staff
from tests.vault.workflows.faults import (
    ON_SQLITE,
    PART,
    Died,
    count_records,
    dying,
    faulty,
    in_store,
    unsettled,
    with_clock,
    with_parts,
)
from vault.audit import Event
from vault.errors import (
    AlreadyExists,
    CatalogueUnavailable,
    Conflict,
    ObjectMissing,
    SealBroken,
    StoreUnavailable,
)
from vault.ids import ProcessId
from vault.permissions import Actor
from vault.records import Description, Intent, IntentState
from vault.workflows import intake, recovery, upkeep
from vault.workflows.intake import Filing, Receipt
from vault.workflows.retrieval import show
from vault.workflows.vault import Vault

SMALL, LARGE = 1000, PART + 9
FILING = Filing(
    class_code="contract",
    customer_id=None,
    description=Description.checked(title="A record"),
    file_name="file.bin",
)


def send(vault: Vault, actor: Actor, content: bytes, *, key: str) -> Receipt:
    with intake.begin(vault, actor, FILING, idempotency_key=key) as receiving:
        return intake.receive_from(vault, receiving, io.BytesIO(content).readinto)


def send_and_die(vault: Vault, actor: Actor, content: bytes, point: str, *, key: str) -> None:
    """As a killed process leaves it: nobody abandons what was begun."""
    mortal = dying(vault, point)
    receiving = intake.begin(mortal, actor, FILING, idempotency_key=key)
    with pytest.raises(Died):
        intake.receive_from(mortal, receiving, io.BytesIO(content).readinto)


def intent_of(vault: Vault) -> Intent:
    with vault.catalogue.read() as tx:
        (intent,) = tx.intents.unsettled()
    return intent


DEATHS = [
    # (size, where the process dies, whether the store has the whole object then)
    (SMALL, "before:write:1", False),
    (SMALL, "after:write:1", False),
    (SMALL, "before:put", False),
    (SMALL, "after:put", True),
    (SMALL, "before:write:2", True),
    (SMALL, "after:write:2", True),
    (LARGE, "after:write:1", False),
    (LARGE, "before:start_upload", False),
    (LARGE, "after:start_upload", False),
    (LARGE, "after:write:2", False),
    (LARGE, "before:put_part", False),
    (LARGE, "after:put_part", False),
    (LARGE, "before:write:3", False),
    (LARGE, "after:write:3", False),
    (LARGE, "before:complete_upload", False),
    (LARGE, "after:complete_upload", True),
    (LARGE, "before:write:4", True),
    (LARGE, "after:write:4", True),
]


@pytest.mark.faults
@pytest.mark.parametrize(("size", "point", "whole"), DEATHS, ids=[f"{size}-{point}" for size, point, _ in DEATHS])
def test_what_a_dead_process_left_becomes_a_record_or_nothing(
    vault: Vault, actor: Actor, size: int, point: str, whole: bool
) -> None:
    vault = with_parts(vault)
    content, key = random_content(size), vault.new_id()
    before, records = in_store(vault), count_records(vault)
    send_and_die(vault, actor, content, point, key=key)
    upkeep.settle_intents(vault)
    assert unsettled(vault) == 0
    assert count_records(vault) - records == int(whole)
    assert len(in_store(vault) - before) == int(whole)
    upkeep.settle_intents(vault)
    content = content if whole else b"the key is free again"
    receipt = send(vault, actor, content, key=key)
    assert receipt.replayed is whole
    assert read_bytes(vault, actor, receipt.record_id) == content
    assert (count_records(vault) - records, len(in_store(vault) - before)) == (1, 1)


@pytest.mark.faults
@pytest.mark.parametrize("point", ["after:complete_upload", "after:put_part"])
def test_asking_again_under_the_key_settles_what_a_dead_process_left(vault: Vault, actor: Actor, point: str) -> None:
    vault = with_parts(vault)
    content, key = random_content(LARGE), vault.new_id()
    send_and_die(vault, actor, content, point, key=key)
    receipt = send(vault, actor, content, key=key)
    assert receipt.replayed is (point == "after:complete_upload")
    assert read_bytes(vault, actor, receipt.record_id) == content
    assert unsettled(vault) == 0


def test_a_recovered_record_says_so_in_the_log_and_only_once(vault: Vault, actor: Actor) -> None:
    send_and_die(vault, actor, b"content", "after:put", key=vault.new_id())
    intent = intent_of(vault)
    for _ in range(3):
        assert recovery.settle(vault, intent).state is IntentState.COMMITTED
    entries = [each.entry for each in show(vault, actor, intent.record_id).entries]
    assert [entry.event for entry in entries] == [Event.RECORD_RECEIVED]
    assert entries[0].detail["recovered"] is True


def test_an_aborted_upload_stays_aborted(vault: Vault, actor: Actor) -> None:
    send_and_die(vault, actor, b"content", "before:put", key=vault.new_id())
    intent = intent_of(vault)
    assert recovery.settle(vault, intent).state is IntentState.ABORTED
    stored = vault.store.put(intent.object.key, b"late", sha256=hashlib.sha256(b"late").digest(), lock=None)
    with pytest.raises(Conflict):
        recovery.commit(vault, intent, stored, recovered=True)
    with vault.catalogue.read() as tx:
        settled = tx.intents.get(intent.id)
    assert settled is not None
    assert recovery.settle(vault, settled).state is IntentState.ABORTED
    vault.store.delete_version(stored.key, stored.version_id)


def test_an_object_with_other_bytes_is_never_made_a_record(vault: Vault, actor: Actor) -> None:
    records = count_records(vault)
    send_and_die(vault, actor, b"content", "before:put", key=vault.new_id())
    intent = intent_of(vault)
    for wrong in (bytes(intent.object.sealed_size_bytes), b"short"):
        stored = vault.store.put(intent.object.key, wrong, sha256=hashlib.sha256(wrong).digest())
        with pytest.raises(SealBroken):
            recovery.settle(vault, intent)
        assert "1 left to the doctor" in upkeep.settle_intents(vault).text
        vault.store.delete_version(stored.key, stored.version_id)
    assert recovery.settle(vault, intent).state is IntentState.ABORTED
    assert count_records(vault) == records


# -- who is alive ------------------------------------------------------------------------------------------------------


def test_the_upload_of_a_living_process_is_left_alone_until_it_falls_silent(vault: Vault, actor: Actor) -> None:
    vault, clock = with_clock(with_parts(vault))
    other = replace(vault, process_id=ProcessId(vault.new_id()), underway=set())
    upkeep.beat(other)
    with intake.begin(other, actor, FILING) as receiving:
        receiving.accept(random_content(PART), final=False).result()
        intent = intent_of(vault)
        clock.advance(recovery.SILENT_AFTER - timedelta(seconds=1))
        assert recovery.settle(vault, intent).state is IntentState.OPEN
        assert "settled 0" in upkeep.settle_intents(vault).text
        clock.advance(timedelta(seconds=1))
        assert recovery.settle(vault, intent).state is IntentState.ABORTED
        # The silent one wakes up: it is told, and nothing half stays.
        with pytest.raises(ObjectMissing):
            receiving.accept(random_content(PART), final=False).result()
    assert unsettled(vault) == 0


def test_the_upload_of_a_process_that_is_gone_is_settled_at_once(vault: Vault, actor: Actor) -> None:
    vault = with_parts(vault)
    mortal = replace(dying(vault, "after:put"), description="somewhere")
    upkeep.beat(replace(mortal, catalogue=vault.catalogue))
    receiving = intake.begin(mortal, actor, FILING)
    with pytest.raises(Died):
        intake.receive_from(mortal, receiving, io.BytesIO(b"content").readinto)
    intent = intent_of(vault)
    assert recovery.settle(vault, intent).state is IntentState.SEALED
    aware = replace(vault, is_gone=lambda description: description == "somewhere")
    assert recovery.settle(aware, intent).state is IntentState.COMMITTED


# -- answers that are lost ---------------------------------------------------------------------------------------------

LOST: list[tuple[int, str, Callable[[], Exception]]] = [
    (SMALL, "before:put", lambda: StoreUnavailable("away")),
    (SMALL, "after:put", lambda: StoreUnavailable("the answer was lost")),
    (SMALL, "after:put", lambda: AlreadyExists("our own retry")),
    (LARGE, "before:complete_upload", lambda: StoreUnavailable("away")),
    (LARGE, "after:complete_upload", lambda: StoreUnavailable("the answer was lost")),
    (LARGE, "after:complete_upload", lambda: AlreadyExists("our own retry")),
    (LARGE, "after:complete_upload", lambda: ObjectMissing("the upload is no longer known")),
]


@ON_SQLITE
@pytest.mark.faults
@pytest.mark.parametrize(
    ("size", "point", "error"),
    LOST,
    ids=[f"{size}-{point}-{error().code}" for size, point, error in LOST],  # type: ignore[attr-defined]  # each is one of ours
)
def test_a_lost_answer_is_settled_and_makes_one_record(
    vault: Vault, actor: Actor, size: int, point: str, error: Callable[[], Exception]
) -> None:
    vault = with_parts(vault)
    content, key = random_content(size), vault.new_id()
    before, records = in_store(vault), count_records(vault)
    receipt = send(faulty(vault, point, error), actor, content, key=key)
    assert not receipt.replayed
    assert read_bytes(vault, actor, receipt.record_id) == content
    assert send(vault, actor, content, key=key) == replace(receipt, replayed=True)
    assert (count_records(vault) - records, len(in_store(vault) - before), unsettled(vault)) == (1, 1, 0)


OPEN_OUTCOMES: list[tuple[int, str, Callable[[], Exception]]] = [
    (SMALL, "after:put", lambda: StoreUnavailable("the answer was lost")),
    (SMALL, "before:write:2", lambda: CatalogueUnavailable("away")),
    (SMALL, "after:write:2", lambda: CatalogueUnavailable("the answer was lost")),
    (LARGE, "after:complete_upload", lambda: StoreUnavailable("the answer was lost")),
    (LARGE, "before:write:4", lambda: CatalogueUnavailable("away")),
    (LARGE, "after:write:4", lambda: CatalogueUnavailable("the answer was lost")),
]


@pytest.mark.faults
@pytest.mark.parametrize("way", ["upkeep", "asking again"])
@pytest.mark.parametrize(
    ("size", "point", "error"), OPEN_OUTCOMES, ids=[f"{size}-{point}" for size, point, _ in OPEN_OUTCOMES]
)
def test_an_upload_whose_outcome_stayed_open_is_a_record_in_the_end(
    vault: Vault, actor: Actor, size: int, point: str, error: Callable[[], Exception], way: str
) -> None:
    """What the store completed was once thrown away, because leaving the upload called it aborted."""
    vault = with_parts(vault)
    content, key = random_content(size), vault.new_id()
    before, records = in_store(vault), count_records(vault)
    broken = faulty(faulty(vault, point, error), "before:head", lambda: StoreUnavailable("still away"))
    with pytest.raises((StoreUnavailable, CatalogueUnavailable)):
        send(broken, actor, content, key=key)
    if way == "upkeep":
        upkeep.settle_intents(vault)
    receipt = send(vault, actor, content, key=key)
    assert receipt.replayed
    assert read_bytes(vault, actor, receipt.record_id) == content
    assert (count_records(vault) - records, len(in_store(vault) - before), unsettled(vault)) == (1, 1, 0)


def test_recovery_that_meets_a_store_that_is_away_tries_again_later(vault: Vault, actor: Actor) -> None:
    vault = with_parts(vault)
    send_and_die(vault, actor, random_content(LARGE), "after:complete_upload", key=vault.new_id())
    away = faulty(vault, "before:head", lambda: StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        upkeep.settle_intents(away)
    assert unsettled(vault) == 1
    assert "settled 1" in upkeep.settle_intents(vault).text


def test_a_correction_that_was_overtaken_while_its_process_was_dead_leaves_no_version(
    vault: Vault, actor: Actor
) -> None:
    receipt = send(vault, actor, b"original", key=vault.new_id())
    said = Description.checked(title="A record", reason="better")
    mortal = dying(vault, "after:put")
    receiving = intake.begin_correction(mortal, actor, receipt.record_id, said, "f")
    with pytest.raises(Died):
        intake.receive_from(mortal, receiving, io.BytesIO(b"first").readinto)
    with intake.begin_correction(vault, actor, receipt.record_id, said, "f") as receiving:
        intake.receive_from(vault, receiving, io.BytesIO(b"second").readinto)
    upkeep.settle_intents(vault)
    assert unsettled(vault) == 0
    assert len(show(vault, actor, receipt.record_id).versions) == 2
    assert read_bytes(vault, actor, receipt.record_id) == b"second"


# -- really killed -----------------------------------------------------------------------------------------------------

CHILD = """
import io, os, signal, sys
from pathlib import Path
from tests.vault.workflows.faults import watched, with_parts
from tests.vault.workflows.test_recovery import FILING, child_store
from tests.support.vault import running_vault, staff
from vault.workflows import intake

point, size, home = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])

def watch(here: str) -> None:
    if here == point:
        os.kill(os.getpid(), signal.SIGKILL)

with running_vault(child_store(), home) as vault:
    mortal = watched(with_parts(vault), watch)
    with intake.begin(mortal, staff(vault), FILING, idempotency_key=point) as receiving:
        intake.receive_from(mortal, receiving, io.BytesIO(bytes(size)).readinto)
"""
KILLS = {
    "after:put": (SMALL, True),
    "after:put_part": (LARGE, False),
}


def child_store() -> S3Settings:
    """The store that the parent names in the environment."""
    endpoint, bucket, region, access_key, secret_key = os.environ["CHILD_STORE"].split(" ")
    return S3Settings(endpoint_url=endpoint, bucket=bucket, region=region, access_key=access_key, secret_key=secret_key)


@pytest.mark.faults
def test_processes_killed_in_the_middle_leave_whole_records_or_nothing(
    shared_store: RunningStore, tmp_path: Path
) -> None:
    settings, home = shared_store.settings, tmp_path / "home"
    place = (settings.endpoint_url, settings.bucket, settings.region, settings.access_key, settings.secret_key)
    environment = {**os.environ, "CHILD_STORE": " ".join(place)}
    with running_vault(settings, home) as vault:
        before = in_store(vault)
        children = {
            point: subprocess.Popen(
                [sys.executable, "-c", CHILD, point, str(size), str(home)], env=environment, stderr=subprocess.PIPE
            )
            for point, (size, _) in KILLS.items()
        }
        for child in children.values():
            told = child.communicate(timeout=120)[1]
            assert child.returncode == -signal.SIGKILL, told.decode()
        vault = with_parts(vault)
        # They ran on this machine and are gone: nobody waits for the minute of silence.
        upkeep.settle_intents(vault)
        assert unsettled(vault) == 0
        whole = sum(kept for _, kept in KILLS.values())
        assert (count_records(vault), len(in_store(vault) - before)) == (whole, whole)
        for point, (size, kept) in KILLS.items():
            receipt = send(vault, staff(vault), bytes(size), key=point)
            assert receipt.replayed is kept
            assert read_bytes(vault, staff(vault), receipt.record_id) == bytes(size)
