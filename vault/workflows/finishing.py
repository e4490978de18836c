"""Makes a record of an upload all of whose bytes are here, once: its pieces are read back, and sealed as one object
through the same reception as any other file.

Killed anywhere it is done again, by the request that asks next or by upkeep: the record has the id and the idempotency
key that the upload was given when it began, so there is one. The upload's key dies with the transaction that says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from vault.errors import (
    Broken,
    Conflict,
    IdempotencyMismatch,
    NotAllowed,
    Refused,
    SourceChanged,
    StrongroomError,
    Unavailable,
    UploadBusy,
)
from vault.ids import PersonId, RecordId
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor
from vault.records import IntentState
from vault.uploads import Upload, UploadEnd, UploadState, require_unended
from vault.workflows import descriptions, intake, recovery, staging, uploads
from vault.workflows.groups import everybody_acting
from vault.workflows.intake import Filing, Receipt, Reserved
from vault.workflows.vault import Vault

ENDED_KEPT: Final = timedelta(days=30)
LEFT_ALONE: Final = timedelta(minutes=1)
"""Behind its last piece an upload is that request's to finish; later it is upkeep's."""


def finish(vault: Vault, actor: Actor, upload: Upload, *, by: PersonId | None = None) -> Receipt:
    """Makes it a record, or gives the receipt where it is one already.

    Raises as ``intake.begin`` and ``Receiving``, and ``UploadEnded`` when it ended meanwhile.

    What would be refused for ever (other bytes than were announced, a customer who is gone) ends the upload; ``by`` is
    who asked, where that was not ``actor``.
    """
    actor.require(Action.ADD_RECORD)
    actor.require(Action.ADD_RECORD, upload.class_code)
    if upload.state is not UploadState.OPEN:
        return receipt_of(vault, actor, upload)
    try:
        record_id = _stored_before(vault, upload) or _store(vault, actor, upload)
    except (NotAllowed, Unavailable):
        raise
    except Refused as refused:
        if _is_final(refused):
            _refuse(vault, upload, by=by or actor.person_id)
        raise
    except Broken:
        # Its pieces go when it ends: then they are not damaged.
        with vault.catalogue.read() as tx:
            require_unended(tx.uploads.get(upload.id))
        raise
    return _say_finished(vault, upload, record_id)


def receipt_of(vault: Vault, actor: Actor, upload: Upload) -> Receipt:
    """The receipt of a finished upload. Raises ``UploadEnded``, ``Conflict`` when its record is gone."""
    actor.require(Action.ADD_RECORD)
    with vault.catalogue.read() as tx:
        current = tx.uploads.get(upload.id)
    if current is None or current.state is not UploadState.FINISHED:
        raise Conflict("this upload is not a record yet; ask again in a moment")
    return _receipt(vault, current.record_id)


def finish_whole(vault: Vault) -> Outcome:
    """Finishes uploads that nobody asks for any more; ends those whose person acts no more, or whose time is over."""
    finished = left = ended = 0
    for upload, actor in _left_whole(vault):
        try:
            if actor is not None:
                finish(vault, actor, upload, by=CLOCK_ID)
                finished += 1
            elif _finish_stored(vault, upload):
                finished += 1
            else:
                ended += uploads.end(vault, upload, UploadEnd.REFUSED, by=CLOCK_ID)
        except Unavailable:
            raise
        except StrongroomError:
            left += 1
    with vault.catalogue.read() as tx:
        over = tx.uploads.expired(now=vault.now())
    for upload in over:
        try:
            if _finish_stored(vault, upload):
                finished += 1
            else:
                ended += uploads.end(vault, upload, UploadEnd.EXPIRED, by=CLOCK_ID)
        except UploadBusy:
            left += 1
    with vault.catalogue.write() as tx:
        tx.uploads.forget_ended(before=vault.now() - ENDED_KEPT)
    return Outcome.of("uploads-finished", finished=finished, left=left, expired=ended)


def sweep_pieces(vault: Vault) -> Outcome:
    """Deletes pieces of uploads that are not open."""
    return Outcome.of("pieces-swept", swept=staging.sweep(vault))


def _left_whole(vault: Vault) -> Iterator[tuple[Upload, Actor | None]]:
    """Whole uploads that nobody asks for any more, each with whoever began it, if they still act; page by page."""
    quiet_since, after = vault.now() - LEFT_ALONE, None
    while True:
        with vault.catalogue.read() as tx:
            page = tx.uploads.whole(after=after)
            acting = {each.person_id: each for each in everybody_acting(tx, vault.fonds.id)} if page else {}
        for upload in page:
            if upload.expires_at - uploads.KEPT <= quiet_since:
                yield upload, acting.get(upload.person_id)
        if not page:
            return
        after = page[-1]


def _finish_stored(vault: Vault, upload: Upload) -> bool:
    """Whether it is a record already; then that is said."""
    record_id = _stored_before(vault, upload)
    if record_id is not None:
        _say_finished(vault, upload, record_id)
    return record_id is not None


def _say_finished(vault: Vault, upload: Upload, record_id: RecordId) -> Receipt:
    """Raises ``UploadEnded`` when it ended meanwhile, whatever its key stored otherwise."""
    with vault.catalogue.write() as tx:
        if not tx.uploads.finish(upload.id, record_id=record_id):
            require_unended(tx.uploads.get(upload.id))
    staging.delete_pieces(vault, upload.id)
    return _receipt(vault, record_id)


def _refuse(vault: Vault, upload: Upload, *, by: PersonId) -> None:
    """Ends it with its pieces; what is becoming a record all the same is left to that."""
    try:
        ended = uploads.end(vault, upload, UploadEnd.REFUSED, by=by)
    except UploadBusy:
        return
    if ended:
        staging.delete_pieces(vault, upload.id)


def _store(vault: Vault, actor: Actor, upload: Upload) -> RecordId:
    facts = uploads.open_facts(vault, upload)
    with vault.catalogue.read() as tx:
        pieces = tx.uploads.pieces(upload.id)
    filing = Filing(
        class_code=upload.class_code,
        customer_id=upload.customer_id,
        description=facts.description,
        file_name=facts.file_name,
        declared_size_bytes=upload.size_bytes,
        declared_sha256=facts.declared_sha256,
    )
    reserved = Reserved(
        upload_id=upload.id,
        record_id=upload.record_id,
        leaf=upload.leaf,
        idempotency_key_hash=upload.idempotency_key_hash,
    )
    with intake.begin(vault, actor, filing, reserved=reserved) as receiving:
        read_into = staging.reading(vault, upload, facts.key, pieces)
        return intake.receive_from(vault, receiving, read_into).record_id


def _stored_before(vault: Vault, upload: Upload) -> RecordId | None:
    """The record that this upload became, where whoever made it one did not come to say so."""
    with vault.catalogue.read() as tx:
        intent = tx.intents.by_idempotency_key(upload.idempotency_key_hash)
    if intent is None or intent.record_id != upload.record_id:
        return None
    if intent.state is not IntentState.COMMITTED:
        intent = recovery.settle(vault, intent)
    return intent.record_id if intent.state is IntentState.COMMITTED else None


def _is_final(refused: Refused) -> bool:
    """Whether asking again would be refused again."""
    return isinstance(refused, SourceChanged | IdempotencyMismatch) or not isinstance(refused, Conflict)


def _receipt(vault: Vault, record_id: RecordId) -> Receipt:
    with vault.catalogue.read() as tx:
        record, version = tx.records.get(record_id), tx.records.version(record_id, 1)
    if record is None or version is None:
        raise Conflict("the record of this upload is gone; look it up in the list")
    content = descriptions.open_content(
        vault, version.object.leaf, version.sealed_content, record_id=record_id, ordinal=1
    )
    return Receipt(
        record_id=record_id,
        number=record.number,
        ordinal=1,
        size_bytes=content.size_bytes,
        sha256=content.sha256,
        replayed=False,
    )
