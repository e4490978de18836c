"""Where a connection's bytes come in: received into one buffer that is reused, and not into new memory for each piece.

Rule 1: of a body that is being read, they are received right where its reader wants them (``Incoming.room``). The
parser still sees every byte: what of them is body, it says, and a piece that lies where it belongs is not copied again.
Rule 2: the buffer is a thread's, not a connection's: an event loop reads and hands on before it reads for anybody else.
"""

from __future__ import annotations

import asyncio
from threading import local
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from web.connections import Connection

RECEIVE_BYTES: Final = 256 * 1024
ROOM_BYTES_MIN: Final = 64 * 1024
"""Less room than this is not received into: the end of a part would be many small readings."""

_own = local()


def _buffer() -> memoryview:
    """This thread's buffer."""
    view: memoryview | None = getattr(_own, "view", None)
    if view is None:
        view = _own.view = memoryview(bytearray(RECEIVE_BYTES))
    return view


class Inlet(asyncio.BufferedProtocol):
    """The protocol that the event loop sees; all but receiving is the connection's own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._view = memoryview(b"")
        self._in_place = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._connection.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client takes more slowly than we send."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The client has taken enough."""
        self._connection.resume_writing()

    def eof_received(self) -> None:
        """The client sends no more."""
        self._connection.eof_received()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        room = self._connection.room()
        self._in_place = room is not None and len(room) >= ROOM_BYTES_MIN
        self._view = room[:RECEIVE_BYTES] if room is not None and self._in_place else _buffer()
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        view, self._view = self._view, memoryview(b"")
        self._connection.received(view[:nbytes], in_place=self._in_place)
