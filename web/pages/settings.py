"""What somebody chooses for themselves: language, colours, and their saved views."""

from __future__ import annotations

from datetime import UTC

from starlette.responses import Response

from vault.permissions import Action
from vault.workflows import savedviews
from web.preferences import zone_named, zone_of
from web.site import Visit


async def show_settings(visit: Visit) -> Response:
    """The page of settings."""
    views = (
        await visit.site.call(savedviews.list_views, visit.vault, visit.actor) if visit.may(Action.LIST_RECORDS) else ()
    )
    zone = zone_named(zone_of(visit.request))
    return visit.site.templates.page(
        visit,
        "settings.html",
        views=views,
        zone_name=visit.language.zone_name(zone) if zone is not UTC else "UTC",
    )
