"""API tokens over the API itself: made, listed and revoked by whoever is signed in with a session."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import JSONResponse, Response

from vault.errors import InvalidInput
from vault.ids import TokenId
from vault.tokens import TOKEN_LIFETIME_MAX, checked_scopes
from vault.workflows import tokens
from web.api.views import token_json
from web.forms import text_of, whole_number_of
from web.site import Visit

_DAYS_MAX: Final = TOKEN_LIFETIME_MAX.days


async def list_tokens(visit: Visit) -> Response:
    """One's own tokens, newest first."""
    views = await visit.site.call(tokens.own_tokens, visit.vault, visit.actor)
    return JSONResponse({"tokens": [token_json(view) for view in views]})


async def create_token(visit: Visit) -> Response:
    """Makes a token; it is in this answer and nowhere else."""
    given = visit.json.get("scopes")
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise InvalidInput("scopes must be a list of texts", field="scopes")
    days = whole_number_of(visit.json, "days", default=90, low=1, high=_DAYS_MAX)
    text, view = await visit.site.call(
        tokens.create,
        visit.vault,
        visit.actor,
        name=text_of(visit.json, "name"),
        scopes=checked_scopes(frozenset(given)),
        lifetime=timedelta(days=days),
    )
    return JSONResponse({**token_json(view), "token": text}, 201)


async def revoke_token(visit: Visit) -> Response:
    """Ends a token of one's own."""
    await visit.site.call(tokens.revoke, visit.vault, visit.actor, TokenId(visit.parameter("token")))
    return Response(status_code=204)
