"""Sources of ``record add``: which files a path means, and reading one of them steadily.

Rule 1: only regular files are read. A symbolic link, a device, a pipe or a socket is told, never followed or opened.
Rule 2: what cannot be taken is told and the rest goes on.
Rule 3: a file whose bytes, size or times changed while it was read is refused; the end of the bytes is only told to the
reader after that has been looked at.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from vault.errors import InvalidInput, Refused, SourceChanged
from vault.records import FILE_NAME_MAX_BYTES, TITLE_MAX_CHARACTERS, checked_file_name

# The last component must not be a link, and a pipe must not make us wait for its other end.
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY

_KINDS: Final = (
    (stat.S_ISLNK, "symbolic-link", "is a symbolic link, which is not followed; name the file that it points to"),
    (stat.S_ISBLK, "device", "is a device, not a file; copy what is on it into a file first"),
    (stat.S_ISCHR, "device", "is a device, not a file; copy what it gives into a file first"),
    (stat.S_ISFIFO, "pipe", "is a pipe, not a file; write what it gives into a file first"),
    (stat.S_ISSOCK, "socket", "is a socket, not a file"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file to add. ``batch_path`` names it in a batch: from the named folder's own name on."""

    path: str
    batch_path: str
    file_name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """One path that cannot be added, and why (``code`` is stable)."""

    path: str
    code: str
    message: str


def walk(paths: Sequence[str]) -> Iterator[Source | Unfit]:
    """What the paths mean, folders with all that is in them, sorted by name.

    A path named twice is taken once. Two different files that would have one name in the batch are told.
    """
    places: set[str] = set()
    names: set[str] = set()
    for named in paths:
        absolute = os.path.abspath(named)
        for found in _walk_one(named, os.path.basename(absolute)):
            if isinstance(found, Unfit):
                yield found
                continue
            place = os.path.abspath(found.path)
            if place in places:
                continue
            places.add(place)
            if found.batch_path in names:
                message = "has the same name as another file of this batch; name the folder that holds both instead"
                yield Unfit(path=found.path, code="same-name", message=message)
                continue
            names.add(found.batch_path)
            yield found


def _walk_one(path: str, batch_path: str) -> Iterator[Source | Unfit]:
    pending = [(path, batch_path)]
    while pending:
        path, batch_path = pending.pop()
        try:
            facts = os.lstat(path)
            if stat.S_ISDIR(facts.st_mode):
                inside = sorted(os.listdir(path), key=os.fsencode, reverse=True)
                pending.extend((os.path.join(path, name), f"{batch_path}/{name}") for name in inside)
            else:
                yield _fit(path, batch_path, facts)
        except OSError as error:
            yield Unfit(path=path, code=_code_of(error), message=_reason(error))


def _fit(path: str, batch_path: str, facts: os.stat_result) -> Source | Unfit:
    for is_kind, code, message in _KINDS:
        if is_kind(facts.st_mode):
            return Unfit(path=path, code=code, message=message)
    try:
        file_name = checked_file_name(os.path.basename(path))
    except InvalidInput as error:
        return Unfit(path=path, code=error.code, message=error.message)
    return Source(path=path, batch_path=batch_path, file_name=file_name, size_bytes=facts.st_size)


def title_of(file_name: str) -> str:
    """The title that a file has until somebody gives a better one: its name without extension, or the whole name."""
    stem = os.path.splitext(file_name)[0].strip() or file_name.strip()
    return (stem or f"({len(file_name)} spaces)")[: min(TITLE_MAX_CHARACTERS, FILE_NAME_MAX_BYTES)]


class Stopped(Refused):
    """The command was interrupted while this file was read."""

    code = "interrupted"


class Unreadable(Refused):
    """The file cannot be opened or read."""

    code = "unreadable"


class SteadyFile:
    """A regular file that is read once from start to end. ``sha256`` and ``size_bytes`` are of what was read."""

    def __init__(self, path: str, *, stop: threading.Event | None = None) -> None:
        """Raises ``Unreadable``, or ``InvalidInput`` when it is no regular file (any more)."""
        self.size_bytes = 0
        self._digest = hashlib.sha256()
        self._stop = stop
        try:
            self._fd = os.open(path, _OPEN_FLAGS)
        except OSError as error:
            raise Unreadable(_reason(error)) from error
        self._facts = os.fstat(self._fd)
        if not stat.S_ISREG(self._facts.st_mode):
            os.close(self._fd)
            raise InvalidInput("is not a file; name a file", field="path")

    @property
    def declared_size_bytes(self) -> int:
        """The size when it was opened."""
        return self._facts.st_size

    @property
    def sha256(self) -> bytes:
        """SHA-256 of what was read so far."""
        return self._digest.digest()

    def read_into(self, view: memoryview) -> int:
        """Fills ``view`` from the file; 0 at the end. Raises ``SourceChanged``, ``Unreadable``, ``Stopped``."""
        if self._stop is not None and self._stop.is_set():
            raise Stopped("was not added: the command was interrupted")
        try:
            count = os.readv(self._fd, [view])
        except OSError as error:
            raise Unreadable(_reason(error)) from error
        self.size_bytes += count
        self._digest.update(view[:count])
        if count == 0 or self.size_bytes > self.declared_size_bytes:
            self._require_unchanged()
        return count

    def _require_unchanged(self) -> None:
        now = os.fstat(self._fd)
        announced = self.declared_size_bytes
        found = max(now.st_size, self.size_bytes) if self.size_bytes >= announced else self.size_bytes
        if found != announced:
            raise SourceChanged(
                f"had {announced} bytes when it was opened and {found} when it was read; nothing was stored; "
                "add it again when nobody writes to it"
            )
        if now.st_mtime_ns != self._facts.st_mtime_ns:
            raise SourceChanged("was written to while it was read; nothing was stored; add it again when nobody does")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self._fd)


def _code_of(error: OSError) -> str:
    return "not-found" if isinstance(error, FileNotFoundError) else Unreadable.code


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "is not there; check its name"
    if isinstance(error, PermissionError):
        return "may not be read by you; ask for the right to read it"
    if error.errno == errno.ELOOP:
        return "is a symbolic link, which is not followed; name the file that it points to"
    return f"cannot be read: {error.strerror or 'the system does not say why'}"
