"""Links for programs: listed, made, revoked."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import JSONResponse, Response

from vault.ids import LinkId
from vault.links import LIFETIME_MAX, USES_MAX
from vault.workflows import sharing
from web.api.views import link_json
from web.forms import PAGE_SIZE, PAGE_SIZE_MAX, cursor, cursor_of, text_of, whole_number_of
from web.openings import record_id_of
from web.site import Visit

LIFETIME_MAX_S = int(LIFETIME_MAX.total_seconds())


async def list_links(visit: Visit) -> Response:
    """A page of links, newest first."""
    limit = whole_number_of(visit.request.query_params, "limit", default=PAGE_SIZE, low=1, high=PAGE_SIZE_MAX)
    before = cursor_of(visit.query("before"))
    views = await visit.site.call(
        sharing.list_links,
        visit.vault,
        visit.actor,
        before=(before[0], LinkId(before[1])) if before is not None else None,
        limit=limit,
    )
    last = views[-1].link if len(views) == limit else None
    following = cursor(last.created_at, last.id) if last is not None else None
    return JSONResponse({"links": [link_json(view) for view in views], "next": following})


async def make_link(visit: Visit) -> Response:
    """Makes a link to a record's current version; its address is in this answer."""
    record_id = await record_id_of(visit)
    seconds = whole_number_of(visit.json, "lifetime_s", default=7 * 86400, low=60, high=LIFETIME_MAX_S)
    view, token = await visit.site.call_hashing(
        sharing.make_link,
        visit.vault,
        visit.actor,
        record_id,
        lifetime=timedelta(seconds=seconds),
        uses_max=whole_number_of(visit.json, "uses_max", default=1, low=1, high=USES_MAX),
        pass_code=text_of(visit.json, "pass_code") or None,
        note=text_of(visit.json, "note"),
    )
    address = visit.base_url + visit.path("link", token=token)
    return JSONResponse({**link_json(view), "url": address}, 201)


async def revoke_link(visit: Visit) -> Response:
    """Withdraws a link, at once."""
    await visit.site.call(sharing.revoke_link, visit.vault, visit.actor, LinkId(visit.parameter("link")))
    return Response(status_code=204)
