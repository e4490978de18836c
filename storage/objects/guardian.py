"""A small process that keeps the embedded store's server running for as long as somebody uses the home.

Run as ``python -I -S guardian.py HOME``; it needs nothing but the standard library and reads ``HOME/command.json``.

Rule 1: whoever holds ``guardian.lock`` is the guardian; a pid in a file proves nothing.
Rule 2: users hold ``users.lock`` shared. When nobody does, whether they said good-bye or were killed, the server stops.
    The guardian decides that under ``start.lock``, so that it never stops what somebody is about to join.
Rule 3: the server dies with its guardian (PR_SET_PDEATHSIG), so no server ever runs unguarded.
Rule 4: a server that exits is started again, after 0.2 s at first and at most 15 s; ``state.json`` tells.
Rule 5: a server whose disk was full is started again when there is room: its metadata store goes on failing every
    write after one that found no room, until it is opened anew. A full disk never ends the guardian.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

LOG_CAP_BYTES = 16 << 20
LOOK_EVERY_S = 0.5
STOP_WITHIN_S = 1.0  # its own farewell takes 15 s (README.md 10) and it survives SIGKILL
STARVING_BYTES = 32 << 20
FED_BYTES = 256 << 20
FED_AFTER_S = 5.0
STARVED = b"no space left on device"  # what the server says of each write that its metadata store refuses
PR_SET_PDEATHSIG = 1


def try_lock(path: Path, how: int) -> int | None:
    """A descriptor that holds the lock, or None where somebody else does. The lock goes when it is closed."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


class Guardian:
    """Starts the server of one home, starts it again when it dies, stops it when nobody needs it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.asked_to_stop = False
        self.restarts = 0
        self.starved = False
        self.heard_bytes = 0
        self.untold = b""
        self.server: subprocess.Popen[bytes] | None = None

    def tell(self, phase: str, problem: str = "") -> None:
        """Publishes what is going on, atomically; at the next look where the disk has no room for it now."""
        told = {
            "phase": phase,
            "guardian_pid": os.getpid(),
            "server_pid": self.server.pid if self.server else None,
            "restarts": self.restarts,
            "problem": problem,
        }
        self.untold = json.dumps(told).encode()
        self.publish()

    def publish(self) -> None:
        """Publishes what is not published yet."""
        if self.untold:
            with contextlib.suppress(OSError):
                fresh = self.home / "state.json.new"
                fresh.write_bytes(self.untold)
                fresh.replace(self.home / "state.json")
                self.untold = b""

    def cap_log(self) -> None:
        """Keeps at most two logs of the cap's size. The server appends, so its log may be emptied under it."""
        log = self.home / "server.log"
        if log.exists() and log.stat().st_size > LOG_CAP_BYTES:
            with contextlib.suppress(
                OSError
            ):  # a copy that finds no room is cut short; the log is emptied all the more
                shutil.copyfile(log, self.home / "server.log.1")
            os.truncate(log, 0)

    def heard(self) -> bytes:
        """What the server has logged since the last look, or the beginning of it."""
        log = self.home / "server.log"
        size = log.stat().st_size
        with log.open("rb") as file:
            file.seek(self.heard_bytes if self.heard_bytes <= size else 0)
            said = file.read(1 << 20)
        self.heard_bytes = size
        return said

    def has_room_again(self) -> bool:
        """Whether the disk was full, if only for a moment, and is so no more; tells it once."""
        disk = os.statvfs(self.home)
        free = disk.f_bavail * disk.f_frsize
        if free < STARVING_BYTES or STARVED in self.heard():
            self.starved = True
        if not self.starved or free < FED_BYTES:
            return False
        self.starved = False
        return True

    def clear_sockets(self) -> None:
        """Removes the sockets that a killed server leaves in the temporary folder, which it does not let us choose."""
        command = json.loads((self.home / "command.json").read_text(encoding="utf-8"))
        for path in command["sockets"]:
            Path(path).unlink(missing_ok=True)

    def start_server(self) -> subprocess.Popen[bytes]:
        """Starts the server, bound to this process's life."""
        command = json.loads((self.home / "command.json").read_text(encoding="utf-8"))
        libc = ctypes.CDLL(None, use_errno=True)
        guardian_pid = os.getpid()

        def bind_to_guardian() -> None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != guardian_pid:
                os._exit(1)

        self.cap_log()
        self.clear_sockets()
        with (self.home / "server.log").open("ab") as log:
            self.heard_bytes, self.starved = log.tell(), False
            self.server = subprocess.Popen(
                command["argv"],
                cwd=self.home,
                env=command["environment"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=bind_to_guardian,  # this process has one thread
            )
        self.tell("running")
        return self.server

    def stop_server(self) -> None:
        """SIGTERM, then SIGKILL: what was acknowledged is on the disk already."""
        if self.server is None:
            return
        self.server.terminate()
        try:
            self.server.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        self.clear_sockets()

    def nobody_uses_it(self) -> bool:
        """True keeps ``start.lock`` until this process ends: who comes now waits and then starts afresh."""
        start = try_lock(self.home / "start.lock", fcntl.LOCK_EX)
        if start is None:
            return False
        users = try_lock(self.home / "users.lock", fcntl.LOCK_EX)
        if users is None:
            os.close(start)
            return False
        return True

    def keep(self) -> None:
        """Runs until asked to stop or until nobody uses the home."""
        pause_s, started = 0.2, time.monotonic()
        server = self.start_server()
        next_cap = started + 60
        while not self.asked_to_stop and not self.nobody_uses_it():
            try:
                code = server.wait(LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                if time.monotonic() > next_cap:
                    next_cap = time.monotonic() + 60
                    self.cap_log()
                self.publish()
                if time.monotonic() - started < FED_AFTER_S or not self.has_room_again():
                    continue
                self.stop_server()
                code = server.returncode
            pause_s = 0.2 if time.monotonic() - started > 30 else min(pause_s * 2, 15.0)
            self.restarts += 1
            self.server = None
            self.tell("died", f"the server exited with {code}; see server.log")
            until = time.monotonic() + pause_s
            while time.monotonic() < until and not self.asked_to_stop:
                time.sleep(0.05)
            if not self.asked_to_stop:
                started = time.monotonic()
                server = self.start_server()
        self.tell("stopping")
        self.stop_server()
        (self.home / "state.json").unlink(missing_ok=True)


def main(home: Path) -> int:
    """Gives 0 when it has kept the server or somebody else does."""
    os.umask(0o077)
    patience = time.monotonic() + 2  # somebody who only looks whether there is a guardian holds it for a moment
    while try_lock(home / "guardian.lock", fcntl.LOCK_EX) is None:
        if time.monotonic() > patience:
            return 0
        time.sleep(0.005)
    guardian = Guardian(home)

    def ask(_number: int, _frame: FrameType | None) -> None:
        guardian.asked_to_stop = True

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        guardian.keep()
    except OSError as problem:
        guardian.tell("failed", str(problem))
        guardian.stop_server()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
