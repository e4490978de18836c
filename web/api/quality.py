"""Data quality for programs: the work lists, and the twins of records."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.workflows import duplicates, worklists
from web.api.views import record_json
from web.forms import PAGE_SIZE, PAGE_SIZE_MAX, whole_number_of
from web.quality import asked_page, work_of
from web.site import Visit


async def list_lists(visit: Visit) -> Response:
    """The work lists that have something."""
    found = await visit.site.call(worklists.lists_with_work, visit.vault, visit.actor)
    return JSONResponse({"lists": [each.value for each in found]})


async def list_work(visit: Visit) -> Response:
    """A page of one list."""
    work = work_of(visit.parameter("work"))
    limit = whole_number_of(visit.request.query_params, "limit", default=PAGE_SIZE, low=1, high=PAGE_SIZE_MAX)
    page = await visit.site.call(asked_page, visit, work, limit=limit)
    rows = [
        {
            "record": record_json(each.view),
            "flaws": [flaw.value for flaw in each.flaws],
            "twins": [{"id": twin.id, "number": twin.number} for twin in each.twins],
        }
        for each in page.rows
    ]
    return JSONResponse({"records": rows, "next": page.following, "complete": page.complete})


async def find_twins(visit: Visit) -> Response:
    """Other records with the same bytes, of each of some records; those without one are left out."""
    named: list[str] = visit.json["records"]  # type: ignore[assignment]  # a list of texts by the schema
    found = await visit.site.call(duplicates.twins_of_many, visit.vault, visit.actor, named)
    return JSONResponse(
        {
            "records": [
                {"id": record, "twins": [{"id": twin.id, "number": twin.number} for twin in twins]}
                for record, twins in found.items()
            ]
        }
    )
