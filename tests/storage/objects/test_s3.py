"""What every object store promises the vault: one suite, run on each real store."""

from __future__ import annotations

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.objects.provision import independent_client
from storage.objects.s3 import S3Store
from storage.objects.sdk import sdk_client
from tests.support.store import JudgedStore, cut_after, read_whole, sha256
from vault.errors import (
    AlreadyExists,
    InvalidInput,
    LockNotKept,
    ObjectMissing,
    SealBroken,
    SettingsWrong,
    StillLocked,
    StoreUnavailable,
)
from vault.objects import Lock, LockMode, Part
from vault.ports import ObjectStore

MIB = 1 << 20


def lock_for(days: float, mode: LockMode = LockMode.GOVERNANCE) -> Lock:
    return Lock(mode=mode, retain_until=(datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0))


def put_parts(store: S3Store, key: str, upload: str, *bodies: bytes) -> list[Part]:
    return [
        store.put_part(key, upload, number, body, sha256=sha256(body)) for number, body in enumerate(bodies, start=1)
    ]


def lock_by_another_client(running: JudgedStore, key: str, version_id: str) -> tuple[str, datetime]:
    with independent_client(running.settings) as client:
        kept = client.get_object_retention(bucket_name=running.settings.bucket, object_name=key, version_id=version_id)
    assert kept is not None
    return kept.mode, kept.retain_until_date.replace(tzinfo=UTC)


def test_the_adapter_is_an_object_store(store: S3Store) -> None:
    promised: ObjectStore = store
    assert promised is store


@pytest.mark.parametrize("size", [0, 1, 100 << 10, MIB, MIB + 1, 9 * MIB])
def test_what_was_put_is_read_back(store: S3Store, key: str, size: int) -> None:
    body = os.urandom(size)
    stored = store.put(key, body, sha256=sha256(body), metadata={"sealed": "q83vEjRWeJA"})
    facts = store.head(key, stored.version_id)
    assert facts is not None
    assert (facts.size_bytes, facts.lock, facts.legal_hold) == (size, None, False)
    assert facts.metadata == {"sealed": "q83vEjRWeJA"}
    assert (facts.version_id, facts.etag) == (stored.version_id, stored.etag)
    assert read_whole(store, key, stored.version_id) == body
    assert store.head(key) == facts


def test_the_newest_version_is_read_by_no_name_and_not_behind_a_delete_marker(running: JudgedStore, key: str) -> None:
    store = running.store
    with pytest.raises(ObjectMissing), store.read(key, None):
        pass
    first = store.put(key, b"first", sha256=sha256(b"first"))
    sdk = sdk_client(running.endpoint.operator)
    sdk.put_object(Bucket=running.settings.bucket, Key=key, Body=b"second")
    with store.read(key, None) as chunks:
        assert b"".join(chunks) == b"second"
    with store.read(key, first.version_id) as chunks:
        assert b"".join(chunks) == b"first"
    sdk.delete_object(Bucket=running.settings.bucket, Key=key)
    with pytest.raises(ObjectMissing), store.read(key, None):
        pass


def test_a_body_is_sent_from_the_middle_of_a_reused_buffer(store: S3Store, key: str) -> None:
    buffer = bytearray(os.urandom(3 * MIB))
    body = memoryview(buffer)[MIB : 2 * MIB]
    expected = bytes(body)
    stored = store.put(key, body, sha256=sha256(body))
    buffer[:] = bytes(3 * MIB)
    assert read_whole(store, key, stored.version_id) == expected


def test_an_object_in_parts_is_read_back(store: S3Store, key: str) -> None:
    bodies = [os.urandom(5 * MIB), os.urandom(5 * MIB), os.urandom(7)]
    upload = store.start_upload(key, metadata={"sealed": "abc"})
    stored = store.complete_upload(key, upload, put_parts(store, key, upload, *bodies))
    facts = store.head(key, stored.version_id)
    assert facts is not None
    assert facts.metadata == {"sealed": "abc"}
    assert facts.etag == stored.etag
    assert read_whole(store, key, stored.version_id) == b"".join(bodies)


def test_a_part_sent_again_replaces_the_first(store: S3Store, key: str) -> None:
    upload = store.start_upload(key)
    put_parts(store, key, upload, b"first")
    parts = put_parts(store, key, upload, b"second")
    stored = store.complete_upload(key, upload, parts)
    assert read_whole(store, key, stored.version_id) == b"second"


@pytest.mark.parametrize("mode", list(LockMode))
def test_another_client_reads_the_lock_that_a_put_wrote(running: JudgedStore, key: str, mode: LockMode) -> None:
    lock = lock_for(1, mode)
    stored = running.store.put(key, b"x", sha256=sha256(b"x"), lock=lock)
    assert lock_by_another_client(running, key, stored.version_id) == (mode.value, lock.retain_until)
    facts = running.store.head(key, stored.version_id)
    assert facts is not None
    assert facts.lock == lock


def test_another_client_reads_the_lock_that_an_upload_wrote(running: JudgedStore, key: str) -> None:
    lock, store = lock_for(2), running.store
    upload = store.start_upload(key, lock=lock)
    stored = store.complete_upload(key, upload, put_parts(store, key, upload, b"part"))
    assert lock_by_another_client(running, key, stored.version_id) == ("GOVERNANCE", lock.retain_until)


def test_a_key_is_written_once(store: S3Store, key: str) -> None:
    first = store.put(key, b"first", sha256=sha256(b"first"))
    with pytest.raises(AlreadyExists):
        store.put(key, b"second", sha256=sha256(b"second"))
    upload = store.start_upload(key)
    parts = put_parts(store, key, upload, b"third")
    with pytest.raises(AlreadyExists):
        store.complete_upload(key, upload, parts)
    store.abort_upload(key, upload)
    assert [version.version_id for version in store.versions(key)] == [first.version_id]


def test_of_many_writers_of_one_key_one_wins(store: S3Store, key: str) -> None:
    def write(number: int) -> bool:
        body = str(number).encode()
        try:
            store.put(key, body, sha256=sha256(body))
        except AlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(write, range(32)))
    assert won.count(True) == len(list(store.versions(key))) == 1


def test_a_body_that_is_not_what_was_digested_is_refused(store: S3Store, key: str) -> None:
    with pytest.raises(SealBroken):
        store.put(key, b"altered on the way", sha256=sha256(b"as it was"))
    assert store.head(key) is None
    upload = store.start_upload(key)
    with pytest.raises(SealBroken):
        store.put_part(key, upload, 1, b"altered on the way", sha256=sha256(b"as it was"))
    store.abort_upload(key, upload)


def test_an_upload_is_not_completed_with_other_digests(store: S3Store, key: str) -> None:
    upload = store.start_upload(key)
    (part,) = put_parts(store, key, upload, b"as it was")
    with pytest.raises(SealBroken):
        store.complete_upload(key, upload, [replace(part, sha256=sha256(b"other"))])
    assert store.complete_upload(key, upload, [part]).version_id


def test_unknown_uploads_and_objects_are_missing(store: S3Store, key: str) -> None:
    upload = store.start_upload(key)
    (part,) = put_parts(store, key, upload, b"x")
    store.abort_upload(key, upload)
    store.abort_upload(key, upload)
    with pytest.raises(ObjectMissing):
        store.put_part(key, upload, 1, b"x", sha256=sha256(b"x"))
    with pytest.raises(ObjectMissing):
        store.complete_upload(key, upload, [part])
    stored = store.put(key, b"x", sha256=sha256(b"x"))
    store.delete_version(key, stored.version_id)
    store.delete_version(key, stored.version_id)
    assert store.head(key) is None
    assert store.head(key, stored.version_id) is None
    with pytest.raises(ObjectMissing):
        read_whole(store, key, stored.version_id)
    with pytest.raises(ObjectMissing):
        store.extend_lock(key, stored.version_id, lock_for(1))
    with pytest.raises(ObjectMissing):
        store.set_legal_hold(key, stored.version_id, held=True)


def test_pending_uploads_are_listed_page_by_page(running: JudgedStore, key: str) -> None:
    store = S3Store(running.settings, page_size=3)
    uploads = {(f"{key}/{number}", running.store.start_upload(f"{key}/{number}")) for number in range(8)}
    listed = list(store.pending_uploads(key))
    assert {(upload.key, upload.upload_id) for upload in listed} == uploads
    assert len(listed) == 8
    assert all(abs(upload.started_at - datetime.now(UTC)) < timedelta(minutes=5) for upload in listed)
    for upload in listed:
        store.abort_upload(upload.key, upload.upload_id)
    assert list(store.pending_uploads(key)) == []
    store.close()


def test_every_version_and_delete_marker_is_listed_page_by_page(running: JudgedStore, key: str) -> None:
    store, owner = S3Store(running.settings, page_size=3), sdk_client(running.endpoint.operator)
    wanted = set()
    for number in range(5):
        for body in (b"1", b"22"):
            answer = owner.put_object(Bucket=running.settings.bucket, Key=f"{key}/{number}", Body=body)
            wanted.add((f"{key}/{number}", answer["VersionId"], len(body), False))
        marker = owner.delete_object(Bucket=running.settings.bucket, Key=f"{key}/{number}")
        wanted.add((f"{key}/{number}", marker["VersionId"], 0, True))
    listed = list(store.versions(key))
    assert len(listed) == 15
    assert {(each.key, each.version_id, each.size_bytes, each.is_delete_marker) for each in listed} == wanted
    assert [each.is_delete_marker for each in listed if each.is_latest] == [True] * 5
    assert store.head(f"{key}/0") is None
    store.close()
    owner.close()


@pytest.mark.parametrize(
    ("start", "length"), [(0, 1), (0, None), (1, None), (MIB - 1, 2), (5 * MIB, 3 * MIB), (9 * MIB - 1, 1), (4, 0)]
)
def test_a_range_is_read(store: S3Store, key: str, start: int, length: int | None) -> None:
    body = os.urandom(9 * MIB)
    stored = store.put(key, body, sha256=sha256(body))
    expected = body[start:] if length is None else body[start : start + length]
    assert read_whole(store, key, stored.version_id, start=start, length=length) == expected


@pytest.mark.parametrize(("start", "length"), [(0, 6), (4, 2), (5, 1), (5, None)])
def test_a_range_beyond_the_object_is_not_answered_with_less(
    store: S3Store, key: str, start: int, length: int | None
) -> None:
    stored = store.put(key, b"short", sha256=sha256(b"short"))
    with pytest.raises(SealBroken):
        read_whole(store, key, stored.version_id, start=start, length=length)


def test_a_reader_may_leave_early(store: S3Store, key: str) -> None:
    body = os.urandom(8 * MIB)
    stored = store.put(key, body, sha256=sha256(body))
    for _ in range(5):
        with store.read(key, stored.version_id) as chunks:
            assert body.startswith(next(chunks))
    assert read_whole(store, key, stored.version_id) == body


def test_a_connection_broken_in_the_middle_of_an_object_is_told(running: JudgedStore, key: str) -> None:
    body = os.urandom(4 * MIB)
    stored = running.store.put(key, body, sha256=sha256(body))
    with cut_after(running.settings.host, 2 * MIB) as port:
        store = S3Store(replace(running.settings, endpoint_url=f"http://127.0.0.1:{port}"))
        with pytest.raises(StoreUnavailable):
            read_whole(store, key, stored.version_id)
        store.close()


def test_a_lock_is_extended_and_never_shortened(running: JudgedStore, key: str) -> None:
    store, longer, shorter = running.store, lock_for(9), lock_for(5)
    stored = store.put(key, b"x", sha256=sha256(b"x"), lock=lock_for(1))
    assert store.extend_lock(key, stored.version_id, longer) == longer
    assert store.extend_lock(key, stored.version_id, shorter) == longer
    assert lock_by_another_client(running, key, stored.version_id) == ("GOVERNANCE", longer.retain_until)


def test_a_version_without_a_lock_can_be_given_one(running: JudgedStore, key: str) -> None:
    store, lock = running.store, lock_for(1, LockMode.COMPLIANCE)
    stored = store.put(key, b"x", sha256=sha256(b"x"))
    assert store.extend_lock(key, stored.version_id, lock) == lock
    assert lock_by_another_client(running, key, stored.version_id) == ("COMPLIANCE", lock.retain_until)


def test_only_who_may_bypass_governance_turns_it_into_compliance(running: JudgedStore, key: str) -> None:
    governance, strict = lock_for(1), lock_for(2, LockMode.COMPLIANCE)
    stored = running.store.put(key, b"x", sha256=sha256(b"x"), lock=governance)
    with pytest.raises(LockNotKept):
        running.store.extend_lock(key, stored.version_id, strict)
    assert lock_by_another_client(running, key, stored.version_id) == ("GOVERNANCE", governance.retain_until)
    owner = S3Store(running.endpoint.operator, bypass_governance=True)
    with pytest.raises(LockNotKept):
        owner.extend_lock(key, stored.version_id, lock_for(0.5, LockMode.COMPLIANCE))
    assert owner.extend_lock(key, stored.version_id, strict) == strict
    assert lock_by_another_client(running, key, stored.version_id) == ("COMPLIANCE", strict.retain_until)
    owner.close()


def test_locks_and_holds_set_at_once_are_all_kept(running: JudgedStore, key: str) -> None:
    store = running.store
    versions = [store.put(f"{key}/{n}", b"x", sha256=sha256(b"x"), lock=lock_for(1)).version_id for n in range(20)]
    wanted = lock_for(7)

    def lock(number: int) -> None:
        store.extend_lock(f"{key}/{number}", versions[number], wanted)

    def hold(number: int) -> None:
        store.set_legal_hold(f"{key}/{number}", versions[number], held=True)

    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(work, number) for number in range(20) for work in (lock, hold)]
    for future in done:
        future.result()
    for number, version_id in enumerate(versions):
        facts = store.head(f"{key}/{number}", version_id)
        assert facts is not None
        assert (facts.lock, facts.legal_hold) == (wanted, True)


def test_another_client_reads_the_legal_hold(running: JudgedStore, key: str) -> None:
    store, bucket = running.store, running.settings.bucket
    stored = store.put(key, b"x", sha256=sha256(b"x"))
    with independent_client(running.settings) as client:
        for held in (True, False):
            store.set_legal_hold(key, stored.version_id, held=held)
            assert client.is_object_legal_hold_enabled(bucket, key, stored.version_id) is held
            if held:
                with pytest.raises(StillLocked):
                    store.delete_version(key, stored.version_id)
    store.delete_version(key, stored.version_id)
    assert store.head(key) is None


def test_a_locked_version_is_not_deleted(store: S3Store, key: str) -> None:
    stored = store.put(key, b"x", sha256=sha256(b"x"), lock=lock_for(1))
    with pytest.raises(StillLocked):
        store.delete_version(key, stored.version_id)
    assert read_whole(store, key, stored.version_id) == b"x"


def test_a_lock_that_has_lapsed_lets_the_version_go(store: S3Store, key: str) -> None:
    for seconds in (2, 8, 32):  # on a busy machine a short one may be over before it was tried
        lock = lock_for(seconds / 86400)
        stored = store.put(f"{key}/{seconds}", b"x", sha256=sha256(b"x"), lock=lock)
        try:
            store.delete_version(stored.key, stored.version_id)
        except StillLocked:
            break
    else:
        pytest.fail("no lock was kept")
    time.sleep(max(0.0, (lock.retain_until - datetime.now(UTC)).total_seconds()) + 1.1)
    store.delete_version(stored.key, stored.version_id)
    assert store.head(stored.key) is None


def test_metadata_that_http_cannot_carry_is_refused(store: S3Store, key: str) -> None:
    with pytest.raises(InvalidInput):
        store.put(key, b"x", sha256=sha256(b"x"), metadata={"sealed": "档案"})


def test_a_store_that_is_away_is_told(running: JudgedStore, key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    store = S3Store(replace(running.settings, endpoint_url=f"http://127.0.0.1:{port}"))
    with pytest.raises(StoreUnavailable):
        store.put(key, b"x", sha256=sha256(b"x"))
    with pytest.raises(StoreUnavailable):
        store.head(key)
    with pytest.raises(StoreUnavailable):
        list(store.versions(key))
    store.close()


def test_wrong_credentials_and_buckets_are_a_matter_of_settings(running: JudgedStore, key: str) -> None:
    for wrong in ({"secret_key": "wrong"}, {"access_key": "wrong"}):
        store = S3Store(replace(running.settings, **wrong))  # type: ignore[arg-type]  # both fields are str
        with pytest.raises(SettingsWrong):
            store.put(key, b"x", sha256=sha256(b"x"))
        store.close()
    with pytest.raises(SettingsWrong):
        replace(running.settings, endpoint_url="store.example.org")
