"""A proxy in front of the object store that breaks one exchange the way networks and servers do.

    with fault_proxy(port) as proxy:
        proxy.plan(Break(fault=Fault.LOST_ANSWER, method="PUT", target="records/", turn=1))
        ...
        assert proxy.broken == 1

Rule 1: it understands HTTP as far as it has to: one request and its whole body, one answer and its whole body.
Rule 2: what it does not break, it passes on byte for byte, over a connection of its own for each exchange.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 56\r\nretry-after: 1\r\n\r\n"
    b"<Error><Code>SlowDown</Code><Message>x</Message></Error>"
)
FAILED = (
    b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 61\r\n\r\n"
    b"<Error><Code>InternalError</Code><Message>x</Message></Error>"
)
NOW = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


class Fault(StrEnum):
    """What happens to one exchange."""

    REFUSED_NOW = "answered 503, the store never sees it"
    BUSY_AFTER = "done, and answered 503"
    FAILED_AFTER = "done, and answered 500"
    LOST_ANSWER = "done, the answer lost and the connection reset"
    TWICE = "delivered twice, the second answer given"
    RESET_BEFORE = "connection reset before a byte"
    RESET_IN_BODY = "connection reset in the middle of the request's body"
    RESET_IN_ANSWER = "connection reset in the middle of the answer's body"
    STALLED_BEFORE = "no answer, the store never sees it"
    STALLED_AFTER = "done, no answer"
    STALLED_IN_ANSWER = "no bytes after the middle of the answer's body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The exchange that is broken: the ``turn``-th whose method and target match, and ``times`` after it."""

    fault: Fault
    method: str
    target: str
    turn: int = 1
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    head: bytes
    body: bytes

    @property
    def whole(self) -> bytes:
        return self.head + self.body


class FaultProxy:
    """Listens on a port of its own; one thread a connection."""

    def __init__(self, upstream_port: int) -> None:
        self.broken = 0
        self._upstream_port = upstream_port
        self._mutex = threading.Lock()
        self._break: Break | None = None
        self._seen = 0
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads.append(threading.Thread(target=self._listen, daemon=True))
        self._threads[0].start()

    def plan(self, plan: Break | None) -> None:
        """Breaks what the plan names, and forgets the plan before it."""
        with self._mutex:
            self._break, self._seen, self.broken = plan, 0, 0

    def close(self) -> None:
        """Ends every connection."""
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in list(self._threads):
            thread.join(timeout=120)

    def _fault(self, request: _Message) -> Fault | None:
        method, target, _ = request.head.split(b" ", 2)
        with self._mutex:
            plan = self._break
            if plan is None or method.decode() != plan.method or plan.target not in target.decode():
                return None
            self._seen += 1
            if not plan.turn <= self._seen < plan.turn + plan.times:
                return None
            self.broken += 1
            return plan.fault

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(0.2)
        with client, suppress(OSError):
            while (request := _receive(client, self._ended)) is not None:
                fault = self._fault(request)
                if fault is None:
                    client.sendall(self._exchange(request))
                    continue
                if not self._broken(client, request, fault):
                    return

    def _broken(self, client: socket.socket, request: _Message, fault: Fault) -> bool:
        """Whether the connection lives on."""
        if fault is Fault.RESET_IN_BODY:
            with socket.create_connection(("127.0.0.1", self._upstream_port)) as upstream:
                upstream.sendall(request.head + request.body[: len(request.body) // 2])
                upstream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
        if fault in (Fault.RESET_IN_BODY, Fault.RESET_BEFORE):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
            return False
        if fault is Fault.REFUSED_NOW:
            client.sendall(BUSY)
            return True
        if fault is Fault.STALLED_BEFORE:
            return self._stall(client)
        answer = self._exchange(request)
        if fault is Fault.TWICE:
            client.sendall(self._exchange(request))
            return True
        if fault in (Fault.BUSY_AFTER, Fault.FAILED_AFTER):
            client.sendall(BUSY if fault is Fault.BUSY_AFTER else FAILED)
            return True
        if fault is Fault.STALLED_AFTER:
            return self._stall(client)
        if fault in (Fault.RESET_IN_ANSWER, Fault.STALLED_IN_ANSWER):
            head = answer.index(b"\r\n\r\n") + 4
            client.sendall(answer[: head + (len(answer) - head) // 2])
            if fault is Fault.STALLED_IN_ANSWER:
                return self._stall(client)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
        return False

    def _stall(self, client: socket.socket) -> bool:
        """Says nothing until the client goes away."""
        while not self._ended.is_set():
            try:
                if not client.recv(1 << 16):
                    break
            except TimeoutError:
                continue
        return False

    def _exchange(self, request: _Message) -> bytes:
        with socket.create_connection(("127.0.0.1", self._upstream_port), timeout=60) as upstream:
            upstream.sendall(request.whole)
            method = request.head.split(b" ", 1)[0]
            answer = _receive(upstream, self._ended, bodiless=method == b"HEAD")
        if answer is None:
            raise ConnectionError("the store said nothing")
        return answer.whole


def _receive(line: socket.socket, ended: threading.Event, *, bodiless: bool = False) -> _Message | None:
    """One message and its body; None where the line ends before it begins."""
    data = bytearray()

    def more() -> bool:
        while not ended.is_set():
            try:
                chunk = line.recv(1 << 18)
            except TimeoutError:
                continue
            data.extend(chunk)
            return bool(chunk)
        return False

    while b"\r\n\r\n" not in data:
        if not more():
            return None
    length = data.index(b"\r\n\r\n") + 4
    head = bytes(data[:length])
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (row.partition(b":") for row in head.split(b"\r\n")[1:] if row)
    }
    status = head.split(b" ", 2)[1] if head.startswith(b"HTTP/") else b""
    if bodiless or status in (b"204", b"304"):
        return _Message(head=head, body=b"")
    if headers.get(b"transfer-encoding") == b"chunked":
        while not data.endswith(b"0\r\n\r\n"):
            if not more():
                raise ConnectionError("the line ended in a body")
        return _Message(head=head, body=bytes(data[length:]))
    wanted = length + int(headers.get(b"content-length", b"0"))
    while len(data) < wanted:
        if not more():
            raise ConnectionError("the line ended in a body")
    return _Message(head=head, body=bytes(data[length:wanted]))


@contextmanager
def fault_proxy(upstream_port: int) -> Iterator[FaultProxy]:
    """A proxy before a port of the loopback interface."""
    proxy = FaultProxy(upstream_port)
    try:
        yield proxy
    finally:
        proxy.close()
