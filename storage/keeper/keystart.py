"""Starts the key process of a home where none runs, and connects to it.

Rule 1: the socket is bound here and inherited by the process, so that whoever finds it can connect at once, and a
process that is gone is known by its socket: nobody listens. Starters take turns by ``start.lock``.
Rule 2: the folder is its owner's alone (0700) and checked before anything in it is trusted; the socket has mode 0600.
Rule 3: a process serves one set of settings; the socket's name tells them apart.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from storage.keeper import keyprocess
from storage.keeper.keyframes import PROTOCOL
from storage.keeper.keyholding import KeySettings
from storage.keeper.settings import KeeperSettings
from vault.errors import KeeperUnavailable, SettingsWrong

LOG_NAME: Final = "process.log"
WAITING_MAX: Final = 256
PATIENCE_S: Final = 300
"""How long an answer may take: the plan of the largest batch, a keeper that is slow to say that it is away."""

_PASSED_ON: Final = ("HOME", "LANG", "LC_ALL", "TZ", "SOFTHSM2_CONF")
_LISTENER: Final = 3
_SETTINGS: Final = 4
_children: Final[set[int]] = set()
_children_mutex: Final = Lock()


def key_settings(keepers: KeeperSettings, *, database_url: str) -> KeySettings:
    """The settings of a home's key process."""
    return KeySettings(
        folder=str(Path(keepers.home) / "keys"),
        database_url=database_url,
        keepers=keepers,
        environment={name: value for name, value in os.environ.items() if name.startswith("PG")},
    )


def connect(settings: KeySettings) -> socket.socket:
    """A connection to the key process, which is started where none runs. Raises ``KeeperUnavailable``,
    ``SettingsWrong``."""
    try:
        with _open_folder(Path(settings.folder)) as folder:
            line = _try_connect(folder, settings)
            if line is None:
                with _turn(folder):
                    line = _try_connect(folder, settings) or _start(folder, settings)
    except OSError as exc:
        raise KeeperUnavailable(
            f"the key process of {settings.folder} cannot be reached or started: {exc.strerror}; see {LOG_NAME} there"
        ) from exc
    return line


def reap() -> None:
    """Lets go of processes that were started here and have ended."""
    with _children_mutex:
        for pid in list(_children):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    continue
            _children.discard(pid)


def socket_name(settings: KeySettings) -> str:
    """The socket's name in the folder; a password in the catalogue's address is not in it."""
    try:
        url = make_url(settings.database_url).render_as_string(hide_password=True)
    except ArgumentError:
        raise SettingsWrong("the catalogue's address is not a database URL; write sqlite:///PATH") from None
    told = json.dumps([PROTOCOL, url, settings.as_json()["keepers"]])
    return f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.sock"


@contextlib.contextmanager
def _open_folder(path: Path) -> Iterator[int]:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        facts = os.fstat(folder)
        if facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) & 0o077:
            raise SettingsWrong(
                f"the folder {path} has to be this user's alone; run as the user who owns the home, and `chmod 700` it"
            )
        yield folder
    finally:
        os.close(folder)


@contextlib.contextmanager
def _turn(folder: int) -> Iterator[None]:
    turn = os.open(keyprocess.TURN_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield
    finally:
        os.close(turn)


def _address(folder: int, name: str) -> str:
    # A socket's path has 108 bytes at most; through the folder's descriptor it never is longer.
    return f"/proc/self/fd/{folder}/{name}"


def _try_connect(folder: int, settings: KeySettings) -> socket.socket | None:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", PATIENCE_S, 0))
        line.connect(_address(folder, socket_name(settings)))
        keyprocess.require_own_user(line)
    except (FileNotFoundError, ConnectionRefusedError):
        line.close()
        return None
    except (OSError, SettingsWrong):
        line.close()
        raise
    return line


def _start(folder: int, settings: KeySettings) -> socket.socket:
    name = socket_name(settings)
    fresh = f"{name}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh, dir_fd=folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(_address(folder, fresh))
        os.chmod(fresh, 0o600, dir_fd=folder)
        listener.listen(WAITING_MAX)
        _spawn(listener, settings)
        os.rename(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    line = _try_connect(folder, settings)
    if line is None:
        raise KeeperUnavailable(f"the key process does not start; see {settings.folder}/{LOG_NAME}")
    return line


def _spawn(listener: socket.socket, settings: KeySettings) -> None:
    reap()
    reading, writing = os.pipe()
    # High numbers, so that putting them at 3 and 4 does not overwrite one with the other.
    sources = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 64) for each in (listener.fileno(), reading)]
    try:
        with open(writing, "w", encoding="utf-8") as pipe:
            json.dump(settings.as_json(), pipe)
        command = keyprocess.command(_LISTENER, _SETTINGS)
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        pid = os.posix_spawn(
            command[0],
            command,
            {"PATH": os.defpath, **environment},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (
                    os.POSIX_SPAWN_OPEN,
                    1,
                    str(Path(settings.folder) / LOG_NAME),
                    os.O_WRONLY | os.O_CREAT | os.O_APPEND,
                    0o600,
                ),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                (os.POSIX_SPAWN_DUP2, sources[0], _LISTENER),
                (os.POSIX_SPAWN_DUP2, sources[1], _SETTINGS),
            ],
            setsid=True,  # a Ctrl-C in the terminal is for the command, which then leaves
        )
        with _children_mutex:
            _children.add(pid)
    finally:
        for each in (*sources, reading):
            os.close(each)
