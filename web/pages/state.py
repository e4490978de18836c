"""The state of the vault for its administrators, and inviting people."""

from __future__ import annotations

from starlette.responses import Response

from vault.errors import InvalidInput
from vault.people import Role
from vault.workflows import backups, batches, expiry, people, upkeep
from web.pages.keepers import keepers_now
from web.site import Visit

INVITABLE = (Role.RECORDS, Role.READER, Role.ADMINISTRATOR)


async def show_state(visit: Visit) -> Response:
    """Counts, jobs, what waits, the lock proof, and how keepers, backups and destructions stand."""
    return await _page(visit, address=None)


async def invite_person(visit: Visit) -> Response:
    """Makes an invitation and shows its address, once."""
    try:
        role = Role(visit.form.get("role", ""))
    except ValueError:
        raise InvalidInput("there is no such role", field="role") from None
    if role not in INVITABLE:
        raise InvalidInput("nobody is invited to that role", field="role")
    token = await visit.site.call(people.invite, visit.vault, visit.actor, frozenset({role}))
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
        roles=INVITABLE,
    )
