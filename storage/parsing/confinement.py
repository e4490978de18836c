"""What a parser process gives up before it sees a byte of a file, and can never have again.

In order:
1. descriptors: two pipes stay, nothing else is open, and nothing can be opened (RLIMIT_NOFILE);
2. limits: processor seconds, address space, files of no length, no further process, no core dump; and an alarm that
   ends it, whatever it does;
3. system calls: a closed list (seccomp), kept by the kernel. What is not on it is refused with EPERM: no file is
   opened, no socket made, no process started, signalled or looked into, no memory made executable.

Before that its warden has left the network (a namespace of its own, where the system gives one) and, where it was
root, become nobody.

Rule 1: without the filter nothing is parsed (``NoConfinement``).
Rule 2: whatever a parser may need later (modules, fonts, call-backs) is loaded before.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

NOBODY: Final = 65534

_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EPERM
_MASKED_EQUAL: Final = 7
_PROT_EXEC: Final = 4
_PROTECTION_ARGUMENT: Final = 2
_PR_SET_DUMPABLE: Final = 4
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWIPC: Final = 0x08000000
_CLONE_NEWNET: Final = 0x40000000

_CALLS: Final = (
    *("read", "write", "close", "poll", "ppoll"),
    *("munmap", "mremap", "brk", "madvise", "futex", "sched_yield", "getrandom"),
    *("clock_gettime", "gettimeofday", "time", "nanosleep", "clock_nanosleep"),
    *("rt_sigreturn", "restart_syscall", "getpid", "gettid", "exit", "exit_group"),
)
_UNLESS_EXECUTABLE: Final = ("mmap", "mprotect")


class NoConfinement(Exception):
    """This machine cannot confine a parser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one parser process may use up."""

    seconds: int = 20
    """Of the clock, and of a processor."""
    memory_bytes: int = 1024 * 1024 * 1024
    """Address space, the interpreter's own some 200 MiB included."""


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class Filter:
    """The list of system calls, made ready by libseccomp for this machine's processor; ``load`` is for ever."""

    def __init__(self) -> None:
        try:
            library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        except OSError as exc:
            raise NoConfinement("libseccomp.so.2 is not on this machine; install the package libseccomp2") from exc
        library.seccomp_init.restype = ctypes.c_void_p
        library.seccomp_load.argtypes = (ctypes.c_void_p,)
        library.seccomp_rule_add_array.argtypes = (
            ctypes.c_void_p,
            ctypes.c_uint32,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.POINTER(_Comparison),
        )
        self._library = library
        self._context = library.seccomp_init(ctypes.c_uint32(_REFUSE))
        if not self._context:
            raise NoConfinement("this machine's kernel does not filter system calls; previews need one that does")
        for name in _CALLS:
            self._allow(name)
        for name in _UNLESS_EXECUTABLE:
            self._allow(name, _Comparison(_PROTECTION_ARGUMENT, _MASKED_EQUAL, _PROT_EXEC, 0))

    def _allow(self, name: str, *only: _Comparison) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # not a call of this processor
        comparisons = (_Comparison * len(only))(*only)
        if self._library.seccomp_rule_add_array(self._context, _ALLOW, number, len(only), comparisons) != 0:
            raise NoConfinement(f"the kernel's filter does not take {name}")

    def load(self) -> None:
        """Puts it in force for this process. Raises ``NoConfinement``."""
        if self._library.seccomp_load(self._context) != 0:
            raise NoConfinement("the kernel refused the filter of system calls; previews need it")


def leave_network() -> bool:
    """Goes where there is no network, no queue and no shared memory of others; gives whether the system let us."""
    library = ctypes.CDLL(None, use_errno=True)
    apart = _CLONE_NEWNET | _CLONE_NEWIPC
    return bool(library.unshare(apart) == 0 or library.unshare(apart | _CLONE_NEWUSER) == 0)


def drop_privileges() -> None:
    """Becomes nobody where this is root. Raises ``NoConfinement``."""
    if os.geteuid() != 0:
        return
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError as exc:
        raise NoConfinement("root cannot become nobody here; run the vault as a user of its own") from exc


def confine(reading: int, writing: int, filter: Filter, bounds: Bounds) -> None:
    """Leaves this process two pipes, as descriptors 0 and 1, and what it needs to compute. Raises ``NoConfinement``."""
    # What was received came behind 0, 1 and 2, which are open: neither of them is 0 or 1 itself.
    os.dup2(reading, 0)
    os.dup2(writing, 1)
    os.closerange(2, max(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 4096))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    for signal_number in (signal.SIGALRM, signal.SIGPIPE, signal.SIGXCPU):
        signal.signal(signal_number, signal.SIG_DFL)
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, bounds.seconds),
        (resource.RLIMIT_AS, bounds.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_NOFILE, 2),
    ):
        with suppress(ValueError):  # the system's own limit is lower already
            resource.setrlimit(limit, (most, most))
    signal.alarm(bounds.seconds)
    filter.load()
