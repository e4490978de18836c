"""Becoming a person by an invitation, signing in, signing out."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.errors import NotSignedIn, Refused
from vault.workflows import people
from web.forms import local_path
from web.problems import PROBLEMS, describe
from web.sessions import drop_session, keep_session
from web.site import Visit


async def show_welcome(visit: Visit) -> Response:
    """The page where somebody invited gives a name and a password. Looking at it does not use the invitation."""
    await visit.site.call(people.check_invitation, visit.vault, visit.parameter("token"))
    return visit.site.templates.page(visit, "welcome.html", values={}, error=None, error_field=None)


async def accept_welcome(visit: Visit) -> Response:
    """Makes the person and signs them in."""
    login, password = visit.form.get("login", ""), visit.form.get("password", "")
    token = visit.parameter("token")
    try:
        await visit.site.call_hashing(
            people.accept_invitation,
            visit.vault,
            token,
            login=login,
            name=visit.form.get("name", ""),
            password=password,
        )
    except Refused as error:
        await visit.site.call(people.check_invitation, visit.vault, token)
        return visit.site.templates.page(
            visit,
            "welcome.html",
            status=PROBLEMS[error.code].status,
            values={name: value for name, value in visit.form.items() if name != "password"},
            error=describe(visit, error),
            error_field=getattr(error, "field", None) or "login",
        )
    session_token, _ = await visit.site.call_hashing(
        people.sign_in, visit.vault, login=login, password=password, origin=visit.origin
    )
    response = RedirectResponse(visit.path("home"), 303)
    keep_session(visit.site, response, session_token)
    return response


async def show_sign_in(visit: Visit) -> Response:
    """The sign-in page."""
    next_path = local_path(visit.query("next"))
    if visit.signed_in is not None:
        return RedirectResponse(next_path, 303)
    return visit.site.templates.page(visit, "sign_in.html", login="", next_path=next_path, error=None)


async def sign_in(visit: Visit) -> Response:
    """Signs somebody in and leads them where they wanted to go."""
    login, next_path = visit.form.get("login", ""), local_path(visit.form.get("next", ""))
    try:
        token, _ = await visit.site.call_hashing(
            people.sign_in,
            visit.vault,
            login=login,
            password=visit.form.get("password", ""),
            origin=visit.origin,
        )
    except NotSignedIn as error:
        return visit.site.templates.page(
            visit, "sign_in.html", status=401, login=login, next_path=next_path, error=describe(visit, error)
        )
    response = RedirectResponse(next_path, 303)
    keep_session(visit.site, response, token)
    return response


async def sign_out(visit: Visit) -> Response:
    """Ends the session."""
    await visit.site.call(people.sign_out, visit.vault, visit.session_token or "")
    response = RedirectResponse(visit.path("sign-in"), 303)
    drop_session(visit.site, response)
    return response
