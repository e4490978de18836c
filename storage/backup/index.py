"""The index of a backup: which object versions it has, with what is needed to put them back.

One JSON line an object version. A run writes pieces of it as it goes, each after the objects that it names, so that a
run which dies has to copy again at most one piece's objects.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from storage.backup.manifest import Piece
from storage.backup.place import INDEX, BackupPlace, object_name, put_small, read_small
from vault.errors import SealBroken


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """One object version in the backup. ``metadata`` is its user metadata in the store, sealed there already."""

    key: str
    version_id: str
    size_bytes: int
    sha256: str
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """Where it is kept."""
        return object_name(self.key, self.version_id)


def mark_of(key: str, version_id: str) -> bytes:
    """What is remembered of a version while a run works: 16 bytes."""
    return hashlib.blake2b(f"{key}\n{version_id}".encode(), digest_size=16).digest()


def put_piece(place: BackupPlace, run: str, number: int, copied: Iterable[Copied]) -> Piece:
    """Writes a piece of the index; gives what the manifest says of it."""
    lines, objects, object_bytes = [], 0, 0
    for each in copied:
        values = [each.key, each.version_id, each.size_bytes, each.sha256, dict(each.metadata)]
        lines.append(json.dumps(values, separators=(",", ":")))
        objects += 1
        object_bytes += each.size_bytes
    content = ("\n".join(lines) + "\n").encode()
    name = f"{INDEX}{run}-{number:04d}"
    sha256 = put_small(place, name, content)
    return Piece(name=name, size_bytes=len(content), sha256=sha256.hex(), objects=objects, object_bytes=object_bytes)


def describe_piece(place: BackupPlace, name: str) -> Piece:
    """What a manifest says of a piece that is there already."""
    content = read_small(place, name)
    copied = list(_parse(name, content))
    return Piece(
        name=name,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        objects=len(copied),
        object_bytes=sum(each.size_bytes for each in copied),
    )


def read_piece(place: BackupPlace, piece: Piece) -> Iterator[Copied]:
    """The objects of a piece. Raises ``SealBroken`` when it is not what the manifest names, ``ObjectMissing``."""
    content = read_small(place, piece.name)
    if hashlib.sha256(content).hexdigest() != piece.sha256:
        raise SealBroken(f"{piece.name} in the backup was altered; use an older backup, or take a new one")
    return _parse(piece.name, content)


def _parse(name: str, content: bytes) -> Iterator[Copied]:
    try:
        for line in content.decode().splitlines():
            key, version_id, size_bytes, sha256, metadata = json.loads(line)
            yield Copied(
                key=str(key),
                version_id=str(version_id),
                size_bytes=int(size_bytes),
                sha256=str(sha256),
                metadata=MappingProxyType({str(one): str(other) for one, other in metadata.items()}),
            )
    except (ValueError, TypeError, AttributeError) as exc:
        raise SealBroken(f"{name} in the backup is damaged; use an older backup, or take a new one") from exc
