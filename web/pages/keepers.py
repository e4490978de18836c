"""How the keepers of the root key stand."""

from __future__ import annotations

from starlette.responses import Response

from vault.workflows import keepers
from web.site import Visit


async def show_keepers(visit: Visit) -> Response:
    """Every keeper, and how to have a second one."""
    view = await visit.site.call(keepers.show_keepers, visit.vault, visit.actor)
    return visit.site.templates.page(visit, "keepers.html", view=view)
