"""The digest of an object's ciphertext, as its bytes come by (``vault.objects``, rule 2)."""

from __future__ import annotations

import hashlib

from vault.ports import Buffer
from vault.records import SealedObject


class SealedDigest:
    """SHA-256 over the bytes of one object: of the whole, or over its parts' digests."""

    def __init__(self, sealed: SealedObject) -> None:
        self._last = sealed.part_count
        self._part_size = sealed.part_size_bytes
        self._parts = hashlib.sha256()
        self._part = hashlib.sha256()
        self._number = 1
        self._left = sealed.header_length + sealed.part_size_bytes

    def update(self, chunk: Buffer) -> None:
        """The next bytes."""
        rest = memoryview(chunk)
        while rest:
            # The last part takes whatever is left: one that is full is longer than the others, by its final frame.
            taken = rest if self._number >= self._last else rest[: self._left]
            self._part.update(taken)
            self._left -= len(taken)
            rest = rest[len(taken) :]
            if self._left == 0 and self._number < self._last:
                self._parts.update(self._part.digest())
                self._part, self._number, self._left = hashlib.sha256(), self._number + 1, self._part_size

    def digest(self) -> bytes:
        """The digest of what has come by."""
        if self._last == 0:
            return self._part.digest()
        self._parts.update(self._part.digest())
        return self._parts.digest()
