"""Early warning at work: counted where something is opened or refused, judged there and by upkeep, raised, and told.

Rule 1: an opening is counted in the transaction that logs it. A refusal is counted in one of its own.
Rule 2: most openings cost the count alone; what somebody did before is looked at with the third of an hour, and with
every ``EVERY``-th. Upkeep looks at everybody who was active, every few minutes.
Rule 3: whoever is suspended opens nothing, by no way; all else that they may do stays. Nobody is suspended where
nobody else could lift it, and nobody is let in again by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from vault.audit import Detail, Event
from vault.errors import AccessSuspended, NotAllowed, NotFound, PurposeNeeded, Refused, Unavailable
from vault.ids import PersonId, RecordId, could_be_key
from vault.outcomes import Outcome
from vault.people import CLOCK_ID, OPERATOR_ID
from vault.permissions import Action, Actor
from vault.records import Record
from vault.shelves import Transaction
from vault.watching import (
    FORGOTTEN_AFTER,
    LEAST_FLOOR,
    Alarm,
    Counted,
    Deed,
    Finding,
    Suspension,
    WatchRule,
    day_of,
    hour_of,
    judge_day,
    judge_hour,
    window_before,
)
from vault.workflows.groups import everybody_acting
from vault.workflows.vault import Vault

EVERY: Final = 20
UNKNOWN: Final = "record"
"""The subject of a refusal where there is no such record, or none that the log may name."""

Given = ParamSpec("Given")
Told = TypeVar("Told")
Key = TypeVar("Key", bound=str)


def note_opening(vault: Vault, tx: Transaction, actor: Actor) -> None:
    """Counts an opening of somebody, and raises what stands out. Before the log's entry of the opening itself."""
    if actor.person_id == OPERATOR_ID:
        return
    hour = hour_of(vault.now())
    times = tx.watching.count(actor.person_id, Deed.OPENED, hour)
    if times == LEAST_FLOOR or times % EVERY == 0:
        _look(vault, tx, actor.person_id, Deed.OPENED, hour, times)


def refusals_watched(
    workflow: Callable[Concatenate[Vault, Actor, Key, Given], Told],
) -> Callable[Concatenate[Vault, Actor, Key, Given], Told]:
    """A workflow on one record by its key, whose refusals are counted against whoever acts."""

    @wraps(workflow)
    def watched(vault: Vault, actor: Actor, key: Key, /, *args: Given.args, **kwargs: Given.kwargs) -> Told:
        try:
            return workflow(vault, actor, key, *args, **kwargs)
        except (NotAllowed, NotFound) as refused:
            # What is refused stays refused, whether it could be counted or not. A purpose is only not said yet.
            if not isinstance(refused, PurposeNeeded):
                with suppress(Unavailable):
                    _note_refusal(vault, actor, key, refused)
            raise

    return watched


def require_unsuspended(tx: Transaction, actor: Actor, record: Record | None) -> None:
    """Raises ``AccessSuspended`` for somebody who is suspended; asked before every gate."""
    if tx.watching.suspension_of(actor.person_id) is not None:
        raise AccessSuspended(
            "your access to records is suspended; a security administrator looks at why, and lifts it",
            subject="" if record is None else record.id,
        )


def is_suspended(tx: Transaction, person_id: str) -> bool:
    """Whether somebody opens nothing now."""
    return tx.watching.suspension_of(person_id) is not None


def suspend(vault: Vault, tx: Transaction, alarm: Alarm, by: str) -> bool:
    """Suspends whom an alarm is about; False where they are already, or where nobody else could lift it."""
    if not any(
        each.may(Action.SETTLE_ALARMS) and each.person_id != alarm.person_id
        for each in everybody_acting(tx, vault.fonds.id)
    ):
        return False
    suspension = Suspension(id=vault.new_id(), person_id=alarm.person_id, alarm_id=alarm.id, by=by, at=vault.now())
    if not tx.watching.suspend(suspension):
        return False
    tx.audit.append(vault.entry(by, Event.ACCESS_SUSPENDED, alarm.person_id, {"alarm": alarm.id}))
    return True


def watch(vault: Vault) -> Outcome:
    """Upkeep: looks at everybody who was active in this hour or the last, and at their day; forgets old counts."""
    now, raised = vault.now(), 0
    hour = hour_of(now)
    with vault.catalogue.read() as tx:
        rule = tx.watching.rule()
        active = tx.watching.active(first=hour - 1, last=hour)
    for person_id in active:
        with vault.catalogue.read() as tx:
            found = [(at, each) for at in (hour - 1, hour) for each in _standing_out(tx, rule, person_id, at)]
        if found:
            with vault.catalogue.write() as tx:
                raised += sum(_raise(vault, tx, rule, person_id, at, each) for at, each in found)
    with vault.catalogue.write() as tx:
        tx.watching.forget_before(hour_of(now - FORGOTTEN_AFTER))
    return Outcome.of("watched", people=len(active), raised=raised)


def _standing_out(tx: Transaction, rule: WatchRule, person_id: PersonId, hour: int) -> Sequence[Finding]:
    first, last = window_before(hour)
    counted = tx.watching.counted(person_id, first=first, last=hour)
    past = [each for each in counted if each.hour <= last]
    now = [each for each in counted if each.hour == hour]
    today = sum(each.times for each in counted if each.hour > last and each.deed is Deed.OPENED)
    return [
        *(found for each in now for found in judge_hour(rule, each.deed, hour, each.times, past)),
        *judge_day(rule, today, past),
    ]


def _look(vault: Vault, tx: Transaction, person_id: PersonId, deed: Deed, hour: int, times: int) -> None:
    rule = tx.watching.rule()
    first, last = window_before(hour)
    past: Sequence[Counted] = tx.watching.counted(person_id, first=first, last=last)
    for found in judge_hour(rule, deed, hour, times, past):
        _raise(vault, tx, rule, person_id, hour, found)


def _raise(vault: Vault, tx: Transaction, rule: WatchRule, person_id: PersonId, hour: int, found: Finding) -> bool:
    """Raises a sign, once a person and day; only people are warned of."""
    if tx.people.get(person_id) is None:
        return False
    alarm = Alarm(
        id=vault.new_id(),
        person_id=person_id,
        sign=found.sign,
        hour=hour,
        measure=found.measure,
        limit=found.limit,
        days=found.days,
        raised_at=vault.now(),
    )
    if not tx.watching.add_alarm(alarm):
        return False
    wanted = found.sign in rule.suspends
    detail: Detail = {
        "alarm": alarm.id,
        "sign": found.sign.value,
        "day": day_of(hour),
        "measure": found.measure,
        "limit": found.limit,
        "days": found.days,
        "rule": rule.version,
        "suspended": wanted and suspend(vault, tx, alarm, CLOCK_ID),
    }
    tx.audit.append(vault.entry(CLOCK_ID, Event.ALARM_RAISED, person_id, detail))
    return True


def _note_refusal(vault: Vault, actor: Actor, key: str, refused: Refused) -> None:
    with vault.catalogue.read() as tx:
        if tx.people.get(actor.person_id) is None:
            return
        record = None
        if could_be_key(key):
            record = tx.records.get(RecordId(key)) or tx.records.by_number(vault.fonds.id, key)
    hour = hour_of(vault.now())
    with vault.catalogue.write() as tx:
        times = tx.watching.count(actor.person_id, Deed.REFUSED, hour)
        if times >= LEAST_FLOOR:
            _look(vault, tx, actor.person_id, Deed.REFUSED, hour, times)
        subject = UNKNOWN if record is None else record.id
        tx.audit.append(vault.entry(actor.person_id, Event.RECORD_REFUSED, subject, {"code": refused.code}))
