"""Sessions for programs: begun with a sign-in name and a password, ended by their token."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.workflows import people
from web.api.views import session_json
from web.forms import text_of
from web.site import Visit


async def begin_session(visit: Visit) -> Response:
    """Signs somebody in; the token goes into ``Authorization: Bearer``."""
    token, signed_in = await visit.site.call_hashing(
        people.sign_in,
        visit.vault,
        login=text_of(visit.json, "login"),
        password=text_of(visit.json, "password"),
        origin=visit.origin,
    )
    return JSONResponse(session_json(token, signed_in), 201)


async def end_session(visit: Visit) -> Response:
    """Ends the session that asks."""
    await visit.site.call(people.sign_out, visit.vault, visit.session_token or "")
    return Response(status_code=204)
