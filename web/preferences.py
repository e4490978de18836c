"""How somebody wants pages to look, kept in cookies of their browser: colours, and the time zone that times stand in.

Rule 1: what a cookie says is looked up among what there is; anything else is as if it were not there.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import cache
from typing import Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

from starlette.requests import Request

THEME_COOKIE: Final = "strongroom-theme"
ZONE_COOKIE: Final = "strongroom-zone"
THEMES: Final = ("light", "dark")
KEPT_S: Final = 365 * 86400


def theme_of(request: Request) -> str:
    """The colours that were chosen; empty where the system decides."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def zone_of(request: Request) -> str:
    """The name of the browser's time zone; empty while it is not known, or where this machine does not know it."""
    said = unquote(request.cookies.get(ZONE_COOKIE, ""))
    return said if said in _zones() else ""


def zone_named(name: str) -> tzinfo:
    """The zone of a name that ``zone_of`` gave."""
    return ZoneInfo(name) if name else UTC


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
