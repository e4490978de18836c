"""Resumable uploads: begun, added to piece by piece, given up. ``finishing`` makes them records.

Rule 1: who may file this, and may file it now, is asked when it begins, at each request that adds to it, and when it
becomes a record.
Rule 2: what counts is durable: the piece is in the store before the catalogue counts it.
Rule 3: a person has a bounded number of uploads open, of a bounded size together.
Rule 4: what is becoming a record is not ended: either the record's intent is there first, or the end is.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from vault.audit import Detail, Event
from vault.errors import AlreadyExists, Conflict, IdempotencyMismatch, SealBroken, TooManyOpen, UploadBusy
from vault.fonds import HOUSE_OWNER
from vault.ids import PersonId, RecordId, UploadId, could_be_key
from vault.permissions import Action, Actor
from vault.ports import Buffer
from vault.records import checked_file_name
from vault.seal.keytree import LeafAddress
from vault.seal.secrets import Secret
from vault.shelves import Transaction
from vault.uploads import (
    Piece,
    Upload,
    UploadEnd,
    UploadFacts,
    UploadState,
    require_next,
    require_open,
    require_own,
)
from vault.workflows import allocation, descriptions, staging
from vault.workflows.intake import Filing, key_hash, require_fileable
from vault.workflows.vault import Vault

KEPT: Final = timedelta(days=7)
"""How long an upload waits for its next piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUpload:
    """An upload with what is sealed of it."""

    upload: Upload
    facts: UploadFacts


def begin(
    vault: Vault, actor: Actor, filing: Filing, *, told: str = "", idempotency_key: str | None = None
) -> tuple[Upload, bool]:
    """Begins an upload of ``filing.declared_size_bytes``; gives it, and whether it had begun under this key before.

    ``told`` is what its sender said of it, word for word, to be given back. Raises as ``intake.begin``;
    ``TooManyOpen``, ``IdempotencyMismatch``.
    """
    _, file_name = require_fileable(vault, actor, filing)
    size_bytes = filing.declared_size_bytes
    if size_bytes is None:
        raise ValueError("a resumable upload says how long it will be")
    upload_id = UploadId(vault.new_id())
    hashed = key_hash(vault, actor.person_id, idempotency_key or f"upload {upload_id}")
    if hashed is None:
        raise ValueError("no key was made")
    if idempotency_key is not None:
        earlier = _earlier(vault, hashed)
        if earlier is not None:
            return _replayed(vault, earlier, filing, told), True
    facts = UploadFacts(
        key=Secret.generate(vault.randomness.token_bytes),
        file_name=file_name,
        description=filing.description,
        declared_sha256=filing.declared_sha256,
        told=told,
    )
    try:
        begun = _try_begin(vault, actor, upload_id, filing, size_bytes, hashed, facts)
        if begun is None:
            allocation.with_block(vault)
            begun = _try_begin(vault, actor, upload_id, filing, size_bytes, hashed, facts)
        if begun is None:
            raise Conflict("every address of the reserved block was taken meanwhile; try again")
    except AlreadyExists:
        earlier = _earlier(vault, hashed)
        if earlier is None:
            raise
        return _replayed(vault, earlier, filing, told), True
    return begun, False


def find(vault: Vault, actor: Actor, upload_id: str) -> Upload:
    """Somebody's own upload, whatever became of it. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.ADD_RECORD)
    with vault.catalogue.read() as tx:
        found = tx.uploads.get(UploadId(upload_id)) if could_be_key(upload_id) else None
    return require_own(found, actor.person_id)


def list_open(vault: Vault, actor: Actor) -> Sequence[Upload]:
    """What somebody has under way, oldest first. Raises ``NotAllowed``."""
    actor.require(Action.ADD_RECORD)
    with vault.catalogue.read() as tx:
        found = tx.uploads.open_of(actor.person_id)
    return [upload for upload in found if upload.expires_at > vault.now()]


def find_open(vault: Vault, actor: Actor, upload_id: str) -> OpenUpload:
    """Somebody's own upload that takes more. Raises ``NotAllowed``, ``NotFound``, ``UploadEnded``, ``KeyDestroyed``."""
    upload = require_open(find(vault, actor, upload_id), vault.now())
    actor.require(Action.ADD_RECORD, upload.class_code)
    return OpenUpload(upload=upload, facts=open_facts(vault, upload))


def stage(vault: Vault, opened: OpenUpload, start_bytes: int, plaintext: Buffer) -> Piece:
    """Puts a piece of at most a part into the store; it counts once ``count_pieces`` says so."""
    return staging.put_piece(vault, opened.upload, opened.facts.key, start_bytes, plaintext)


def count_pieces(vault: Vault, pieces: Sequence[Piece]) -> bool:
    """Counts pieces that follow each other; from here on they are the vault's. False where another request was first,
    or the upload ended: then they are deleted again."""
    with vault.catalogue.write() as tx:
        counted = tx.uploads.advance(pieces, expires_at=vault.now() + KEPT)
    if not counted:
        staging.forget_pieces(vault, pieces[0].upload_id, pieces)
    return counted


def terminate(vault: Vault, actor: Actor, upload_id: str) -> None:
    """Gives an upload up: its key and its pieces go.

    Raises ``NotAllowed``, ``NotFound``, ``UploadEnded``, ``UploadBusy`` while it is becoming a record.
    """
    upload = require_open(find(vault, actor, upload_id), vault.now())
    if not end(vault, upload, UploadEnd.TERMINATED, by=actor.person_id):
        require_open(find(vault, actor, upload_id), vault.now())
    staging.delete_pieces(vault, upload.id)


def end(vault: Vault, upload: Upload, why: UploadEnd, *, by: PersonId) -> bool:
    """Ends an open upload without a record; False when it is not open any more.

    Raises ``UploadBusy`` while it is becoming a record, or is one already and nobody came to say so.
    """
    with vault.catalogue.write() as tx:
        current = tx.uploads.get(upload.id, for_update=True)
        if current is None or current.state is not UploadState.OPEN:
            return False
        intent = tx.intents.by_idempotency_key(upload.idempotency_key_hash)
        if intent is not None and intent.record_id == upload.record_id:
            raise UploadBusy("this upload is becoming a record; ask in a moment what came of it")
        tx.uploads.end(upload.id, why)
        tx.audit.append(vault.entry(by, Event.UPLOAD_ENDED, upload.id, {"reason": why.value}))
    return True


def require_start(upload: Upload, start_bytes: int, size_bytes: int | None) -> None:
    """See ``vault.uploads.require_next``."""
    require_next(upload, start_bytes, size_bytes)


def open_facts(vault: Vault, upload: Upload) -> UploadFacts:
    """What is sealed of an open upload. Raises ``SealBroken``, ``KeyDestroyed``."""
    values = descriptions.unseal(vault, upload.leaf, upload.sealed, subject=upload.id, field_set="upload", revision=1)
    try:
        declared = values["sha256"]
        return UploadFacts(
            key=Secret(bytes.fromhex(values["key"])),
            file_name=values["file_name"],
            description=descriptions.description_of(values["description"]),
            declared_sha256=bytes.fromhex(declared) if declared is not None else None,
            told=values["told"],
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise SealBroken("a sealed upload has another shape than an upload") from exc


def _seal_facts(vault: Vault, leaf: LeafAddress, upload_id: UploadId, facts: UploadFacts) -> bytes:
    values: dict[str, Any] = {
        "key": facts.key.expose().hex(),
        "file_name": facts.file_name,
        "description": descriptions.description_values(facts.description),
        "sha256": facts.declared_sha256.hex() if facts.declared_sha256 is not None else None,
        "told": facts.told,
    }
    return descriptions.seal(vault, leaf, values, subject=upload_id, field_set="upload", revision=1)


def _try_begin(
    vault: Vault,
    actor: Actor,
    upload_id: UploadId,
    filing: Filing,
    size_bytes: int,
    hashed: bytes,
    facts: UploadFacts,
) -> Upload | None:
    with vault.catalogue.write() as tx:
        _require_room(vault, tx, actor, size_bytes)
        leaf = allocation.issue_leaf(vault, tx, filing.customer_id or HOUSE_OWNER)
        if leaf is None:
            return None
        now = vault.now()
        upload = Upload(
            id=upload_id,
            fonds_id=vault.fonds.id,
            person_id=actor.person_id,
            state=UploadState.OPEN,
            class_code=filing.class_code,
            customer_id=filing.customer_id,
            leaf=leaf,
            record_id=RecordId(vault.new_id()),
            size_bytes=size_bytes,
            offset_bytes=0,
            idempotency_key_hash=hashed,
            sealed=_seal_facts(vault, leaf, upload_id, facts),
            created_at=now,
            expires_at=now + KEPT,
        )
        tx.uploads.add(upload)
        detail: Detail = {"class": upload.class_code, "size_bytes": size_bytes}
        tx.audit.append(vault.entry(actor.person_id, Event.UPLOAD_BEGUN, upload.id, detail))
    return upload


def _require_room(vault: Vault, tx: Transaction, actor: Actor, size_bytes: int) -> None:
    tx.people.get(actor.person_id, for_update=True)  # of two at once the second counts the first
    count, announced = tx.uploads.of_person(actor.person_id)
    limits = vault.limits
    if count >= limits.open_uploads_max or announced + size_bytes > limits.open_upload_bytes_max:
        raise TooManyOpen(
            f"you have {count} uploads under way, of {announced} bytes; finish or end one of them first",
            retry_after_s=30,
        )


def _earlier(vault: Vault, hashed: bytes) -> Upload | None:
    """The upload of a key. Raises ``IdempotencyMismatch`` for a key that stored a record in another way."""
    with vault.catalogue.read() as tx:
        upload = tx.uploads.by_idempotency_key(hashed)
        stored = tx.intents.by_idempotency_key(hashed) if upload is None else None
    if stored is not None:
        raise IdempotencyMismatch("this idempotency key stored a file in one piece before; use a new key")
    return upload


def _replayed(vault: Vault, upload: Upload, filing: Filing, told: str) -> Upload:
    same = (upload.class_code, upload.customer_id, upload.size_bytes) == (
        filing.class_code,
        filing.customer_id,
        filing.declared_size_bytes,
    )
    if same and upload.state is UploadState.OPEN:
        same = open_facts(vault, upload).told == told
    elif same:
        same = _became(vault, upload, filing)
    if not same:
        raise IdempotencyMismatch(
            "this idempotency key was used before, for other bytes or another description; use a new key"
        )
    return upload


def _became(vault: Vault, upload: Upload, filing: Filing) -> bool:
    """Whether the record of a finished upload is what is said of this one; its digest, where one is announced."""
    with vault.catalogue.read() as tx:
        version, revision = tx.records.version(upload.record_id, 1), tx.records.description(upload.record_id, 1)
    if version is None or revision is None:
        return False
    content = descriptions.open_content(
        vault, version.object.leaf, version.sealed_content, record_id=upload.record_id, ordinal=1
    )
    said = descriptions.open_description(vault, revision.leaf, revision.sealed, record_id=upload.record_id, revision=1)
    digest_fits = filing.declared_sha256 is None or hmac.compare_digest(filing.declared_sha256, content.sha256)
    return digest_fits and (said, content.file_name) == (filing.description, checked_file_name(filing.file_name))
