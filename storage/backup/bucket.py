"""A backup place that is a bucket: another S3 server, or another bucket, with versioning.

Rule 1: a name has one current object; what it replaced is deleted by version id, not hidden.
Rule 2: what is larger than a part goes up in parts, from one buffer.
Limit: the credentials that write here can delete here. Object Lock with a default retention on this bucket (set by
whoever owns it) is what keeps an intruder with these credentials from deleting backups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

from storage.backup.streams import PART_BYTES, put_stream
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings
from vault.errors import AlreadyExists, ObjectMissing, SealBroken, StoreUnavailable


class BucketPlace:
    """Keeps the ``BackupPlace`` promise in a bucket that has versioning."""

    def __init__(self, settings: S3Settings, *, part_bytes: int = PART_BYTES) -> None:
        self._settings = settings
        self._store = S3Store(settings)
        self._part_bytes = part_bytes

    @property
    def text(self) -> str:
        """Where it is."""
        return f"bucket {self._settings.bucket} at {self._settings.endpoint_url}"

    def put(self, name: str, chunks: Iterable[bytes], *, size_bytes: int | None) -> bytes:
        """See ``BackupPlace.put``."""
        digests: list[bytes] = []

        def check(sha256: bytes, count: int) -> None:
            if size_bytes is not None and count != size_bytes:
                raise SealBroken(f"{name}: {count} bytes came where {size_bytes} were announced; try again")
            digests.append(sha256)

        try:
            put_stream(self._store, name, chunks, check, part_bytes=self._part_bytes)
        except AlreadyExists:
            raise StoreUnavailable(f"{name} is being written by another backup run; wait for its end") from None
        return digests[0]

    def read(self, name: str) -> AbstractContextManager[Iterator[bytes]]:
        """See ``BackupPlace.read``."""
        facts = self._store.head(name)
        if facts is None:
            raise ObjectMissing(f"the backup in {self.text} has no {name}; take another backup")
        return self._store.read(name, facts.version_id)

    def size(self, name: str) -> int | None:
        """See ``BackupPlace.size``."""
        facts = self._store.head(name)
        return None if facts is None else facts.size_bytes

    def names(self, prefix: str) -> Iterator[str]:
        """See ``BackupPlace.names``."""
        return (each.key for each in self._store.versions(prefix) if each.is_latest and not each.is_delete_marker)

    def delete(self, name: str) -> None:
        """See ``BackupPlace.delete``."""
        for version in list(self._store.versions(name)):
            if version.key == name:
                self._store.delete_version(name, version.version_id)

    def close(self) -> None:
        """Gives connections back."""
        self._store.close()
