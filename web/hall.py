"""Several fonds behind one address: each has an application of its own, whose paths begin with a prefix.

Rule 1: what names no fonds goes to the first one, to which such an address is like any that it does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

CLOSED: Final = "strongroom.closed"
"""In the scope for an address of a fonds that is there, but not open: the path within it."""


class Hall:
    """ASGI application over those of the fonds. May be changed from any thread."""

    def __init__(self, first: ASGIApp) -> None:
        self._first = first
        self._doors: Mapping[str, ASGIApp | None] = {}

    def open(self, prefix: str, application: ASGIApp) -> None:
        """Lets people in by a prefix (``/fonds/CODE``)."""
        self._doors = {**self._doors, prefix: application}

    def close(self, prefix: str) -> None:
        """Tells people who come by a prefix to come again later."""
        self._doors = {**self._doors, prefix: None}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI)."""
        path = scope.get("path", "")
        prefix = "/".join(path.split("/", 3)[:3])
        inner = path[len(prefix) :] or "/"
        if prefix not in self._doors:
            await self._first(scope, receive, send)
            return
        application = self._doors[prefix]
        if application is None:
            await self._first({**scope, CLOSED: inner}, receive, send)
            return
        raw = scope.get("raw_path") or path.encode("utf-8", "surrogateescape")
        within = {"path": inner, "raw_path": raw[len(prefix) :] or b"/"}
        await application({**scope, **within}, receive, send)
