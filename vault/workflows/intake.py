"""Intake: bytes come in, are sealed part by part as they arrive, and become a record version (storage/README.md tells
the life of a record in writes).

    with begin(vault, actor, filing) as receiving:
        receiving.accept(part, final=False).result() ...
        receipt = receiving.finish()            # the acknowledgement: from here on the bytes are the vault's

Rule 1: plaintext lives in the caller's part buffers only, and leaves them sealed.
Rule 2: an intent is in the catalogue before a byte is in the store; length and digest are in it before the store is
told to complete; the record is in it before the caller is answered.
Rule 3: a source that changed, ended early or went on too long leaves nothing behind.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from vault.audit import Event
from vault.classes import RecordClass
from vault.destruction import require_living
from vault.errors import Conflict, IdempotencyMismatch, InvalidInput, NotFound, SourceChanged, TooLarge
from vault.ids import CustomerId, PersonId, RecordId, UploadId
from vault.permissions import Action, Actor, require_on
from vault.ports import Buffer
from vault.records import (
    ContentFacts,
    Description,
    DescriptionRevision,
    Intent,
    IntentState,
    Record,
    checked_file_name,
    require_correctable,
)
from vault.seal.keytree import LeafAddress
from vault.workflows import descriptions, outbox, recovery, scopes
from vault.workflows.gates import require_passage
from vault.workflows.reception import Announcement, Reception
from vault.workflows.repeating import key_digest
from vault.workflows.schedules import require_rule, rule_of
from vault.workflows.vault import Vault

FIRST_BUFFER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What is said of a file that comes in. ``declared_*`` are what the sender says of its bytes."""

    class_code: str
    customer_id: CustomerId | None
    description: Description
    file_name: str
    declared_size_bytes: int | None = None
    declared_sha256: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The acknowledgement. ``replayed`` says that an earlier upload under the same idempotency key stored it."""

    record_id: RecordId
    number: str
    ordinal: int
    size_bytes: int
    sha256: bytes
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """What a file that was staged first was given when that began: the id, the leaf and the key of its record."""

    upload_id: UploadId
    record_id: RecordId
    leaf: LeafAddress
    idempotency_key_hash: bytes


def begin(
    vault: Vault,
    actor: Actor,
    filing: Filing,
    *,
    idempotency_key: str | None = None,
    reserved: Reserved | None = None,
) -> Receiving:
    """Begins the upload of a new record. What was ``reserved`` takes the place of an idempotency key.

    Raises ``NotAllowed``, ``NotFound`` (customer), ``InvalidInput`` (also for an unknown class), ``TooLarge``,
    ``Conflict`` (an upload under the same key is still under way). Receiving raises ``UploadEnded`` when the upload
    that it was reserved for ended meanwhile.
    """
    rule, file_name = require_fileable(vault, actor, filing)
    announcement = Announcement(
        record_id=reserved.record_id if reserved is not None else RecordId(vault.new_id()),
        ordinal=1,
        revision=1,
        class_code=filing.class_code,
        lock_mode=rule.lock_mode,
        customer_id=filing.customer_id,
        description=filing.description,
        file_name=file_name,
        person_id=actor.person_id,
        idempotency_key_hash=(
            reserved.idempotency_key_hash if reserved is not None else key_hash(vault, actor.person_id, idempotency_key)
        ),
        leaf=reserved.leaf if reserved is not None else None,
        upload_id=reserved.upload_id if reserved is not None else None,
    )
    return _receiving(vault, announcement, filing.declared_size_bytes, filing.declared_sha256)


def require_fileable(vault: Vault, actor: Actor, filing: Filing) -> tuple[RecordClass, str]:
    """The rule of its class, and the file's name made clean, where somebody may file this. Raises as ``begin``."""
    actor.require(Action.ADD_RECORD)
    with vault.catalogue.read() as tx:
        try:
            rule = require_rule(tx, filing.class_code).rule
        except NotFound as unknown:
            raise InvalidInput(unknown.message, field="class") from None
        actor.require(Action.ADD_RECORD, filing.class_code)
        customer = tx.customers.get(filing.customer_id) if filing.customer_id is not None else None
    _require_size(vault, filing.declared_size_bytes)
    file_name = checked_file_name(filing.file_name)
    if filing.customer_id is not None:
        if customer is None:
            raise NotFound("there is no such customer; add the customer first")
        require_living(customer)
    return rule, file_name


def begin_correction(
    vault: Vault,
    actor: Actor,
    record_id: RecordId,
    description: Description,
    file_name: str,
    *,
    declared_size_bytes: int | None = None,
    declared_sha256: bytes | None = None,
    idempotency_key: str | None = None,
) -> Receiving:
    """Begins the upload of a record's next version; ``description.reason`` says why. The original stays.

    Raises as ``begin``, and ``Conflict`` when the record is no longer one that can be corrected.
    """
    actor.require(Action.CORRECT_RECORD)
    require_reason(description)
    _require_size(vault, declared_size_bytes)
    file_name = checked_file_name(file_name)
    with vault.catalogue.read() as tx:
        record = require_correctable(require_on(actor, Action.CORRECT_RECORD, tx.records.get(record_id)))
        require_passage(vault, tx, actor, record)
        rule = rule_of(tx, record.class_code)
    announcement = Announcement(
        record_id=record.id,
        ordinal=record.current_ordinal + 1,
        revision=record.current_revision + 1,
        class_code=record.class_code,
        lock_mode=rule.lock_mode,
        customer_id=record.customer_id,
        description=description,
        file_name=file_name,
        person_id=actor.person_id,
        idempotency_key_hash=key_hash(vault, actor.person_id, idempotency_key),
    )
    return _receiving(vault, announcement, declared_size_bytes, declared_sha256)


def receive_from(vault: Vault, receiving: Receiving, read_into: Callable[[memoryview], int]) -> Receipt:
    """Pumps a blocking source through ``receiving``: ``read_into`` fills a buffer and gives the count, 0 at the end."""
    outstanding: deque[tuple[Future[None], bytearray]] = deque()
    spare: list[bytearray] = []
    try:
        part, filled = _first_part(receiving, read_into)
        while filled == receiving.part_size_bytes:
            outstanding.append((receiving.accept(part, final=False), part))
            if len(outstanding) >= vault.limits.parts_in_flight:
                future, buffer = outstanding.popleft()
                future.result()
                spare.append(buffer)
            part = spare.pop() if spare else bytearray(receiving.part_size_bytes)
            filled = _fill(part, 0, read_into)
        outstanding.append((receiving.accept(memoryview(part)[:filled], final=True), part))
    finally:
        for future, _ in outstanding:
            future.exception()
    for future, _ in outstanding:
        future.result()
    return receiving.finish()


def _first_part(receiving: Receiving, read_into: Callable[[memoryview], int]) -> tuple[bytearray, int]:
    """The first part, in a buffer that grows with it: most files are far smaller than a part."""
    part = bytearray(min(FIRST_BUFFER_BYTES, receiving.part_size_bytes))
    filled = _fill(part, 0, read_into)
    while filled == len(part) < receiving.part_size_bytes:
        part.extend(bytes(min(3 * len(part), receiving.part_size_bytes - len(part))))
        filled = _fill(part, filled, read_into)
    return part, filled


def _fill(buffer: bytearray, filled: int, read_into: Callable[[memoryview], int]) -> int:
    with memoryview(buffer) as view:
        while filled < len(buffer) and (count := read_into(view[filled:])):
            filled += count
    return filled


class Receiving:
    """One upload under way. Leaving it as a context manager without a receipt abandons what was begun."""

    def __init__(
        self,
        vault: Vault,
        announcement: Announcement,
        *,
        declared_size_bytes: int | None,
        declared_sha256: bytes | None,
        earlier: Intent | None,
    ) -> None:
        self.part_size_bytes = vault.limits.part_size_bytes
        self._vault = vault
        self._announcement = announcement
        self._declared_size_bytes = declared_size_bytes
        self._declared_sha256 = declared_sha256
        self._earlier = earlier
        self._reception = Reception(vault, announcement, hash_only=earlier is not None)
        self._size_bytes = 0
        self._receipt: Receipt | None = None

    def accept(self, part: Buffer, *, final: bool) -> Future[None]:
        """Takes the next part: ``part_size_bytes`` bytes of plaintext, or fewer (even none) with ``final``.

        The buffer is ours until the future is done; that of a file of a single part until ``finish`` returns. Callers
        keep at most ``parts_in_flight`` futures outstanding.
        Raises ``TooLarge`` or ``SourceChanged`` when more came than may come.
        """
        self._size_bytes += len(memoryview(part))
        _require_size(self._vault, self._size_bytes)
        declared = self._declared_size_bytes
        if declared is not None and (self._size_bytes > declared or (final and self._size_bytes < declared)):
            raise SourceChanged(
                f"{declared} bytes were announced, but {'only ' if final else 'already '}{self._size_bytes} came; "
                "nothing was stored; send the file again"
            )
        return self._reception.accept(part, final=final)

    def finish(self) -> Receipt:
        """Completes the upload after the final part's future; what it returns is acknowledged and durable.

        Raises ``SourceChanged`` (digest), ``IdempotencyMismatch``, ``Conflict`` (corrected by somebody else meanwhile),
        ``StoreUnavailable`` or ``CatalogueUnavailable``: the outcome is then open, upkeep settles it, and asking again
        under the same idempotency key gives the receipt.
        """
        sha256 = self._reception.sha256()
        if self._declared_sha256 is not None and not hmac.compare_digest(self._declared_sha256, sha256):
            raise SourceChanged(
                "the bytes do not have the digest that was announced; nothing was stored; send them again"
            )
        if self._earlier is not None:
            self._receipt = self._replay(self._earlier, sha256)
        else:
            record, content = self._reception.finish(sha256, declared=self._declared_sha256 is not None)
            self._receipt = self._receipt_of(record, self._announcement.ordinal, content, replayed=False)
        return self._receipt

    def abandon(self) -> None:
        """Gives the upload up: nothing of it stays. Doing it again, or after ``finish``, does nothing."""
        if self._receipt is None:
            self._reception.abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.abandon()

    def _replay(self, earlier: Intent, sha256: bytes) -> Receipt:
        with self._vault.catalogue.read() as tx:
            record = tx.records.get(earlier.record_id)
            version = tx.records.version(earlier.record_id, earlier.ordinal)
            revision = tx.records.description(earlier.record_id, earlier.revision)
        if record is None or version is None or revision is None:
            raise Conflict("what was stored under this idempotency key is gone; send it under a new key")
        content = descriptions.open_content(
            self._vault, version.object.leaf, version.sealed_content, record_id=record.id, ordinal=version.ordinal
        )
        said = descriptions.open_description(
            self._vault, revision.leaf, revision.sealed, record_id=record.id, revision=revision.revision
        )
        new = self._announcement
        same = (
            hmac.compare_digest(content.sha256, sha256)
            and said == new.description
            and content.file_name == new.file_name
            and (earlier.class_code, earlier.customer_id) == (new.class_code, new.customer_id)
            and (earlier.ordinal == 1) == (new.ordinal == 1)
            # A new record has no id that the sender could name; a correction names the one that it corrects.
            and (new.ordinal == 1 or earlier.record_id == new.record_id)
        )
        if not same:
            raise IdempotencyMismatch(
                "this idempotency key was used before, for other bytes or another description; use a new key"
            )
        return self._receipt_of(record, earlier.ordinal, content, replayed=True)

    def _receipt_of(self, record: Record, ordinal: int, content: ContentFacts, *, replayed: bool) -> Receipt:
        return Receipt(
            record_id=record.id,
            number=record.number,
            ordinal=ordinal,
            size_bytes=content.size_bytes,
            sha256=content.sha256,
            replayed=replayed,
        )


def require_reason(description: Description) -> None:
    """Raises ``InvalidInput`` unless a correction says why."""
    if not description.reason:
        raise InvalidInput("a correction needs a reason; give one", field="reason")


def _receiving(
    vault: Vault, announcement: Announcement, declared_size_bytes: int | None, declared_sha256: bytes | None
) -> Receiving:
    earlier = None
    if announcement.idempotency_key_hash is not None:
        earlier = _earlier(vault, announcement.idempotency_key_hash)
    return Receiving(
        vault,
        announcement,
        declared_size_bytes=declared_size_bytes,
        declared_sha256=declared_sha256,
        earlier=earlier,
    )


def _earlier(vault: Vault, its_hash: bytes) -> Intent | None:
    with vault.catalogue.read() as tx:
        intent = tx.intents.by_idempotency_key(its_hash)
    if intent is not None and intent.state is not IntentState.COMMITTED:
        intent = recovery.settle(vault, intent)
        if intent.state in (IntentState.OPEN, IntentState.SEALED):
            raise Conflict("an upload under this idempotency key is still under way; wait for it and ask again")
        if intent.state is IntentState.ABORTED:
            return None
    return intent


def key_hash(vault: Vault, person_id: PersonId, idempotency_key: str | None) -> bytes | None:
    """The keyed digest of somebody's idempotency key. Raises ``InvalidInput``."""
    if idempotency_key is None:
        return None
    return key_digest(vault, person_id, idempotency_key, domain="idempotency")


def _require_size(vault: Vault, size_bytes: int | None) -> None:
    if size_bytes is not None and size_bytes > vault.limits.upload_bytes_max:
        raise TooLarge(f"the file is larger than {vault.limits.upload_bytes_max} bytes, the most that this vault takes")


def revise_description(vault: Vault, actor: Actor, record_id: RecordId, description: Description) -> Record:
    """Corrects what is said of a record without touching its bytes; ``description.reason`` says why.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput`` (no reason), ``Conflict`` (destroyed).
    """
    actor.require(Action.CORRECT_RECORD)
    require_reason(description)
    with vault.catalogue.write() as tx:
        found = tx.records.get(record_id, for_update=True)
        record = require_correctable(require_on(actor, Action.CORRECT_RECORD, found))
        require_passage(vault, tx, actor, record)
        version = tx.records.version(record.id, record.current_ordinal)
        if version is None:
            raise NotFound(f"record {record.number} has no version {record.current_ordinal}; run the doctor")
        leaf, number = version.object.leaf, record.current_revision + 1
        revision = DescriptionRevision(
            record_id=record.id,
            revision=number,
            ordinal=version.ordinal,
            leaf=leaf,
            sealed=descriptions.seal_description(vault, leaf, description, record_id=record.id, revision=number),
            created_at=vault.now(),
            created_by=actor.person_id,
        )
        corrected = replace(record, current_revision=number, change=tx.records.next_change())
        tx.records.add_description(revision)
        tx.records.update(corrected)
        scopes.hold_what_matches(vault, tx, corrected)
        outbox.put_description(vault, tx, revision, description, corrected.change)
        tx.audit.append(vault.entry(actor.person_id, Event.RECORD_CORRECTED, record.id, {"revision": number}))
    return corrected
