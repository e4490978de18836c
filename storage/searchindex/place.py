"""Where the search index lies: memory-backed storage of this machine, private to whoever runs the vault.

Rule 1: only file systems that are in memory (tmpfs, ramfs) are taken; where there is none, the index is in the
process's own memory, and each process has one.
Rule 2: the folder is made here, for its owner alone; one that is somebody else's, or open to others, is not taken.
Limit: memory may be swapped out. Swap that is neither encrypted nor compressed memory is told loudly (``bare_swap``).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from vault.errors import SettingsWrong

IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
USUAL: Final = ("/dev/shm", "/run/shm")  # noqa: S108 - looked at for what they are; what is made there is private

NO_SHARED_MEMORY: Final = (
    "this machine has no memory-backed storage (/dev/shm): each process keeps a search index of its own; set "
    "STRONGROOM_INDEX_FOLDER to a tmpfs"
)


def index_folder(home: Path, chosen: Path | None) -> Path | None:
    """The folder of a home's index; None where no memory-backed storage is found.

    Raises ``SettingsWrong`` for a chosen one that is not in memory.
    """
    name = f"strongroom-{hashlib.sha256(os.fsencode(home.absolute())).hexdigest()[:20]}"
    if chosen is not None:
        if not _is_in_memory(chosen):
            raise SettingsWrong(
                f"STRONGROOM_INDEX_FOLDER {chosen} is not on memory-backed storage (tmpfs); plaintext would be on disk"
            )
        return chosen / name
    usual = (*USUAL, os.environ.get("XDG_RUNTIME_DIR", ""))
    return next((Path(each) / name for each in usual if each and _is_in_memory(Path(each))), None)


def private_folder(folder: Path) -> None:
    """Makes the folder. Raises ``SettingsWrong`` when it is not ours alone."""
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError as exc:
        raise SettingsWrong(f"the folder of the search index {folder} cannot be made: {exc.strerror}") from exc
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SettingsWrong(f"{folder} is not a folder of this user alone; remove it: nothing is put into it")


def bare_swap(swaps: Path = Path("/proc/swaps"), devices: Path = Path("/sys/class/block")) -> Sequence[str]:
    """Swap areas to which memory may be written in clear."""
    try:
        lines = swaps.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return ()
    return [area for area in (line.split()[0] for line in lines if line.strip()) if not _is_covered(area, devices)]


def bare_swap_told(areas: Sequence[str]) -> str:
    """What to say of such areas."""
    return (
        f"memory may be written to {', '.join(areas)} in clear, and words of records with it: encrypt this swap, or "
        "turn it off (swapoff)"
    )


def _is_covered(area: str, devices: Path) -> bool:
    """Whether a swap area is encrypted, or memory itself."""
    device = devices / Path(os.path.realpath(area)).name
    if device.name.startswith("zram"):
        return _said(device / "backing_dev") in ("", "none")
    return _said(device / "dm" / "uuid").startswith("CRYPT-")


def _said(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _is_in_memory(path: Path) -> bool:
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        return False
    real = os.path.realpath(path)
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return _kind_of(real, lines) in IN_MEMORY


def _kind_of(real: str, mounts: Iterable[str]) -> str:
    """The file system that a path is on: the mount with the longest path above it, the last one of those."""
    best, kind = "", ""
    for line in mounts:
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        if (real == point or real.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind
