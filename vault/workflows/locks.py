"""How long a version is locked in the store, and in which mode (DESIGN 4).

Rule 1: at receipt, 30 days; renewed while the record is not filed or its trigger is not known. Already then in the
class's mode: a store lets nobody but the operator turn GOVERNANCE into COMPLIANCE later, and anybody extend either.
Rule 2: once the due date is known, the lock reaches to it, in the class's mode: COMPLIANCE only where a statute sets a
floor, and never beyond that floor.
Rule 3: what people decided to keep beyond that, or for ever, is locked like what has just come in, again and again: no
decision of a reviewer is made irrevocable by the store.
Rule 4: S3 keeps whole seconds; so do we.
Rule 5: what the vault needs for as long as it lives and never deletes (``Layout.lasts``: registers, certificates,
paper, key pages, blocks, the log) is locked for ten years. Other metadata has the short lock and no renewal: a register
says it again within seconds, and what belongs to a record goes with its bytes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from vault.classes import FOR_EVER, RecordClass
from vault.objects import Lock, LockMode
from vault.ports import Layout
from vault.records import Record

RECEIPT_LOCK: Final = timedelta(days=30)
RENEW_WHEN_LEFT: Final = timedelta(days=10)
LASTING_LOCK: Final = timedelta(days=3650)
_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)


def receipt_lock(now: datetime, mode: LockMode = LockMode.GOVERNANCE) -> Lock:
    """The short lock of a version that has just come in, or is renewed."""
    return Lock(mode=mode, retain_until=(now + RECEIPT_LOCK).replace(microsecond=0))


def lasting_lock(now: datetime) -> Lock:
    """The lock of what is never replaced and never deleted."""
    return Lock(mode=LockMode.GOVERNANCE, retain_until=(now + LASTING_LOCK).replace(microsecond=0))


def metadata_lock(layout: Layout, key: str, now: datetime) -> Lock:
    """The lock of an object that is no version of a record."""
    return lasting_lock(now) if layout.lasts(key) else receipt_lock(now)


def due_lock(record_class: RecordClass, due_on: date) -> Lock:
    """The lock of a filed version: to the start of its due date, UTC."""
    until = min(datetime.combine(due_on, time(), tzinfo=UTC), _LATEST)
    return Lock(mode=record_class.lock_mode, retain_until=until)


def lock_wanted(record: Record, rule: RecordClass, lock: Lock, now: datetime) -> Lock | None:
    """What a version's lock should be extended to now; None where it reaches far enough, or nothing wants one."""
    renewed = None if lock.retain_until > now + RENEW_WHEN_LEFT else receipt_lock(now, lock.mode)
    if record.due_on is None or record.due_on == FOR_EVER:
        return renewed
    floor = rule.due_on(record.trigger_on) if record.trigger_on is not None else None
    if rule.lock_mode is LockMode.COMPLIANCE and floor is not None and floor < record.due_on:
        at_floor = due_lock(rule, floor)
        if at_floor.retain_until > max(now, lock.retain_until):
            return at_floor
        due = due_lock(rule, record.due_on).retain_until
        return renewed if renewed is not None and lock.retain_until < due and now < due else None
    wanted = due_lock(rule, record.due_on)
    return wanted if wanted.retain_until > now else None


def reaches(lock: Lock, wanted: Lock) -> bool:
    """Whether a lock is at least as strong and as long as another."""
    strong = lock.mode is LockMode.COMPLIANCE or wanted.mode is LockMode.GOVERNANCE
    return strong and lock.retain_until >= wanted.retain_until
