"""Executing a disposal list: what would die and what is left out, who attends, where and how; then the destruction.

Rule 1: nothing dies by GET. The form carries a digest of exactly what was shown and asks for the number of records.
Rule 2: a form that is sent twice leads to the destruction that the first one made.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import RedirectResponse, Response

from vault.disposal import DisposalList, ListState
from vault.errors import Conflict, Refused
from vault.workflows import disposal, execution, retrieval
from web.classes import classes_of
from web.forms import text_of
from web.pages.disposal import list_page
from web.problems import PROBLEMS, describe
from web.seen import digest_of_judged, require_same
from web.site import Visit

SHOWN_MAX: Final = 200


async def show_execution(visit: Visit) -> Response:
    """What an execution would do now."""
    return await visit.site.call(_page, visit, visit.parameter("list"), None)


async def execute_list(visit: Visit) -> Response:
    """Executes a list, once."""
    return await visit.site.call(_execute, visit, visit.parameter("list"))


def _page(visit: Visit, key: str, refusal: Refused | None) -> Response:
    found = disposal.find_list(visit.vault, visit.actor, key)
    try:
        judged = execution.preview_execution(visit.vault, visit.actor, found.id)
    except Refused as why:
        return list_page(visit, key, refusal or why)
    shown = [each.record.id for each in judged.dying[:SHOWN_MAX]]
    return visit.site.templates.page(
        visit,
        "disposal_execution.html",
        status=PROBLEMS[refusal.code].status if refusal is not None else 200,
        view=disposal.show_list(visit.vault, visit.actor, found.id),
        disposal=found,
        judged=judged,
        left_out=[(judged.numbers.get(each, each), cause) for each, cause in sorted(judged.left_out.items())],
        views=retrieval.views_of(visit.vault, shown),
        digest=digest_of_judged(judged),
        class_title=classes_of(visit).title,
        values=visit.form,
        error=describe(visit, refusal) if refusal is not None else None,
        error_field=getattr(refusal, "field", None) or "",
    )


def _execute(visit: Visit, key: str) -> Response:
    found = disposal.find_list(visit.vault, visit.actor, key)
    if found.state in (ListState.EXECUTING, ListState.DONE):
        return _to(visit, found)
    try:
        judged = execution.preview_execution(visit.vault, visit.actor, found.id)
        require_same(
            digest=text_of(visit.form, "seen"),
            now=digest_of_judged(judged),
            count=text_of(visit.form, "count"),
            now_count=len(judged.dying),
        )
        done = execution.execute(
            visit.vault,
            visit.actor,
            found.id,
            place=text_of(visit.form, "place"),
            method=text_of(visit.form, "method"),
            remarks=text_of(visit.form, "remarks").replace("\r\n", "\n"),
        )
    except Conflict as refusal:
        # Sent twice at once: the other one was first.
        now = disposal.find_list(visit.vault, visit.actor, key)
        if now.state in (ListState.EXECUTING, ListState.DONE):
            return _to(visit, now)
        return _page(visit, key, refusal)
    except Refused as refusal:
        return _page(visit, key, refusal)
    return _to(visit, done.disposal)


def _to(visit: Visit, found: DisposalList) -> Response:
    if found.batch_id is not None:
        return RedirectResponse(visit.path("destruction", batch=found.batch_id), 303)
    return RedirectResponse(visit.path("disposal", list=found.number), 303)
