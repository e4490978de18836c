"""Files that a command writes because somebody asked for them: whole or not at all, for the owner's eyes only.

Rule 1: bytes go to a temporary name beside the target, mode 0600, and take its name when all is there and synced.
Rule 2: what exists is not replaced unless that was asked for.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from vault.errors import AlreadyExists, InvalidInput
from vault.ports import Buffer


class TemporaryFile:
    """A file in the making. Leaving it without ``keep`` leaves nothing."""

    def __init__(self, target: Path, *, overwrite: bool = False) -> None:
        """Raises ``AlreadyExists``, or ``InvalidInput`` when it cannot be written there."""
        if not overwrite:
            _require_free(target)
        self.target = target
        self._overwrite = overwrite
        self._name: Path | None = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
        try:
            self._fd = os.open(self._name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _unwritable(target, error) from error

    def write(self, block: Buffer) -> None:
        """Appends a block. Raises ``InvalidInput`` when there is no room, say."""
        view = memoryview(block)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise _unwritable(self.target, error) from error

    def keep(self) -> None:
        """Gives the file its name, durably. Raises as the constructor."""
        if self._name is None:
            return
        try:
            os.fsync(self._fd)
            if not self._overwrite:
                _require_free(self.target)
            os.replace(self._name, self.target)
            self._name = None
            folder = os.open(self.target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _unwritable(self.target, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self._fd)
        if self._name is not None:
            self._name.unlink(missing_ok=True)


def _require_free(target: Path) -> None:
    if os.path.lexists(target):
        raise AlreadyExists(f"{target} is there already; name another file, or say --overwrite")


def _unwritable(target: Path, error: OSError) -> InvalidInput:
    why = error.strerror or "the system does not say why"
    return InvalidInput(f"{target} cannot be written ({why}); name another place", field="output")
