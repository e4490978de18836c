"""The outermost layer: hosts that we are, headers on every answer, an access log without personal data, a last resort.

Rule 1: a request for a host that is not ours is refused (DNS rebinding), before anything else looks at it.
Rule 2: the log has method, route name, status, milliseconds and a further fonds's code: no path (link tokens are in
it), query, address, name.
Rule 3: what nobody expected is logged by type and place, without its message, and answered with an opaque reference.
"""

from __future__ import annotations

import secrets
import time
import traceback
from collections.abc import Callable
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from vault.errors import StrongroomError
from web.contents import AnswerBrokenOff
from web.site import ROUTE_KEY, Site

log = structlog.get_logger("strongroom.web")

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
# "same-origin" and not "no-referrer" on pages with forms: with the latter browsers send "Origin: null", and over plain
# http nothing is left to tell our own forms from another site's. Neither tells other sites anything.
REFERRER: Final = "same-origin"
HSTS: Final = "max-age=31536000"


def host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower().rstrip(".")


class FrontDoor:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, site: Site, refuse: Callable[[Request, str], Response]) -> None:
        self._app = app
        self._site = site
        self._refuse = refuse
        given = {**HEADERS, "Referrer-Policy": REFERRER}
        if site.secure:
            given["Strict-Transport-Security"] = HSTS
        code = site.prefix.rpartition("/")[2]
        self._named = {"fonds": code} if code else {}
        self._headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in given.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with bound_contextvars(**self._named):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(scope, message)
            await send(message)

        try:
            if not self._is_our_host(scope):
                await PlainTextResponse("This server does not answer to that host name.\n", 421)(
                    scope, receive, send_guarded
                )
            else:
                await self._app(scope, receive, send_guarded)
        except AnswerBrokenOff as broken:
            log.warning("answer-broken-off", route=scope.get(ROUTE_KEY, ""), reason=str(broken))
            raise
        except Exception as error:  # noqa: BLE001  # the last resort: whatever nobody expected ends here, once
            incident = _log_unexpected(scope, error)
            if status:
                raise AnswerBrokenOff("the answer had begun") from None
            await self._refuse(Request(scope, receive), incident)(scope, receive, send_guarded)
        finally:
            log.info(
                "request",
                method=scope["method"],
                route=scope.get(ROUTE_KEY, ""),
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )

    def _is_our_host(self, scope: Scope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        return len(hosts) == 1 and host_name(hosts[0].decode("latin-1")) in self._site.hosts

    def _add_headers(self, scope: Scope, message: Message) -> None:
        headers = list(message.get("headers", ()))
        said = {name.lower() for name, _ in headers}
        message["headers"] = headers + [each for each in self._headers if each[0] not in said]


def _log_unexpected(scope: Scope, error: Exception) -> str:
    """Logs what nobody expected; gives its reference. Messages of the vault's own errors hold no personal data."""
    incident = secrets.token_hex(6)
    log.error(
        "unexpected",
        route=scope.get(ROUTE_KEY, ""),
        type=type(error).__qualname__,
        message=error.message if isinstance(error, StrongroomError) else "",
        places=places_of(error),
        reference=incident,
    )
    return incident


def places_of(error: Exception) -> list[str]:
    """Where an error came from: it holds nothing personal, which a foreign error's message may."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
