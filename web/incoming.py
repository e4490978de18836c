"""The body of one request on its way from its connection to whoever reads it, past the server's own buffer.

The server behind ``connections`` collects a body in a buffer that grows and hands out copies of it: two copies more of
every byte than reading needs. While a reader is here, it is given each piece as the parser cut it.

Rule 1: one reader at a time. Before it comes and after it went, the pieces lie with the server; none is lost between.
Rule 2: a reader that is waited for stops the connection (``pause``); asking for more (``changed``) lets it go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

INCOMING_KEY: Final = "strongroom.incoming"
"""Where the scope carries the request's ``Incoming``."""


class Reader(Protocol):
    """Who reads a body."""

    def room(self) -> memoryview | None:
        """Where what comes next is wanted, None where it is not wanted yet."""
        ...

    def take(self, piece: bytes, *, in_place: bool) -> None:
        """A piece came. With ``in_place`` its bytes are at the beginning of ``room`` already."""
        ...


class Incoming:
    """What the connection knows of one request's body."""

    __slots__ = ("_cycle", "_flow", "_reader")

    def __init__(self, flow: FlowControl) -> None:
        self._flow = flow
        self._cycle: RequestResponseCycle | None = None
        self._reader: Reader | None = None

    def belongs_to(self, cycle: RequestResponseCycle) -> None:
        """Says whose body it is, once the server has made that."""
        self._cycle = cycle

    def begin(self, reader: Reader) -> None:
        """A reader comes: pieces go to it from now on."""
        self._reader = reader

    @property
    def is_read(self) -> bool:
        """Whether there is a reader."""
        return self._reader is not None

    def room(self) -> memoryview | None:
        """Where its reader wants what comes next."""
        return self._reader.room() if self._reader is not None else None

    def take(self, piece: bytes, *, in_place: bool) -> None:
        """Gives its reader a piece."""
        if self._reader is not None:
            self._reader.take(piece, in_place=in_place)

    def end(self, unread: Iterable[bytes]) -> None:
        """The reader goes; what it did not read goes back to the server, for whoever drops it."""
        cycle = self._known()
        self._reader = None
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
