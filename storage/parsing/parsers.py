"""Has parsers look at files: starts their warden, hands each order to a parser of its own, and believes nothing of it.

Rule 1: few at once, and none for longer than its bounds: whoever comes then waits, and is told when it takes too long.
Rule 2: a parser that hangs, crashes or answers nonsense is a file that cannot be read; the application goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import BoundedSemaphore, Lock
from time import monotonic
from typing import Any, Final

from storage.parsing import frames, warden
from storage.parsing.confinement import Bounds
from storage.parsing.conversing import Line, converse
from vault.errors import NotReadable, Overloaded, ParsersUnavailable
from vault.previews import Parsed, Source

AT_ONCE: Final = 2
WAIT_S: Final = 30.0
START_S: Final = 30.0

_PIPE_BYTES: Final = 1024 * 1024
_F_SETPIPE_SZ: Final = 1031
_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8", "PATH": os.defpath}


class Parsers:
    """Parsers of this machine. Any thread may ask; nothing is started before somebody does."""

    def __init__(
        self, *, command: Callable[[int], Sequence[str]] = warden.command, bounds: Bounds | None = None
    ) -> None:
        self._command = command
        self._bounds = bounds or Bounds()
        self._places = BoundedSemaphore(AT_ONCE)
        self._mutex = Lock()
        self._control: socket.socket | None = None
        self._warden: subprocess.Popen[bytes] | None = None
        self.has_no_network = False
        """Whether the warden could leave the network too; its parsers can open no socket either way."""

    def parse(self, order: Mapping[str, Any], source: Source) -> Parsed:
        """What a parser says of a file.

        Raises ``NotReadable`` with the reason; ``Overloaded``; ``ParsersUnavailable``; and what reading the source
        raises.
        """
        told = json.dumps({**order, "size_bytes": source.size_bytes}).encode()
        if not self._places.acquire(timeout=WAIT_S):
            raise Overloaded("too many files are being looked at; try again in a few seconds")
        try:
            return self._ask(told, source) or self._ask(told, source) or _give_up()
        finally:
            self._places.release()

    def _ask(self, told: bytes, source: Source) -> Parsed | None:
        """What a parser says; None when the warden died before it made one, and the next one is to be asked."""
        with self._pipes() as (reading, writing):
            line = Line(reading, writing, monotonic() + self._bounds.seconds + 2)
            try:
                line.send(frames.LENGTH.pack(len(told)) + told)
                return converse(line, source)
            except NotReadable:
                if line.has_heard or not self._is_dead():
                    raise
                return None

    def close(self) -> None:
        """Lets the warden go."""
        with self._mutex:
            self._leave()

    @contextlib.contextmanager
    def _pipes(self) -> Iterator[tuple[int, int]]:
        """What a new parser says and is told."""
        its_reading, writing = os.pipe()
        reading, its_writing = os.pipe()
        try:
            with contextlib.ExitStack() as its:
                its.callback(os.close, its_reading)
                its.callback(os.close, its_writing)
                for each in (writing, reading):
                    os.set_blocking(each, False)
                    with contextlib.suppress(OSError):  # faster where the system allows it
                        fcntl.fcntl(each, _F_SETPIPE_SZ, _PIPE_BYTES)
                self._hand_over(its_reading, its_writing)
            yield reading, writing
        finally:
            os.close(reading)
            os.close(writing)

    def _hand_over(self, *pipes: int) -> None:
        for _ in range(2):
            with self._mutex:
                control = self._control or self._start()
                try:
                    socket.send_fds(control, [b"p"], pipes)
                    return
                except OSError:
                    self._leave()  # it died: the next one is started at once
        raise ParsersUnavailable("the parser process does not start; try again, and look at the machine's memory")

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._warden = subprocess.Popen(
                self._command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        self._control = ours
        ours.settimeout(START_S)
        try:
            said = ours.recv(4096)
        except OSError:
            said = b""
        if not said.startswith(warden.READY):
            self._leave()
            why = said.decode("utf-8", "replace") or "the parser process does not start"
            raise ParsersUnavailable(f"files cannot be looked at here: {why}")
        self.has_no_network = said.endswith(b"apart")
        return ours

    def _is_dead(self) -> bool:
        process = self._warden
        try:
            return process is not None and process.wait(0.1) is not None
        except subprocess.TimeoutExpired:
            return False

    def _leave(self) -> None:
        control, self._control = self._control, None
        process, self._warden = self._warden, None
        if control is not None:
            control.close()
        if process is not None:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _give_up() -> Parsed:
    raise ParsersUnavailable("the parser process ends again and again; try again, and look at the machine's memory")
