"""One's own API tokens."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput
from vault.ids import TokenId
from vault.permissions import Action
from vault.tokens import TOKEN_LIFETIME_MAX, checked_scopes
from vault.workflows import tokens
from web.forms import whole_number_of
from web.problems import describe
from web.site import Visit

SCOPE_PREFIX = "scope-"


async def show_tokens(visit: Visit) -> Response:
    """The tokens, and a form for another one."""
    return await _page(visit)


async def create_token(visit: Visit) -> Response:
    """Makes a token and shows it, once."""
    names = frozenset(name.removeprefix(SCOPE_PREFIX) for name in visit.form if name.startswith(SCOPE_PREFIX))
    try:
        text, _ = await visit.site.call(
            tokens.create,
            visit.vault,
            visit.actor,
            name=visit.form.get("name", ""),
            scopes=checked_scopes(names),
            lifetime=timedelta(
                days=whole_number_of(visit.form, "days", default=90, low=1, high=TOKEN_LIFETIME_MAX.days)
            ),
        )
    except InvalidInput as error:
        return await _page(visit, error=describe(visit, error), error_field=error.field)
    return await _page(visit, made=text)


async def revoke_token(visit: Visit) -> Response:
    """Ends a token, at once."""
    await visit.site.call(tokens.revoke, visit.vault, visit.actor, TokenId(visit.parameter("token")))
    return RedirectResponse(visit.path("account-tokens"), 303)


async def _page(
    visit: Visit, *, made: str | None = None, error: str | None = None, error_field: str | None = None
) -> Response:
    return visit.site.templates.page(
        visit,
        "account_tokens.html",
        status=400 if error else 201 if made else 200,
        tokens=await visit.site.call(tokens.own_tokens, visit.vault, visit.actor),
        scopes=[action for action in Action if visit.may(action)],
        values=visit.form,
        made=made,
        error=error,
        error_field=error_field,
    )
