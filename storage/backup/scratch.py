"""A scratch place for what is looked at and thrown away: private, in memory where the machine has it, removed after.

What lies there is a dump: sealed fields and opaque columns, as in the catalogue itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from storage.backup.load import forget_who_was_there, load_postgres_dump, load_sqlite_file, rules_off
from storage.backup.manifest import Manifest
from storage.backup.place import BackupPlace
from storage.catalogue.database import open_catalogue
from vault.errors import SealBroken, StoreFull

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
ROOM_FACTOR: Final = 3
_PREFIX: Final = "strongroom-scratch-"
_YOUNG_S: Final = 10.0
"""A folder so young may be one that its maker has not come to hold yet."""


@contextmanager
def scratch_folder(*, room_bytes: int = 0) -> Iterator[Path]:
    """A private folder, in memory when that has the room, else where temporary files go. Raises ``StoreFull``."""
    for parent in (MEMORY, Path(tempfile.gettempdir())):
        if parent.is_dir() and os.access(parent, os.W_OK) and _room(parent) >= ROOM_FACTOR * room_bytes:
            _remove_left(parent)
            with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent) as folder:
                # Held while this process lives; whoever comes next removes what nobody holds.
                held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    fcntl.flock(held, fcntl.LOCK_EX)
                    yield Path(folder)
                finally:
                    os.close(held)
            return
    raise StoreFull(f"there is no room for {room_bytes >> 20} MiB of scratch; free memory or temporary space")


@contextmanager
def scratch_catalogue(place: BackupPlace, manifest: Manifest, folder: Path) -> Iterator[str]:
    """The dump of a backup loaded into a SQLite file in ``folder``; gives its URL.

    Raises ``SealBroken`` when the dump is not what the manifest names, ``CatalogueBroken`` when it does not load.
    """
    path = folder / "catalogue.sqlite"
    url = f"sqlite:///{path}"
    try:
        with place.read(manifest.dump.name) as chunks:
            named = _as_named(chunks, manifest)
            if manifest.database == "sqlite":
                load_sqlite_file(named, path)
                with closing(open_catalogue(url)) as catalogue:
                    catalogue.migrate()
            else:
                with closing(open_catalogue(url)) as catalogue, catalogue.maintain() as connection:
                    load_postgres_dump(named, connection)
        with closing(open_catalogue(url)) as catalogue, catalogue.maintain() as connection, rules_off(connection):
            forget_who_was_there(connection)
        yield url
    finally:
        for left in folder.glob(f"{path.name}*"):
            left.unlink()


def _remove_left(parent: Path) -> None:
    """Removes the scratch of processes that were killed."""
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue  # Another user's, or gone by now.
        try:
            young = time.time() - os.fstat(held).st_mtime < _YOUNG_S
            if os.fstat(held).st_uid == os.geteuid() and not young:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(held)


def _as_named(chunks: Iterator[bytes], manifest: Manifest) -> Iterator[bytes]:
    """The dump as it is; raises ``SealBroken`` behind its end when it has another digest."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != manifest.dump.sha256:
        raise SealBroken(f"the dump of backup {manifest.run} is damaged or cut; use another backup")


def _room(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
