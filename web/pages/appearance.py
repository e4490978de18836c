"""Choosing light or dark; the choice is a cookie, nothing else."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from web.preferences import KEPT_S, THEME_COOKIE, THEMES
from web.site import Visit


async def choose_theme(visit: Visit) -> Response:
    """Remembers the choice, or forgets it where the system is to decide, and goes back."""
    response = RedirectResponse(visit.local_path(visit.form.get("back", "")), 303)
    theme, secure = visit.form.get("theme", ""), visit.site.secure
    if theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=KEPT_S, path="/", secure=secure, httponly=True, samesite="lax")
    else:
        response.delete_cookie(THEME_COOKIE, path="/", secure=secure, httponly=True, samesite="lax")
    return response
