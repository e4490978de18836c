"""Choosing the language; the choice is a cookie, nothing else."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from web.i18n import TAGS
from web.sessions import keep_language
from web.site import Visit


async def choose_language(visit: Visit) -> Response:
    """Remembers the choice and goes back."""
    response = RedirectResponse(visit.local_path(visit.form.get("back", "")), 303)
    tag = visit.form.get("language", "")
    if tag in TAGS:
        keep_language(visit.site, response, tag)
    return response
