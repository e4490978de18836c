"""Turns among the processes that share a catalogue in one file: whoever changes the same thing outside waits.

A turn is a lock on one of a few files beside the catalogue; the kernel gives it back when its process dies. Two things
may share a file and wait for each other; nobody takes a second turn while in one, so nobody waits for ever.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from zlib import crc32

from vault.errors import CatalogueUnavailable

FOLDER: Final = "turns"
FILES: Final = 64


class FileTurns:
    """Turns kept in a folder. Every method may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """The turn for the duration of the block. Raises ``CatalogueUnavailable`` when the folder cannot be used."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            path = self._folder / f"{crc32(name.encode()) % FILES:02d}"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CatalogueUnavailable(f"{self._folder} cannot be used: {error.strerror}; try again") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
