"""Choosing the language; the choice is a cookie, nothing else."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from web.forms import local_path
from web.i18n import COOKIE, TAGS
from web.site import Visit

KEPT_S = 365 * 86400


async def choose_language(visit: Visit) -> Response:
    """Remembers the choice and goes back."""
    response = RedirectResponse(local_path(visit.form.get("back", "")), 303)
    tag = visit.form.get("language", "")
    if tag in TAGS:
        secure = visit.site.secure
        response.set_cookie(COOKIE, tag, max_age=KEPT_S, path="/", secure=secure, httponly=True, samesite="lax")
    return response
