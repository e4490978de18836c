"""What was just done, said on the page that follows: a code in a cookie that lasts for that page only.

Rule 1: the cookie carries a code of ``SAID``, never a word of anybody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from web.i18n import later
from web.site import Visit

COOKIE: Final = "strongroom-said"
LASTS_S: Final = 60

SAID: Final[Mapping[str, str]] = {
    "customer-added": later("The customer is added."),
    "record-filed": later("The record is filed."),
    "records-filed": later("The records are filed."),
    "record-corrected": later("The record is corrected; what it was before is kept."),
    "link-revoked": later("The link is withdrawn."),
    "view-saved": later("The view is saved."),
    "view-forgotten": later("The view is gone."),
    "searches-cleared": later("Your recent searches are gone."),
    "searches-kept": later("Your searches are kept from now on, for you alone."),
    "searches-not-kept": later("Your searches are not kept any more, and those of before are gone."),
    "theme-chosen": later("The colours are changed."),
}


def say(visit: Visit, response: Response, code: str) -> Response:
    """Has the next page say what was done. Raises ``KeyError`` for a code that has no text."""
    _ = SAID[code]
    response.set_cookie(
        COOKIE, code, max_age=LASTS_S, path="/", secure=visit.site.secure, httponly=True, samesite="lax"
    )
    return response


def said(visit: Visit) -> str:
    """What was just done, in the visitor's language; empty when there is nothing to say."""
    code = visit.request.cookies.get(COOKIE, "")
    return visit.language.text(SAID[code]) if code in SAID else ""
