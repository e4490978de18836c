"""The state of the vault for its administrators, and inviting people."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from vault.groups import SHIPPED
from vault.permissions import Action
from vault.workflows import backups, batches, expiry, groups, people, upkeep
from web.pages.keepers import keepers_now
from web.site import Visit


async def show_state(visit: Visit) -> Response:
    """Counts, jobs, what waits, the lock proof, and how keepers, backups and destructions stand."""
    return await _page(visit, address=None)


async def invite_person(visit: Visit) -> Response:
    """Makes an invitation and shows its address, once."""
    known = await _groups(visit)
    chosen = [code for code in known if visit.form.get(code)]
    token = await visit.site.call(people.invite, visit.vault, visit.actor, chosen)
    return await _page(visit, address=visit.base_url + visit.path("welcome", token=token), status=201)


async def _page(visit: Visit, *, address: str | None, status: int = 200) -> Response:
    return visit.site.templates.page(
        visit,
        "state.html",
        status=status,
        state=await visit.site.call(upkeep.state, visit.vault, visit.actor),
        keepers=await visit.site.call(keepers_now, visit),
        backups=await visit.site.call(backups.show_backups, visit.vault, visit.actor),
        unfinished=await visit.site.call(batches.unfinished, visit.vault, visit.actor),
        pause=(await visit.site.call(expiry.show_expiry, visit.vault, visit.actor)).pause,
        address=address,
        groups=await _groups(visit) if visit.may(Action.INVITE_PERSON) else (),
    )


async def _groups(visit: Visit) -> Sequence[str]:
    """Groups that somebody may be invited to: those that ship first."""
    shipped = [code for code, _ in SHIPPED]
    views = await visit.site.call(groups.list_groups, visit.vault, visit.actor)
    return sorted((each.group.code for each in views), key=lambda code: (code not in shipped, code))
