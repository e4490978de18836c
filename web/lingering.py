"""An answer given before the request's body was read, in such a way that the client still sees it.

Closing a socket that holds unread bytes makes the system send a reset, and the client may lose the answer it was
about to read. So the whole answer goes out, then what still comes is read and dropped for a short while, then the
connection closes. A body that was read already ends this at once, and so does a client that waits for "100 Continue".
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from web.site import BODY_READ_KEY

LINGER_S: Final = 2.0
LINGER_BYTES: Final = 64 * 1024 * 1024


class LingeringResponse(Response):
    """Sends an answer, drops the rest of the request's body within limits, and closes the connection if more is due."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        self.status_code = answer.status_code
        self.body = answer.body
        self.raw_headers = answer.raw_headers
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it (ASGI)."""
        if not _body_is_due(scope):
            await self.answer(scope, receive, send)
            return
        headers = [*self.raw_headers, (b"connection", b"close")]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})
        if b"expect" not in dict(scope["headers"]):
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    await _drop_body(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _body_is_due(scope: Scope) -> bool:
    """Whether the request has a body that was not read to its end."""
    headers = dict(scope["headers"])
    announced = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
    return announced and not scope.get(BODY_READ_KEY, False)


async def _drop_body(receive: Receive) -> None:
    dropped = 0
    while dropped < LINGER_BYTES:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        dropped += len(message.get("body", b""))
