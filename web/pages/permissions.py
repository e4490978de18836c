"""The one permission table, as it is enforced, and what whoever looks at it holds themselves."""

from __future__ import annotations

from starlette.responses import Response

from vault.permissions import PERMISSIONS, Role
from vault.workflows import breakglass, groups
from web.site import Visit


async def show_permissions(visit: Visit) -> Response:
    """Actions against roles; the roles and groups of the visitor above."""
    mine = await visit.site.call(groups.groups_of, visit.vault, visit.actor)
    return visit.site.templates.page(
        visit,
        "permissions.html",
        roles=tuple(Role),
        rows=list(PERMISSIONS.items()),
        glass_broken=await visit.site.call(breakglass.lately_broken, visit.vault, visit.actor),
        mine=mine,
        class_roles=sorted(visit.actor.class_roles),
    )
