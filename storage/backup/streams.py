"""Streams of bytes into a store, whatever their length, from one buffer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final

from vault.errors import StrongroomError
from vault.objects import Lock, Part, StoredObject
from vault.ports import ObjectStore

PART_BYTES: Final = 8 << 20
NO_METADATA: Mapping[str, str] = MappingProxyType({})

Check = Callable[[bytes, int], None]
"""Told the SHA-256 and the count of all bytes before the object is there; raises to forbid it."""


def put_stream(
    store: ObjectStore,
    key: str,
    chunks: Iterable[bytes],
    check: Check,
    *,
    metadata: Mapping[str, str] = NO_METADATA,
    lock: Lock | None = None,
    part_bytes: int = PART_BYTES,
) -> StoredObject:
    """Writes an object once. Raises as ``ObjectStore`` does, and what ``chunks`` and ``check`` raise: then it is not
    there."""
    parts = _pieces(chunks, part_bytes)
    first = next(parts)
    digest, count = hashlib.sha256(first), len(first)
    second = next(parts, None)
    if second is None:
        check(digest.digest(), count)
        return store.put(key, first, sha256=digest.digest(), metadata=metadata, lock=lock)
    upload_id = store.start_upload(key, metadata=metadata, lock=lock)
    try:
        sent: list[Part] = []
        for number, part in enumerate(chain((first, second), parts), start=1):
            if number > 1:
                digest.update(part)
                count += len(part)
            sent.append(store.put_part(key, upload_id, number, part, sha256=hashlib.sha256(part).digest()))
        check(digest.digest(), count)
        return store.complete_upload(key, upload_id, sent)
    except StrongroomError:
        store.abort_upload(key, upload_id)
        raise


def _pieces(chunks: Iterable[bytes], part_bytes: int) -> Iterator[bytes]:
    """The bytes in pieces of a part each, the last one not empty unless it is the only one."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) > part_bytes:
            yield bytes(memoryview(buffer)[:part_bytes])
            del buffer[:part_bytes]
    yield bytes(buffer)
