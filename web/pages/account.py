"""One's own account: name and language, password, and where one is signed in."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.errors import Refused
from vault.ids import SessionId
from vault.sessions import SESSION_IDLE, SESSION_LIFETIME
from vault.workflows import passwords, people, sessions
from web.problems import PROBLEMS, describe
from web.sessions import client_of, keep_language
from web.site import Visit


async def show_account(visit: Visit) -> Response:
    """Name, language, password."""
    return await _account_page(visit)


async def change_profile(visit: Visit) -> Response:
    """Changes name and language."""
    language = visit.form.get("language", "")
    try:
        await visit.site.call(
            people.change_profile, visit.vault, visit.actor, name=visit.form.get("name", ""), language=language
        )
    except Refused as error:
        return await _account_page(visit, error=error)
    response = RedirectResponse(visit.path("account"), 303)
    if language:
        keep_language(visit.site, response, language)
    return response


async def change_password(visit: Visit) -> Response:
    """Changes the password; every other session ends."""
    if visit.signed_in is None:
        return await _account_page(visit)
    try:
        await visit.site.call_hashing(
            passwords.change_password,
            visit.vault,
            visit.signed_in,
            old=visit.form.get("old", ""),
            new=visit.form.get("password", ""),
            client=client_of(visit),
        )
    except Refused as error:
        if PROBLEMS[error.code].status not in (400, 429):
            raise
        return await _account_page(visit, error=error)
    return await _account_page(visit, done=True)


async def show_sessions(visit: Visit) -> Response:
    """Where one is signed in."""
    views = await visit.site.call(sessions.own_sessions, visit.vault, visit.actor, current=current_session(visit))
    return visit.site.templates.page(
        visit, "account_sessions.html", sessions=views, idle=SESSION_IDLE, lifetime=SESSION_LIFETIME
    )


async def end_session(visit: Visit) -> Response:
    """Ends one of them."""
    session_id = SessionId(visit.parameter("session"))
    await visit.site.call(sessions.end_session, visit.vault, visit.actor, session_id)
    return RedirectResponse(visit.path("account-sessions"), 303)


async def end_other_sessions(visit: Visit) -> Response:
    """Ends all but this one."""
    await visit.site.call(sessions.end_other_sessions, visit.vault, visit.actor, current=current_session(visit))
    return RedirectResponse(visit.path("account-sessions"), 303)


def current_session(visit: Visit) -> SessionId | None:
    """The session by which somebody looks."""
    session = visit.signed_in.session if visit.signed_in is not None else None
    return session.id if session is not None else None


async def _account_page(visit: Visit, *, error: Refused | None = None, done: bool = False) -> Response:
    return visit.site.templates.page(
        visit,
        "account.html",
        status=200 if error is None else PROBLEMS[error.code].status,
        profile=await visit.site.call(people.own_profile, visit.vault, visit.actor),
        error=None if error is None else describe(visit, error),
        error_field=getattr(error, "field", None),
        done=done,
    )
