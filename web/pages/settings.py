"""What somebody chooses for themselves: language, colours, saved views, and whether searches are kept."""

from __future__ import annotations

from datetime import UTC

from starlette.responses import Response

from vault.permissions import Action
from vault.workflows import recentsearches, savedviews
from web.preferences import zone_named, zone_of
from web.site import Visit


async def show_settings(visit: Visit) -> Response:
    """The page of settings."""
    views = (
        await visit.site.call(savedviews.list_views, visit.vault, visit.actor) if visit.may(Action.LIST_RECORDS) else ()
    )
    searches = (
        await visit.site.call(recentsearches.recent_searches, visit.vault, visit.actor)
        if visit.may(Action.LIST_RECORDS)
        else None
    )
    zone = zone_named(zone_of(visit.request))
    return visit.site.templates.page(
        visit,
        "settings.html",
        views=views,
        searches=searches,
        zone_name=visit.language.zone_name(zone) if zone is not UTC else "UTC",
    )
