"""Kept connections to one HTTP/1.1 server. Answers are parsed by httptools (llhttp), as requests are in ``web``.

A library's whole client costs more than all else that a small file takes (README.md, "Which client").

Rule 1: a line is used again only after an answer that was read to its end; whatever else happened closes it.
Rule 2: an answer says how long its body is, in Content-Length, or it is read whole, at most ``TEXT_BYTES_MAX``.
Rule 3: only ``OSError`` comes out: ``NeverSent`` where the server cannot have seen the request, ``TimeoutError`` where
it was waited for too long.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
from collections import deque
from collections.abc import Mapping
from typing import Final

import httptools

HEAD_BYTES_MAX: Final = 64 * 1024
TEXT_BYTES_MAX: Final = 4 * 1024 * 1024
_WITHOUT_BODY: Final = frozenset({204, 304})
_TIME: Final = struct.Struct("ll")


class NeverSent(OSError):
    """No connection could be made."""


class Garbled(OSError):
    """What came is no answer of HTTP/1.1, or it ended early."""


class Answer:
    """Status, headers (names in lower case), and the body as it is read. Use it up, or ``release`` it."""

    __slots__ = ("_early", "_line", "_lines", "headers", "left", "status")

    def __init__(
        self, lines: Lines, line: socket.socket | None, status: int, headers: Mapping[str, str], early: bytes, left: int
    ) -> None:
        self._lines, self._line, self._early = lines, line, early
        self.status = status
        self.headers = headers
        self.left = left
        """Bytes of the body that were not read yet."""

    def read(self, most: int) -> bytes:
        """The next bytes of the body, as many as asked for while there are that many. Raises ``OSError``."""
        wanted = min(most, self.left)
        early, self._early = self._early[:wanted], self._early[wanted:]
        came = early
        if len(early) < wanted and self._line is not None:
            rest = _receive(self._line, wanted - len(early))
            came = early + rest if early else rest
        self.left -= len(came)
        if not self.left:
            self.release()
        return came

    def drop(self) -> None:
        """Reads a short body to its end, so that the line can be used again. Raises ``OSError``."""
        _ = self.data

    @property
    def data(self) -> bytes:
        """The rest of a short body. Raises ``OSError``."""
        pieces = []
        while self.left and (piece := self.read(min(self.left, TEXT_BYTES_MAX))):
            pieces.append(piece)
        self.release()
        return b"".join(pieces)

    def release(self) -> None:
        """Gives the line back, or closes it when something is left on it."""
        line, self._line = self._line, None
        if line is None:
            return
        if self.left or self._early:
            line.close()
        else:
            self._lines.keep(line)


class Lines:
    """Connections to one server; safe to share between threads."""

    def __init__(
        self, host: str, *, tls: ssl.SSLContext | None, kept: int, connect_timeout_s: float, read_timeout_s: float
    ) -> None:
        name, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
        self._address = (name.strip("[]"), int(port) if port else 443 if tls else 80)
        self._tls = tls
        self._connect_timeout_s, self._read_timeout_s = connect_timeout_s, read_timeout_s
        self._idle: deque[socket.socket] = deque(maxlen=kept)
        self._is_closed = False

    def ask(self, method: str, head: bytes, body: memoryview | None) -> Answer:
        """Sends a request and reads the head of its answer, and the body too where its length is not told."""
        line = self._take()
        try:
            _send(line, head, body)
            return self._answer(line, method)
        except BlockingIOError:
            line.close()
            raise TimeoutError("the object store did not go on in time") from None
        except BaseException:
            line.close()
            raise

    def keep(self, line: socket.socket) -> None:
        """Keeps a line for the next request."""
        if self._is_closed or len(self._idle) == self._idle.maxlen:
            line.close()
        else:
            self._idle.append(line)

    def close(self) -> None:
        """Closes the lines that are kept, and lets go of others as they come back."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> socket.socket:
        while True:
            try:
                line = self._idle.pop()
            except IndexError:
                return self._connect()
            # The server has nothing to say on a line that waits: it hung up, or broke the protocol.
            poll = select.poll()
            poll.register(line, select.POLLIN)
            if not poll.poll(0):
                return line
            line.close()

    def _connect(self) -> socket.socket:
        if self._is_closed:
            raise NeverSent("the connections to the object store are closed")
        try:
            line = socket.create_connection(self._address, timeout=self._connect_timeout_s)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                line = self._tls.wrap_socket(line, server_hostname=self._address[0])
                line.settimeout(self._read_timeout_s)
                return line
        except OSError as error:
            raise NeverSent(f"no connection to the object store: {error}") from error
        # The kernel's own limits: Python's timeout would poll before each call.
        line.settimeout(None)
        seconds = _TIME.pack(int(self._read_timeout_s), int(self._read_timeout_s % 1 * 1_000_000))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)
        return line

    def _answer(self, line: socket.socket, method: str) -> Answer:
        told = _Told(without_body=method == "HEAD")
        told.read_head(line)
        length = told.length
        if length is None:
            # Whatever stands behind a body of unknown length is not worth another look.
            body = told.read_rest(line)
            line.close()
            return Answer(self, None, told.status, told.headers, body, len(body))
        early = told.body
        if length == len(early) and told.is_last:
            line.close()
            return Answer(self, None, told.status, told.headers, early, length)
        answer = Answer(self, line, told.status, told.headers, early, length)
        if length == 0:
            answer.release()
        return answer


class _Told:
    """What a server says, as httptools understands it; of a body of known length only what came with the head."""

    def __init__(self, *, without_body: bool) -> None:
        self.headers: dict[str, str] = {}
        self.status = 0
        self.is_last = True
        self._without_body = without_body
        self._pieces: list[bytes] = []
        self._has_head = self._has_all = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def body(self) -> bytes:
        """What came of the body so far."""
        return b"".join(self._pieces)

    @property
    def length(self) -> int | None:
        """Bytes of the body, None where the head does not tell."""
        if self._without_body or self.status in _WITHOUT_BODY:
            return 0
        told = self.headers.get("content-length")
        return int(told) if told is not None else None

    def read_head(self, line: socket.socket) -> None:
        """Reads until the head of the final answer is there ("100 Continue" may come unasked)."""
        size = 0
        while not self._has_head:
            came = line.recv(HEAD_BYTES_MAX)
            size += len(came)
            if not came or size > 2 * HEAD_BYTES_MAX:
                raise Garbled("the object store hung up before it answered")
            self._feed(came)

    def read_rest(self, line: socket.socket) -> bytes:
        """The rest of a short body of unknown length: to its last chunk, or until the server hangs up."""
        while not self._has_all and (came := line.recv(HEAD_BYTES_MAX)):
            self._feed(came)
            if sum(map(len, self._pieces)) > TEXT_BYTES_MAX:
                raise Garbled("an answer of unknown length is too long")
        if not self._has_all and "transfer-encoding" in self.headers:
            raise Garbled("an answer ended early")
        return self.body

    def _feed(self, came: bytes) -> None:
        try:
            self._parser.feed_data(came)
        except httptools.HttpParserError as error:
            raise Garbled(f"what answered does not speak HTTP/1.1: {error}") from error

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._has_head:
            raise Garbled("an answer goes on behind its end")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers.clear()
            return
        self.is_last = not self._parser.should_keep_alive()
        self._has_head = True

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        self._has_all = self._has_head


def _send(line: socket.socket, head: bytes, body: memoryview | None) -> None:
    if body is None or isinstance(line, ssl.SSLSocket):
        line.sendall(head)
        sent = 0
    else:
        sent = line.sendmsg((head, body))
        if sent < len(head):
            line.sendall(head[sent:])
        sent = max(0, sent - len(head))
    if body is not None and sent < len(body):
        line.sendall(body[sent:])


def _receive(line: socket.socket, wanted: int) -> bytes:
    """So many bytes; fewer only when the server has ended. Raises ``TimeoutError``."""
    try:
        if not isinstance(line, ssl.SSLSocket):
            came = line.recv(wanted, socket.MSG_WAITALL)
            if len(came) == wanted:
                return came
        else:
            came = line.recv(wanted)
        pieces, missing = [came], wanted - len(came)
        while missing and (piece := line.recv(missing)):
            pieces.append(piece)
            missing -= len(piece)
    except BlockingIOError:
        raise TimeoutError("the object store did not go on in time") from None
    return b"".join(pieces)
