"""A warden whose parsers do what a file that took one over would: they try everything, and say what came of it."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from storage.parsing import frames, piped, warden, work
from storage.parsing.confinement import Bounds
from storage.parsing.piped import PipedFile

ROOT = Path(__file__).parents[2]
SECONDS = 2
MEMORY_BYTES = 600 * 1024 * 1024

_PTRACE, _PROCESS_VM_READV, _MEMFD_CREATE, _IO_URING_SETUP, _BPF = 101, 310, 319, 425, 321
_EXECUTABLE = 1 | 2 | 4


def command(control_fd: int) -> list[str]:
    """The command line of such a warden."""
    run = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.support.hostile import main; main({control_fd})"
    return [sys.executable, "-I", "-c", run]


def attempts(order: Mapping[str, Any], warden_pid: int) -> dict[str, Callable[[], object]]:
    """What is tried, by name; each of them raises when the system refuses."""
    key_socket, secret_path, new_path = order["key_socket"], order["secret_path"], order["new_path"]
    library = ctypes.CDLL(None, use_errno=True)
    return {
        "socket-tcp": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "socket-udp6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
        "socket-netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "socket-pair": socket.socketpair,
        "key-process": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(key_socket),
        "read-file": lambda: Path(secret_path).read_bytes(),
        "read-own-memory": lambda: Path("/proc/self/maps").read_bytes(),
        "write-file": lambda: Path(new_path).write_bytes(b"plaintext"),
        "list-folder": lambda: os.listdir("/"),
        "look-at-file": lambda: os.stat(secret_path),
        "make-folder": lambda: os.mkdir(new_path),
        "remove-file": lambda: os.unlink(secret_path),
        "change-folder": lambda: os.chdir("/tmp"),
        "fork": os.fork,
        "execute": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - that it is refused is what is tested
        "signal-warden": lambda: os.kill(warden_pid, signal.SIGKILL),
        "pipe": os.pipe,
        "duplicate": lambda: os.dup(0),
        "longer-alarm": lambda: _let_through(library.alarm(0)),
        "ignore-alarm": lambda: signal.signal(signal.SIGALRM, signal.SIG_IGN),
        "more-memory": lambda: _limit_memory(),
        "debug-warden": lambda: _called(library.syscall(_PTRACE, 16, warden_pid, 0, 0)),
        "read-warden": lambda: _called(library.syscall(_PROCESS_VM_READV, warden_pid, 0, 0, 0, 0, 0)),
        "file-in-memory": lambda: _called(library.syscall(_MEMFD_CREATE, b"x", 0)),
        "io-uring": lambda: _called(library.syscall(_IO_URING_SETUP, 1, 0)),
        "bpf": lambda: _called(library.syscall(_BPF, 0, 0, 0)),
        "namespace": lambda: _called(library.unshare(0x10000000)),
        "executable-memory": lambda: _mapped(library),
        "run-module": lambda: __import__("antigravity"),
    }


def _try_everything(order: Mapping[str, Any], file: PipedFile) -> tuple[dict[str, Any], bytes]:
    came: dict[str, str] = {}
    for name, attempt in attempts(order, order["warden_pid"]).items():
        try:
            came[name] = f"got {attempt()!r}"[:200]
        except (OSError, ImportError) as refused:
            came[name] = "refused" if isinstance(refused, ImportError) else f"refused {refused.errno}"
        except ValueError:
            came[name] = "refused"  # what setrlimit makes of EPERM
    others = [number for number in range(2, 1024) if _is_readable(number)]
    return {"came": came, "descriptors": others, "environment": sorted(os.environ)}, b""


def _hang(order: Mapping[str, Any], file: PipedFile) -> tuple[dict[str, Any], bytes]:
    time.sleep(3600)
    raise AssertionError


def _spin(order: Mapping[str, Any], file: PipedFile) -> tuple[dict[str, Any], bytes]:
    while True:
        pass


def _eat(order: Mapping[str, Any], file: PipedFile) -> tuple[dict[str, Any], bytes]:
    eaten = []
    while True:
        eaten.append(bytearray(8 * 1024 * 1024))


def _crash(order: Mapping[str, Any], file: PipedFile) -> tuple[dict[str, Any], bytes]:
    ctypes.string_at(0)
    raise AssertionError


def _say(told: bytes) -> Callable[[Mapping[str, Any], PipedFile], tuple[dict[str, Any], bytes]]:
    def saying(order: Mapping[str, Any], file: PipedFile) -> tuple[dict[str, Any], bytes]:
        piped.write_whole(told)
        time.sleep(3600)
        raise AssertionError

    return saying


def _flood(order: Mapping[str, Any], file: PipedFile) -> tuple[dict[str, Any], bytes]:
    while True:
        piped.write_whole(frames.READ + frames.PIECE.pack(0, min(4096, file.size_bytes)))


PLANTED = {
    "try-everything": _try_everything,
    "hang": _hang,
    "spin": _spin,
    "eat": _eat,
    "crash": _crash,
    "flood": _flood,
    "say-nonsense": _say(b"\xff" * 64),
    "say-endless": _say(frames.DONE + frames.RESULT.pack(2, 2**32 - 1) + b"{}"),
    "say-no-json": _say(frames.DONE + frames.RESULT.pack(2, 0) + b"[["),
    "say-a-list": _say(frames.DONE + frames.RESULT.pack(2, 0) + b"[]"),
    "read-outside": _say(frames.READ + frames.PIECE.pack(2**63, 1)),
    "read-before": _say(frames.READ + frames.PIECE.pack(0, 0)),
    "say-strange-reason": _say(frames.CANNOT + frames.RESULT.pack(14, 0) + b'{"reason": []}'),
}


def main(control_fd: int) -> None:
    """Runs it."""
    work.prepare()
    work.ORDERS.update(PLANTED)
    warden.main(control_fd, work.serve_one, Bounds(seconds=SECONDS, memory_bytes=MEMORY_BYTES))


def _called(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def _let_through(rest: int) -> int:
    # alarm(2) never fails: where it was called, it gives the seconds that were left of the one before.
    if not 0 < rest <= SECONDS:
        raise OSError(errno.EPERM, "refused")
    return rest


def _mapped(library: ctypes.CDLL) -> int:
    library.mmap.restype = ctypes.c_ssize_t
    return _called(library.mmap(None, 4096, _EXECUTABLE, 0x22, -1, 0))


def _limit_memory() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _is_readable(number: int) -> bool:
    try:
        os.read(number, 1)
    except OSError:
        return False
    return True
