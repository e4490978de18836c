"""Upkeep: what is due is found by query, done in steps that may be repeated, and each run is recorded.

State is the queue (DESIGN 12). A job that did not run for three of its intervals is an alarm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from vault.answers import KEPT
from vault.audit import Detail, Event
from vault.disposal import Pause
from vault.errors import NotFound, StrongroomError, Unavailable
from vault.ids import RecordId
from vault.links import PASS_CODE_WINDOW
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor
from vault.records import Version
from vault.workflows import (
    accessreviews,
    borrowing,
    certificates,
    deliveries,
    deriving,
    effect,
    expiry,
    finishing,
    listing,
    log,
    logchecks,
    mirror,
    outbox,
    recovery,
    register,
    schedules,
    watching,
    webhooks,
)
from vault.workflows.ciphertext import clear_given_up, delete_ciphertext
from vault.workflows.holding import extend_lock_of
from vault.workflows.locks import RENEW_WHEN_LEFT
from vault.workflows.processes import beat as beat
from vault.workflows.vault import Vault

PROVE_LOCK: Final = "prove-lock"
OPENINGS_KEPT: Final = timedelta(days=1)
FAILED_AGAIN: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One duty: how often it is looked after, and what it does; what it gives tells what came of it.

    That is an ``Outcome`` whose code has a row in ``vault.outcomes.FORMS`` and in ``web.outcomes.OUTCOMES``, or a plain
    text, which pages tell by no more than "done".

    One that is due ``at_start`` is done whenever a server starts, however lately it was done. One that is done
    ``aside`` may last, or waits for somebody outside: a server does it in a thread of its own; nothing waits for it.
    """

    name: str
    every: timedelta
    run: Callable[[Vault], Outcome | str]
    at_start: bool = False
    aside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """When a job last ran, and what came of it, None before its first run. ``overdue`` is the alarm.

    ``unexpected`` is what nobody foresaw, for whoever ran it to log: a defect of ours.
    """

    job: str
    outcome: Outcome | None
    at: datetime | None
    overdue: bool
    unexpected: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultState:
    """What the state page and the doctor show."""

    records: int
    unsettled_intents: int
    outbox_waiting: int
    outbox_since: datetime | None
    jobs: Sequence[JobRun]
    indexed: int
    index_full: bool = False
    index_full_of_texts: bool = False
    holds_waiting: int = 0
    expiry_paused: Pause | None = None

    @property
    def lock_proof(self) -> JobRun | None:
        """The newest proof of the store's lock; None before the first one."""
        return next((run for run in self.jobs if run.job == PROVE_LOCK and run.at is not None), None)


def duties(vault: Vault) -> Sequence[Job]:
    """Every job of this installation."""
    return (*JOBS, *vault.duties)


def run_due(
    vault: Vault, *, only: AbstractSet[str] | None = None, starting: bool = False, rung: bool = False
) -> Sequence[JobRun]:
    """Runs every job that is due, of those named by ``only`` where it is given; those of a start too when
    ``starting``, and all of them when they were ``rung`` for.

    An unavailable part is an outcome of the job, and so is what nobody foresaw: no job keeps the others from running,
    and one that failed is due again after a minute, however seldom it is done. Raises ``CatalogueUnavailable`` when
    even the outcome cannot be recorded.
    """
    beat(vault)
    with vault.catalogue.read() as tx:
        last = {job: (at, Outcome.read(kept)) for job, at, kept in tx.jobs.last_runs()}
    ran = []
    for job in duties(vault):
        if only is not None and job.name not in only:
            continue
        at = vault.now()
        previous, every = None, job.every
        if job.name in last:
            previous, outcome_before = last[job.name]
            every = min(every, FAILED_AGAIN) if outcome_before.is_failed else every
        # A last run in the future is a clock that was set back: the job is due.
        fresh = previous is not None and timedelta() <= at - previous < every
        if fresh and not rung and not (starting and job.at_start):
            continue
        unexpected = None
        try:
            told = job.run(vault)
            outcome = told if isinstance(told, Outcome) else Outcome.said(told)
        except StrongroomError as exc:
            outcome = Outcome.of("failed", error=exc.code)
        except Exception as exc:  # noqa: BLE001 - a defect in one duty; it is handed on to be logged
            outcome, unexpected = Outcome.of("failed", error="unexpected"), exc
        with vault.catalogue.write() as tx:
            tx.jobs.ran(job.name, at=at, outcome=outcome.kept())
        ran.append(JobRun(job=job.name, outcome=outcome, at=at, overdue=False, unexpected=unexpected))
    return ran


def state(vault: Vault, actor: Actor) -> VaultState:
    """The state of the vault. Raises ``NotAllowed``."""
    actor.require(Action.SEE_STATE)
    now = vault.now()
    index = vault.search.standing()
    with vault.catalogue.read() as tx:
        last = {job: (at, outcome) for job, at, outcome in tx.jobs.last_runs()}
        waiting, since = tx.outbox.lag()
        records = tx.records.count()
        unsettled = len(tx.intents.unsettled())
        holds_waiting = tx.holds.mirror_lag()
        expiry_paused = tx.pauses.open(vault.fonds.id)
    return VaultState(
        records=records,
        unsettled_intents=unsettled,
        outbox_waiting=waiting,
        outbox_since=since,
        jobs=[_job_run(job, last.get(job.name), now) for job in duties(vault)],
        indexed=index.records,
        index_full=index.is_full,
        index_full_of_texts=index.is_full_of_texts,
        holds_waiting=holds_waiting,
        expiry_paused=expiry_paused,
    )


def settle_intents(vault: Vault) -> Outcome:
    """Settles every intent that nobody works on any more."""
    settled = left = 0
    with vault.catalogue.read() as tx:
        unsettled = tx.intents.unsettled()
    for intent in unsettled:
        if not recovery.is_orphan(vault, intent):
            continue
        try:
            recovery.settle(vault, intent)
            settled += 1
        except Unavailable:
            raise
        except StrongroomError:
            # One damaged object must not keep the others from being settled; the doctor names it.
            left += 1
    strays = recovery.abort_strays(vault)
    if strays:
        return Outcome.of("settled-and-aborted", settled=settled, left=left, strays=strays)
    return Outcome.of("settled", settled=settled, left=left)


def renew_locks(vault: Vault) -> Outcome:
    """Renews the short locks of what is not filed yet, and extends those of what is, to the due date."""
    renewed = left = 0
    before = vault.now() + RENEW_WHEN_LEFT
    with vault.catalogue.read() as tx:
        lapsing = list(tx.records.locks_to_renew(lapsing_before=before))
    for version in chain(lapsing, _short(vault)):
        with vault.catalogue.read() as tx:
            record = tx.records.get(RecordId(version.record_id))
        if record is None:
            raise NotFound("a version without a record; run the doctor")
        try:
            renewed += extend_lock_of(vault, record, version)
        except Unavailable:
            raise
        except StrongroomError:
            # One object that is gone must not keep the others from being renewed; the doctor names it.
            left += 1
    return Outcome.of("locks-extended", extended=renewed, left=left)


def _short(vault: Vault) -> Iterator[Version]:
    """Versions whose lock ends before their record's due date, page by page."""
    after = ("", 0)
    while True:
        with vault.catalogue.read() as tx:
            page = [version for version, _ in tx.records.locks_to_extend(after=after)]
        if not page:
            return
        yield from page
        after = (page[-1].record_id, page[-1].ordinal)


def _finish_batches(vault: Vault) -> Outcome:
    waiting = effect.resume(vault)
    if not waiting:
        return Outcome.of("all-effective")
    told = "; ".join(sorted({each for view in waiting for each in view.waiting}))
    return Outcome.of("not-effective", count=len(waiting), waiting=told)


def send_outbox(vault: Vault) -> Outcome:
    """Sends what changed to the store: the register, then whatever waits."""
    changes = register.write_pending(vault)
    return Outcome.of("sent", sent=outbox.send_pending(vault), changes=changes)


def _forget(vault: Vault) -> Outcome:
    now = vault.now()
    with vault.catalogue.write() as tx:
        ended = tx.sessions.end_expired(now=now)
        tx.challenges.forget_expired(now=now)
        tx.answers.forget_before(now - KEPT)
        tx.attempts.forget_before(now - OPENINGS_KEPT)
        # Guesses of the time to come were counted before the clock was set back; nobody waits until then.
        tx.attempts.forget_after(now + PASS_CODE_WINDOW)
        for process_id, description, seen_at in tx.processes.all():
            silent = now - seen_at
            gone = vault.is_gone(description) or silent > OPENINGS_KEPT
            if gone and process_id != vault.process_id:
                tx.processes.end(process_id)
    return Outcome.of("sessions-ended", ended=ended)


def follow_schedule(vault: Vault) -> Outcome:
    """Gives records whose rule has changed the due date that it has for them now."""
    followed, moved = schedules.follow(vault)
    return Outcome.of("rules-followed", followed=followed, moved=moved)


def _prove_lock(vault: Vault) -> Outcome:
    verdict = vault.prove_lock()
    detail: Detail = {"tried": verdict.tried, "held": verdict.held}
    with vault.catalogue.write() as tx:
        tx.audit.append(vault.entry(CLOCK_ID, Event.LOCK_PROVED, vault.vault_id, detail))
    return Outcome.of("lock-held" if verdict.proved else "lock-broken", held=verdict.held, tried=verdict.tried)


def _job_run(job: Job, last: tuple[datetime, str] | None, now: datetime) -> JobRun:
    if last is None:
        return JobRun(job=job.name, outcome=None, at=None, overdue=True)
    at, kept = last
    return JobRun(job=job.name, outcome=Outcome.read(kept), at=at, overdue=now - at > 3 * job.every)


JOBS: Final = (
    Job(name="settle-intents", every=timedelta(seconds=15), run=settle_intents),
    Job(name="finish-uploads", every=timedelta(seconds=15), run=finishing.finish_whole),
    Job(name="send-outbox", every=timedelta(seconds=15), run=send_outbox),
    Job(name="finish-batches", every=timedelta(seconds=15), run=_finish_batches),
    Job(name="issue-certificates", every=timedelta(seconds=15), run=certificates.issue_certificates),
    Job(name="publish-log", every=timedelta(minutes=1), run=log.publish_log),
    Job(name="mirror-holds", every=timedelta(seconds=15), run=mirror.mirror_holds),
    Job(name="follow-schedule", every=timedelta(minutes=1), run=follow_schedule),
    Job(name="expire", every=timedelta(hours=1), run=expiry.expire),
    Job(name="propose-lists", every=timedelta(hours=6), run=listing.propose_lists),
    Job(name="renew-locks", every=timedelta(minutes=5), run=renew_locks),
    Job(name="return-loans", every=timedelta(minutes=5), run=borrowing.return_due),
    Job(name="watch", every=timedelta(minutes=5), run=watching.watch),
    Job(name="close-reviews", every=timedelta(minutes=5), run=accessreviews.close_due),
    Job(name="forget-sessions", every=timedelta(minutes=10), run=_forget),
    Job(name="delete-ciphertext", every=timedelta(hours=1), run=delete_ciphertext),
    Job(name="sweep-pieces", every=timedelta(hours=1), run=finishing.sweep_pieces),
    Job(name="clear-given-up", every=timedelta(days=1), run=clear_given_up),
    Job(name=webhooks.SEND_WEBHOOKS, every=timedelta(seconds=15), run=deliveries.send_webhooks, aside=True),
    Job(name=logchecks.CHECK_LOG, every=timedelta(seconds=15), run=logchecks.check_log, aside=True),
    Job(name=deriving.DERIVE, every=timedelta(seconds=15), run=deriving.derive_due, aside=True),
    Job(name="prune-log", every=timedelta(days=1), run=log.prune_log),
    Job(name=PROVE_LOCK, every=timedelta(days=1), run=_prove_lock, at_start=True),
)
