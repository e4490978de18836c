"""How the keepers of the root key stand."""

from __future__ import annotations

from starlette.responses import Response

from vault.errors import KeeperUnavailable
from vault.keepers import KeepersView
from vault.permissions import Action
from vault.workflows import keepers
from web.site import Visit


async def show_keepers(visit: Visit) -> Response:
    """Every keeper, and how to have a second one."""
    view = await visit.site.call(keepers.show_keepers, visit.vault, visit.actor)
    return visit.site.templates.page(visit, "keepers.html", view=view)


def keepers_now(visit: Visit) -> KeepersView | None:
    """How they stand; None when nobody can tell now, or the visitor may not see it. For pages about something else."""
    if not visit.may(Action.SEE_STATE):
        return None
    try:
        return keepers.show_keepers(visit.vault, visit.actor)
    except KeeperUnavailable:
        return None
