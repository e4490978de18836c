"""How the backups stand."""

from __future__ import annotations

from starlette.responses import Response

from vault.workflows import backups
from web.site import Visit


async def show_backups(visit: Visit) -> Response:
    """The place, the last runs, and what came of trying them."""
    view = await visit.site.call(backups.show_backups, visit.vault, visit.actor)
    return visit.site.templates.page(visit, "backups.html", view=view, now=visit.vault.now())
