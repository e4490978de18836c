"""Links as staff see them: all of them, those of a record, made and revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from starlette.responses import RedirectResponse, Response

from vault.errors import GateClosed, InvalidInput, Refused
from vault.ids import LinkId
from vault.links import LIFETIME_MAX, PASS_CODE_MIN_CHARACTERS, USES_MAX
from vault.workflows import retrieval, sharing
from vault.workflows.sharing import LinkView
from web.forms import PAGE_SIZE, cursor, cursor_of, whole_number_of
from web.openings import record_id_of
from web.problems import PROBLEMS, describe
from web.site import Visit

UNITS = {"hours": timedelta(hours=1), "days": timedelta(days=1)}


async def show_links(visit: Visit) -> Response:
    """Every link, newest first."""
    before = cursor_of(visit.query("before"))
    views = await visit.site.call(
        sharing.list_links,
        visit.vault,
        visit.actor,
        before=(before[0], LinkId(before[1])) if before is not None else None,
        limit=PAGE_SIZE + 1,
    )
    shown = views[:PAGE_SIZE]
    following = cursor(shown[-1].link.created_at, shown[-1].link.id) if len(views) > PAGE_SIZE else None
    return visit.site.templates.page(
        visit,
        "links.html",
        links=shown,
        following=following,
        first_page=before is None,
        addresses=await visit.site.call(_addresses, visit, shown),
    )


async def show_record_links(visit: Visit) -> Response:
    """A record's links, with the form that makes one."""
    return await _record_page(visit, values={"lifetime": "7", "unit": "days", "uses_max": "1"})


async def make_link(visit: Visit) -> Response:
    """Makes a link and shows its address."""
    record_id = await record_id_of(visit)
    try:
        unit = UNITS.get(visit.form.get("unit", "days"))
        if unit is None:
            raise InvalidInput("choose hours or days", field="lifetime")
        count = whole_number_of(visit.form, "lifetime", default=7, low=1, high=24 * LIFETIME_MAX.days)
        view, token = await visit.site.call_hashing(
            sharing.make_link,
            visit.vault,
            visit.actor,
            record_id,
            lifetime=count * unit,
            uses_max=whole_number_of(visit.form, "uses_max", default=1, low=1, high=USES_MAX),
            pass_code=visit.form.get("pass_code") or None,
            note=visit.form.get("note", ""),
        )
    except GateClosed:
        raise
    except Refused as error:
        return await _record_page(visit, values=visit.form, error=error)
    address = visit.base_url + visit.path("link", token=token)
    return visit.site.templates.page(
        visit, "link_made.html", status=201, link=view, address=address, record_id=record_id
    )


async def revoke_link(visit: Visit) -> Response:
    """Withdraws a link, at once."""
    await visit.site.call(sharing.revoke_link, visit.vault, visit.actor, LinkId(visit.parameter("link")))
    back = visit.local_path(visit.form.get("back", ""))
    return RedirectResponse(back if back != visit.path("home") else visit.path("links"), 303)


def _addresses(visit: Visit, views: Sequence[LinkView]) -> Mapping[str, str]:
    """The addresses of links that still open something, to be copied again."""
    return {
        view.link.id: visit.base_url + visit.path("link", token=sharing.token_of(visit.vault, view.link.id))
        for view in views
        if view.state == "open"
    }


async def _record_page(visit: Visit, *, values: Mapping[str, str], error: Refused | None = None) -> Response:
    record_id = await record_id_of(visit)
    story = await visit.site.call(retrieval.show, visit.vault, visit.actor, record_id)
    views = await visit.site.call(sharing.list_links, visit.vault, visit.actor, record_id=record_id, limit=PAGE_SIZE)
    return visit.site.templates.page(
        visit,
        "record_links.html",
        status=PROBLEMS[error.code].status if error is not None else 200,
        view=story.view,
        links=views,
        addresses=await visit.site.call(_addresses, visit, views),
        values=values,
        error=describe(visit, error) if error is not None else None,
        error_field=getattr(error, "field", None) or "lifetime",
        days_max=LIFETIME_MAX.days,
        uses_limit=USES_MAX,
        pass_code_min=PASS_CODE_MIN_CHARACTERS,
    )
