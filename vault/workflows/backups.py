"""Backups: how they stand, and what is confirmed after a catalogue was made again from the store.

Rule 1: until two people confirmed the holds in it every destruction is refused; one person cannot be both.
Rule 2: a backup, or a drill, that is three of its intervals late is an alarm, as any other duty's is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from vault.audit import Event
from vault.backups import BACKUP_JOB, DRILL_JOB, VERIFY_JOB, BackupPlan, BackupRun
from vault.errors import Conflict, NotAllowed, NotFound, StoreUnavailable
from vault.fonds import Fonds, Rebuild
from vault.outcomes import Outcome
from vault.permissions import ALL_CLASSES, Action, Actor
from vault.shelves import Transaction
from vault.workflows.freshness import require_fresh
from vault.workflows.vault import Vault

SHOWN_MAX: Final = 20
LATE_AFTER: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of the last time, and when that was."""

    at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupsView:
    """How the backups stand; ``plan`` is None where no place is set, ``away`` says that the place does not answer.

    ``attempt`` is upkeep's last try; ``late`` and ``drill_late`` are alarms.
    """

    plan: BackupPlan | None
    away: bool
    runs: Sequence[BackupRun]
    late: bool
    attempt: Verdict | None
    drill: Verdict | None
    drill_late: bool
    verify: Verdict | None

    @property
    def sound(self) -> bool:
        """Whether nobody has to look."""
        # A try that failed before the newest backup was taken is made good by it.
        attempt = (
            None if self.attempt is None or not self.runs or self.attempt.at < self.runs[0].taken_at else self.attempt
        )
        told = [each.outcome for each in (attempt, self.drill, self.verify) if each is not None]
        bad = any(each.is_broken or each.is_failed for each in told)
        return self.plan is not None and bool(self.runs) and not (self.late or self.drill_late or bad)


def show_backups(vault: Vault, actor: Actor) -> BackupsView:
    """How the backups stand. Raises ``NotAllowed``."""
    actor.require(Action.SEE_STATE)
    now, plan, runs, away = vault.now(), vault.backups, list[BackupRun](), False
    if plan is not None:
        try:
            runs = list(plan.runs(SHOWN_MAX))
        except StoreUnavailable:
            away = True
    with vault.catalogue.read() as tx:
        last = {job: Verdict(at=at, outcome=Outcome.read(kept)) for job, at, kept in tx.jobs.last_runs()}
    drill = last.get(DRILL_JOB)
    return BackupsView(
        plan=plan,
        away=away,
        runs=runs,
        late=plan is not None and bool(runs) and now - runs[0].taken_at > LATE_AFTER * plan.every,
        attempt=last.get(BACKUP_JOB),
        drill=drill,
        drill_late=plan is not None and drill is not None and now - drill.at > LATE_AFTER * plan.drill_every,
        verify=last.get(VERIFY_JOB),
    )


def holds_to_confirm(vault: Vault, actor: Actor) -> Rebuild | None:
    """The rebuild of the catalogue whose holds wait to be confirmed. Raises ``NotAllowed``."""
    actor.require(Action.DESTROY_RECORDS, ALL_CLASSES)
    with vault.catalogue.read() as tx:
        return tx.rebuilds.unconfirmed(vault.fonds.id)


def confirm_holds(vault: Vault, actor: Actor) -> Rebuild:
    """Confirms that the holds in a rebuilt catalogue are those in force; gives the rebuild as it then is.

    Raises ``NotFound`` where there is nothing to confirm, ``NotAllowed`` for the second time by one person,
    ``StepUpNeeded``.
    """
    actor.require(Action.DESTROY_RECORDS, ALL_CLASSES)
    require_fresh(vault, actor)
    now = vault.now()
    with vault.catalogue.write() as tx:
        rebuild = tx.rebuilds.unconfirmed(vault.fonds.id, for_update=True)
        if rebuild is None:
            raise NotFound("the catalogue was not rebuilt, or its holds are confirmed; there is nothing to do")
        if rebuild.first_by is None:
            confirmed = replace(rebuild, first_by=actor.person_id, first_at=now)
        elif rebuild.first_by == actor.person_id:
            raise NotAllowed("you have confirmed the holds already; a second person has to do it, too")
        else:
            confirmed = replace(rebuild, second_by=actor.person_id, second_at=now)
        tx.rebuilds.confirm(confirmed)
        detail = {"confirmed": 1 if confirmed.second_by is None else 2}
        tx.audit.append(vault.entry(actor.person_id, Event.HOLDS_CONFIRMED, vault.vault_id, detail))
    return confirmed


def require_holds_confirmed(tx: Transaction, fonds: Fonds) -> None:
    """Raises ``Conflict`` while the holds of a rebuilt catalogue are not confirmed by two people."""
    rebuild = tx.rebuilds.unconfirmed(fonds.id)
    if rebuild is not None:
        left = "two people" if rebuild.first_by is None else "a second person"
        raise Conflict(
            f"the catalogue was rebuilt from the store on {rebuild.at.date().isoformat()}: nothing is destroyed until "
            f"{left} confirmed the holds with `strongroom rebuild --confirm-holds`"
        )
