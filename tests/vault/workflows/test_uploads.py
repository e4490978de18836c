"""Resumable uploads inside the vault: one record whatever is cut off where, and nothing that outlives it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.faultworks import PART, limited
from tests.support.vault import add_bytes, random_content, read_bytes
from vault.destruction import Targets
from vault.errors import (
    IdempotencyMismatch,
    InvalidInput,
    KeyDestroyed,
    NotAllowed,
    NotFound,
    SealBroken,
    TooManyOpen,
    UploadEnded,
)
from vault.ids import PersonId, UploadId
from vault.permissions import Actor
from vault.records import ContentFacts, Description, IntentState
from vault.shelves import RecordFilter
from vault.uploads import Upload, UploadEnd, UploadState
from vault.workflows import destruction, finishing, intake, recovery, retrieval, staging, uploads
from vault.workflows.intake import Filing, Reserved
from vault.workflows.vault import Vault


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
    return Reserved(record_id=upload.record_id, leaf=upload.leaf, idempotency_key_hash=upload.idempotency_key_hash)


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
