"""Data quality: which work lists have something, and each of them."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from vault.errors import InvalidInput
from vault.quality import DAYS_MAX, LISTED, STALE_AFTER_DAYS, WorkList
from vault.workflows import worklists
from web.classes import classes_of
from web.forms import PAGE_SIZE, text_of
from web.problems import PROBLEMS, describe
from web.quality import asked_page, work_of
from web.site import Visit

FIELDS: Final = ("flaw", "class", "days")


async def show_quality(visit: Visit) -> Response:
    """The work lists, and which of them have something."""
    return await visit.site.call(_overview, visit)


async def show_work(visit: Visit) -> Response:
    """A page of one work list."""
    return await visit.site.call(_list, visit)


def _overview(visit: Visit) -> Response:
    having = worklists.lists_with_work(visit.vault, visit.actor)
    return visit.site.templates.page(
        visit, "quality.html", lists=[(each, each in having) for each in WorkList], stale_after=STALE_AFTER_DAYS
    )


def _list(visit: Visit) -> Response:
    work, error, page = work_of(visit.parameter("work")), None, None
    known = classes_of(visit)
    try:
        page = asked_page(visit, work, limit=PAGE_SIZE)
    except InvalidInput as raised:
        error = raised
    fields = {name: text_of(visit.request.query_params, name).strip() for name in FIELDS}
    kept = {name: value for name, value in fields.items() if value}
    following = None
    if page is not None and page.following is not None:
        following = "?" + urlencode({**kept, "before": page.following})
    return visit.site.templates.page(
        visit,
        "worklist.html",
        status=PROBLEMS[error.code].status if error is not None else 200,
        work=work,
        page=page,
        fields=fields,
        first="?" + urlencode(kept) if visit.query("before") else "",
        following=following,
        flaws=LISTED[work],
        stale_after=STALE_AFTER_DAYS,
        days_max=DAYS_MAX,
        classes=known.offered,
        class_title=known.title,
        error=describe(visit, error) if error is not None else None,
    )
