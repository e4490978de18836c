"""Permission reviews: begun by a security administrator, decided on by those who are named, and what they came to.

Rule 1: who may decide on what the vault says; a page offers what is still open to whoever looks, and tells refusals.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from vault.accessreviews import DAYS_MAX, DAYS_USUAL, Ruling
from vault.errors import InvalidInput, Refused
from vault.permissions import Action
from vault.workflows import accessreports, accessreviews, groups
from web.classes import classes_of
from web.contents import disposition
from web.forms import PAGE_SIZE, text_of, whole_number_of
from web.problems import PROBLEMS, describe
from web.site import Visit

REVIEWER, GROUP, ITEM = "p-", "g-", "r-"
"""Fields of chosen people, groups and items are named so: of one name only the last counts."""
DECISIONS: Final = ("keep", "revoke")
ITEMS_MAX: Final = 1_000_000


async def list_reviews(visit: Visit) -> Response:
    """Reviews, the newest first; and the form that begins one."""
    return await visit.site.call(_list_page, visit)


async def start_review(visit: Visit) -> Response:
    """Begins a review."""
    return await visit.site.call(_start, visit)


async def show_review(visit: Visit) -> Response:
    """One review with its items."""
    return await visit.site.call(_review_page, visit)


async def decide(visit: Visit) -> Response:
    """Keeps the chosen items, or takes them back."""
    return await visit.site.call(_decide, visit)


async def download_report(visit: Visit) -> Response:
    """What a review came to: JSON, or CSV where the query says so."""
    form = visit.query("format") or "json"
    if form not in ("json", "csv"):
        raise InvalidInput("choose one of those that are offered", field="format")
    view = await visit.site.call(accessreviews.show_review, visit.vault, visit.actor, visit.parameter("review"))
    headers = {"Content-Disposition": disposition(f"{view.review.number}.{form}")}
    if form == "csv":
        # Spreadsheets take a table for UTF-8 by its byte order mark.
        return Response("\ufeff" + accessreports.report_table(view), headers=headers, media_type="text/csv")
    body = json.dumps(accessreports.report_document(view), ensure_ascii=False, indent=2) + "\n"
    return Response(body, headers=headers, media_type="application/json")


def _list_page(visit: Visit, refusal: Refused | None = None) -> Response:
    starting = visit.may(Action.START_REVIEW)
    return visit.site.templates.page(
        visit,
        "reviews.html",
        status=_status(refusal),
        reviews=accessreviews.list_reviews(visit.vault, visit.actor),
        pending=Ruling.PENDING,
        now=visit.vault.now(),
        people=accessreviews.candidates(visit.vault, visit.actor) if starting else {},
        codes=[each.group.code for each in groups.list_groups(visit.vault, visit.actor)] if starting else (),
        days=text_of(visit.form, "days") or str(DAYS_USUAL),
        days_max=DAYS_MAX,
        chosen=visit.form.keys(),
        **_told(visit, refusal),
    )


def _start(visit: Visit) -> Response:
    try:
        review = accessreviews.start_review(
            visit.vault,
            visit.actor,
            reviewers=_named(visit, REVIEWER),
            groups=_named(visit, GROUP),
            days=whole_number_of(visit.form, "days", default=DAYS_USUAL, low=1, high=DAYS_MAX),
        )
    except Refused as refusal:
        return _list_page(visit, _shown(refusal))
    return RedirectResponse(visit.path("review", review=review.number), 303)


def _review_page(visit: Visit, refusal: Refused | None = None) -> Response:
    view = accessreviews.show_review(visit.vault, visit.actor, visit.parameter("review"))
    values = visit.form if visit.request.method == "POST" else visit.request.query_params
    after = whole_number_of(values, "after", default=0, low=0, high=ITEMS_MAX)
    shown = [each for each in view.items if each.item.ordinal > after]
    return visit.site.templates.page(
        visit,
        "review.html",
        status=_status(refusal),
        view=view,
        review=view.review,
        names=view.names,
        items=shown[:PAGE_SIZE],
        following=shown[PAGE_SIZE - 1].item.ordinal if len(shown) > PAGE_SIZE else None,
        after=after,
        counts={each.value: count for each, count in view.counts.items()},
        waiting=sum(each.mine and each.item.ruling is Ruling.PENDING for each in view.items),
        deciding=any(each.mine for each in view.items),
        decisions=DECISIONS,
        class_title=classes_of(visit).title if visit.may(Action.LIST_RECORDS) else str,
        chosen=visit.form.keys(),
        values=visit.form,
        **_told(visit, refusal),
    )


def _decide(visit: Visit) -> Response:
    number = visit.parameter("review")
    try:
        said = text_of(visit.form, "decision")
        if said not in DECISIONS:
            raise InvalidInput("choose one of those that are offered", field="decision")
        chosen = [int(each) for each in _named(visit, ITEM) if each.isascii() and each.isdigit() and len(each) <= 7]
        accessreviews.decide(visit.vault, visit.actor, number, **{said: chosen})
    except Refused as refusal:
        return _review_page(visit, _shown(refusal))
    after = whole_number_of(visit.form, "after", default=0, low=0, high=ITEMS_MAX)
    return RedirectResponse(visit.path("review", review=number) + (f"?after={after}" if after else ""), 303)


def _named(visit: Visit, prefix: str) -> list[str]:
    return [name.removeprefix(prefix) for name in visit.form if name.startswith(prefix)]


def _shown(refusal: Refused) -> Refused:
    """What a page tells beside its form; who is not let in, or has to prove themselves, is answered as everywhere."""
    if not isinstance(refusal, InvalidInput) and PROBLEMS[refusal.code].status != 409:
        raise refusal
    return refusal


def _status(refusal: Refused | None) -> int:
    return 200 if refusal is None else PROBLEMS[refusal.code].status


def _told(visit: Visit, refusal: Refused | None) -> Mapping[str, Any]:
    if refusal is None:
        return {"error": None, "error_field": ""}
    return {"error": describe(visit, refusal), "error_field": getattr(refusal, "field", None) or ""}
