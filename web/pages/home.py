"""The first page: what waits for the visitor, then for others, then how the vault stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from starlette.responses import RedirectResponse, Response

from vault.logchecks import KeptCheck
from vault.permissions import Action
from vault.shelves import RecordFilter
from vault.workflows import awaiting, breakglass, logchecks, overview, retrieval, upkeep, worklists
from vault.workflows.alarms import am_suspended
from vault.workflows.awaiting import Step
from vault.workflows.overview import Kept
from vault.workflows.upkeep import JobRun
from web.classes import classes_of
from web.menu import AT_HOME
from web.pages.alarms import alarms_now
from web.pages.keepers import keepers_now
from web.site import Visit

NEWEST_SHOWN: Final = 6
PROOFS: Final = ("back-up", "drill", "prove-lock", "check-log")
"""Duties whose last outcome everybody should know."""
STEP_ROWS: Final[Mapping[str, tuple[str, str]]] = {
    "sign-agreement": ("agreement", ""),
    "take-training": ("training", ""),
    "renew-training": ("training", ""),
    "decide-loan": ("loans", ""),
    "review-grants": ("review", "review"),
    "look-at-alarm": ("alarms", ""),
    "approve-rule": ("proposal", "code"),
    "release-hold": ("matter", "matter"),
    "review-list": ("disposal", "list"),
    "sign-list-proposer": ("disposal", "list"),
    "sign-list-approver": ("disposal", "list"),
    "sign-list-supervisor": ("disposal", "list"),
    "tell-customers": ("disposal", "list"),
    "await-list": ("disposal", "list"),
    "cancel-list": ("disposal", "list"),
    "execute-list": ("execution", "list"),
}
"""Where each kind of step is taken: the row, and its parameter, if it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the vault stands, for whoever may see its state."""

    proofs: Sequence[JobRun]
    overdue: Sequence[JobRun]
    kept: Sequence[Kept]
    kept_at: datetime
    log_check: KeptCheck | None


async def show_home(visit: Visit) -> Response:
    """The first page; whoever has nothing to do with records is led to what they may do."""
    if not any(map(visit.may, AT_HOME)):
        return RedirectResponse(visit.path("permissions"), 303)
    return await visit.site.call(_page, visit)


def step_address(visit: Visit, step: Step) -> str:
    """The page where a step is taken."""
    row, name = STEP_ROWS[step.kind]
    if step.kind == "execute-list" and not step.mine:
        row = "disposal"
    return visit.path(row, **({name: step.key} if name else {}))


def _page(visit: Visit) -> Response:
    steps = awaiting.steps_awaiting(visit.vault, visit.actor)
    in_records = visit.may(Action.LIST_RECORDS)
    newest = retrieval.list_records(visit.vault, visit.actor, RecordFilter(), limit=NEWEST_SHOWN) if in_records else ()
    return visit.site.templates.page(
        visit,
        "home.html",
        # The first start has nothing else to show yet.
        keepers=keepers_now(visit) if in_records and not newest else None,
        glass_broken=breakglass.lately_broken(visit.vault, visit.actor),
        alarms=alarms_now(visit),
        suspended=am_suspended(visit.vault, visit.actor),
        mine=[(each, step_address(visit, each)) for each in steps if each.mine],
        others=[(each, step_address(visit, each)) for each in steps if not each.mine],
        seen=overview.show_overview(visit.vault, visit.actor) if in_records else None,
        work=worklists.lists_with_work(visit.vault, visit.actor) if in_records else (),
        counted_max=overview.COUNTED_MAX,
        newest=newest,
        standing=_standing(visit) if visit.may(Action.SEE_STATE) else None,
        class_title=classes_of(visit).title if in_records else str,
        now=visit.vault.now(),
    )


def _standing(visit: Visit) -> Standing:
    jobs = upkeep.state(visit.vault, visit.actor).jobs
    kept_at, kept = visit.site.kept.get(visit.vault.now(), lambda: overview.kept_by_class(visit.vault, visit.actor))
    return Standing(
        proofs=[each for name in PROOFS for each in jobs if each.job == name],
        overdue=[each for each in jobs if each.overdue],
        kept=kept,
        kept_at=kept_at,
        log_check=next(iter(logchecks.newest(visit.vault, visit.actor, limit=1)), None),
    )
