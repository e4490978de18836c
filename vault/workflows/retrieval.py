"""Retrieval: who may see a record, what is said of it, and its bytes.

Rule 1: authorise, then log, then act: the audit entry is committed before the key is derived.
Rule 2: one opening is person, version and purpose for 15 minutes, whatever ranges are read.
Rule 3: what is not somebody's does not exist for them: a class on which they have no role, and a restricted record
(封存), which is found by nobody, opened by nobody, and known to officers alone.
Rule 4: bytes that do not verify raise ``SealBroken`` in the middle of a stream; a short body never ends politely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from vault.audit import Detail, Event, NumberedEntry
from vault.classes import RecordClass
from vault.customers import Customer
from vault.destruction import Batch
from vault.disposition import Verdict, verdict
from vault.errors import GateClosed, KeyDestroyed, NotFound
from vault.gates import checked_purpose, checked_words
from vault.ids import ID_LENGTH, RecordId, could_be_key
from vault.permissions import Action, Actor, hides, require_on
from vault.records import (
    ContentFacts,
    Description,
    DescriptionRevision,
    Record,
    RecordState,
    SealedObject,
    Version,
    require_unrestricted,
)
from vault.seal.envelope import SealedSize, SealedSpan, object_context, open_header, open_range, take_header
from vault.seal.keyfile import write_key_file
from vault.seal.secrets import Secret
from vault.shelves import RecordFilter, Transaction
from vault.workflows import descriptions
from vault.workflows.customers import CustomerView, customer_view
from vault.workflows.freshness import require_fresh
from vault.workflows.gates import require_passage, require_purpose
from vault.workflows.logdetails import append_sealed
from vault.workflows.schedules import rule_of
from vault.workflows.vault import Vault
from vault.workflows.watching import note_opening, refusals_watched

OPENING_LIFETIME: Final = timedelta(minutes=15)
STORY_ENTRIES_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """A record as a list shows it; what is sealed is None once its key is gone; ``batch`` then says which took it."""

    record: Record
    description: Description | None
    content: ContentFacts | None
    customer: CustomerView | None
    batch: Batch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """A version with what is known of its bytes."""

    version: Version
    content: ContentFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """A state of the description."""

    revision: DescriptionRevision
    description: Description


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStory:
    """Everything a record's page shows; ``entries`` are the newest of the log about it.

    ``rule`` governs its class; ``verdict`` says what may happen to it and why.

    Of a destroyed record there is no version and no revision any more: nothing can be said of them.
    """

    view: RecordView
    versions: Sequence[VersionView]
    revisions: Sequence[RevisionView]
    entries: Sequence[NumberedEntry]
    rule: RecordClass
    verdict: Verdict


@refusals_watched
def find_record(vault: Vault, actor: Actor, key: str) -> Record:
    """The record with an id or a file number. Raises ``NotFound``, ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    record = None
    if could_be_key(key):
        with vault.catalogue.read() as tx:
            record = _found(vault, tx, key)
    return require_on(actor, Action.LIST_RECORDS, record)


@refusals_watched
def show(vault: Vault, actor: Actor, record_id: RecordId) -> RecordStory:
    """The whole story of a record. Raises ``NotFound``, ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        record = require_on(actor, Action.LIST_RECORDS, tx.records.get(record_id))
        view = _view(vault, tx, record)
        versions = tx.records.versions(record_id)
        revisions = tx.records.descriptions(record_id)
        entries = tx.audit.page(subject=record_id, limit=STORY_ENTRIES_MAX)
        rule = rule_of(tx, record.class_code)
        matters = tx.holds.of_records([record_id]).get(record_id, ())
    return RecordStory(
        view=view,
        versions=list(_version_views(vault, view, versions)),
        revisions=list(_revision_views(vault, view, revisions)),
        entries=entries,
        rule=rule,
        verdict=verdict(record, rule, matters, vault.now()),
    )


def list_records(
    vault: Vault,
    actor: Actor,
    filter: RecordFilter,
    *,
    before: tuple[datetime, RecordId] | None = None,
    limit: int = 50,
) -> Sequence[RecordView]:
    """A page of records, newest first. Raises ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        shown = replace(
            filter, classes=actor.reach(Action.LIST_RECORDS), restricted_in=actor.reach(Action.SEE_RESTRICTED)
        )
        return _views(vault, tx, tx.records.page(shown, before=before, limit=limit))


def views_of(vault: Vault, record_ids: Sequence[RecordId]) -> Sequence[RecordView]:
    """The views of records by id, in that order; ids that are gone are left out. The caller has authorised."""
    with vault.catalogue.read() as tx:
        records = tx.records.many(record_ids)
        return _views(vault, tx, [records[record_id] for record_id in record_ids if record_id in records])


class Opening:
    """A version that somebody has been allowed to read. Any thread may stream from it, several times."""

    def __init__(self, vault: Vault, record: Record, version: Version) -> None:
        self.record = record
        self.version = version
        self.content = _content(vault, version)
        self.size_bytes = version.object.size_bytes
        self._vault = vault

    def stream(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Plaintext bytes from ``start`` on, in blocks of about 1 MiB.

        Raises ``InvalidInput`` for a range outside the file; ``SealBroken``, ``ObjectMissing`` and ``StoreUnavailable``
        as they are met, also in the middle.
        """
        return stream_object(self._vault, self.version.object, self.version.version_id, start, length)


@refusals_watched
def open_version(
    vault: Vault, actor: Actor, key: RecordId | str, *, ordinal: int | None = None, purpose: str, words: str = ""
) -> Opening:
    """Opens a version (the current one when none is named), the purpose in the log before anything is read.

    ``key`` is the record's id or its file number.

    ``words`` say what it is for beside the purpose's code; sensitive and important classes want them, once an opening.

    Raises ``NotFound``, ``NotAllowed``, ``InvalidInput`` (purpose, words), and as ``gates.require_passage``.
    """
    actor.require(Action.OPEN_RECORD)
    checked_purpose(purpose)
    said = checked_words(words)
    now = vault.now()
    since = now - OPENING_LIFETIME
    with vault.catalogue.read() as tx:
        record = _found(vault, tx, key) if could_be_key(key) else None
        record, version = _live_version(tx, actor, Action.OPEN_RECORD, record, ordinal)
        # One of the time to come was made before the clock was set back: it does not stand for this one.
        opened = tx.openings.recent(actor.person_id, record.id, version.ordinal, purpose, since=since, until=now)
        require_passage(vault, tx, actor, record)
        if not opened:
            require_purpose(tx, actor, record, said)
    if not opened:
        with vault.catalogue.write() as tx:
            tx.openings.add(actor.person_id, record.id, version.ordinal, purpose, at=now)
            note_opening(vault, tx, actor)
            detail: Detail = {"ordinal": version.ordinal, "purpose": purpose}
            entry = vault.entry(actor.person_id, Event.RECORD_OPENED, record.id, detail)
            if said:
                append_sealed(vault, tx, entry, version.object.leaf, {"words": said})
            else:
                tx.audit.append(entry)
    return Opening(vault, record, version)


def is_opened(vault: Vault, actor: Actor, record_id: RecordId, purpose: str) -> bool:
    """Whether the current version opens for that purpose without more being said: for pages that show it at once."""
    now = vault.now()
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
        if record is None or hides(actor, record) or record.is_restricted:
            return False
        if not actor.may(Action.OPEN_RECORD, record.class_code):
            return False
        since, ordinal = now - OPENING_LIFETIME, record.current_ordinal
        said = tx.openings.recent(actor.person_id, record.id, ordinal, purpose, since=since, until=now)
        try:
            require_passage(vault, tx, actor, record)
            require_purpose(tx, actor, record, "said" if said else "")
        except GateClosed:
            return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedExport:
    """A sealed object, and the key file that opens it with the stock AWS Encryption SDK or ``scripts/open_sealed``."""

    vault: Vault
    version: Version
    key_file: bytes = field(repr=False)

    @property
    def sealed_size_bytes(self) -> int:
        """Bytes of the sealed object."""
        return self.version.object.sealed_size_bytes

    def stream(self) -> Iterator[bytes]:
        """The sealed bytes as the store has them."""
        with self.vault.store.read(self.version.object.key, self.version.version_id) as chunks:
            yield from chunks


@refusals_watched
def export_sealed(
    vault: Vault, actor: Actor, record_id: RecordId, *, ordinal: int | None = None, words: str = ""
) -> SealedExport:
    """Takes a version out still sealed, with its leaf's key. Whoever has both can read it for ever.

    Raises ``NotFound``, ``NotAllowed``, ``InvalidInput`` (words), and as the gates before the record.
    """
    actor.require(Action.EXPORT_SEALED)
    require_fresh(vault, actor)
    said = checked_words(words)
    with vault.catalogue.write() as tx:
        record, version = _live_version(tx, actor, Action.EXPORT_SEALED, tx.records.get(record_id), ordinal)
        require_passage(vault, tx, actor, record)
        require_purpose(tx, actor, record, said)
        note_opening(vault, tx, actor)
        entry = vault.entry(actor.person_id, Event.RECORD_EXPORTED, record.id, {"ordinal": version.ordinal})
        if said:
            append_sealed(vault, tx, entry, version.object.leaf, {"words": said})
        else:
            tx.audit.append(entry)
    leaf = version.object.leaf
    key_file = write_key_file(
        vault.leaf_keys(leaf).kek,
        object_context(vault_id=vault.vault_id, leaf=leaf, object_id=version.object.object_id),
        plaintext_length=version.object.size_bytes,
    )
    return SealedExport(vault=vault, version=version, key_file=key_file)


def stream_object(
    vault: Vault, sealed: SealedObject, version_id: str, start: int = 0, length: int | None = None
) -> Iterator[bytes]:
    """Opens a sealed object's plaintext range. The caller has authorised and logged."""
    size = SealedSize(
        plaintext_length=sealed.size_bytes, header_length=sealed.header_length, frame_length=sealed.frame_length
    )
    wanted = sealed.size_bytes - start if length is None else length
    whole = start == 0 and wanted == sealed.size_bytes
    if wanted == 0 and not whole and 0 <= start <= sealed.size_bytes:
        return iter(())
    span = size.whole() if whole else size.span(start, wanted)
    context = object_context(vault_id=vault.vault_id, leaf=sealed.leaf, object_id=sealed.object_id)
    kek = vault.leaf_keys(sealed.leaf).kek
    return _stream(vault, sealed, version_id, span, context, kek)


def _stream(
    vault: Vault, sealed: SealedObject, version_id: str, span: SealedSpan, context: Mapping[str, str], kek: Secret
) -> Iterator[bytes]:
    if span.start_frame == 0:
        # One request: the header and the frames that follow it. Of a whole file the whole object, whatever its length:
        # bytes after the final frame are refused, not left unread.
        whole = span.length == sealed.size_bytes
        length = None if whole else span.ciphertext_start + span.ciphertext_length
        with vault.store.read(sealed.key, version_id, length=length) as chunks:
            header, frames = take_header(chunks, sealed.header_length)
            opener = open_header(header, kek, context, frame_length=sealed.frame_length)
            yield from open_range(frames, opener, sealed.size_bytes, span)
        return
    # Whoever reads one range reads more: one request each, not two. What is remembered is verified like any other.
    known = f"{sealed.key} {version_id}"
    remembered = vault.headers.get(known)
    if remembered is None:
        with vault.store.read(sealed.key, version_id, length=sealed.header_length) as chunks:
            header, _ = take_header(chunks, sealed.header_length)
    else:
        header = remembered
    opener = open_header(header, kek, context, frame_length=sealed.frame_length)
    vault.headers.keep(known, header)
    with vault.store.read(sealed.key, version_id, start=span.ciphertext_start, length=span.ciphertext_length) as chunks:
        yield from open_range(chunks, opener, sealed.size_bytes, span)


def _found(vault: Vault, tx: Transaction, key: str) -> Record | None:
    by_id = len(key) == ID_LENGTH and key.isalnum()
    record = tx.records.get(RecordId(key)) if by_id else tx.records.by_number(vault.fonds.id, key)
    return record or (tx.records.by_number(vault.fonds.id, key) if by_id else tx.records.get(RecordId(key)))


def _live_version(
    tx: Transaction, actor: Actor, action: Action, record: Record | None, ordinal: int | None
) -> tuple[Record, Version]:
    version = _version(tx, record, ordinal) if record is not None else None
    if record is None or version is None or hides(actor, record):
        raise NotFound("there is no such record or version; look it up in the list")
    actor.require(action, record.class_code)
    if record.state not in (RecordState.RECEIVED, RecordState.FILED):
        raise NotFound(f"record {record.number} is {record.state.value}; its content no longer exists")
    return require_unrestricted(record), version


def _version(tx: Transaction, record: Record, ordinal: int | None) -> Version | None:
    wanted = record.current_ordinal if ordinal is None else ordinal
    # Numbers that no version has are not worth asking for; a database refuses the very large ones in its own way.
    return tx.records.version(record.id, wanted) if 1 <= wanted <= record.current_ordinal else None


def _version_views(vault: Vault, view: RecordView, versions: Sequence[Version]) -> Iterator[VersionView]:
    if view.batch is None:
        with suppress(KeyDestroyed):
            yield from [VersionView(version=version, content=_content(vault, version)) for version in versions]


def _revision_views(vault: Vault, view: RecordView, revisions: Sequence[DescriptionRevision]) -> Iterator[RevisionView]:
    if view.batch is None:
        with suppress(KeyDestroyed):
            yield from [RevisionView(revision=each, description=_description(vault, each)) for each in revisions]


def _views(vault: Vault, tx: Transaction, records: Sequence[Record]) -> Sequence[RecordView]:
    """The views of many records in a few questions, however many they are."""
    live = [record for record in records if record.state in (RecordState.RECEIVED, RecordState.FILED)]
    current = tx.records.current([record.id for record in live])
    customers = tx.customers.many(list({record.customer_id for record in live if record.customer_id is not None}))
    leaves = {leaf for version, revision in current.values() for leaf in (version.object.leaf, revision.leaf)}
    vault.keys.many_leaf_keys([*leaves, *(customer.profile_leaf for customer in customers.values())])
    views = []
    for record in records:
        known = current.get(record.id)
        if known is None:
            views.append(_view(vault, tx, record))
            continue
        try:
            version, revision = known
            customer = customers.get(record.customer_id) if record.customer_id is not None else None
            views.append(_view_of(vault, record, version, revision, customer))
        except KeyDestroyed:
            views.append(RecordView(record=record, description=None, content=None, customer=None))
    return views


def _view(vault: Vault, tx: Transaction, record: Record) -> RecordView:
    try:
        return _open_view(vault, tx, record)
    except KeyDestroyed:
        # A batch took it after this snapshot was taken.
        return RecordView(record=record, description=None, content=None, customer=None)


def _open_view(vault: Vault, tx: Transaction, record: Record) -> RecordView:
    if record.state in (RecordState.ERASING, RecordState.DESTROYED):
        batch = tx.batches.of_record(record.id)
        return RecordView(record=record, description=None, content=None, customer=None, batch=batch)
    revision = tx.records.description(record.id, record.current_revision)
    version = tx.records.version(record.id, record.current_ordinal)
    customer = tx.customers.get(record.customer_id) if record.customer_id is not None else None
    return _view_of(vault, record, version, revision, customer)


def _view_of(
    vault: Vault,
    record: Record,
    version: Version | None,
    revision: DescriptionRevision | None,
    customer: Customer | None,
) -> RecordView:
    return RecordView(
        record=record,
        description=_description(vault, revision) if revision is not None else None,
        content=_content(vault, version) if version is not None else None,
        customer=customer_view(vault, customer) if customer is not None else None,
    )


def _description(vault: Vault, revision: DescriptionRevision) -> Description:
    return descriptions.open_description(
        vault, revision.leaf, revision.sealed, record_id=revision.record_id, revision=revision.revision
    )


def _content(vault: Vault, version: Version) -> ContentFacts:
    return descriptions.open_content(
        vault, version.object.leaf, version.sealed_content, record_id=version.record_id, ordinal=version.ordinal
    )
