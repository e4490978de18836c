"""Who writes the index of a home: the process that holds the lock of its folder.

Rule 1: a lock ends with its process. Whoever takes it begins with an empty folder, whatever one that died left there.
Rule 2: the leader removes the folder with everything in it when it leaves.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from storage.searchindex.place import private_folder
from vault.errors import SettingsWrong

LOCK: Final = "leader.lock"


class Leadership:
    """The lock of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None

    def take(self) -> bool:
        """Whether this process has it; takes it where nobody does. Raises ``SettingsWrong``."""
        if self._handle is not None:
            return True
        private_folder(self._folder)
        path = self._folder / LOCK
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return False  # the one before has just removed the folder; the next try makes it anew
        except OSError as exc:
            raise SettingsWrong(f"the search index cannot be kept in {self._folder}: {exc.strerror}") from exc
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # What was locked has to be what is there: the one before may have removed it in between.
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                self._handle = handle
                self._clear()
                return True
        except OSError:
            pass
        os.close(handle)
        return False

    def leave(self) -> None:
        """Removes everything, then gives the lock back."""
        if self._handle is None:
            return
        self._clear()
        with suppress(OSError):
            (self._folder / LOCK).unlink()
            self._folder.rmdir()
        os.close(self._handle)
        self._handle = None

    def _clear(self) -> None:
        for entry in self._folder.iterdir():
            if entry.name != LOCK:
                entry.unlink(missing_ok=True)
