"""Settles intents: what the store completed becomes a record version, what it did not is aborted (DESIGN 3, step 4).

Whoever holds an intent commits it; when that process is dead, or has given up, anybody may settle it, any number of
times: the outcome is decided under the intent's row lock, once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.destruction import require_living
from vault.errors import Conflict, NotFound, SealBroken
from vault.ids import ObjectId, ProcessId
from vault.objects import StoredObject
from vault.records import (
    DescriptionRevision,
    Intent,
    IntentState,
    Record,
    RecordState,
    SealedObject,
    Version,
)
from vault.shelves import Transaction
from vault.workflows import scopes
from vault.workflows.vault import Vault

SILENT_AFTER: Final = timedelta(seconds=60)
STRAY_INTENTS_BEFORE: Final = timedelta(days=1)


def commit(vault: Vault, intent: Intent, stored: StoredObject, *, recovered: bool) -> Record:
    """Turns a sealed intent, whose object is in the store, into a record version; gives the record.

    Raises ``Conflict`` when the record was corrected by somebody else meanwhile, or the intent was aborted.
    """
    with vault.catalogue.write() as tx:
        if not tx.intents.commit(intent.id):
            return _committed_before(tx, intent)
        if intent.customer_id is not None:
            customer = tx.customers.get(intent.customer_id, shared=True)
            if customer is not None:
                require_living(customer)
        event = Event.RECORD_RECEIVED if intent.ordinal == 1 else Event.RECORD_CORRECTED
        record = _new_record(vault, tx, intent) if intent.ordinal == 1 else _next_version(tx, intent)
        leaf = intent.object.leaf
        tx.records.add_version(
            Version(
                record_id=record.id,
                ordinal=intent.ordinal,
                object=intent.object,
                version_id=stored.version_id,
                lock=intent.lock,
                sealed_content=intent.sealed_content,
                created_at=intent.created_at,
                created_by=intent.person_id,
            )
        )
        tx.records.add_description(
            DescriptionRevision(
                record_id=record.id,
                revision=intent.revision,
                ordinal=intent.ordinal,
                leaf=leaf,
                sealed=intent.sealed_description,
                created_at=intent.created_at,
                created_by=intent.person_id,
            )
        )
        scopes.hold_what_matches(vault, tx, record)
        detail: Detail = {
            "ordinal": intent.ordinal,
            "class": record.class_code,
            "size_bytes": intent.object.size_bytes,
            "sealed_sha256": intent.object.sealed_sha256.hex(),
            "object": intent.object.object_id,
            "version": stored.version_id,
            "recovered": recovered,
        }
        tx.audit.append(vault.entry(intent.person_id, event, record.id, detail))
    return record


def abort(vault: Vault, intent: Intent, *, reason: str) -> None:
    """Settles an intent as never having become anything. Doing it again does nothing."""
    with vault.catalogue.write() as tx:
        current = tx.intents.get(intent.id, for_update=True)
        if current is None or current.state in (IntentState.COMMITTED, IntentState.ABORTED):
            return
        tx.intents.settle(intent.id, IntentState.ABORTED)
        tx.audit.append(vault.entry(intent.person_id, Event.INTENT_ABORTED, intent.id, {"reason": reason}))


def find_stored(vault: Vault, intent: Intent) -> StoredObject | None:
    """The object of an intent, if the store has it whole; None when there is none.

    Raises ``SealBroken`` when there is one with other bytes: keys are random and written once, so that is damage.
    """
    facts = vault.store.head(intent.object.key)
    if facts is None:
        return None
    if facts.size_bytes != intent.object.sealed_size_bytes:
        raise SealBroken(f"object {intent.object.object_id} has another size than was sealed; run the doctor")
    with vault.store.read(facts.key, facts.version_id) as chunks:
        if sealed_digest(chunks, intent.object) != intent.object.sealed_sha256:
            raise SealBroken(f"object {intent.object.object_id} has other bytes than were sealed; run the doctor")
    return StoredObject(key=facts.key, version_id=facts.version_id, etag=facts.etag)


def sealed_digest(chunks: Iterator[bytes], sealed_object: SealedObject) -> bytes:
    """The ciphertext digest of an object's bytes as they come, whole or composite (``vault.objects`` rule 2)."""
    if sealed_object.part_count == 0:
        whole = hashlib.sha256()
        for chunk in chunks:
            whole.update(chunk)
        return whole.digest()
    parts, last = hashlib.sha256(), sealed_object.part_count
    part, number, left = hashlib.sha256(), 1, sealed_object.header_length + sealed_object.part_size_bytes
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            # The last part takes whatever is left: one that is full is longer than the others, by its final frame.
            taken = rest if number == last else rest[:left]
            part.update(taken)
            left -= len(taken)
            rest = rest[len(taken) :]
            if left == 0 and number < last:
                parts.update(part.digest())
                part, number, left = hashlib.sha256(), number + 1, sealed_object.part_size_bytes
    parts.update(part.digest())
    return parts.digest()


def settle(vault: Vault, intent: Intent) -> Intent:
    """Settles an intent if nobody works on it any more; gives it as it then is.

    Raises ``StoreUnavailable``, ``CatalogueUnavailable``; then it stays for the next time.
    """
    if intent.state in (IntentState.COMMITTED, IntentState.ABORTED) or not is_orphan(vault, intent):
        return intent
    # Once the upload is aborted, a completion that is still on its way cannot succeed; so abort first, look then.
    if intent.upload_id:
        vault.store.abort_upload(intent.object.key, intent.upload_id)
    for pending in list(vault.store.pending_uploads(intent.object.key)):
        vault.store.abort_upload(pending.key, pending.upload_id)
    stored = find_stored(vault, intent) if intent.state is IntentState.SEALED else None
    if stored is None:
        abort(vault, intent, reason="recovery")
    else:
        try:
            commit(vault, intent, stored, recovered=True)
        except Conflict:
            abort(vault, intent, reason="overtaken")
    with vault.catalogue.read() as tx:
        settled = tx.intents.get(intent.id)
    if settled is None:
        raise NotFound("the upload's announcement is gone; send the file again")
    return settled


def abort_strays(vault: Vault) -> int:
    """Aborts multipart uploads that are left of settled intents; gives how many.

    A start whose answer was lost, or that a busy server answered with "not now" after all it did, was asked for again:
    then the key has two uploads, and only the one that was answered is ever completed. Uploads of keys that no intent
    of this catalogue has settled are left alone: they may be under way, or another's.
    """
    pending = list(vault.store.pending_uploads())
    if not pending:
        return 0
    strays = []
    with vault.catalogue.read() as tx:
        oldest = min(upload.started_at for upload in pending) - STRAY_INTENTS_BEFORE
        given_up = {key for _, key in tx.intents.aborted_keys(since=oldest)}
        for upload in pending:
            object_id = ObjectId(upload.key.rpartition("/")[2])
            if upload.key in given_up or tx.records.version_of_object(object_id) is not None:
                strays.append(upload)
    for upload in strays:
        vault.store.abort_upload(upload.key, upload.upload_id)
    return len(strays)


def is_orphan(vault: Vault, intent: Intent) -> bool:
    """Whether nobody works on an intent: its process gave it up, is dead, or has been silent for a minute."""
    if intent.process_id == vault.process_id:
        return intent.id not in vault.underway
    return not is_alive(vault, intent.process_id)


def is_alive(vault: Vault, process_id: ProcessId) -> bool:
    """Whether a process is there, as far as its last sign of life and the machine tell."""
    with vault.catalogue.read() as tx:
        for known, description, seen_at in tx.processes.all():
            if known == process_id:
                return not vault.is_gone(description) and vault.now() - seen_at < SILENT_AFTER
    return False


def _committed_before(tx: Transaction, intent: Intent) -> Record:
    """The record that an intent became already. Raises ``Conflict`` when it became none."""
    current = tx.intents.get(intent.id)
    if current is None:
        raise Conflict("the upload's announcement is gone; send the file again")
    if current.state is not IntentState.COMMITTED:
        raise Conflict("the upload was given up meanwhile; send the file again")
    record = tx.records.get(current.record_id)
    if record is None:
        raise Conflict("what this upload stored is gone")
    return record


def _new_record(vault: Vault, tx: Transaction, intent: Intent) -> Record:
    number, change = tx.records.next_number_and_change(intent.fonds_id, intent.created_at.year)
    record = Record(
        id=intent.record_id,
        fonds_id=intent.fonds_id,
        number=number,
        class_code=intent.class_code,
        customer_id=intent.customer_id,
        state=RecordState.RECEIVED,
        received_at=intent.created_at,
        received_by=intent.person_id,
        filed_at=None,
        filed_by=None,
        trigger_on=None,
        due_on=None,
        current_ordinal=intent.ordinal,
        current_revision=intent.revision,
        change=change,
    )
    tx.records.add(record)
    return record


def _next_version(tx: Transaction, intent: Intent) -> Record:
    record = tx.records.get(intent.record_id, for_update=True)
    if record is None or record.state not in (RecordState.RECEIVED, RecordState.FILED):
        raise Conflict("the record can no longer be corrected")
    if (record.current_ordinal, record.current_revision) != (intent.ordinal - 1, intent.revision - 1):
        raise Conflict(f"record {record.number} was corrected by somebody else meanwhile; look at it and correct again")
    corrected = replace(
        record,
        current_ordinal=intent.ordinal,
        current_revision=intent.revision,
        change=tx.records.next_change(),
    )
    tx.records.update(corrected)
    return corrected
