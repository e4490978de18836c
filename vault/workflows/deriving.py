"""Deriving: after receipt upkeep has a parser look into each current version once, for its text, a first picture, and
what in it would act.

Rule 1: state is the queue: a current version of a living record without a row is due. The newest come first; a sweep
through all records finds what an earlier run, an earlier parser or a restore left.
Rule 2: what is derived is sealed under the version's leaf before it is kept, and kept only while the record lives.
Rule 3: no person looks, so this is no opening: no text or picture of it is shown before the gates that its contents
have. What would act in it, and how many pages it has, stand in filing reports.
Rule 4: one process at a time does it. A version that cannot be read is put off, and holds up none behind it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from vault import previews
from vault.classes import Sensitivity
from vault.derived import (
    FOUND_FIELDS,
    PARSERS,
    TEXT_FIELDS,
    Derived,
    Found,
    checked_found,
    checked_parts,
    checked_reason,
)
from vault.errors import Broken, KeyDestroyed, NotFound, NotReadable, SealBroken, StoreUnavailable
from vault.ids import RecordId
from vault.outcomes import Outcome
from vault.permissions import Action, Actor, require_on
from vault.previews import Unreadable
from vault.records import Record, RecordState, Version
from vault.shelves import RecordFilter, Transaction
from vault.workflows import descriptions
from vault.workflows.previews import OpenedFile
from vault.workflows.retrieval import Opening
from vault.workflows.schedules import rule_of
from vault.workflows.vault import Vault
from vault.workflows.watching import is_suspended, require_unsuspended

DERIVE: Final = "derive"
RUN_LASTS: Final = timedelta(seconds=10)
FREE_AFTER: Final = timedelta(minutes=5)
"""When another process may go on in place of one that began and never said that it is done."""
PUT_OFF_FOR: Final = timedelta(minutes=10)
AWAY_AFTER: Final = 3
"""So many objects in a row that cannot be reached: it is the store that is away."""
AGAIN_AFTER: Final = timedelta(days=1)
"""When what failed by something passing is looked into again."""
SWEEP_EVERY: Final = timedelta(hours=1)

_AT_ONCE: Final = 200
_PICTURE: Final = "derived-picture"
_LIVING: Final = (RecordState.RECEIVED, RecordState.FILED)


def derive_due(vault: Vault) -> Outcome:
    """Derives what is due, for some seconds at most. Raises ``Unavailable`` as a part is away."""
    with vault.sweep.mutex:
        began = vault.now()
        with vault.catalogue.write() as tx:
            if not tx.jobs.take(DERIVE, vault.process_id, now=began, until=began + FREE_AFTER):
                return Outcome.of("derived", made=0)
        try:
            made = _derive_some(vault, until=began + RUN_LASTS)
        finally:
            with vault.catalogue.write() as tx:
                tx.jobs.leave(DERIVE, vault.process_id)
        left = len(vault.sweep.put_off)
    return Outcome.of("derived-but-for", made=made, left=left) if left else Outcome.of("derived", made=made)


def _derive_some(vault: Vault, *, until: datetime) -> int:
    """How many were derived. A single version that cannot be read is put off."""
    put_off = vault.sweep.put_off
    for record_id in [each for each, again_at in put_off.items() if again_at <= vault.now()]:
        del put_off[record_id]
    made = away = 0
    for record in _upcoming(vault, until):
        if vault.now() >= until:
            break
        try:
            made += _derive(vault, record)
            away = 0
        except (StoreUnavailable, KeyDestroyed, Broken) as exc:
            # What is damaged the doctor names.
            put_off[record.id] = vault.now() + PUT_OFF_FOR
            away = away + 1 if isinstance(exc, StoreUnavailable) else 0
            if away == AWAY_AFTER:
                raise
    return made


def _upcoming(vault: Vault, until: datetime) -> Iterator[Record]:
    """What is due: of the newest records, then on from where the sweep has come to."""
    yield from _due(vault, _page(vault, None))
    sweep = vault.sweep
    if sweep.before is None and sweep.ended_at is not None and vault.now() - sweep.ended_at < SWEEP_EVERY:
        return
    while vault.now() < until:
        page = _page(vault, sweep.before)
        yield from _due(vault, page)
        sweep.before = (page[-1].received_at, page[-1].id) if page else None
        if not page:
            sweep.ended_at = vault.now()
            return


def found_in(vault: Vault, record: Record, version: Version) -> tuple[str, Found | None]:
    """Why a record's current version was not read, or "", and what was found in it; it is looked into now where nobody
    did yet, and upkeep will keep that. For what the vault itself says of it: nobody is authorised.

    Raises ``Overloaded``, ``ParsersUnavailable``, ``StoreUnavailable``, ``SealBroken``, ``ObjectMissing``.
    """
    if _due(vault, [record]):
        reason, _, _, found = _looked_into(vault, record, version)
        return reason, found
    with vault.catalogue.read() as tx:
        kept = tx.derived.get(record.id, version.ordinal)
    if kept is None:
        return Unreadable.GAVE_UP.value, None
    if kept.sealed_found is None:
        return kept.reason, None
    leaf, subject, ordinal = version.object.leaf, record.id, version.ordinal
    values = descriptions.unseal(
        vault, leaf, kept.sealed_found, subject=subject, field_set=FOUND_FIELDS, revision=ordinal
    )
    return kept.reason, checked_found(values)


def picture_of(vault: Vault, actor: Actor, record_id: RecordId) -> bytes:
    """The picture of a record's first page (WebP). A class with gates shows none: who passes them looks at the page.

    Raises ``NotFound``, ``NotAllowed``, ``AccessSuspended``.
    """
    actor.require(Action.OPEN_RECORD)
    with vault.catalogue.read() as tx:
        record = require_on(actor, Action.OPEN_RECORD, tx.records.get(record_id))
        require_unsuspended(tx, actor, record)
        version = tx.records.version(record.id, record.current_ordinal)
        kept = tx.derived.get(record.id, record.current_ordinal)
        shown = _may_show(tx, record) and version is not None
    if not shown or version is None or kept is None or kept.sealed_thumbnail is None:
        raise NotFound("this record has no picture; look at its pages")
    leaf = version.object.leaf
    values = descriptions.unseal(
        vault, leaf, kept.sealed_thumbnail, subject=record_id, field_set=_PICTURE, revision=version.ordinal
    )
    try:
        return base64.b64decode(values["webp"], validate=True)
    except (KeyError, TypeError, binascii.Error) as exc:
        raise SealBroken("a sealed picture has another shape than a picture") from exc


def pictured(vault: Vault, actor: Actor, records: Sequence[Record]) -> frozenset[RecordId]:
    """Which of these records have a picture that whoever acts may see. Raises ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        if is_suspended(tx, actor.person_id):
            return frozenset()
        have = tx.derived.pictured([record.id for record in records])
        return frozenset(
            record.id
            for record in records
            if (record.id, record.current_ordinal) in have
            and actor.may(Action.OPEN_RECORD, record.class_code)
            and _may_show(tx, record)
        )


def _may_show(tx: Transaction, record: Record) -> bool:
    usable = record.state in _LIVING and not record.is_restricted
    return usable and rule_of(tx, record.class_code).sensitivity is Sensitivity.GENERAL


def _page(vault: Vault, before: tuple[datetime, RecordId] | None) -> Sequence[Record]:
    with vault.catalogue.read() as tx:
        return tx.records.page(RecordFilter(), before=before, limit=_AT_ONCE)


def _due(vault: Vault, records: Sequence[Record]) -> Sequence[Record]:
    usable = [each for each in records if each.state in _LIVING and not each.is_restricted]
    with vault.catalogue.read() as tx:
        known = tx.derived.known([each.id for each in usable], parsers=PARSERS, since=vault.now() - AGAIN_AFTER)
    put_off = vault.sweep.put_off
    return [each for each in usable if (each.id, each.current_ordinal) not in known and each.id not in put_off]


def _derive(vault: Vault, record: Record) -> int:
    """Derives one; gives how many were kept. Raises ``KeyDestroyed``, ``Broken``, ``Unavailable``."""
    with vault.catalogue.read() as tx:
        version = tx.records.version(record.id, record.current_ordinal)
    if version is None:
        return 0
    reason, text, picture, found = _looked_into(vault, record, version)
    sealed_text = _sealed(vault, version, TEXT_FIELDS, {"text": text}) if text else None
    webp = {"webp": base64.b64encode(picture).decode("ascii")}
    sealed_picture = _sealed(vault, version, _PICTURE, webp) if picture else None
    sealed_found = _sealed(vault, version, FOUND_FIELDS, found.values()) if found is not None else None
    with vault.catalogue.write() as tx:
        living = tx.records.get(record.id, for_update=True)
        if living is None or living.state not in _LIVING:
            return 0
        tx.derived.keep(
            Derived(
                record_id=record.id,
                ordinal=version.ordinal,
                number=tx.derived.next_number(),
                parsers=PARSERS,
                reason=reason,
                sealed_text=sealed_text,
                sealed_thumbnail=sealed_picture,
                sealed_found=sealed_found,
                made_at=vault.now(),
            )
        )
    return 1


def _looked_into(vault: Vault, record: Record, version: Version) -> tuple[str, str, bytes, Found | None]:
    """Why nothing could be derived, or "", the text, the picture, and what else was found."""
    opening = Opening(vault, record, version)
    kind = previews.kind_of(opening.content.media_type, opening.content.file_name)
    if kind is None:
        return Unreadable.UNSUPPORTED.value, "", b"", None
    if opening.size_bytes == 0:
        return Unreadable.EMPTY.value, "", b"", None
    try:
        parsed = vault.parsers.parse({"do": "derive", "kind": kind.value}, OpenedFile(opening=opening))
        reason, found = checked_reason(parsed.facts), checked_found(parsed.facts)
        text, picture = checked_parts(parsed) if not reason else ("", b"")
    except NotReadable as unreadable:
        return unreadable.reason, "", b"", None
    return reason, text, picture, found


def _sealed(vault: Vault, version: Version, field_set: str, values: Mapping[str, Any]) -> bytes:
    leaf, subject = version.object.leaf, version.record_id
    return descriptions.seal(vault, leaf, values, subject=subject, field_set=field_set, revision=version.ordinal)
