"""Automatic expiry: records of classes that two people made automatic are destroyed by the clock, inside its guards.

1. The guards look at the clock: moved more than two days since the last run, or more than a day apart from the object
   store's? Then nothing is listed or destroyed.
2. What becomes due is listed, signed by the two people of the rule, and waits for the rule's objection window.
3. Lists whose window is over are judged, record by record, and counted: would more than the set share of the living
   records die within a day?
4. They are executed as any list is: holds are looked at in the destruction's own transaction.

Rule 1: a guard that stops says so in the catalogue, on the state page and in the log, until an officer resumes.
Rule 2: whoever resumes allows what the guard found, and no more: the clock counts from then; so many records may die
within the next day.
Rule 3: a supervised class never expires by itself; the table of rules refuses it, and so does ``listing``.
Rule 4: a list whose rule has changed since is cancelled, and its records are listed anew.
Rule 5: what permission reviews take back in silence waits for the same guards of the clock (``stopped_clock``), but not
for that of how many records may die: while it stops these, the clock is looked at all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.disposal import DisposalList, Pause, PauseCause, clock_moved, clocks_apart, day_limit
from vault.errors import AlreadyExists, Conflict, NotDue, NotFound
from vault.ids import PauseId
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor
from vault.schedule import RuleVersion, today
from vault.workflows.execution import Judged, cancel_superseded, carry_out, judge
from vault.workflows.freshness import require_fresh
from vault.workflows.listing import propose_due
from vault.workflows.vault import Vault

DAY: Final = timedelta(days=1)
LISTS_A_CLASS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryState:
    """Where automatic destruction stands: which classes, which lists wait, since when it is paused and why."""

    classes: Sequence[str]
    waiting: Sequence[DisposalList]
    pause: Pause | None
    last_run: datetime | None


def expire(vault: Vault) -> Outcome:
    """Upkeep: lists, and executes, what expires by itself. Raises ``StoreUnavailable``, ``KeeperUnavailable``."""
    with vault.catalogue.read() as tx:
        rules = [each for each in tx.schedules.governing() if each.rule.automatic]
        waiting = tx.disposals.automatic_open(vault.fonds.id)
        pause = tx.pauses.open(vault.fonds.id)
        last_run = tx.pauses.last_run(vault.fonds.id)
        reviewing = tx.reviews.open(vault.fonds.id)
    if pause is not None and pause.cause is not PauseCause.SHARE_EXCEEDED:
        return Outcome.of("expiry-paused", cause=pause.cause.value)
    now = vault.now()
    if rules or waiting or reviewing:
        stopped = _look_at_clock(vault, last_run, now)
        if stopped is not None:
            return stopped
    with vault.catalogue.write() as tx:
        tx.pauses.ran(vault.fonds.id, at=now)
    if pause is not None:
        # The clock was looked at all the same: what waits for it alone would take it for one that jumped (rule 5).
        return Outcome.of("expiry-paused", cause=pause.cause.value)
    listed = _list(vault, rules)
    judged = _ready(vault, now)
    doomed = sum(len(each.dying) for each in judged)
    with vault.catalogue.read() as tx:
        taken = tx.pauses.taken_since(vault.fonds.id, since=now - DAY)
        living = tx.pauses.living(vault.fonds.id)
        newest = tx.pauses.newest(vault.fonds.id)
    # The share is of the vault as it was a day ago: many small runs are no way around it.
    if doomed and taken + doomed > _allowed(vault, living + taken, newest, now):
        return _stop(vault, PauseCause.SHARE_EXCEEDED, taken + doomed, living=living + taken)
    destroyed = left_out = again = 0
    for each in judged:
        try:
            done = carry_out(vault, CLOCK_ID, each.disposal.id, {})
        except (Conflict, NotDue):
            # Another process has it, or an earlier destruction is not through yet: one list does not stop the others.
            again += 1
            continue
        destroyed += done.batch.record_count if done.batch is not None else 0
        left_out += len(done.left_out)
    return Outcome.of("expired", destroyed=destroyed, left_out=left_out, listed=listed, waiting=again)


def resume(vault: Vault, actor: Actor) -> Pause:
    """Lets automatic destruction go on after somebody looked. Raises ``NotAllowed``, ``StepUpNeeded``, ``NotFound``."""
    actor.require(Action.RESUME_EXPIRY)
    require_fresh(vault, actor)
    now = vault.now()
    with vault.catalogue.write() as tx:
        pause = tx.pauses.open(vault.fonds.id, for_update=True)
        if pause is None or not tx.pauses.resume(pause.id, by=actor.person_id, at=now):
            raise NotFound("automatic destruction is not paused; there is nothing to resume")
        tx.pauses.ran(vault.fonds.id, at=now)
        detail: Detail = {"cause": pause.cause.value, "measure": pause.measure}
        tx.audit.append(vault.entry(actor.person_id, Event.EXPIRY_RESUMED, pause.id, detail))
    return pause


def show_expiry(vault: Vault, actor: Actor) -> ExpiryState:
    """Where automatic destruction stands. Raises ``NotAllowed``."""
    if not actor.may(Action.SEE_STATE):
        actor.require(Action.SEE_DISPOSALS)
    with vault.catalogue.read() as tx:
        return ExpiryState(
            classes=[each.code for each in tx.schedules.governing() if each.rule.automatic],
            waiting=tx.disposals.automatic_open(vault.fonds.id),
            pause=tx.pauses.open(vault.fonds.id),
            last_run=tx.pauses.last_run(vault.fonds.id),
        )


def stopped_clock(vault: Vault) -> Outcome | None:
    """What the guards say of the clock to whatever else it ends; None where it may. Raises ``StoreUnavailable``."""
    with vault.catalogue.read() as tx:
        pause = tx.pauses.open(vault.fonds.id)
        last_run = tx.pauses.last_run(vault.fonds.id)
    if pause is not None and pause.cause is not PauseCause.SHARE_EXCEEDED:
        return Outcome.of("expiry-paused", cause=pause.cause.value)
    return _look_at_clock(vault, last_run, vault.now())


def _look_at_clock(vault: Vault, last_run: datetime | None, now: datetime) -> Outcome | None:
    moved = clock_moved(last_run, now)
    if moved is not None:
        return _stop(vault, PauseCause.CLOCK_MOVED, int(moved.total_seconds()))
    apart = clocks_apart(now, vault.outside_time())
    if apart is not None:
        return _stop(vault, PauseCause.CLOCKS_DISAGREE, int(apart.total_seconds()))
    return None


def _stop(vault: Vault, cause: PauseCause, measure: int, *, living: int = 0) -> Outcome:
    pause = Pause(
        id=PauseId(vault.new_id()),
        fonds_id=vault.fonds.id,
        cause=cause,
        measure=measure,
        living=living,
        at=vault.now(),
        resumed_by=None,
        resumed_at=None,
    )
    try:
        with vault.catalogue.write() as tx:
            tx.pauses.add(pause)
            detail: Detail = {"cause": cause.value, "measure": measure, "living": living}
            tx.audit.append(vault.entry(CLOCK_ID, Event.EXPIRY_PAUSED, pause.id, detail))
    except AlreadyExists:
        # Another process stopped for the same moment.
        pass
    return Outcome.of("expiry-paused", cause=cause.value)


def _list(vault: Vault, rules: Sequence[RuleVersion]) -> int:
    return sum(count for rule in rules for _, count in propose_due(vault, rule, CLOCK_ID, at_most=LISTS_A_CLASS))


def _ready(vault: Vault, now: datetime) -> list[Judged]:
    """Automatic lists that may be executed now; what has no valid rule any more is cancelled."""
    with vault.catalogue.read() as tx:
        waiting = tx.disposals.automatic_open(vault.fonds.id)
        rules = {each.code: each for each in tx.schedules.governing()}
    ready: list[Judged] = []
    for disposal in waiting:
        rule = rules.get(disposal.class_code)
        if rule is None or rule.version != disposal.rule_version or not rule.rule.automatic:
            cancel_superseded(vault, disposal)
            continue
        if disposal.due_until is not None and today(now) < disposal.due_until:
            continue
        try:
            ready.append(judge(vault, disposal.id))
        except NotDue:
            continue
    return ready


def _allowed(vault: Vault, living: int, newest: Pause | None, now: datetime) -> int:
    limits = vault.limits
    allowed = day_limit(living, share_percent=limits.expiry_share_percent, at_least=limits.expiry_at_least)
    if newest is None or newest.cause is not PauseCause.SHARE_EXCEEDED or newest.resumed_at is None:
        return allowed
    return max(allowed, newest.measure) if timedelta() <= now - newest.resumed_at < DAY else allowed


def require_paused(vault: Vault, actor: Actor) -> Pause:
    """What ``resume`` would resume. Raises as it does."""
    actor.require(Action.RESUME_EXPIRY)
    with vault.catalogue.read() as tx:
        pause = tx.pauses.open(vault.fonds.id)
    if pause is None:
        raise NotFound("automatic destruction is not paused; there is nothing to resume")
    return pause
