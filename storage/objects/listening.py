"""Which sockets a process listens on or is connected by, from Linux's /proc.

The embedded server has eight ports, and its defaults listen on every interface: what its options promise is looked at
after each start.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from vault.errors import SettingsWrong

LISTENING = "0A"


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSocket:
    """One TCP socket of a process; ``remote`` is None while it listens."""

    local: tuple[str, int]
    remote: tuple[str, int] | None

    def is_loopback(self) -> bool:
        """Whether both ends are on this machine's loopback interface."""
        ends = [self.local] if self.remote is None else [self.local, self.remote]
        return all(_unmapped(address).is_loopback for address, _ in ends)


def _unmapped(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


def _address(text: str) -> tuple[str, int]:
    """``0100007F:1F90`` -> 127.0.0.1, 8080: groups of four bytes, each in the machine's (little-endian) order."""
    raw, port = text.split(":")
    packed = b"".join(bytes.fromhex(raw[at : at + 8])[::-1] for at in range(0, len(raw), 8))
    return str(ipaddress.ip_address(packed)), int(port, 16)


def tcp_sockets(pid: int) -> list[TcpSocket]:
    """Every TCP socket of one process."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(entry)
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                columns = line.split()
                if columns[9] in inodes:
                    remote = None if columns[3] == LISTENING else _address(columns[2])
                    found.append(TcpSocket(local=_address(columns[1]), remote=remote))
    return found


def require_loopback_only(pid: int) -> None:
    """Raises ``SettingsWrong`` when the process listens on, or talks over, anything but the loopback interface."""
    try:
        sockets = tcp_sockets(pid)
    except FileNotFoundError:
        return  # no /proc here, or the process has just gone: nothing to see
    strays = sorted({f"{socket.local[0]}:{socket.local[1]}" for socket in sockets if not socket.is_loopback()})
    if strays:
        raise SettingsWrong(f"the embedded store is reachable from outside at {', '.join(strays)}; stop it")
