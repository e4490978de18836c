"""Checks of the whole log as pieces of work: asked for, carried out beside everything else, their verdicts kept.

Rule 1: whoever asks does not wait; a check that is open already is the one that they are given. Limit: two who ask in
the same moment may get one each.
Rule 2: a check belongs to the process that claimed it, until that one falls silent; then the next begins it anew.
Rule 3: what is away ends nothing: the check waits again, and upkeep tries again.
Rule 4: whoever waits for one themselves, maybe with checkpoints that nobody else has, is the only one who ends it:
broken off it leaves nothing but the log's entry that it was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.errors import NotAllowed, NotFound
from vault.ids import LogCheckId, PersonId
from vault.logchecks import BY_ITSELF_EVERY, SILENT_AFTER, KeptCheck, LogVerdict
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor
from vault.shelves import Transaction
from vault.workflows import logcheck
from vault.workflows.logcheck import LogCheck, Progress
from vault.workflows.vault import Vault

CHECK_LOG: Final = "check-log"
TELL_EVERY: Final = timedelta(seconds=1)
SHOWN_MAX: Final = 20


def ask(vault: Vault, actor: Actor) -> KeptCheck:
    """Asks for a check; the one that is open already, if there is one. Raises ``NotAllowed``."""
    actor.require(Action.READ_LOG)
    with vault.catalogue.write() as tx:
        there = next(iter(tx.log_checks.open()), None)
        check = there or _added(vault, tx, actor.person_id)
    vault.bell.ring(CHECK_LOG)
    return check


def check_now(
    vault: Vault, actor: Actor, *, older: Sequence[bytes] = (), progress: Progress = lambda done, of: None
) -> KeptCheck:
    """Carries a check out in this process and waits for it (rule 4); ``older`` are checkpoints kept elsewhere.

    Raises ``NotAllowed``; ``StoreUnavailable`` and ``CatalogueUnavailable`` when it cannot be told now.
    """
    actor.require(Action.READ_LOG)
    check_id, asked_at = LogCheckId(vault.new_id()), vault.now()
    with vault.catalogue.write() as tx:
        tx.audit.append(vault.entry(actor.person_id, Event.LOG_CHECK_ASKED, check_id))
    found = logcheck.check(vault, older=older, progress=progress)
    with vault.catalogue.write() as tx:
        tx.log_checks.add(check_id, asked_by=actor.person_id, at=asked_at)
        tx.log_checks.claim(check_id, vault.process_id, at=asked_at, silent_since=asked_at)
        _end(vault, tx, check_id, actor.person_id, found)
    return show(vault, actor, check_id)


def newest(vault: Vault, actor: Actor, *, limit: int = SHOWN_MAX) -> Sequence[KeptCheck]:
    """Verdicts that are kept, the newest first. Raises ``NotAllowed``."""
    _require_sight(actor)
    with vault.catalogue.read() as tx:
        return tx.log_checks.newest(limit=limit)


def underway(vault: Vault, actor: Actor) -> KeptCheck | None:
    """The check that waits or runs, if there is one. Raises ``NotAllowed``."""
    _require_sight(actor)
    with vault.catalogue.read() as tx:
        return next(iter(tx.log_checks.open()), None)


def show(vault: Vault, actor: Actor, check_id: LogCheckId) -> KeptCheck:
    """One check. Raises ``NotAllowed``, ``NotFound``."""
    _require_sight(actor)
    with vault.catalogue.read() as tx:
        check = tx.log_checks.get(check_id)
    if check is None:
        raise NotFound("there is no such check of the log; look at the newest ones")
    return check


def check_log(vault: Vault) -> Outcome:
    """The duty of upkeep: carries out what was asked for; once a week a check by itself."""
    now = vault.now()
    with vault.catalogue.read() as tx:
        waiting = tx.log_checks.open()
        # One that ended in the future is of a clock that was set back since.
        last = next(iter(tx.log_checks.newest(limit=1, until=now)), None)
    due = last is None or last.ended_at is None or now - last.ended_at >= BY_ITSELF_EVERY
    if not waiting and due:
        with vault.catalogue.write() as tx:
            waiting = [_added(vault, tx, CLOCK_ID)]
    for check in waiting:
        if _claimed(vault, check.id, now):
            last = _carry_out(vault, check)
    if last is None or last.verdict is None:
        return Outcome.of("log-being-checked")
    told = last.verdict
    wrong = len(told.changed) + len(told.missing) + len(told.problems)
    if wrong:
        return Outcome.of("log-broken", entries=told.size, wrong=wrong)
    return Outcome.of("log-holds", entries=told.size)


def _added(vault: Vault, tx: Transaction, asked_by: PersonId) -> KeptCheck:
    check_id, at = LogCheckId(vault.new_id()), vault.now()
    tx.log_checks.add(check_id, asked_by=asked_by, at=at)
    tx.audit.append(vault.entry(asked_by, Event.LOG_CHECK_ASKED, check_id))
    return KeptCheck(
        id=check_id, asked_by=asked_by, asked_at=at, begun_at=None, done=0, total=0, ended_at=None, verdict=None
    )


def _claimed(vault: Vault, check_id: LogCheckId, now: datetime) -> bool:
    with vault.catalogue.write() as tx:
        return tx.log_checks.claim(check_id, vault.process_id, at=now, silent_since=now - SILENT_AFTER)


def _carry_out(vault: Vault, check: KeptCheck) -> KeptCheck:
    told_at = vault.now()

    def tell(done: int, total: int) -> None:
        nonlocal told_at
        if vault.now() - told_at >= TELL_EVERY:
            told_at = vault.now()
            with vault.catalogue.write() as tx:
                tx.log_checks.tell(check.id, vault.process_id, done=done, total=total, at=told_at)

    try:
        found = logcheck.check(vault, progress=tell)
    except BaseException:
        with vault.catalogue.write() as tx:
            tx.log_checks.give_back(check.id, vault.process_id)
        raise
    with vault.catalogue.write() as tx:
        _end(vault, tx, check.id, check.asked_by, found)
    with vault.catalogue.read() as tx:
        return tx.log_checks.get(check.id) or check


def _end(vault: Vault, tx: Transaction, check_id: LogCheckId, asked_by: PersonId, found: LogCheck) -> None:
    """Keeps the verdict, unless another process has taken the check up meanwhile."""
    verdict = LogVerdict(
        size=found.size,
        root=found.root,
        waiting=found.waiting,
        changed=found.changed,
        missing=found.missing,
        problems=found.problems,
    )
    detail: Detail = {
        "holds": verdict.holds,
        "entries": verdict.size,
        "changed": len(verdict.changed),
        "missing": len(verdict.missing),
        "problems": len(verdict.problems),
    }
    if tx.log_checks.end(check_id, vault.process_id, verdict, at=vault.now()):
        tx.audit.append(vault.entry(asked_by, Event.LOG_CHECKED, check_id, detail))


def _require_sight(actor: Actor) -> None:
    """Whoever reads the log, or how the vault stands, may know whether the log holds."""
    if not actor.may(Action.READ_LOG) and not actor.may(Action.SEE_STATE):
        raise NotAllowed("your roles include neither 'read-log' nor 'see-state'; ask an administrator")
