"""One client's connection: uvicorn's protocol, with bounds on what may come before a request is understood.

Rule 1: a request's head is whole ``HEAD_WITHIN_S`` after it may begin, however slowly its bytes trickle, and at most
``HEAD_BYTES_MAX`` and one reading long. Neither the parser nor the server behind it bounds either, and a head that
never ends is copied anew for every piece of it.
Rule 2: what comes between pieces of a body (chunk extensions, trailers) is bounded likewise.
Rule 3: whoever is refused is told; what still comes is dropped for a short while, so that the answer is not lost.
An answer is that of the request that it follows: bytes after a body never take the place of its acknowledgement.
Rule 4: a body goes to its reader piece by piece (``incoming``), which says how much is taken ahead. Of one that nobody
reads yet no more than the 64 KiB of the server behind it are taken.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from web.incoming import INCOMING_KEY, Incoming
from web.inlet import Inlet

HEAD_WITHIN_S: Final = 20.0
HEAD_BYTES_MAX: Final = 128 * 1024
LINGER_S: Final = 2.0
LINGER_BYTES: Final = 4 * 1024 * 1024

_TOO_SLOW: Final = (b"408 Request Timeout", b"The request's head did not come whole in time; send it again.\n")
_TOO_LONG: Final = (b"431 Request Header Fields Too Large", b"The request's head is too long; shorten it.\n")


class Connection(HttpToolsProtocol):
    """See the module. A subclass may set ``head_within_s``."""

    head_within_s = HEAD_WITHIN_S

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_timer: asyncio.TimerHandle | None = None
        self._not_understood_bytes = 0
        self._incoming: Incoming | None = None
        self._in_place_bytes = -1
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come; its first request is awaited."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._forget_timer()
        super().connection_lost(exc)

    def room(self) -> memoryview | None:
        """Where the reader of the body wants what comes next."""
        return self._incoming.room() if self._incoming is not None else None

    def received(self, data: memoryview, *, in_place: bool) -> None:
        """Bytes came; ``in_place`` where ``room`` said."""
        self._in_place_bytes = len(data) if in_place else -1
        self._not_understood_bytes += len(data)
        if self._refused:
            if self._not_understood_bytes > LINGER_BYTES:
                self.transport.close()
            return
        self.data_received(data)  # type: ignore[arg-type]  # the parser takes any buffer, and the server looks at none
        if self._not_understood_bytes > HEAD_BYTES_MAX:
            self._refuse(_TOO_LONG)
        elif self._head_timer is None and self._is_idle():
            self._await_head()

    def on_headers_complete(self) -> None:
        """The head is whole; the request is answered now, or after the ones before it."""
        self._forget_timer()
        self._not_understood_bytes = 0
        self._incoming = incoming = Incoming(self.flow)
        cast(dict[str, Any], self.scope)[INCOMING_KEY] = incoming
        super().on_headers_complete()
        incoming.belongs_to(self.cycle)

    def on_body(self, body: bytes) -> None:
        """A piece of the body came: to its reader, or to the server while there is none (rule 4)."""
        self._not_understood_bytes = 0
        incoming = self._incoming
        if incoming is None or not incoming.is_read or self.cycle.response_complete:
            super().on_body(body)
        else:
            # All that was received is this piece: it lies where it belongs.
            incoming.take(body, in_place=len(body) == self._in_place_bytes)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._not_understood_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What came is no request. One before it that is whole still gets its own answer, and only then the end."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete or (cycle.more_body and not cycle.response_started):
            super().send_400_response(msg)
        elif cycle.more_body:
            self.transport.close()
        else:
            cycle.keep_alive = False
            self._refused = True

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for another protocol is answered in this one; nobody has to know."""

    def _is_idle(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return (cycle is None or cycle.response_complete) and not self.transport.is_closing()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_within_s, self._head_is_late)

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._is_idle():
            self._refuse(_TOO_SLOW)

    def _refuse(self, answer: tuple[bytes, bytes]) -> None:
        """Answers, unless another answer is under way, and closes."""
        self._forget_timer()
        if not self._is_idle():
            self.transport.close()
            return
        status, text = answer
        head = (
            b"HTTP/1.1 %s\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head % (status, len(text)) + text)
        self._refused = True
        self._head_timer = self.loop.call_later(LINGER_S, self.transport.close)


def patient_for(head_within_s: float) -> type[asyncio.Protocol]:
    """The protocol with another patience, behind its inlet, as the server makes it for each connection."""
    connection = cast("type[Connection]", type("Connection", (Connection,), {"head_within_s": head_within_s}))

    def make(**given: Any) -> Inlet:
        return Inlet(connection(**given))

    return cast("type[asyncio.Protocol]", make)
