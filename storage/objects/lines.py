"""Kept connections to one HTTP/1.1 server, with no more of HTTP than an S3 server's answers need.

A library's client costs more than all else that a small file takes (README.md, "Which client").

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
        status = 100
        came = b""
        while status < 200:  # "100 Continue" may come unasked
            while (end := came.find(b"\r\n\r\n")) < 0:
                if len(came) > HEAD_BYTES_MAX or not (more := line.recv(HEAD_BYTES_MAX)):
                    raise Garbled("the object store hung up before it answered" if not came else "not an answer")
                came += more
            status, headers = _parse(came[:end])
            came = came[end + 4 :]
        if method == "HEAD" or status in _WITHOUT_BODY:
            body: bytes | None = b""
        elif "content-length" in headers and "transfer-encoding" not in headers:
            body = None
        else:
            body = _whole(line, came, chunked=headers.get("transfer-encoding", "").lower() == "chunked")
        is_last = headers.get("connection", "").lower() == "close"
        if body is None:
            length = int(headers["content-length"])
            answer = Answer(self, line, status, headers, came, length)
            if length == 0 and not is_last:
                answer.release()
            return answer
        # Whatever stands behind a body that is none, or of unknown length, is not worth another look.
        if is_last or came or method != "HEAD":
            line.close()
        else:
            self.keep(line)
        return Answer(self, None, status, headers, body, len(body))


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


def _parse(head: bytes) -> tuple[int, Mapping[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise Garbled("what answered is no HTTP server")
    headers: dict[str, str] = {"connection": "close"} if version == "HTTP/1.0" else {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise Garbled("the head of an answer is malformed")
        headers[name.strip().lower()] = value.strip()
    if not headers.get("content-length", "0").isdigit():
        raise Garbled("an answer has a length that is none")
    return int(rest[:3]), headers


def _whole(line: socket.socket, came: bytes, *, chunked: bool) -> bytes:
    """The body of an answer that does not say its length before: an error's text, in chunks or to the end."""
    while not (chunked and came.endswith(b"0\r\n\r\n")) and (more := line.recv(HEAD_BYTES_MAX)):
        came += more
        if len(came) > TEXT_BYTES_MAX:
            raise Garbled("an answer of unknown length is too long")
    if not chunked:
        return came
    body = b""
    while True:
        size, _, came = came.partition(b"\r\n")
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError:
            raise Garbled("an answer's chunks are malformed") from None
        if length == 0:
            return body
        if len(came) < length + 2:
            raise Garbled("an answer ended early")
        body, came = body + came[:length], came[length + 2 :]
