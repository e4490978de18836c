"""A client that says exactly which bytes, when, and looks at exactly what is answered."""

from __future__ import annotations

import socket
import struct
import time
from types import TracebackType
from typing import Final, Self

_TCP_INFO_BYTES: Final = 192
_BYTES_ACKED_AT: Final = 120  # tcpi_bytes_acked of struct tcp_info (linux/tcp.h)
_RESET: Final = struct.pack("ii", 1, 0)


class Line:
    """One connection to a port of the loopback interface."""

    def __init__(self, port: int, *, patience_s: float = 60.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=patience_s)
        self._kept = b""

    def say(self, *pieces: str | bytes) -> Self:
        """Sends pieces; in those of text a line ends as HTTP's lines do."""
        for piece in pieces:
            self._socket.sendall(piece.replace("\n", "\r\n").encode() if isinstance(piece, str) else piece)
        return self

    def push(self, count: int, *, chunk: bytes = bytes(1 << 16)) -> bool:
        """Sends that many bytes whatever is answered meanwhile; False when the other side ended it before."""
        try:
            for start in range(0, count, len(chunk)):
                self._socket.sendall(chunk[: count - start])
        except OSError:
            return False
        return True

    def head(self) -> tuple[int, dict[str, str]]:
        """The next answer's status and headers. Raises ``ConnectionError`` when none comes."""
        while b"\r\n\r\n" not in self._kept:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError(f"the line ended after {len(self._kept)} bytes")
            self._kept += data
        head, _, self._kept = self._kept.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in pairs}

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer, whole; one "100 Continue" is passed over."""
        status, headers = self.head()
        if status == 100:
            status, headers = self.head()
        length = int(headers.get("content-length", "0"))
        while len(self._kept) < length:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the line ended in a body")
            self._kept += data
        body, self._kept = self._kept[:length], self._kept[length:]
        return status, headers, body

    def take(self, count: int) -> int:
        """Takes at least so many bytes of what comes, if the other side goes on; gives how many came."""
        while len(self._kept) < count and (data := self._socket.recv(1 << 16)):
            self._kept += data
        taken, self._kept = len(self._kept), b""
        return taken

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        if self._kept:
            return False
        patience_s = self._socket.gettimeout()
        self._socket.settimeout(seconds)
        try:
            self._kept = self._socket.recv(1 << 16)
            return False
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(patience_s)

    def ends_within(self, seconds: float) -> bool:
        """Whether the other side ends the line in that time; what it still says is dropped."""
        give_up_at = time.monotonic() + seconds
        try:
            while (left := give_up_at - time.monotonic()) > 0:
                self._socket.settimeout(left)
                if not self._socket.recv(1 << 16):
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True
        return False

    def taken_bytes(self) -> int:
        """How many bytes the other side's system has taken; its program has read at most these."""
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        return int.from_bytes(info[_BYTES_ACKED_AT : _BYTES_ACKED_AT + 8], "little")

    def half_close(self) -> None:
        """Says that nothing more will come."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self, *, reset: bool = False) -> None:
        """Goes away, as a client that ends or as one that crashes."""
        if reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._socket.close()
