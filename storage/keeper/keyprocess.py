"""The key process: the one process of a machine and home that holds the root, and gives leaf keys to the others.

Run as ``python -I -m storage.keeper.keyprocess LISTENER SETTINGS``, two descriptors that it inherits: a listening Unix
socket, and a pipe with its settings (nothing secret is in a command line or an environment).

Rule 1: what runs is a warden, which never sees a root, and forks the key process proper when somebody connects. That
one answers its own user alone (SO_PEERCRED). Its users are open connections; the kernel closes those of the killed.
Rule 2: Python cannot wipe memory, so the key process ends when it serves a new generation, and when its last user has
left; the warden forks a new one, in milliseconds, and ends itself after a grace without anybody. What was planned
before the generation moved is void anyway; a later plan is waited for.
Rule 3: no core dumps, no debugger of the same user (PR_SET_DUMPABLE), memory locked where the system permits.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from storage.keeper import keyframes
from storage.keeper.keyframes import Ask, Garbled, Gone, Status
from storage.keeper.keyholding import Access, Holding, KeySettings
from vault.errors import StrongroomError

GRACE_S: Final = 8.0
"""How long the warden waits for the next command."""
TURN_NAME: Final = "start.lock"
STACK_BYTES: Final = 512 * 1024

_PEER: Final = struct.Struct("3i")
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_MCL_CURRENT_FUTURE_ONFAULT: Final = 1 | 2 | 4


class KeyProcess:
    """Serves one listening socket."""

    def __init__(self, listener: socket.socket, holding: Holding, *, is_locked: bool) -> None:
        self._listener = listener
        self._holding = holding
        self._is_locked = is_locked
        self._mutex = threading.Lock()
        self._users = 0
        self._busy = 0
        self._is_due = False
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def serve(self) -> None:
        """Until the last user has left, or a new generation is served and nobody is being answered."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        self._accept()
        while True:
            with self._mutex:
                if not self._busy and (self._is_due or not self._users):
                    return
                # Whoever comes now waits for the next process.
                poll.modify(self._listener, 0 if self._is_due else select.POLLIN)
            for descriptor, _ in poll.poll():
                if descriptor == self._wake:
                    os.eventfd_read(self._wake)
                else:
                    self._accept()

    def _accept(self) -> None:
        line, _ = self._listener.accept()
        try:
            require_own_user(line)
        except PermissionError:
            line.close()
            return
        with self._mutex:
            self._users += 1
        threading.Thread(target=self._converse, args=(line,), name="line", daemon=True).start()

    def _converse(self, line: socket.socket) -> None:
        has_left = False
        try:
            with line:
                read_only, given = keyframes.receive_greeting(line)
                conversation = _Conversation(self._holding, Access(read_only, frozenset(given.items())))
                while not has_left:
                    asked = keyframes.receive(line, keyframes.QUESTION_BYTES_MAX)
                    with self._mutex:
                        if self._is_due:
                            return  # the next image answers
                        self._busy += 1
                    try:
                        has_left = asked[0] == Ask.BYE
                        told = self._leave() if has_left else conversation.answer(asked, self._describe)
                        line.sendall(told)
                    finally:
                        self._done()
        except (Gone, Garbled, OSError):
            return
        finally:
            if not has_left:
                self._leave()

    def _leave(self) -> bytes:
        with self._mutex:
            self._users -= 1
            if not self._users:
                self._holding.drop()
        os.eventfd_write(self._wake, 1)
        return keyframes.answer(Status.DONE, 0, b"")

    def _done(self) -> None:
        with self._mutex:
            self._busy -= 1
            self._is_due = self._is_due or self._holding.is_outdated()
            if self._busy or (self._users and not self._is_due):
                return
        os.eventfd_write(self._wake, 1)

    def _describe(self) -> bytes:
        told = {"pid": os.getpid(), "users": self._users, "locked_in_memory": self._is_locked}
        return json.dumps(told).encode()


class _Conversation:
    """What is asked on one connection."""

    def __init__(self, holding: Holding, access: Access) -> None:
        self._holding = holding
        self._access = access

    def answer(self, asked: bytes, describe: Callable[[], bytes]) -> bytes:
        """The frame that answers. Raises ``Garbled``."""
        body = asked[1:]
        try:
            code = Ask(asked[0])
        except ValueError:
            raise Garbled("a question that is none") from None
        # A leaf's keys count as the generation's before they were looked up: they may be no newer.
        before = self._holding.served(self._access)
        try:
            told = describe() if code is Ask.DESCRIBE else self._ask(code, body)
        except StrongroomError as exc:
            return keyframes.answer(Status.ERROR, before, keyframes.pack_error(exc))
        generation = before if code in (Ask.LEAF, Ask.LEAVES) else self._holding.served(self._access)
        return keyframes.answer(Status.DONE, generation, told)

    def _ask(self, code: Ask, body: bytes) -> bytes:
        if code is Ask.OPEN:
            return self._holding.open(self._access).to_bytes(4, "big")
        if code is Ask.FOUND:
            self._holding.found(self._access, *keyframes.open_founding(body))
            return b""
        custody = self._holding.custody(self._access)
        match code:
            case Ask.LEAF:
                return keyframes.pack_keys(custody.leaf_keys(keyframes.open_address(body)))
            case Ask.LEAVES:
                return keyframes.pack_found(custody.many_leaf_keys(keyframes.open_addresses(body)))
            case Ask.GENERATION:
                return custody.generation().to_bytes(4, "big")
            case Ask.RENEW:
                return custody.renew().to_bytes(4, "big")
            case Ask.PLAN:
                return b"".join(custody.plan(keyframes.open_doomed(body)).chunks())
            case Ask.STAGE:
                custody.stage_planned(*keyframes.open_attempt(body))
                return b""
            case Ask.PROMOTE:
                custody.promote(*keyframes.open_attempt(body))
                return b""
            case Ask.DESTROY_OTHERS:
                return custody.destroy_others(*keyframes.open_attempt(body)).to_bytes(4, "big")
            case Ask.STANDING:
                return keyframes.pack_standing(custody.standing())
            case _:
                raise Garbled("a question out of turn")


def require_own_user(line: socket.socket) -> None:
    """Raises ``PermissionError`` unless the other side is a process of this user."""
    _, user, _ = _PEER.unpack(line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    if user != os.geteuid():
        raise PermissionError("the other side is another user's")


def guard_memory(*, dies_with: int | None = None) -> bool:
    """No core dumps, no debugger; gives whether the memory is kept from being swapped out as well."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    library = ctypes.CDLL(None, use_errno=True)
    if dies_with is not None:
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != dies_with:
            os._exit(1)
    library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    # Under a limit, memory asked for later would be refused instead of left unlocked: then nothing is locked.
    if not unlimited and os.geteuid() != 0:
        return False
    return bool(library.mlockall(_MCL_CURRENT_FUTURE_ONFAULT) == 0)


def main(listener_fd: int, settings_fd: int) -> None:
    """Forks key processes as long as somebody comes."""
    os.umask(0o077)
    guard_memory()
    with open(settings_fd, encoding="utf-8") as pipe:
        settings = KeySettings.from_json(json.load(pipe))
    os.environ.update(settings.environment)
    os.set_inheritable(listener_fd, False)
    threading.stack_size(STACK_BYTES)
    listener = socket.socket(fileno=listener_fd)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    warden = os.getpid()
    while poll.poll(GRACE_S * 1000) or not _has_ended(listener, poll, Path(settings.folder) / TURN_NAME):
        child = os.fork()
        if child == 0:
            is_locked = guard_memory(dies_with=warden)
            KeyProcess(listener, Holding(settings), is_locked=is_locked).serve()
            os._exit(0)
        os.waitpid(child, 0)


def _has_ended(listener: socket.socket, poll: select.poll, turn_path: Path) -> bool:
    """Closes the socket unless somebody has come, or is about to: whoever starts a key process has the turn."""
    try:
        turn = os.open(turn_path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if poll.poll(0):
            return False
        listener.close()
        return True
    finally:
        os.close(turn)


def command(listener_fd: int, settings_fd: int) -> list[str]:
    """The command line of a key process."""
    return [sys.executable, "-I", "-m", "storage.keeper.keyprocess", str(listener_fd), str(settings_fd)]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
