"""Objects that no register names: each carries its own sealed intake facts; its digests are made again by reading."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from storage.backup.memory import Memory, Recollected, lock_of, naming_damage, retire_leaf
from storage.layout import RECORDS_PREFIX, object_id_of
from vault.errors import ObjectMissing, SealBroken
from vault.fonds import Fonds
from vault.ids import CustomerId, IntentId, ObjectId, PersonId, ProcessId, RecordId, new_id
from vault.objects import ObjectFacts
from vault.records import (
    Description,
    DescriptionRevision,
    Intent,
    IntentState,
    Record,
    RecordState,
    SealedObject,
    Version,
)
from vault.seal import labels
from vault.seal.envelope import FRAME_LENGTH, object_context, open_header, open_stream, parse_header, take_header
from vault.seal.keytree import LeafAddress
from vault.seal.sizes import FINAL_OVERHEAD, FRAME_OVERHEAD
from vault.shelves import Transaction
from vault.workflows.descriptions import description_of, description_values
from vault.workflows.digests import SealedDigest
from vault.workflows.reception import INTAKE_BESIDE, INTAKE_METADATA
from vault.workflows.vault import Limits

HEADER_BYTES: Final = 4096
PART_SIZE_BYTES: Final = Limits().part_size_bytes
RECOLLECTED: Final = "recollected"
"""Stands for the process of an upload that only the store remembers."""

SEALED_PART_BYTES: Final = PART_SIZE_BYTES // FRAME_LENGTH * (FRAME_LENGTH + FRAME_OVERHEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObject:
    """An object with its sealed intake facts, opened."""

    facts: ObjectFacts
    object_id: ObjectId
    leaf: LeafAddress
    header_length: int
    intake: dict[str, Any]


def find_objects(tx: Transaction, fonds: Fonds, memory: Memory, told: Recollected) -> Sequence[FoundObject]:
    """Every object of which the catalogue has no version, in the order of coming; those that are dead are counted."""
    found: list[FoundObject] = []
    for listed in memory.store.versions(RECORDS_PREFIX):
        object_id = object_id_of(listed.key)
        if object_id is None or not listed.is_latest or listed.is_delete_marker:
            continue
        if tx.records.version_of_object(ObjectId(object_id)) is None:
            with naming_damage(told, listed.key):
                told.unnamed_objects += 1
                found.append(_find(memory, fonds, listed.key, ObjectId(object_id)))
                told.unnamed_objects -= 1
    return sorted(found, key=lambda one: (one.intake["received_at"], one.intake["ordinal"]))


def take_objects(
    tx: Transaction,
    fonds: Fonds,
    memory: Memory,
    told: Recollected,
    found: Sequence[FoundObject],
    numbers: dict[str, str],
) -> None:
    """Records and corrections from their objects; ``numbers`` are those that the outbox sent, by record."""
    for each in found:
        with naming_damage(told, each.facts.key):
            _take_object(tx, fonds, memory, told, each, numbers)


def _find(memory: Memory, fonds: Fonds, key: str, object_id: ObjectId) -> FoundObject:
    facts = memory.store.head(key)
    if facts is None:
        raise ObjectMissing(f"{key} went away; begin again")
    with memory.store.read(key, facts.version_id, length=min(HEADER_BYTES, facts.size_bytes)) as chunks:
        header = parse_header(b"".join(chunks))
    if header.context.get(labels.CONTEXT_VAULT) != fonds.vault_id:
        raise SealBroken(f"{key} is another vault's; look who put it there")
    leaf = LeafAddress.parse(header.context[labels.CONTEXT_LEAF])
    text = facts.metadata[INTAKE_METADATA]
    if text == INTAKE_BESIDE:
        beside = memory.layout.meta(object_id, "intake")
        there = memory.store.head(beside)
        if there is None:
            raise ObjectMissing(f"{beside} is not in the store; put it back from a backup")
        with memory.store.read(beside, there.version_id) as chunks:
            sealed = b"".join(chunks)
    else:
        try:
            sealed = base64.b64decode(text, validate=True)
        except binascii.Error as exc:
            raise SealBroken(f"the intake facts of {key} are damaged; put it back from a backup") from exc
    intake = memory.open(leaf, sealed, subject=object_id, field_set="intake", revision=1)
    return FoundObject(facts=facts, object_id=object_id, leaf=leaf, header_length=header.length, intake=intake)


def _take_object(
    tx: Transaction,
    fonds: Fonds,
    memory: Memory,
    told: Recollected,
    found: FoundObject,
    numbers: dict[str, str],
) -> None:
    said = found.intake
    record_id, ordinal, revision = RecordId(said["record"]), int(said["ordinal"]), int(said["revision"])
    received_at, received_by = datetime.fromisoformat(said["received_at"]), PersonId(said["received_by"])
    record = tx.records.get(record_id, for_update=True)
    fresh = record is None and ordinal == 1
    if not fresh and (
        record is None or (record.current_ordinal, record.current_revision) != (ordinal - 1, revision - 1)
    ):
        if record is not None:
            _give_up(tx, memory, record, found)
        return  # Overtaken by another correction, or given up: never acknowledged.
    sealed, sha256 = _read_again(memory, fonds, found)
    if record is None:
        number = numbers.get(record_id)
        if number is None:
            number = tx.records.next_number(fonds.id, received_at.year)
            told.renumbered.append(number)
        customer_id = CustomerId(said["customer"]) if said["customer"] else None
        if customer_id is not None and tx.customers.get(customer_id) is None:
            raise SealBroken(f"customer {customer_id} of {found.facts.key} is not known")
        record = Record(
            id=record_id,
            fonds_id=fonds.id,
            number=number,
            class_code=said["class"],
            customer_id=customer_id,
            state=RecordState.RECEIVED,
            received_at=received_at,
            received_by=received_by,
            filed_at=None,
            filed_by=None,
            trigger_on=None,
            due_on=None,
            current_ordinal=1,
            current_revision=revision,
            change=tx.records.next_change(),
        )
        tx.records.add(record)
    else:
        record = replace(record, current_ordinal=ordinal, current_revision=revision, change=tx.records.next_change())
    retire_leaf(tx, record, found.leaf)
    tx.records.add_version(
        Version(
            record_id=record_id,
            ordinal=ordinal,
            object=sealed,
            version_id=found.facts.version_id,
            lock=lock_of(found.facts, memory.now),
            sealed_content=_content(memory, found, sealed, sha256, record_id, ordinal),
            created_at=received_at,
            created_by=received_by,
            legal_hold=found.facts.legal_hold,
        )
    )
    description: Description = description_of(said["description"])
    tx.records.add_description(
        DescriptionRevision(
            record_id=record_id,
            revision=revision,
            ordinal=ordinal,
            leaf=found.leaf,
            sealed=memory.seal(
                found.leaf,
                description_values(description),
                subject=record_id,
                field_set="description",
                revision=revision,
            ),
            created_at=received_at,
            created_by=received_by,
        )
    )
    if not fresh:
        tx.records.update(record)
    told.from_objects += 1
    told.touched.add(record_id)
    told.newest_change = max(told.newest_change, record.change)


def _give_up(tx: Transaction, memory: Memory, record: Record, found: FoundObject) -> None:
    """Keeps bytes that no version has as an upload that was given up, so that their leaf dies with the record."""
    if any(object_id == found.object_id for object_id, _ in tx.batches.objects_of(record.id)):
        return
    said = found.intake
    retire_leaf(tx, record, found.leaf)
    tx.intents.add(
        Intent(
            id=IntentId(new_id(memory.randomness)),
            state=IntentState.ABORTED,
            fonds_id=record.fonds_id,
            record_id=record.id,
            ordinal=int(said["ordinal"]),
            revision=int(said["revision"]),
            class_code=record.class_code,
            customer_id=record.customer_id,
            person_id=PersonId(said["received_by"]),
            process_id=ProcessId(RECOLLECTED),
            idempotency_key_hash=None,
            object=_shape(found),
            lock=lock_of(found.facts, memory.now),
            sealed_content=b"",
            sealed_description=b"",
            upload_id="",
            created_at=datetime.fromisoformat(said["received_at"]),
        )
    )


def _content(
    memory: Memory, found: FoundObject, sealed: SealedObject, sha256: bytes, record_id: RecordId, ordinal: int
) -> bytes:
    content = {
        "file_name": found.intake["file_name"],
        "media_type": found.intake["media_type"],
        "size_bytes": sealed.size_bytes,
        "sha256": sha256.hex(),
    }
    return memory.seal(found.leaf, content, subject=record_id, field_set="content", revision=ordinal)


def _read_again(memory: Memory, fonds: Fonds, found: FoundObject) -> tuple[SealedObject, bytes]:
    """An object's sizes and digests, made again by reading all of it; the plaintext's digest."""
    sealed = _shape(found)
    context = object_context(vault_id=fonds.vault_id, leaf=found.leaf, object_id=found.object_id)
    ciphertext, plaintext = SealedDigest(sealed), hashlib.sha256()
    with memory.store.read(found.facts.key, found.facts.version_id) as chunks:
        header, frames = take_header(_digested(chunks, ciphertext), found.header_length)
        opener = open_header(header, memory.keys.leaf_keys(found.leaf).kek, context)
        for block in open_stream(frames, opener, sealed.size_bytes):
            plaintext.update(block)
    return replace(sealed, sealed_sha256=ciphertext.digest()), plaintext.digest()


def _shape(found: FoundObject) -> SealedObject:
    """An object's sizes, from its length; its digest is still to be made. Raises ``SealBroken``."""
    full, rest = divmod(found.facts.size_bytes - found.header_length - FINAL_OVERHEAD, FRAME_LENGTH + FRAME_OVERHEAD)
    if full < 0 or rest >= FRAME_LENGTH:
        raise SealBroken(f"{found.facts.key} has a length that no sealed file has; put it back from a backup")
    size_bytes = full * FRAME_LENGTH + rest
    return SealedObject(
        object_id=found.object_id,
        key=found.facts.key,
        leaf=found.leaf,
        size_bytes=size_bytes,
        sealed_size_bytes=found.facts.size_bytes,
        sealed_sha256=bytes(32),
        part_count=_part_count(size_bytes),
        part_size_bytes=SEALED_PART_BYTES,
        header_length=found.header_length,
        frame_length=FRAME_LENGTH,
    )


def _part_count(size_bytes: int) -> int:
    """As reception parts a file: one that fits into a part goes whole."""
    return 0 if size_bytes < PART_SIZE_BYTES else size_bytes // PART_SIZE_BYTES + 1


def _digested(chunks: Iterator[bytes], digest: SealedDigest) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
