"""A line to a server on the loopback interface that can be cut and mended: the port stays, what is behind it goes away.

with relay(port) as line:
    line.cut()       # connections break, new ones are refused
    line.hold()      # connections are taken, and nothing is said on them
    line.mend()
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_RESET = struct.pack("ii", 1, 0)
_LOOK_S = 0.05


class Relay:
    """See the module. One thread listens, one more carries each connection."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._held = threading.Event()
        self._down = threading.Event()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self._place: socket.socket | None = None
        self.port = 0
        self.mend()

    def mend(self) -> None:
        """The server is there (again)."""
        self._held.clear()
        self._down.clear()
        if self._listener is None:
            self._leave_place()
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self.port = int(self._listener.getsockname()[1])
            self._start(self._listen, self._listener)

    def hold(self) -> None:
        """Nothing is carried any more, and nobody is told."""
        self._held.set()

    def cut(self) -> None:
        """Every connection breaks; nobody listens."""
        self._down.set()
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
            # Bound and not listening: whoever connects is refused, and nobody else is given the port meanwhile.
            self._place = socket.socket()
            self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._place.bind(("127.0.0.1", self.port))
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def close(self) -> None:
        """Ends it."""
        self._ended.set()
        self.cut()
        self._leave_place()

    def _leave_place(self) -> None:
        place, self._place = self._place, None
        if place is not None:
            place.close()

    def _start(self, work: object, *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)  # type: ignore[arg-type]  # a method of this class
        self._threads.append(thread)
        thread.start()

    def _listen(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._start(self._carry, client)

    def _carry(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            with socket.create_connection(("127.0.0.1", self._upstream_port)) as server:
                self._both_ways(client, server)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _both_ways(self, client: socket.socket, server: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while not self._down.is_set():
                if self._held.is_set():
                    self._down.wait(_LOOK_S)
                    continue
                for key, _ in selector.select(_LOOK_S):
                    data = key.fileobj.recv(1 << 18)  # type: ignore[union-attr]  # registered as a socket
                    if not data:
                        return
                    key.data.sendall(data)


@contextmanager
def relay(upstream_port: int) -> Iterator[Relay]:
    """A line to a port, for the duration of the block."""
    line = Relay(upstream_port)
    try:
        yield line
    finally:
        line.close()
