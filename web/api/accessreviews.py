"""Permission reviews for programs: what they came to is read; to decide takes a person's proof."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.accessreviews import DAYS_USUAL, Review
from vault.workflows import accessreviews
from vault.workflows.accessreports import report_document
from web.api.paging import JSON, moment
from web.forms import whole_number_of
from web.site import Visit


async def list_reviews(visit: Visit) -> Response:
    """Reviews, the newest first."""
    found = await visit.site.call(accessreviews.list_reviews, visit.vault, visit.actor)
    shown = [{**_json(each), "counts": {ruling.value: n for ruling, n in counts.items()}} for each, counts in found]
    return JSONResponse({"reviews": shown})


async def show_review(visit: Visit) -> Response:
    """One review with its items: the report."""
    view = await visit.site.call(accessreviews.show_review, visit.vault, visit.actor, visit.parameter("review"))
    return JSONResponse(dict(report_document(view)))


async def start_review(visit: Visit) -> Response:
    """Begins a review."""
    reviewers: list[str] = visit.json["reviewers"]  # type: ignore[assignment]  # a list of texts by the schema
    groups: list[str] = visit.json.get("groups") or []  # type: ignore[assignment]
    days = whole_number_of(visit.json, "days", default=DAYS_USUAL, low=1, high=90)
    review = await visit.site.call(
        accessreviews.start_review, visit.vault, visit.actor, reviewers=reviewers, groups=groups, days=days
    )
    return JSONResponse(_json(review), 201)


async def decide(visit: Visit) -> Response:
    """Keeps items, or takes them back."""
    items: list[int] = visit.json["items"]  # type: ignore[assignment]  # a list of whole numbers by the schema
    keep, revoke = (items, []) if visit.json["decision"] == "keep" else ([], items)
    review = await visit.site.call(
        accessreviews.decide, visit.vault, visit.actor, visit.parameter("review"), keep=keep, revoke=revoke
    )
    return JSONResponse(_json(review))


def _json(review: Review) -> JSON:
    return {
        "number": review.number,
        "state": "open" if review.is_open else "closed",
        "started_at": moment(review.started_at),
        "ends_at": moment(review.ends_at),
        "closed_at": moment(review.closed_at),
    }
