"""People, for administrators: who there is, their state, and a way back in for who is locked out."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.errors import Refused
from vault.ids import PersonId
from vault.workflows import passwords, people, sessions
from web.problems import PROBLEMS, describe
from web.site import Visit


async def list_people(visit: Visit) -> Response:
    """Everybody, with their state."""
    return await _page(visit)


async def deactivate(visit: Visit) -> Response:
    """Shuts somebody out, at once."""
    await visit.site.call(people.deactivate, visit.vault, visit.actor, PersonId(visit.parameter("person")))
    return RedirectResponse(visit.path("people"), 303)


async def reactivate(visit: Visit) -> Response:
    """Lets somebody in again."""
    await visit.site.call(people.reactivate, visit.vault, visit.actor, PersonId(visit.parameter("person")))
    return RedirectResponse(visit.path("people"), 303)


async def end_sessions(visit: Visit) -> Response:
    """Ends all sessions of somebody."""
    await visit.site.call(sessions.end_sessions_of, visit.vault, visit.actor, PersonId(visit.parameter("person")))
    return RedirectResponse(visit.path("people"), 303)


async def offer_reset(visit: Visit) -> Response:
    """Makes a one-time address for a new password, and shows it, once."""
    token = await visit.site.call(
        passwords.offer_reset,
        visit.vault,
        visit.actor,
        PersonId(visit.parameter("person")),
        drops_factors=visit.form.get("drops_factors") == "yes",
    )
    return await _page(visit, address=visit.base_url + visit.path("reset", token=token))


async def show_reset(visit: Visit) -> Response:
    """Where somebody chooses a new password. Looking at it does not use the link."""
    await visit.site.call(passwords.check_reset, visit.vault, visit.parameter("token"))
    return visit.site.templates.page(visit, "reset.html", error=None, error_field=None)


async def reset_password(visit: Visit) -> Response:
    """Sets the password; they sign in with it."""
    token = visit.parameter("token")
    try:
        await visit.site.call_hashing(
            passwords.reset_password, visit.vault, token, password=visit.form.get("password", "")
        )
    except Refused as error:
        await visit.site.call(passwords.check_reset, visit.vault, token)
        return visit.site.templates.page(
            visit,
            "reset.html",
            status=PROBLEMS[error.code].status,
            error=describe(visit, error),
            error_field=getattr(error, "field", None),
        )
    return RedirectResponse(visit.path("sign-in"), 303)


async def _page(visit: Visit, *, address: str | None = None) -> Response:
    return visit.site.templates.page(
        visit,
        "people.html",
        status=200 if address is None else 201,
        people=await visit.site.call(people.list_people, visit.vault, visit.actor),
        address=address,
    )
