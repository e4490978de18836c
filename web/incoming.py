"""The body of one request on its way from its connection to whoever reads it, past the server's own buffer.

The server behind ``connections`` collects a body in a buffer that grows and hands out copies of it: two copies more of
every byte than reading needs. While a reader is here, it is given each piece as the parser cut it.

Rule 1: one reader at a time. Before it comes and after it went, the pieces lie with the server; none is lost between.
Rule 2: a reader that is waited for stops the connection (``pause``); asking for more (``changed``) lets it go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

INCOMING_KEY: Final = "strongroom.incoming"
"""Where the scope carries the request's ``Incoming``."""

Take = Callable[[bytes], None]


class Incoming:
    """What the connection knows of one request's body. ``take`` is the reader's, None while there is none."""

    __slots__ = ("_cycle", "_flow", "take")

    def __init__(self, flow: FlowControl) -> None:
        self._flow = flow
        self._cycle: RequestResponseCycle | None = None
        self.take: Take | None = None

    def belongs_to(self, cycle: RequestResponseCycle) -> None:
        """Says whose body it is, once the server has made that."""
        self._cycle = cycle

    def begin(self, take: Take) -> None:
        """A reader comes: pieces go to ``take`` from now on."""
        self.take = take

    def end(self, unread: Iterable[bytes]) -> None:
        """The reader goes; what it did not read goes back to the server, for whoever drops it."""
        cycle = self._known()
        self.take = None
        for piece in unread:
            cycle.body += piece
        cycle.message_event.set()

    def wake(self) -> None:
        """Wakes the reader."""
        self._known().message_event.set()

    def pause(self) -> None:
        """Takes nothing more from the client until the reader asks again."""
        self._flow.pause_reading()

    async def changed(self) -> bool:
        """Waits until the reader was woken, or the body ended; False once it has. Raises ``ClientDisconnect``."""
        cycle = self._known()
        if not cycle.disconnected and cycle.more_body:
            self._flow.resume_reading()
            await cycle.message_event.wait()
            cycle.message_event.clear()
        if cycle.disconnected:
            raise ClientDisconnect
        return cycle.more_body

    def _known(self) -> RequestResponseCycle:
        if self._cycle is None:
            raise RuntimeError("the request has not begun")
        return self._cycle
