"""Examining (四性检测): what of the four properties of a record's current version can be checked, checked.

Rule 1: each check is made on what is there now: the object is read from the store and digested anew, a parser looks
into the file, the log is asked. What is away now is told as unchecked.
Rule 2: no person looks, so this is no opening: what it finds are codes, counts and sizes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from vault.audit import Event
from vault.classes import RecordClass
from vault.derived import Found
from vault.errors import NotFound, ObjectMissing, SealBroken, StrongroomError, Unavailable
from vault.filetypes import PROGRAM_HEAD_BYTES, is_program, name_agrees
from vault.filingreports import Examination, Facts, Finding, Property, Verdict
from vault.ids import RecordId
from vault.permissions import Action, Actor
from vault.previews import Unreadable
from vault.quality import flaws_of
from vault.records import ContentFacts, Record, Version
from vault.workflows import deriving, descriptions, duplicates
from vault.workflows.retrieval import Opening
from vault.workflows.vault import Vault

READ_BYTES_MAX: Final = 256 * 1024 * 1024
"""So much is read again at once, of one file or of several; ``strongroom doctor --deep`` reads all."""
TWINS_NAMED: Final = 5

_UNKNOWN_TYPE: Final = "application/octet-stream"
_NOT_OPENED: Final = {
    Unreadable.ENCRYPTED.value: Verdict.FAILED,
    Unreadable.BROKEN.value: Verdict.FAILED,
    Unreadable.EMPTY.value: Verdict.FAILED,
    Unreadable.BOMB.value: Verdict.FAILED,
    Unreadable.OLD_OFFICE.value: Verdict.WARNED,
}
_GRAVE: Final = frozenset({"macro", "launch", "script"})
"""What acts by itself; the rest of ``vault.derived.ACTIVE`` is warned of. An attachment of an e-mail is only told."""


@dataclass(slots=True)
class Reading:
    """What may still be read again for records that are examined together."""

    left_bytes: int = READ_BYTES_MAX

    def take(self, size_bytes: int) -> bool:
        """Whether a file of this size is read; then there is so much less for the others."""
        fits = size_bytes <= self.left_bytes
        self.left_bytes -= size_bytes if fits else 0
        return fits


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """What is examined: the record as it would be filed."""

    record: Record
    version: Version
    rule: RecordClass
    trigger_on: date | None
    content: ContentFacts
    dated_on: date | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What reading the object again came to; ``head`` are its first bytes."""

    finding: Finding
    head: bytes


def examine(
    vault: Vault, actor: Actor, record: Record, rule: RecordClass, trigger_on: date | None, reading: Reading
) -> Examination:
    """What is found about a record that would be filed under a rule with a trigger; it exists for whoever asks.

    Raises ``NotAllowed``, ``NotFound`` where it has no version, ``KeyDestroyed``.
    """
    actor.require(Action.FILE_RECORD)
    subject = _subject(vault, record, rule, trigger_on)
    read = _read_again(vault, subject, reading)
    reason, found = _looked_into(vault, subject)
    findings = (
        read.finding,
        _declared(subject),
        _received(vault, subject),
        *_twins(vault, actor, record.id),
        *_complete(subject),
        *_pages(subject, found),
        *_usable(subject, reason),
        *_safe(subject, reason, found, read.head),
    )
    return Examination(ordinal=subject.version.ordinal, findings=findings)


def _subject(vault: Vault, record: Record, rule: RecordClass, trigger_on: date | None) -> _Subject:
    with vault.catalogue.read() as tx:
        version = tx.records.version(record.id, record.current_ordinal)
        revision = tx.records.description(record.id, record.current_revision)
    if version is None or revision is None:
        raise NotFound(f"record {record.number} has no version {record.current_ordinal}; run the doctor")
    leaf, ordinal = version.object.leaf, version.ordinal
    said = descriptions.open_description(
        vault, revision.leaf, revision.sealed, record_id=record.id, revision=revision.revision
    )
    content = descriptions.open_content(vault, leaf, version.sealed_content, record_id=record.id, ordinal=ordinal)
    return _Subject(
        record=record,
        version=version,
        rule=rule,
        trigger_on=trigger_on,
        content=content,
        dated_on=said.dated_on,
        at=vault.now(),
    )


def _found(its_property: Property, code: str, verdict: Verdict = Verdict.PASSED, **facts: str | int) -> Finding:
    kept: Facts = facts
    return Finding(property=its_property, code=code, verdict=verdict, facts=kept)


# ---- authentic -------------------------------------------------------------------------------------------------------


def _read_again(vault: Vault, subject: _Subject, reading: Reading) -> _Read:
    """The object as the store has it, unsealed and digested anew."""
    expected, authentic = subject.content, Property.AUTHENTIC
    whole = reading.take(expected.size_bytes)
    digest, size, head = hashlib.sha256(), 0, b""
    try:
        opening = Opening(vault, subject.record, subject.version)
        for block in opening.stream() if whole else opening.stream(0, PROGRAM_HEAD_BYTES):
            head = head or bytes(block[:PROGRAM_HEAD_BYTES])
            digest.update(block)
            size += len(block)
    except (SealBroken, ObjectMissing):
        return _Read(finding=_found(authentic, "bytes-broken", Verdict.FAILED), head=head)
    except Unavailable:
        return _Read(finding=_found(authentic, "store-away", Verdict.UNCHECKED), head=head)
    if not whole:
        too_large = _found(authentic, "bytes-unread", Verdict.UNCHECKED, bytes=expected.size_bytes)
        return _Read(finding=too_large, head=head)
    same = size == expected.size_bytes and hmac.compare_digest(digest.digest(), expected.sha256)
    finding = (
        _found(authentic, "bytes-same", sha256=expected.sha256.hex())
        if same
        else _found(authentic, "bytes-differ", Verdict.FAILED)
    )
    return _Read(finding=finding, head=head)


def _declared(subject: _Subject) -> Finding:
    """Whether the sender said what the digest has to be: then it was compared before anything was acknowledged."""
    return _found(Property.AUTHENTIC, "declared" if subject.content.declared else "undeclared")


def _received(vault: Vault, subject: _Subject) -> Finding:
    """Whether the log tells of the receipt of this version, by the person and at the time that the catalogue has."""
    version, events = subject.version, (Event.RECORD_RECEIVED, Event.RECORD_CORRECTED, Event.RECORD_RECOVERED)
    with vault.catalogue.read() as tx:
        entries = [
            each
            for event in events
            for each in tx.audit.page(subject=subject.record.id, event=event, limit=TWINS_NAMED * 10)
        ]
    for each in entries:
        if each.entry.detail.get("ordinal", 1) == version.ordinal and "revision" not in each.entry.detail:
            return _found(
                Property.AUTHENTIC,
                "received",
                entry=each.number,
                person=version.created_by,
                at=version.created_at.isoformat(),
            )
    return _found(Property.AUTHENTIC, "unlogged", Verdict.WARNED)


def _twins(vault: Vault, actor: Actor, record_id: RecordId) -> Iterator[Finding]:
    try:
        twins = duplicates.twins_of(vault, actor, record_id)[:TWINS_NAMED]
    except StrongroomError:
        return
    for each in twins:
        yield _found(Property.AUTHENTIC, "twin", Verdict.WARNED, record=each.id)


# ---- complete --------------------------------------------------------------------------------------------------------


def _complete(subject: _Subject) -> Iterator[Finding]:
    record, complete = subject.record, Property.COMPLETE
    flaws = list(
        flaws_of(
            subject.rule,
            has_customer=record.customer_id is not None,
            dated_on=subject.dated_on,
            received_at=record.received_at,
            trigger_on=subject.trigger_on,
            filed_at=subject.at,
        )
    )
    for flaw in flaws:
        yield _found(complete, flaw.value, Verdict.WARNED)
    if not flaws:
        yield _found(complete, "described")
    expected, stored = subject.content.size_bytes, subject.version.object.size_bytes
    if expected == stored:
        yield _found(complete, "size-same", bytes=expected)
    else:
        yield _found(complete, "size-differs", Verdict.FAILED, bytes=expected, stored=stored)


def _pages(subject: _Subject, found: Found | None) -> Iterator[Finding]:
    if found is not None and found.pages:
        yield _found(Property.COMPLETE, "pages", pages=found.pages, version=subject.version.ordinal)


# ---- usable ----------------------------------------------------------------------------------------------------------


def _looked_into(vault: Vault, subject: _Subject) -> tuple[str | None, Found | None]:
    """Why no parser read it, "" where one did, None where none could be asked; and what it found."""
    try:
        return deriving.found_in(vault, subject.record, subject.version)
    except (Unavailable, SealBroken, ObjectMissing):
        return None, None


def _usable(subject: _Subject, reason: str | None) -> Iterator[Finding]:
    usable, media_type = Property.USABLE, subject.content.media_type
    if media_type == _UNKNOWN_TYPE:
        yield _found(usable, "type-unknown", Verdict.WARNED)
    else:
        yield _found(usable, "type-known", type=media_type)
    if reason is None:
        yield _found(usable, "parser-away", Verdict.UNCHECKED)
    elif reason == "":
        yield _found(usable, "opened")
    else:
        yield _found(usable, f"not-opened-{reason}", _NOT_OPENED.get(reason, Verdict.UNCHECKED))


# ---- safe ------------------------------------------------------------------------------------------------------------


def _safe(subject: _Subject, reason: str | None, found: Found | None, head: bytes) -> Iterator[Finding]:
    safe, name = Property.SAFE, subject.content.file_name
    if is_program(name, head):
        yield _found(safe, "program", Verdict.FAILED)
    agrees = name_agrees(name, subject.content.media_type)
    if agrees is False:
        yield _found(safe, "name-differs", Verdict.WARNED, type=subject.content.media_type)
    elif agrees:
        yield _found(safe, "name-agrees")
    for code in found.active if found is not None else ():
        if code == "attachment":
            yield _found(safe, "has-attachment")
        else:
            yield _found(safe, f"has-{code}", Verdict.FAILED if code in _GRAVE else Verdict.WARNED)
    if reason == Unreadable.BOMB.value:
        yield _found(safe, "has-bomb", Verdict.FAILED)
    elif found is None or not found.searched:
        yield _found(safe, "unsearched", Verdict.UNCHECKED)
    elif not found.active:
        yield _found(safe, "nothing-acts")
