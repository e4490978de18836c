"""Sessions for programs: begun with a sign-in name and a password, ended by their token."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.ids import SessionId
from vault.workflows import sessions
from vault.workflows.proofs import SecondFactor
from web.api.views import session_json, session_view_json
from web.forms import text_of
from web.sessions import client_of
from web.site import Visit


async def begin_session(visit: Visit) -> Response:
    """Signs somebody in; the token goes into ``Authorization: Bearer``."""
    token, signed_in = await visit.site.call_hashing(
        sessions.sign_in,
        visit.vault,
        login=text_of(visit.json, "login"),
        password=text_of(visit.json, "password"),
        client=client_of(visit),
        factor=SecondFactor(code=text_of(visit.json, "code")),
    )
    return JSONResponse(session_json(token, signed_in), 201)


async def end_session(visit: Visit) -> Response:
    """Ends the session that asks."""
    await visit.site.call(sessions.sign_out, visit.vault, visit.session_token or "")
    return Response(status_code=204)


async def step_up(visit: Visit) -> Response:
    """Proves again that it is them: the session has another token from then on."""
    token, signed_in = await visit.site.call_hashing(
        sessions.step_up,
        visit.vault,
        visit.session_token or "",
        client=client_of(visit),
        password=text_of(visit.json, "password"),
        factor=SecondFactor(code=text_of(visit.json, "code")),
    )
    return JSONResponse(session_json(token, signed_in), 201)


async def list_sessions(visit: Visit) -> Response:
    """Where one is signed in."""
    current = current_session(visit)
    views = await visit.site.call(sessions.own_sessions, visit.vault, visit.actor, current=current)
    return JSONResponse({"sessions": [session_view_json(view) for view in views]})


async def end_one(visit: Visit) -> Response:
    """Ends one of one's own sessions."""
    session_id = SessionId(visit.parameter("session"))
    await visit.site.call(sessions.end_session, visit.vault, visit.actor, session_id)
    return Response(status_code=204)


def current_session(visit: Visit) -> SessionId | None:
    """The session that asks, None for a token."""
    session = visit.signed_in.session if visit.signed_in is not None else None
    return session.id if session is not None else None
