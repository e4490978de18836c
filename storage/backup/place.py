"""The second place: where backups are kept. One promise, kept by a folder and by a bucket.

    objects/<object key>-v-<version>   ciphertext, copied once
    pages/<object key>                 key pages of a destruction batch, put here before the batch takes effect
    index/<run>-<number, 4 digits>     which objects a run brought: JSON lines, named by the run's manifest
    runs/<run>/catalogue               a dump of the catalogue
    runs/<run>/manifest                what belongs together; written last: a run without one did not end
    runs/<run>/seal                    the manifest's digest, sealed under the house's first leaf
    vault                              whose backups these are

Rule 1: what ``put`` has returned from is durable and whole; what was cut short is never seen under its name.
Rule 2: everything here is ciphertext, opaque ids, sizes, dates and digests. A root key, or its keeper, never is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Final, Protocol

from vault.errors import SealBroken, SettingsWrong

OBJECTS: Final = "objects/"
PAGES: Final = "pages/"
INDEX: Final = "index/"
RUNS: Final = "runs/"
OWNER: Final = "vault"
MANIFEST: Final = "manifest"
SEAL: Final = "seal"
DUMP: Final = "catalogue"

RESTORING: Final = "restoring"
"""A file in a home that is being restored: nobody begins a new vault there meanwhile."""

_PLAIN_VERSION: Final = re.compile(r"[a-z0-9-]{1,100}", re.ASCII)
_RUN: Final = re.compile(r"[0-9]{8}t[0-9]{12}z-[0-9a-f]{8}", re.ASCII)


class BackupPlace(Protocol):
    """Keeps named sequences of bytes. Every method may be called from any thread.

    Every method raises ``StoreUnavailable`` when the place does not answer, ``StoreFull`` when it has no room.
    """

    @property
    def text(self) -> str:
        """Where it is, for people; holds no secret."""
        ...

    def put(self, name: str, chunks: Iterable[bytes], *, size_bytes: int | None) -> bytes:
        """Keeps exactly ``size_bytes`` bytes (as many as come, when it is None) under a new name; gives their SHA-256.

        Raises ``SealBroken`` when another number of bytes came, and lets through what ``chunks`` raises; then nothing
        is there.
        """
        ...

    def read(self, name: str) -> AbstractContextManager[Iterator[bytes]]:
        """Streams what is under a name. Raises ``ObjectMissing``."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes under a name, or None where there is nothing."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """Every name that begins so, in no order."""
        ...

    def delete(self, name: str) -> None:
        """Forgets a name; an absent one is as good as forgotten."""
        ...

    def close(self) -> None:
        """Gives connections back."""
        ...


def object_name(key: str, version_id: str) -> str:
    """Where one version of an object is kept."""
    if _PLAIN_VERSION.fullmatch(version_id):
        return f"{OBJECTS}{key}-v-{version_id}"
    return f"{OBJECTS}{key}-x-{version_id.encode().hex()}"


def run_name(run: str, part: str) -> str:
    """Where a part of a run is kept. Raises ``SettingsWrong`` for what is no run's name."""
    if not _RUN.fullmatch(run):
        raise SettingsWrong(f"{run!r} is no backup's name; see `strongroom backup list`")
    return f"{RUNS}{run}/{part}"


def runs_of(place: BackupPlace) -> list[str]:
    """The runs that ended, oldest first."""
    ended = []
    for name in place.names(RUNS):
        run, _, part = name.removeprefix(RUNS).partition("/")
        if part == MANIFEST and _RUN.fullmatch(run):
            ended.append(run)
    return sorted(ended)


def read_small(place: BackupPlace, name: str, *, most_bytes: int = 64 * 1024 * 1024) -> bytes:
    """All bytes under a name that holds few. Raises ``ObjectMissing``, ``SealBroken`` when they are too many."""
    content = bytearray()
    with place.read(name) as chunks:
        for chunk in chunks:
            content += chunk
            if len(content) > most_bytes:
                raise SealBroken(f"{name} in the backup is larger than it can be; take another backup")
    return bytes(content)


def put_small(place: BackupPlace, name: str, content: bytes) -> bytes:
    """Keeps bytes that are in memory; gives their SHA-256."""
    return place.put(name, [content], size_bytes=len(content))
