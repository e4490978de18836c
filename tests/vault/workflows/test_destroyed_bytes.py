"""What stays of destroyed records: bytes that open with nothing, until their lock lapses, and then not even those."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidTag

from storage.objects.s3 import S3Store
from tests.support.store import RunningStore
from tests.support.vault import add_bytes
from tests.vault.seal.stock_sdk import sdk_open
from tests.vault.workflows.faults import ON_SQLITE, in_store, with_clock
from vault.destruction import BatchState, Targets
from vault.errors import Conflict, KeyDestroyed
from vault.ids import RecordId
from vault.permissions import Actor
from vault.records import Description, RecordState, Version
from vault.workflows import ciphertext, destruction, intake, retrieval
from vault.workflows.locks import RECEIPT_LOCK
from vault.workflows.vault import Vault

STILL = "deleted the bytes of 0 records, 1 still locked"
GONE = "deleted the bytes of 1 records, 0 still locked"
NONE_LEFT = "deleted the bytes of 0 records, 0 still locked"


@ON_SQLITE
def test_sealed_bytes_go_once_the_stores_own_lock_has_lapsed(
    vault: Vault, actor: Actor, shared_store: RunningStore
) -> None:
    """Of every version, what lies beside one, and what somebody wrote over one past the vault."""
    for seconds_locked in (6, 24, 96):  # on a busy machine a short lock may be over before it was tried
        early, clock = with_clock(vault)
        clock.advance(timedelta(seconds=seconds_locked) - RECEIPT_LOCK)
        begun = time.monotonic()
        record_id, versions = _corrected(early, actor)
        places = [each.object.key for each in versions]
        places += [vault.layout.meta_folder(each.object.object_id) for each in versions]
        overwritten = versions[0].object.key
        with vault.store.read(overwritten, versions[0].version_id) as chunks:
            body = b"".join(chunks)
        with closing(S3Store(shared_store.endpoint.operator)) as operator:
            operator._sdk.put_object(Bucket=shared_store.settings.bucket, Key=overwritten, Body=body)
        stored = [(each.key, each.version_id) for place in places for each in vault.store.versions(place)]
        assert len(stored) == 4
        batch = destruction.destroy(early, actor, Targets(records=frozenset({record_id})), alone=True, error=True)
        assert batch.state is BatchState.EFFECTIVE
        clock.advance(RECEIPT_LOCK)
        told = ciphertext.delete_ciphertext(early).text
        if told == STILL:
            break
        assert time.monotonic() - begun >= seconds_locked, told
    assert told == STILL
    assert all(vault.store.head(each.object.key, each.version_id) is not None for each in versions)
    time.sleep(max(0.0, begun + seconds_locked + 1.5 - time.monotonic()))
    assert ciphertext.delete_ciphertext(early).text == GONE
    assert [each for place in places for each in vault.store.versions(place)] == []
    assert all(vault.store.head(key, version_id) is None for key, version_id in stored)
    assert ciphertext.delete_ciphertext(early).text == NONE_LEFT


def _corrected(vault: Vault, actor: Actor) -> tuple[RecordId, Sequence[Version]]:
    """A record of two versions. The second one's note does not fit beside its bytes: it has an object in ``meta/``."""
    record_id = add_bytes(vault, actor, b"personal").record_id
    said = Description.checked(title="A record", note="x" * 1500, reason="a better scan")
    with intake.begin_correction(vault, actor, record_id, said, "better.bin") as receiving:
        intake.receive_from(vault, receiving, io.BytesIO(b"personal, too").readinto)
    with vault.catalogue.read() as tx:
        return record_id, tx.records.versions(record_id)


@ON_SQLITE
def test_the_stock_sdk_opens_a_living_record_and_fails_on_a_destroyed_one(vault: Vault, actor: Actor) -> None:
    living, dying = (add_bytes(vault, actor, content) for content in (b"stays", b"goes"))
    sealed = {}
    for receipt in (living, dying):
        export = retrieval.export_sealed(vault, actor, receipt.record_id)
        sealed[receipt.record_id] = (b"".join(export.stream()), export.version)
    destruction.destroy(vault, actor, Targets(records=frozenset({dying.record_id})), alone=True, error=True)

    def opened_with_key_of(record_id: RecordId) -> bytes:
        export = retrieval.export_sealed(vault, actor, living.record_id)
        key = base64.b64decode(json.loads(export.key_file)["key_base64"])
        body, version = sealed[record_id]
        return sdk_open(body, provider="strongroom", key_name=version.object.leaf.text, key=key)[0]

    assert opened_with_key_of(living.record_id) == b"stays"
    with pytest.raises(KeyDestroyed):
        vault.leaf_keys(sealed[dying.record_id][1].object.leaf)
    # No key that the vault can still give opens it.
    with pytest.raises(InvalidTag):
        opened_with_key_of(dying.record_id)


def test_a_correction_that_comes_after_the_destruction_seals_nothing(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"first").record_id
    said = Description.checked(title="Later", reason="a better scan")
    with intake.begin_correction(vault, actor, record_id, said, "later.bin") as receiving:
        # It was begun while the record lived; its first byte comes when the record is dead.
        destruction.destroy(vault, actor, Targets(records=frozenset({record_id})), alone=True, error=True)
        before = in_store(vault)
        with pytest.raises(Conflict):
            intake.receive_from(vault, receiving, io.BytesIO(b"late").readinto)
    assert in_store(vault) == before
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
        assert record is not None
        assert record.state is RecordState.DESTROYED
        assert not tx.intents.unsettled()
