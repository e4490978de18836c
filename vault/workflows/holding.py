"""Filing (归档): a person confirms a record's class and names the event from which its period runs.

What was found about its four properties is kept with it (``vault.filingreports``).

From then on its versions are locked until the due date, in the class's mode. The catalogue knows first; the store
follows at once, and upkeep makes good what it could not.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime

from vault.audit import Detail, Event
from vault.classes import RecordClass
from vault.errors import Conflict, InvalidInput, LockNotKept, NotFound, StrongroomError
from vault.filingreports import Examination, FilingReport, Way, require_knowing
from vault.ids import RecordId
from vault.objects import Lock
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor, require_on
from vault.records import Record, RecordState, Version, require_correctable
from vault.schedule import RuleVersion
from vault.shelves import Transaction
from vault.workflows import outbox
from vault.workflows.examining import Reading, examine
from vault.workflows.filingreports import TWIN, keep_report
from vault.workflows.locks import lock_wanted, reaches, receipt_lock
from vault.workflows.logdetails import append_sealed
from vault.workflows.schedules import require_rule, rule_of
from vault.workflows.vault import Vault


def file_record(
    vault: Vault,
    actor: Actor,
    record_id: RecordId,
    *,
    class_code: str | None = None,
    trigger_on: date | None = None,
    reason: str = "",
    way: Way = Way.VAULT,
    address: str = "",
    reading: Reading | None = None,
) -> Record:
    """Files a record, or files it again with another class or trigger. Without a trigger it never becomes due.

    ``reason`` says why it is filed although a property failed; ``way`` and ``address`` from where; ``reading`` is what
    may be read again for records that are filed together.
    A version that was received as of a GOVERNANCE class and is filed as of a COMPLIANCE one is locked as long, but in
    GOVERNANCE: turning one into the other takes the operator's right.
    A due date may move on, never back: what a lock promised stays. Raises ``NotFound``, ``NotAllowed``, ``Conflict``
    (destroyed, or corrected meanwhile), ``InvalidInput`` (the new due date is before the one in force; a property
    failed, and nothing is said of why). Another class takes the right on both.
    """
    examination = examine_filing(vault, actor, record_id, class_code=class_code, trigger_on=trigger_on, reading=reading)
    with vault.catalogue.write() as tx:
        filed = file_examined(
            vault,
            actor,
            tx,
            record_id,
            examination,
            class_code=class_code,
            trigger_on=trigger_on,
            reason=reason,
            way=way,
            address=address,
        )
    lock_filed(vault, filed)
    return filed


def file_examined(
    vault: Vault,
    actor: Actor,
    tx: Transaction,
    record_id: RecordId,
    examination: Examination,
    *,
    class_code: str | None = None,
    trigger_on: date | None = None,
    reason: str = "",
    way: Way = Way.VAULT,
    address: str = "",
) -> Record:
    """Files a record of which ``examine_filing`` said this, within a transaction; ``lock_filed`` follows it. Raises as
    ``file_record``."""
    actor.require(Action.FILE_RECORD)
    now = vault.now()
    found = tx.records.get(record_id, for_update=True)
    record = require_correctable(require_on(actor, Action.FILE_RECORD, found))
    if class_code is not None:
        actor.require(Action.FILE_RECORD, class_code)
    rule = _rule_for(tx, record, class_code)
    chosen = rule.rule
    knowing = require_knowing(examination, record.number, reason)
    trigger = trigger_on or record.trigger_on
    due_on = chosen.due_on(trigger) if trigger is not None else None
    if due_on is not None:
        # What a reviewer extended stays extended.
        due_on = max(due_on, tx.disposals.extended([record.id]).get(record.id, due_on))
    version = tx.records.version(record.id, record.current_ordinal)
    if version is None:
        raise NotFound(f"record {record.number} has no version {record.current_ordinal}; run the doctor")
    if version.ordinal != examination.ordinal:
        raise Conflict(f"record {record.number} was corrected meanwhile; look at it and file it again")
    kept_until = _kept_until(record, rule_of(tx, record.class_code))
    kept_until = kept_until or _locked_beyond_receipt(tx.records.versions(record.id), now)
    if kept_until is not None and due_on is not None and due_on < kept_until:
        raise InvalidInput(
            f"record {record.number} is to be kept until {kept_until}; a later filing cannot make that "
            f"{due_on}; leave class and trigger as they are, or choose a longer period",
            field="trigger_on",
        )
    filed = replace(
        record,
        class_code=chosen.code,
        state=RecordState.FILED,
        filed_at=now,
        filed_by=actor.person_id,
        trigger_on=trigger,
        due_on=due_on,
        rule_version=rule.version,
        change=tx.records.next_change(),
    )
    tx.records.update(filed)
    outbox.put_record(vault, tx, filed, version.object.leaf)
    report = FilingReport(
        record_id=record.id,
        number=tx.filing_reports.newest_number(record.id) + 1,
        examination=examination,
        filed_by=actor.person_id,
        filed_at=now,
        way=way,
        address=address,
        reason=knowing,
    )
    keep_report(vault, tx, report, version.object.leaf, filed.change)
    detail: Detail = {
        "class": chosen.code,
        "rule": rule.version,
        "trigger_on": trigger.isoformat() if trigger else None,
        "due_on": due_on.isoformat() if due_on else None,
        "report": report.number,
        # A log entry is read by those, too, for whom a twin does not exist.
        **{each.value: verdict.value for each, verdict in examination.without(TWIN).verdicts.items()},
    }
    entry = vault.entry(actor.person_id, Event.RECORD_FILED, record.id, detail)
    if knowing:
        append_sealed(vault, tx, entry, version.object.leaf, {"reason": knowing})
    else:
        tx.audit.append(entry)
    return filed


def lock_filed(vault: Vault, filed: Record) -> None:
    """Extends the locks of what was filed. It is filed all the same if the store cannot: upkeep finds, by query, every
    version whose lock is too short."""
    with suppress(StrongroomError):
        extend_locks_of(vault, filed)


def examine_filing(
    vault: Vault,
    actor: Actor,
    record_id: RecordId,
    *,
    class_code: str | None = None,
    trigger_on: date | None = None,
    reading: Reading | None = None,
) -> Examination:
    """What is found about a record if it is filed like that; nothing is changed.

    Raises ``NotFound``, ``NotAllowed``, ``Conflict`` (destroyed).
    """
    actor.require(Action.FILE_RECORD)
    with vault.catalogue.read() as tx:
        record = require_correctable(require_on(actor, Action.FILE_RECORD, tx.records.get(record_id)))
        if class_code is not None:
            actor.require(Action.FILE_RECORD, class_code)
        rule = _rule_for(tx, record, class_code).rule
    return examine(vault, actor, record, rule, trigger_on or record.trigger_on, reading or Reading())


def _rule_for(tx: Transaction, record: Record, class_code: str | None) -> RuleVersion:
    """The rule under which a record would be filed. What keeps its class may keep a retired one, too."""
    keeps = class_code is None or class_code == record.class_code
    governing = tx.schedules.rule(record.class_code) if keeps else None
    return governing or require_rule(tx, class_code or record.class_code)


def extend_locks_of(vault: Vault, record: Record) -> int:
    """Extends the locks of a record's versions to its due date; gives how many were extended."""
    with vault.catalogue.read() as tx:
        versions = tx.records.versions(record.id)
    return sum(extend_lock_of(vault, record, version) for version in versions)


def extend_lock_of(vault: Vault, record: Record, version: Version) -> bool:
    """Extends one version's lock to the due date, or renews the short one; False when it reaches that far already.

    Raises ``StoreUnavailable``, ``LockNotKept``, ``ObjectMissing``.
    """
    with vault.catalogue.read() as tx:
        rule = rule_of(tx, record.class_code)
    wanted = lock_wanted(record, rule, version.lock, vault.now())
    if wanted is None or reaches(version.lock, wanted):
        return False
    try:
        kept = vault.store.extend_lock(version.object.key, version.version_id, wanted)
    except LockNotKept:
        if version.lock.mode is wanted.mode or version.lock.retain_until >= wanted.retain_until:
            raise
        # A record that was received as of another class: COMPLIANCE takes the operator's right, the time does not.
        longer = replace(wanted, mode=version.lock.mode)
        kept = vault.store.extend_lock(version.object.key, version.version_id, longer)
    _remember(vault, version, kept)
    return True


def _kept_until(record: Record, rule: RecordClass) -> date | None:
    """Its due date as its class's rule has it now: upkeep may not have followed that one yet."""
    if record.due_on is None or record.trigger_on is None:
        return record.due_on
    return rule.due_on(record.trigger_on)


def _locked_beyond_receipt(versions: Sequence[Version], now: datetime) -> date | None:
    """Until when an earlier filing had versions locked; None when their locks are those of their receipt."""
    longest = max(version.lock.retain_until for version in versions)
    return longest.date() if longest > receipt_lock(now).retain_until else None


def _remember(vault: Vault, version: Version, kept: Lock) -> None:
    with vault.catalogue.write() as tx:
        tx.records.set_lock(version.record_id, version.ordinal, kept)
        detail = {
            "ordinal": version.ordinal,
            "mode": kept.mode.value,
            "retain_until": kept.retain_until.isoformat(),
        }
        tx.audit.append(vault.entry(CLOCK_ID, Event.LOCK_EXTENDED, version.record_id, detail))
