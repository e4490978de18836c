"""The machine: its clock, its randomness, and whether a process on it is still there."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

_PROC = Path("/proc")


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current time, aware, UTC."""
        return datetime.now(UTC)


class SystemRandomness:
    """The operating system's generator."""

    def token_bytes(self, count: int) -> bytes:
        """``count`` unpredictable bytes."""
        return secrets.token_bytes(count)


def describe_process(pid: int) -> str:
    """Where a process runs: machine boot, pid namespace, pid, its start in clock ticks; empty where unknown."""
    return " ".join((*_place(), str(pid), _started(pid)))


def is_gone(description: str) -> bool:
    """Whether the described process is known to be dead: it ran here, and its pid is free or another's now.

    A process of another machine, container or boot before this one is not known to be dead this way, but for the last:
    nothing survives a reboot of this machine's own namespace.
    """
    parts = description.split(" ")
    if len(parts) != 4 or not parts[2].isdigit():
        return False
    boot, namespace, pid, started = parts
    if (boot, namespace) != _place():
        return False
    return _started(int(pid)) != started


def _place() -> tuple[str, str]:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return boot, os.readlink(_PROC / "self/ns/pid").replace(" ", "")
    except OSError:
        return "", ""


def _started(pid: int) -> str:
    try:
        # Field 22; the second field, the command's name in parentheses, may itself hold spaces and parentheses.
        after_name = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        fields = after_name.split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]
