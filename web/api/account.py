"""One's own account for programs that act for somebody who is signed in: password, second factors, other sessions.

A passkey is made in a browser: its device speaks to nobody else.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.errors import NotSignedIn
from vault.ids import PasskeyId
from vault.workflows import credentials, passwords, sessions
from web.api.paging import moment
from web.api.sessions import current_session
from web.forms import text_of
from web.sessions import client_of
from web.site import Visit


async def change_password(visit: Visit) -> Response:
    """Changes the password; every other session ends."""
    if visit.signed_in is None:
        raise NotSignedIn("sign in first")
    await visit.site.call_hashing(
        passwords.change_password,
        visit.vault,
        visit.signed_in,
        old=text_of(visit.json, "old"),
        new=text_of(visit.json, "new"),
        client=client_of(visit),
    )
    return Response(status_code=204)


async def end_other_sessions(visit: Visit) -> Response:
    """Ends all sessions but this one."""
    current = current_session(visit)
    ended = await visit.site.call(sessions.end_other_sessions, visit.vault, visit.actor, current=current)
    return JSONResponse({"ended": ended})


async def show_factors(visit: Visit) -> Response:
    """What one proves oneself by."""
    factors = await visit.site.call(credentials.own_factors, visit.vault, visit.actor)
    return JSONResponse(
        {
            "authenticator": factors.authenticator,
            "recovery_codes": factors.recovery_codes,
            "passkeys": [
                {"id": each.passkey.id, "name": each.name, "created_at": moment(each.passkey.created_at)}
                for each in factors.passkeys
            ],
        }
    )


async def begin_authenticator(visit: Visit) -> Response:
    """Makes a secret for an authenticator app; it counts once a code of it was shown."""
    enrolment = await visit.site.call(credentials.begin_authenticator, visit.vault, visit.actor)
    return JSONResponse({"uri": enrolment.uri, "secret": enrolment.secret}, 201)


async def confirm_authenticator(visit: Visit) -> Response:
    """Takes the first code; the recovery codes are in this answer only, where they are new."""
    code = text_of(visit.json, "code")
    codes = await visit.site.call(credentials.confirm_authenticator, visit.vault, visit.actor, code)
    return JSONResponse({"recovery_codes": list(codes)}, 201)


async def remove_authenticator(visit: Visit) -> Response:
    """Takes the app away."""
    await visit.site.call(credentials.remove_authenticator, visit.vault, visit.actor)
    return Response(status_code=204)


async def make_recovery_codes(visit: Visit) -> Response:
    """New recovery codes, in this answer only."""
    codes = await visit.site.call(credentials.make_recovery_codes, visit.vault, visit.actor)
    return JSONResponse({"recovery_codes": list(codes)}, 201)


async def rename_passkey(visit: Visit) -> Response:
    """Gives a passkey another name."""
    passkey_id, name = PasskeyId(visit.parameter("passkey")), text_of(visit.json, "name")
    await visit.site.call(credentials.rename_passkey, visit.vault, visit.actor, passkey_id, name=name)
    return Response(status_code=204)


async def remove_passkey(visit: Visit) -> Response:
    """Takes a passkey away."""
    passkey_id = PasskeyId(visit.parameter("passkey"))
    await visit.site.call(credentials.remove_passkey, visit.vault, visit.actor, passkey_id)
    return Response(status_code=204)
