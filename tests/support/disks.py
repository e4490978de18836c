"""Small disks that can be filled: file systems in memory, mounted for the length of a block.

Mounting takes root, or sudo that asks for no password; a test that has neither fails and says so.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """A disk of that size at ``folder``, which is made; its owner is whoever runs the test."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={size_bytes},mode=0700,uid={os.getuid()},gid={os.getgid()}"
    _as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _as_root("umount", "--lazy", str(folder))


def fill(folder: Path, *, leave_bytes: int) -> Path:
    """A file that takes up the disk of ``folder`` but for so many bytes; remove it to make room."""
    filler = folder / "filler"
    disk = os.statvfs(folder)
    wanted = disk.f_bavail * disk.f_frsize - leave_bytes
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(wanted, 1))
    return filler


def _as_root(*command: str) -> None:
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*prefix, *command], check=True, capture_output=True, stdin=subprocess.DEVNULL)
