"""The reception of one version's bytes: from part buffers to an object in the store and a row in the catalogue.

A file that fits into one part is one PutObject; anything longer is a multipart upload whose parts are sealed and sent
in the vault's pool, several at once, while the plaintext's digest follows in order behind them.

The writes, by name (faults are injected at each of them):
    small: intent-sealed -> object-put -> committed
    large: intent-opened -> upload-started -> part-put ... -> intent-sealed -> upload-completed -> committed
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from threading import Lock as Mutex
from threading import local
from typing import Final

from vault.destruction import require_living
from vault.errors import AlreadyExists, Conflict, ObjectMissing, SourceChanged, StoreUnavailable, Unavailable
from vault.fonds import HOUSE_OWNER
from vault.ids import CustomerId, IntentId, ObjectId, PersonId, RecordId, UploadId
from vault.objects import LockMode, Part, StoredObject
from vault.ports import Buffer
from vault.records import ContentFacts, Description, Intent, IntentState, Record, SealedObject, require_correctable
from vault.seal.envelope import FRAME_LENGTH, Sealer, object_context
from vault.seal.keytree import LeafAddress
from vault.seal.sizes import FRAME_OVERHEAD
from vault.uploads import require_unended
from vault.workflows import allocation, descriptions, recovery
from vault.workflows.locks import receipt_lock
from vault.workflows.vault import Vault

INTAKE_METADATA: Final = "strongroom-intake"
INTAKE_BESIDE: Final = "beside"
_METADATA_MAX_CHARACTERS: Final = 1700  # S3 allows 2 KB of user metadata, names included.
_SETTLING_TRIES: Final = 3

_Write = Callable[[], StoredObject]

_scratch = local()


def _scratch_buffer(size: int) -> bytearray:
    """This thread's ciphertext buffer: one a pool thread, reused, so that memory follows threads and not uploads."""
    buffer: bytearray | None = getattr(_scratch, "buffer", None)
    if buffer is None or len(buffer) < size:
        buffer = _scratch.buffer = bytearray(size)
    return buffer


@dataclass(frozen=True, slots=True, kw_only=True)
class _LargeUpload:
    intent: Intent
    sealer: Sealer
    upload_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Announced:
    intent: Intent
    sealer: Sealer
    sealed: bytearray


class _InOrder:
    """Feeds parts to ``consume`` in the order of their numbers, whichever thread brings them; nobody waits.

    A part that comes early stays here, and its buffer with it, until the thread that closes the gap takes it along. Its
    future is done when it is consumed, or fails when an earlier part failed.
    """

    def __init__(self, consume: Callable[[Buffer], None]) -> None:
        self._consume = consume
        self._waiting: dict[int, tuple[Buffer, Future[None]]] = {}
        self._next = 1
        self._busy = False
        self._failure: BaseException | None = None
        self._mutex = Mutex()

    def put(self, number: int, part: Buffer, done: Future[None]) -> None:
        """Consumes the part now, or leaves it to whoever closes the gap before it."""
        with self._mutex:
            failure = self._failure
            if failure is None:
                self._waiting[number] = (part, done)
        if failure is not None:
            done.set_exception(failure)
        else:
            self._drain()

    def fail(self, failure: BaseException) -> None:
        """Says that some part will never come."""
        with self._mutex:
            self._failure = self._failure or failure
            waiting, self._waiting = self._waiting, {}
        for _, done in waiting.values():
            done.set_exception(failure)

    def _drain(self) -> None:
        while True:
            with self._mutex:
                if self._busy or self._next not in self._waiting:
                    return
                self._busy = True
                part, done = self._waiting.pop(self._next)
            self._consume(part)
            with self._mutex:
                self._busy = False
                self._next += 1
            done.set_result(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What will be stored, before its bytes are known.

    ``upload_id`` is the upload that it was staged as, where it was, and ``leaf`` what was issued for it then.
    """

    record_id: RecordId
    ordinal: int
    revision: int
    class_code: str
    lock_mode: LockMode
    customer_id: CustomerId | None
    description: Description
    file_name: str
    person_id: PersonId
    idempotency_key_hash: bytes | None
    leaf: LeafAddress | None = None
    upload_id: UploadId | None = None

    @property
    def owner(self) -> str:
        """Whose extents the version's leaf is taken from."""
        return self.customer_id or HOUSE_OWNER


class Reception:
    """Receives one version's bytes. ``hash_only`` only digests them, to compare with what was stored before."""

    def __init__(self, vault: Vault, announcement: Announcement, *, hash_only: bool) -> None:
        self._vault = vault
        self._announcement = announcement
        self._hash_only = hash_only
        self._digest = hashlib.sha256()
        self._digest_order = _InOrder(self._digest.update)
        self._accepted = 0
        self._ended = False
        self._size_bytes = 0
        self._whole: Buffer | None = None
        self._media_type = ""
        self._large: Future[_LargeUpload] | None = None
        self._completing = False
        self._parts: dict[int, Part] = {}
        self._underway: list[Future[None]] = []
        self._mutex = Mutex()

    def accept(self, part: Buffer, *, final: bool) -> Future[None]:
        """Schedules one part; see ``Receiving.accept``."""
        size = len(memoryview(part))
        if self._ended or (not final and size != self._vault.limits.part_size_bytes):
            raise ValueError("parts have one size, and the final one is the last")
        self._accepted += 1
        self._ended = final
        self._size_bytes += size
        number = self._accepted
        if number == 1:
            head = bytes(memoryview(part)[:8192])
            self._media_type = self._vault.media_type_of(head, self._announcement.file_name)
        done: Future[None] = Future()
        if self._hash_only:
            self._vault.pool.submit(self._digest_order.put, number, part, done)
        elif number == 1 and final:
            self._whole = part
            done.set_result(None)
        else:
            self._large = self._large or Future()
            self._vault.pool.submit(self._take_part, number, part, final, done)
            self._underway = [each for each in self._underway if not each.done()] + [done]
        return done

    def sha256(self) -> bytes:
        """The plaintext's digest, once every part's future is done."""
        if not self._ended:
            raise SourceChanged("the upload ended before its last part; nothing was stored; send it again")
        if self._whole is not None:
            return hashlib.sha256(self._whole).digest()
        return self._digest.digest()

    def finish(self, sha256: bytes, *, declared: bool = False) -> tuple[Record, ContentFacts]:
        """Makes it a record version; ``declared`` says that its sender named that digest. Raises as
        ``Receiving.finish``."""
        content = ContentFacts(
            file_name=self._announcement.file_name,
            media_type=self._media_type,
            size_bytes=self._size_bytes,
            sha256=sha256,
            declared=declared,
        )
        if self._large is None:
            return self._store_whole(content), content
        return self._complete(self._large.result(), content), content

    def abandon(self) -> None:
        """Aborts an upload that was begun and never finished; what cannot be reached now is upkeep's to settle.

        Parts that are under way are awaited first: what they begin is given up too. One that was being completed is
        upkeep's too, or that of the next try under its idempotency key: the store may have it whole, and then it
        becomes a record.
        """
        large = self._large
        wait(self._underway)
        if large is None or not large.done() or large.exception() is not None or self._completing:
            return
        intent = large.result().intent
        try:
            self._vault.store.abort_upload(intent.object.key, large.result().upload_id)
            recovery.abort(self._vault, intent, reason="abandoned")
        except Unavailable:
            return  # The intent stays; recovery finds it by query and aborts it.
        finally:
            self._vault.underway.discard(intent.id)

    # ---- small files -------------------------------------------------------------------------------------------------

    def _store_whole(self, content: ContentFacts) -> Record:
        vault, plaintext = self._vault, self._whole
        if plaintext is None:
            raise ValueError("nothing was accepted")
        announced = self._announce(IntentState.SEALED, content, plaintext)
        intent, sealed = announced.intent, announced.sealed
        try:
            metadata = self._intake_metadata(intent)
            stored = self._settled(
                intent,
                lambda: vault.store.put(
                    intent.object.key,
                    sealed,
                    sha256=intent.object.sealed_sha256,
                    metadata=metadata,
                    lock=intent.lock,
                ),
            )
            return recovery.commit(vault, intent, stored, recovered=False)
        finally:
            vault.underway.discard(intent.id)

    # ---- large files -------------------------------------------------------------------------------------------------

    def _take_part(self, number: int, part: Buffer, final: bool, done: Future[None]) -> None:
        try:
            self._send_part(number, part, final)
        except BaseException as exc:  # noqa: BLE001 - whatever it is, it reaches the caller through the future
            self._digest_order.fail(exc)
            done.set_exception(exc)
        else:
            self._digest_order.put(number, part, done)

    def _send_part(self, number: int, part: Buffer, final: bool) -> None:
        vault = self._vault
        large = self._opened(number)
        sealer, intent = large.sealer, large.intent
        start = sealer.header_length if number == 1 else 0
        length = start + sealer.sealed_length(len(memoryview(part)), final=final)
        sealed = memoryview(_scratch_buffer(length))[:length]
        if number == 1:
            sealed[:start] = sealer.header
        frames_before = (number - 1) * (vault.limits.part_size_bytes // FRAME_LENGTH)
        sealer.seal_frames(frames_before + 1, part, sealed, start, final=final)
        sha256 = hashlib.sha256(sealed).digest()
        confirmed = vault.store.put_part(intent.object.key, large.upload_id, number, sealed, sha256=sha256)
        with self._mutex:
            self._parts[number] = confirmed

    def _opened(self, number: int) -> _LargeUpload:
        opening = self._large
        if opening is None:
            raise ValueError("no upload was begun")
        if number == 1:
            try:
                opening.set_result(self._open_large())
            except BaseException as exc:
                opening.set_exception(exc)
                raise
        # The pool starts jobs in order, so part 1 runs, or has run, whenever a later part waits here.
        return opening.result()

    def _open_large(self) -> _LargeUpload:
        vault = self._vault
        unknown = ContentFacts(
            file_name=self._announcement.file_name, media_type=self._media_type, size_bytes=0, sha256=b""
        )
        announced = self._announce(IntentState.OPEN, unknown, b"")
        intent = announced.intent
        try:
            upload_id = vault.store.start_upload(
                intent.object.key, metadata=self._intake_metadata(intent), lock=intent.lock
            )
            with vault.catalogue.write() as tx:
                tx.intents.set_upload(intent.id, upload_id)
        except BaseException:
            vault.underway.discard(intent.id)
            raise
        return _LargeUpload(intent=replace(intent, upload_id=upload_id), sealer=announced.sealer, upload_id=upload_id)

    def _complete(self, large: _LargeUpload, content: ContentFacts) -> Record:
        vault = self._vault
        parts = [self._parts[number] for number in range(1, self._accepted + 1)]
        digests = hashlib.sha256(b"".join(part.sha256 for part in parts)).digest()
        sealed_object = replace(
            large.intent.object,
            size_bytes=content.size_bytes,
            sealed_size_bytes=sum(part.size_bytes for part in parts),
            sealed_sha256=digests,
            part_count=len(parts),
        )
        intent = replace(
            large.intent,
            state=IntentState.SEALED,
            object=sealed_object,
            sealed_content=descriptions.seal_content(
                vault,
                sealed_object.leaf,
                content,
                record_id=large.intent.record_id,
                ordinal=large.intent.ordinal,
            ),
        )
        self._completing = True
        try:
            with vault.catalogue.write() as tx:
                tx.intents.seal(intent.id, object=sealed_object, sealed_content=intent.sealed_content)
            stored = self._settled(
                intent, lambda: vault.store.complete_upload(sealed_object.key, large.upload_id, parts)
            )
            return recovery.commit(vault, intent, stored, recovered=False)
        finally:
            vault.underway.discard(intent.id)

    # ---- both --------------------------------------------------------------------------------------------------------

    def _announce(self, state: IntentState, content: ContentFacts, plaintext: Buffer) -> _Announced:
        """Takes a leaf and writes the intent in one transaction. ``plaintext`` is sealed on the way."""
        announced = self._try_announce(state, content, plaintext)
        if announced is None:
            allocation.with_block(self._vault)
            announced = self._try_announce(state, content, plaintext)
        if announced is None:
            raise Conflict("every address of the reserved block was taken meanwhile; send the file again")
        return announced

    def _try_announce(self, state: IntentState, content: ContentFacts, plaintext: Buffer) -> _Announced | None:
        vault = self._vault
        announced = None
        try:
            with vault.catalogue.write() as tx:
                if self._announcement.upload_id is not None:
                    # Whoever ends the upload waits here and then finds this intent; or was first, and nothing is begun.
                    require_unended(tx.uploads.get(self._announcement.upload_id, for_update=True))
                leaf = self._announcement.leaf
                if leaf is None or tx.intents.has_leaf(vault.fonds.id, leaf):
                    leaf = allocation.issue_leaf(vault, tx, self._announcement.owner)
                if self._announcement.customer_id is not None:
                    # Looked at behind the leaf: its row keeps a destruction of the customer waiting, or waited for it.
                    customer = tx.customers.get(self._announcement.customer_id)
                    if customer is not None:
                        require_living(customer)
                if self._announcement.ordinal > 1:
                    # Behind the leaf too: a destruction of the record waits here, or it is seen.
                    require_correctable(tx.records.get(self._announcement.record_id, for_update=True))
                if leaf is not None:
                    announced = self._prepare(leaf, state, content, plaintext)
                    vault.underway.add(announced.intent.id)
                    tx.intents.add(announced.intent)
        except BaseException:
            if announced is not None:
                vault.underway.discard(announced.intent.id)
            raise
        return announced

    def _prepare(self, leaf: LeafAddress, state: IntentState, content: ContentFacts, plaintext: Buffer) -> _Announced:
        vault, said = self._vault, self._announcement
        object_id = ObjectId(vault.new_id())
        context = object_context(vault_id=vault.vault_id, leaf=leaf, object_id=object_id)
        sealer = Sealer.new(vault.leaf_keys(leaf).kek, context, token_bytes=vault.randomness.token_bytes)
        sealed = bytearray()
        if state is IntentState.SEALED:
            sealed = bytearray(sealer.header_length + sealer.sealed_length(len(memoryview(plaintext)), final=True))
            sealed[: sealer.header_length] = sealer.header
            sealer.seal_frames(1, plaintext, sealed, sealer.header_length, final=True)
        sealed_object = SealedObject(
            object_id=object_id,
            key=vault.layout.record(object_id),
            leaf=leaf,
            size_bytes=content.size_bytes,
            sealed_size_bytes=len(sealed),
            sealed_sha256=hashlib.sha256(sealed).digest(),
            part_count=0,
            part_size_bytes=self._sealed_part_size(),
            header_length=sealer.header_length,
            frame_length=FRAME_LENGTH,
        )
        record_id = said.record_id
        intent = Intent(
            id=IntentId(vault.new_id()),
            state=state,
            fonds_id=vault.fonds.id,
            record_id=record_id,
            ordinal=said.ordinal,
            revision=said.revision,
            class_code=said.class_code,
            customer_id=said.customer_id,
            person_id=said.person_id,
            process_id=vault.process_id,
            idempotency_key_hash=said.idempotency_key_hash,
            object=sealed_object,
            lock=receipt_lock(vault.now(), said.lock_mode),
            sealed_content=descriptions.seal_content(vault, leaf, content, record_id=record_id, ordinal=said.ordinal),
            sealed_description=descriptions.seal_description(
                vault, leaf, said.description, record_id=record_id, revision=said.revision
            ),
            upload_id="",
            created_at=vault.now(),
        )
        return _Announced(intent=intent, sealer=sealer, sealed=sealed)

    def _sealed_part_size(self) -> int:
        frames = self._vault.limits.part_size_bytes // FRAME_LENGTH
        return frames * (FRAME_LENGTH + FRAME_OVERHEAD)

    def _intake_metadata(self, intent: Intent) -> Mapping[str, str]:
        """What the object carries of itself, sealed: enough to make its record again from the store alone."""
        values = {
            "record": intent.record_id,
            "ordinal": intent.ordinal,
            "revision": intent.revision,
            "class": intent.class_code,
            "customer": intent.customer_id,
            "received_at": intent.created_at.isoformat(),
            "received_by": intent.person_id,
            "file_name": self._announcement.file_name,
            "media_type": self._media_type,
            "description": descriptions.description_values(self._announcement.description),
        }
        leaf = intent.object.leaf
        sealed = descriptions.seal(
            self._vault, leaf, values, subject=intent.object.object_id, field_set="intake", revision=1
        )
        text = base64.b64encode(sealed).decode("ascii")
        if len(text) > _METADATA_MAX_CHARACTERS:
            key = self._vault.layout.meta(intent.object.object_id, "intake")
            self._vault.store.put(key, sealed, sha256=hashlib.sha256(sealed).digest(), lock=intent.lock)
            text = INTAKE_BESIDE
        return {INTAKE_METADATA: text}

    def _settled(self, intent: Intent, write: _Write) -> StoredObject:
        """The store's answer to a completing write; a lost one, or a refusal of our own retry, is settled by HEAD."""
        for attempt in range(1, _SETTLING_TRIES + 1):
            try:
                return write()
            except (AlreadyExists, ObjectMissing, StoreUnavailable) as exc:
                found = recovery.find_stored(self._vault, intent)
                if found is not None:
                    return found
                if not isinstance(exc, StoreUnavailable):
                    recovery.abort(self._vault, intent, reason="refused-by-store")
                    raise Conflict("the store lost the upload; nothing was stored; send the file again") from exc
                if attempt == _SETTLING_TRIES:
                    raise
        raise AssertionError("unreachable")
