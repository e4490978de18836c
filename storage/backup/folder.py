"""A backup place that is a folder: another disk, or a network share.

Rule 1: a file is written beside its name, synced, and renamed; the folder is synced after it.
Rule 2: files and folders are their owner's alone (0600, 0700).
Limit: what the disk promises about syncing is what is durable here.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from threading import get_ident
from typing import Final

from vault.errors import ObjectMissing, SealBroken, StoreFull, StoreUnavailable

READ_BYTES: Final = 1 << 20
_HALF_WRITTEN: Final = ".new-"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class FolderPlace:
    """Keeps the ``BackupPlace`` promise in a folder that exists."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @property
    def text(self) -> str:
        """Where it is."""
        return f"folder {self.folder}"

    def put(self, name: str, chunks: Iterable[bytes], *, size_bytes: int | None) -> bytes:
        """See ``BackupPlace.put``."""
        path = self._path(name)
        scratch = path.with_name(f"{_HALF_WRITTEN}{os.getpid()}-{get_ident()}")
        digest, count = hashlib.sha256(), 0
        with self._translated("written"):
            self._require_there()
            self._make(path.parent)
            try:
                descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, "wb", buffering=0) as file:
                    for chunk in chunks:
                        _write(file.fileno(), chunk)
                        digest.update(chunk)
                        count += len(chunk)
                    if size_bytes is not None and count != size_bytes:
                        raise SealBroken(f"{name}: {count} bytes came where {size_bytes} were announced; try again")
                    os.fsync(file.fileno())
                scratch.replace(path)
            except BaseException:
                scratch.unlink(missing_ok=True)
                raise
            _sync(path.parent)
        return digest.digest()

    @contextmanager
    def read(self, name: str) -> Iterator[Iterator[bytes]]:
        """See ``BackupPlace.read``."""
        with self._translated("read"):
            self._require_there()
            try:
                file = self._path(name).open("rb", buffering=0)
            except (FileNotFoundError, IsADirectoryError) as exc:
                raise ObjectMissing(f"the backup in {self.folder} has no {name}; take another backup") from exc
        with file:
            yield self._chunks(file.fileno())

    def size(self, name: str) -> int | None:
        """See ``BackupPlace.size``."""
        with self._translated("read"):
            self._require_there()
            try:
                return self._path(name).stat().st_size
            except FileNotFoundError:
                return None

    def names(self, prefix: str) -> Iterator[str]:
        """See ``BackupPlace.names``. Files half written by a process that died are not among them."""
        with self._translated("read"):
            self._require_there()
            for parent, folders, files in os.walk(self._path(prefix) if prefix else self.folder, onerror=_unless_gone):
                folders.sort()
                inside = Path(parent).relative_to(self.folder).as_posix()
                for file in files:
                    if not file.startswith(_HALF_WRITTEN):
                        yield file if inside == "." else f"{inside}/{file}"

    def delete(self, name: str) -> None:
        """See ``BackupPlace.delete``."""
        with self._translated("changed"):
            self._require_there()
            path = self._path(name)
            path.unlink(missing_ok=True)
            if path.parent.exists():
                _sync(path.parent)

    def close(self) -> None:
        """Nothing is open."""

    def _path(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or any(part in (".", "..") or part.startswith(".") for part in parts):
            raise ValueError(f"{name!r} is no name in a backup")
        return self.folder.joinpath(*parts)

    def _require_there(self) -> None:
        if not self.folder.is_dir():
            raise StoreUnavailable(f"the backup folder {self.folder} is not there: is its disk mounted?")

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)

    def _chunks(self, descriptor: int) -> Iterator[bytes]:
        with self._translated("read"):
            while chunk := os.read(descriptor, READ_BYTES):
                yield chunk

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            message = f"the backup folder {self.folder} cannot be {what}: {exc.strerror}"
            if exc.errno in _FULL:
                raise StoreFull(f"{message}; make room, then run the backup again", retry_after_s=60) from exc
            raise StoreUnavailable(f"{message}; look at its disk and permissions, then try again") from exc


def _write(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unless_gone(error: OSError) -> None:
    if error.errno != errno.ENOENT:
        raise error
