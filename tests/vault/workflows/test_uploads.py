"""Resumable uploads inside the vault: one record whatever is cut off where, and nothing that outlives it."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.faultworks import PART, limited
from tests.support.people import acting, everything
from tests.support.vault import add_bytes, random_content, read_bytes
from tests.vault.workflows.faults import with_clock
from vault.audit import Event
from vault.destruction import Targets
from vault.errors import (
    IdempotencyMismatch,
    InvalidInput,
    KeyDestroyed,
    NotAllowed,
    NotFound,
    SealBroken,
    TooManyOpen,
    UploadBusy,
    UploadEnded,
)
from vault.ids import PersonId, UploadId
from vault.people import CLOCK_ID
from vault.permissions import Actor
from vault.records import ContentFacts, Description, IntentState
from vault.shelves import RecordFilter
from vault.uploads import Upload, UploadEnd, UploadState
from vault.workflows import destruction, finishing, intake, people, recovery, retrieval, staging, uploads
from vault.workflows.intake import Filing, Reserved
from vault.workflows.vault import Vault


@pytest.fixture
def actor() -> Actor:
    """Somebody who may file, also once there are people."""
    return everything()


def filing(size: int, *, title: str = "Staged", sha256: bytes | None = None, class_code: str = "contract") -> Filing:
    return Filing(
        class_code=class_code,
        customer_id=None,
        description=Description.checked(title=title),
        file_name="staged.bin",
        declared_size_bytes=size,
        declared_sha256=sha256,
    )


def staged(vault: Vault, actor: Actor, content: bytes, *, key: str | None = None, piece: int = PART) -> Upload:
    """An upload all of whose bytes are here."""
    begun, _ = uploads.begin(vault, actor, filing(len(content)), idempotency_key=key)
    whole = uploads.find_open(vault, actor, begun.id)
    for start in range(0, len(content), piece):
        counted = uploads.stage(vault, whole, start, content[start : start + piece])
        assert uploads.count_pieces(vault, [counted])
    return uploads.find(vault, actor, begun.id)


def reserved(upload: Upload) -> Reserved:
    return Reserved(
        upload_id=upload.id,
        record_id=upload.record_id,
        leaf=upload.leaf,
        idempotency_key_hash=upload.idempotency_key_hash,
    )


def who_ended(vault: Vault, upload: Upload) -> PersonId | str:
    """Whom the log names for the end of an upload."""
    with vault.catalogue.read() as tx:
        entry = tx.audit.page(subject=upload.id, limit=1)[0].entry
    assert entry.event is Event.UPLOAD_ENDED
    return entry.actor


def count(vault: Vault, actor: Actor) -> int:
    return len(retrieval.list_records(vault, actor, RecordFilter(), limit=500))


@pytest.mark.parametrize("size", [1, PART - 1, PART, 3 * PART, 3 * PART + 7])
def test_pieces_of_any_size_become_the_record_that_they_are(vault: Vault, actor: Actor, size: int) -> None:
    vault = limited(vault)
    content = random_content(size)
    upload = staged(vault, actor, content, piece=max(1, min(PART, size // 2)))
    receipt = finishing.finish(vault, actor, upload)
    assert (receipt.record_id, receipt.sha256) == (upload.record_id, hashlib.sha256(content).digest())
    assert read_bytes(vault, actor, receipt.record_id) == content
    assert finishing.receipt_of(vault, actor, upload) == receipt


def test_one_that_was_cut_off_behind_its_record_is_the_same_record(vault: Vault, actor: Actor) -> None:
    content = random_content(1000)
    upload = staged(vault, actor, content)
    with intake.begin(vault, actor, filing(1000), reserved=reserved(upload)) as receiving:
        first = intake.receive_from(vault, receiving, io.BytesIO(content).readinto)
    before = count(vault, actor)
    assert finishing.finish(vault, actor, upload).record_id == first.record_id == upload.record_id
    assert count(vault, actor) == before
    assert uploads.find(vault, actor, upload.id).state is UploadState.FINISHED


def test_one_that_was_cut_off_before_its_record_takes_another_leaf_and_both_die_with_it(
    vault: Vault, actor: Actor
) -> None:
    content = random_content(2000)
    upload = staged(vault, actor, content)
    with intake.begin(vault, actor, filing(2000), reserved=reserved(upload)) as receiving:
        receiving.accept(content, final=True).result()
        intent = receiving._reception._announce(IntentState.SEALED, _content(content), content).intent
        vault.underway.discard(intent.id)
    assert recovery.settle(vault, intent).state is IntentState.ABORTED
    receipt = finishing.finish(vault, actor, upload)
    with vault.catalogue.read() as tx:
        version = tx.records.version(receipt.record_id, 1)
    assert version is not None
    assert version.object.leaf != upload.leaf == intent.object.leaf
    destruction.destroy(vault, actor, Targets(records=frozenset({receipt.record_id})), alone=True, error=True)
    for leaf in (version.object.leaf, upload.leaf):
        with pytest.raises(KeyDestroyed):
            vault.leaf_keys(leaf)


def _content(content: bytes) -> ContentFacts:
    return ContentFacts(
        file_name="staged.bin",
        media_type="application/octet-stream",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).digest(),
    )


def test_one_whose_key_stored_the_same_file_meanwhile_is_that_record_and_its_leaf_dies_with_it(
    vault: Vault, actor: Actor
) -> None:
    content = random_content(3000)
    upload = staged(vault, actor, content, key="both ways")
    stored = add_bytes(vault, actor, content, title="Staged", file_name="staged.bin", idempotency_key="both ways")
    assert finishing.finish(vault, actor, upload).record_id == stored.record_id
    destruction.destroy(vault, actor, Targets(records=frozenset({stored.record_id})), alone=True, error=True)
    with pytest.raises(KeyDestroyed):
        vault.leaf_keys(upload.leaf)


def test_one_whose_key_stored_another_file_meanwhile_ends(vault: Vault, actor: Actor) -> None:
    upload = staged(vault, actor, b"these", key="another")
    add_bytes(vault, actor, b"those", title="Staged", file_name="staged.bin", idempotency_key="another")
    with pytest.raises(IdempotencyMismatch):
        finishing.finish(vault, actor, upload)
    assert uploads.find(vault, actor, upload.id).end is UploadEnd.REFUSED


def test_pieces_that_are_not_the_whole_are_told(vault: Vault, actor: Actor) -> None:
    upload = staged(vault, actor, b"0123456789", piece=4)
    facts = uploads.open_facts(vault, upload)
    with vault.catalogue.read() as tx:
        pieces = list(tx.uploads.pieces(upload.id))
    for wrong in (pieces[:-1], pieces[1:], [*pieces, pieces[-1]], [pieces[0], pieces[2], pieces[1]]):
        with pytest.raises(SealBroken):
            staging.reading(vault, upload, facts.key, wrong)
    strange = replace(pieces[0], size_bytes=3)
    with pytest.raises(SealBroken):
        staging.open_piece(vault, upload, facts.key, strange)
    with pytest.raises(SealBroken):
        staging.open_piece(vault, upload, uploads.open_facts(vault, staged(vault, actor, b"x")).key, pieces[0])


def test_an_upload_is_its_owners_alone(vault: Vault, actor: Actor) -> None:
    upload = staged(vault, actor, b"mine")
    other = replace(actor, person_id=PersonId("another"))
    for ask in (uploads.find, uploads.find_open, uploads.terminate):
        with pytest.raises(NotFound):
            ask(vault, other, upload.id)
    for strange in ("", "a" * 26, "中", "x" * 100):
        with pytest.raises(NotFound):
            uploads.find(vault, actor, strange)


def test_an_ended_upload_takes_nothing(vault: Vault, actor: Actor) -> None:
    upload = staged(vault, actor, b"0123")
    uploads.terminate(vault, actor, upload.id)
    with pytest.raises(UploadEnded):
        uploads.find_open(vault, actor, upload.id)
    with pytest.raises(UploadEnded):
        uploads.terminate(vault, actor, upload.id)
    assert list(vault.store.versions(vault.layout.staging(vault.fonds.tree_id, upload.id))) == []


def test_an_upload_that_was_ended_becomes_no_record(vault: Vault, actor: Actor) -> None:
    """Its bytes were read when somebody ended it, and it was stored all the same."""
    content = random_content(1000)
    upload = staged(vault, actor, content)
    before = count(vault, actor)
    with intake.begin(vault, actor, filing(1000), reserved=reserved(upload)) as receiving:
        uploads.terminate(vault, actor, upload.id)
        with pytest.raises(UploadEnded):
            intake.receive_from(vault, receiving, io.BytesIO(content).readinto)
    with pytest.raises((UploadEnded, KeyDestroyed)):
        finishing.finish(vault, actor, upload)
    assert count(vault, actor) == before
    assert who_ended(vault, upload) == actor.person_id


def test_what_is_becoming_a_record_is_not_ended(vault: Vault, actor: Actor) -> None:
    content = random_content(1000)
    upload = staged(vault, actor, content)
    with intake.begin(vault, actor, filing(1000), reserved=reserved(upload)) as receiving:
        receiving.accept(content, final=True).result()
        intent = receiving._reception._announce(IntentState.SEALED, _content(content), content).intent
        with pytest.raises(UploadBusy):
            uploads.terminate(vault, actor, upload.id)
        vault.underway.discard(intent.id)
    assert recovery.settle(vault, intent).state is IntentState.ABORTED
    with intake.begin(vault, actor, filing(1000), reserved=reserved(upload)) as receiving:
        stored = intake.receive_from(vault, receiving, io.BytesIO(content).readinto)
    with pytest.raises(UploadBusy):
        uploads.terminate(vault, actor, upload.id)
    later, clock = with_clock(vault)
    clock.advance(timedelta(days=8))
    finishing.finish_whole(later)
    assert uploads.find(vault, actor, upload.id).state is UploadState.FINISHED
    assert read_bytes(vault, actor, stored.record_id) == content


def test_upkeep_ends_in_its_own_name_what_nobody_will_finish(vault: Vault, actor: Actor) -> None:
    """The operator of these tests has no role in any group: nobody acts any more who could finish it."""
    whole, part = staged(vault, actor, b"whole"), uploads.begin(vault, actor, filing(10))[0]
    later, clock = with_clock(vault)
    clock.advance(uploads.KEPT - timedelta(minutes=1))
    finishing.finish_whole(later)
    assert uploads.find(vault, actor, part.id).state is UploadState.OPEN
    clock.advance(timedelta(minutes=2))
    finishing.finish_whole(later)
    for upload, why in ((whole, UploadEnd.REFUSED), (part, UploadEnd.EXPIRED)):
        assert uploads.find(vault, actor, upload.id).end is why
        assert who_ended(vault, upload) == CLOCK_ID


def test_whole_uploads_are_read_page_by_page(vault: Vault, actor: Actor) -> None:
    mine = [staged(vault, actor, b"whole").id for _ in range(3)]
    seen: list[UploadId] = []
    after: Upload | None = None
    with vault.catalogue.read() as tx:
        while page := tx.uploads.whole(after=after, limit=2):
            assert len(page) <= 2
            seen += [upload.id for upload in page]
            after = page[-1]
    assert len(seen) == len(set(seen))
    assert set(mine) <= set(seen)


def test_of_many_at_once_as_many_are_begun_as_there_is_room_for(vault: Vault) -> None:
    token = people.invite(vault, everything(), {"records"})
    login = f"sender-{vault.new_id()}"
    sender = people.accept_invitation(vault, token, login=login, name="Sender", password="a sentence to remember")
    actor, few = acting(vault, sender.id), replace(vault, limits=replace(vault.limits, open_uploads_max=2))

    def begin(_: int) -> bool:
        try:
            uploads.begin(few, actor, filing(1))
        except TooManyOpen:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(begin, range(8))).count(True) == 2


def test_what_may_not_be_filed_is_not_begun(vault: Vault, actor: Actor) -> None:
    with pytest.raises(InvalidInput):
        uploads.begin(vault, actor, filing(1, class_code="nonsense"))
    with pytest.raises(NotAllowed):
        uploads.begin(vault, Actor(person_id=PersonId("nobody"), roles=frozenset()), filing(1))
    few = replace(vault, limits=replace(vault.limits, open_uploads_max=0))
    with pytest.raises(TooManyOpen):
        uploads.begin(few, actor, filing(1))


def test_a_person_without_their_role_finishes_nothing(vault: Vault, actor: Actor) -> None:
    upload = staged(vault, actor, b"later")
    nobody = Actor(person_id=actor.person_id, roles=frozenset())
    with pytest.raises(NotAllowed):
        finishing.finish(vault, nobody, upload)
    assert uploads.find(vault, actor, upload.id).state is UploadState.OPEN


def test_a_sweep_takes_what_is_of_no_open_upload(vault: Vault, actor: Actor) -> None:
    upload = staged(vault, actor, b"open")
    stray = vault.layout.staging(vault.fonds.tree_id, UploadId("a" * 26), "b" * 26)
    vault.store.put(stray, b"stray", sha256=hashlib.sha256(b"stray").digest())
    finishing.sweep_pieces(vault)
    kept = {each.key for each in vault.store.versions(vault.layout.staging(vault.fonds.tree_id))}
    assert stray not in kept
    assert any(upload.id in key for key in kept)
    assert upload.expires_at - vault.now() > timedelta(days=6)
