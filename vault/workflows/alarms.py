"""Alarms of early warning: seen, settled, and what follows for whom they are about; and the rule they come from.

Rule 1: nobody settles an alarm about themselves, suspends or lets in themselves; the catalogue refuses it, too.
Rule 2: why an alarm was settled, or a suspension lifted, is said in words, which are sealed beside the log's entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vault.audit import Detail, Event
from vault.errors import Conflict, NotAllowed, NotFound
from vault.holds import checked_reason
from vault.ids import could_be_key
from vault.permissions import Action, Actor
from vault.shelves import Transaction
from vault.watching import Alarm, Sign, Suspension, WatchRule, checked_rule
from vault.workflows import watching
from vault.workflows.agreements import names_of
from vault.workflows.freshness import require_fresh
from vault.workflows.logdetails import append_sealed
from vault.workflows.vault import Vault

SUBJECT_OF_RULE = "early-warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
    """An alarm with the name of whom it is about; ``suspension`` is the one in force, ``mine`` whether it waits for
    whoever asks."""

    alarm: Alarm
    name: str
    suspension: Suspension | None
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendedView:
    """A suspension in force with the name of whom it is about; ``mine`` whether whoever asks may lift it."""

    suspension: Suspension
    name: str
    mine: bool


def list_alarms(vault: Vault, actor: Actor, *, unsettled: bool = False) -> Sequence[AlarmView]:
    """Alarms, the newest first. Raises ``NotAllowed``."""
    actor.require(Action.SEE_ALARMS)
    with vault.catalogue.read() as tx:
        alarms = tx.watching.alarms(unsettled=unsettled)
        names = names_of(vault, tx) if alarms else {}
        suspended = {each.person_id: each for each in tx.watching.suspensions()}
    return [
        AlarmView(
            alarm=each,
            name=names.get(each.person_id, ""),
            suspension=suspended.get(each.person_id),
            mine=_may_settle(actor, each),
        )
        for each in alarms
    ]


def list_suspended(vault: Vault, actor: Actor) -> Sequence[SuspendedView]:
    """Everybody who is suspended now, whoever looked at their alarm, the longest first. Raises ``NotAllowed``."""
    actor.require(Action.SEE_ALARMS)
    with vault.catalogue.read() as tx:
        found = tx.watching.suspensions()
        names = names_of(vault, tx) if found else {}
    able = actor.may(Action.SETTLE_ALARMS)
    return [
        SuspendedView(
            suspension=each, name=names.get(each.person_id, ""), mine=able and each.person_id != actor.person_id
        )
        for each in found
    ]


def settle_alarm(vault: Vault, actor: Actor, alarm_id: str, words: str) -> Alarm:
    """Says that somebody has looked at an alarm, and what it was. A suspension stays until it is lifted.

    Raises ``NotAllowed`` (about oneself, too), ``StepUpNeeded``, ``NotFound``, ``Conflict`` (settled),
    ``InvalidInput``.
    """
    said = _begin(vault, actor, words)
    with vault.catalogue.write() as tx:
        alarm = _found(tx, actor, alarm_id)
        if not alarm.is_open:
            raise Conflict("this alarm is settled already; look at the list again")
        settled = replace(alarm, settled_by=actor.person_id, settled_at=vault.now())
        tx.watching.settle(settled)
        entry = vault.entry(actor.person_id, Event.ALARM_SETTLED, alarm.person_id, {"alarm": alarm.id})
        append_sealed(vault, tx, entry, vault.house, {"words": said})
    return settled


def suspend_person(vault: Vault, actor: Actor, alarm_id: str) -> None:
    """Suspends whom an alarm is about, until it is lifted.

    Raises ``NotAllowed`` (oneself, too), ``StepUpNeeded``, ``NotFound``, ``Conflict`` (suspended, or nobody else could
    lift it).
    """
    actor.require(Action.SETTLE_ALARMS)
    require_fresh(vault, actor)
    with vault.catalogue.write() as tx:
        alarm = _found(tx, actor, alarm_id)
        if not watching.suspend(vault, tx, alarm, actor.person_id):
            raise Conflict("this person is suspended already, or nobody else could let them in again")


def lift_suspension(vault: Vault, actor: Actor, alarm_id: str, words: str) -> None:
    """Lets somebody open records again, whom an alarm is about.

    Raises ``NotAllowed`` (oneself, too), ``StepUpNeeded``, ``NotFound``, ``Conflict`` (not suspended),
    ``InvalidInput``.
    """
    said = _begin(vault, actor, words)
    with vault.catalogue.write() as tx:
        alarm = _found(tx, actor, alarm_id)
        suspension = tx.watching.suspension_of(alarm.person_id)
        if suspension is None:
            raise Conflict("this person is not suspended; look at the list again")
        tx.watching.lift(replace(suspension, lifted_by=actor.person_id, lifted_at=vault.now()))
        entry = vault.entry(actor.person_id, Event.SUSPENSION_LIFTED, alarm.person_id, {"alarm": suspension.alarm_id})
        append_sealed(vault, tx, entry, vault.house, {"words": said})


def show_rule(vault: Vault, actor: Actor) -> WatchRule:
    """The rule in force. Raises ``NotAllowed``."""
    actor.require(Action.SEE_ALARMS)
    with vault.catalogue.read() as tx:
        return tx.watching.rule()


def set_rule(
    vault: Vault,
    actor: Actor,
    *,
    bulk_floor: int,
    odd_floor: int,
    refused_floor: int,
    factor_percent: int,
    history_days: int,
    suspends: Iterable[Sign],
) -> WatchRule:
    """Puts another rule in force, at once. Raises ``NotAllowed``, ``StepUpNeeded``, ``InvalidInput``."""
    actor.require(Action.SET_WATCH)
    require_fresh(vault, actor)
    checked = checked_rule(
        bulk_floor=bulk_floor,
        odd_floor=odd_floor,
        refused_floor=refused_floor,
        factor_percent=factor_percent,
        history_days=history_days,
        suspends=suspends,
    )
    with vault.catalogue.write() as tx:
        rule = replace(checked, version=tx.watching.rule().version + 1, set_by=actor.person_id, set_at=vault.now())
        tx.watching.set_rule(rule)
        detail: Detail = {
            "version": rule.version,
            "bulk_floor": rule.bulk_floor,
            "odd_floor": rule.odd_floor,
            "refused_floor": rule.refused_floor,
            "factor_percent": rule.factor_percent,
            "history_days": rule.history_days,
            "suspends": ",".join(sorted(rule.suspends)),
        }
        tx.audit.append(vault.entry(actor.person_id, Event.WATCH_SET, SUBJECT_OF_RULE, detail))
    return rule


def am_suspended(vault: Vault, actor: Actor) -> bool:
    """Whether whoever asks opens nothing now; for pages that tell them."""
    with vault.catalogue.read() as tx:
        return watching.is_suspended(tx, actor.person_id)


def _begin(vault: Vault, actor: Actor, words: str) -> str:
    actor.require(Action.SETTLE_ALARMS)
    require_fresh(vault, actor)
    return checked_reason(words, field="words")


def _may_settle(actor: Actor, alarm: Alarm) -> bool:
    return alarm.is_open and actor.may(Action.SETTLE_ALARMS) and alarm.person_id != actor.person_id


def _found(tx: Transaction, actor: Actor, alarm_id: str) -> Alarm:
    alarm = tx.watching.alarm(alarm_id, for_update=True) if could_be_key(alarm_id) else None
    if alarm is None:
        raise NotFound("there is no such alarm; look it up in the list")
    if alarm.person_id == actor.person_id:
        raise NotAllowed("this alarm is about you; another security administrator looks at it")
    return alarm
