"""What one backup holds, and the proof that this vault made it.

Rule 1: a manifest names everything by its digest: the dump, and each piece of the index, which names each object.
Rule 2: its own digest is sealed under the house's first leaf. Whoever can write where backups are kept can delete them,
and cannot make one that is believed: a forged catalogue could name a forged administrator.
Limit: an older backup of the same vault is as genuine as a newer one.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from storage.backup.place import MANIFEST, SEAL, BackupPlace, put_small, read_small, run_name
from vault.errors import SealBroken
from vault.seal.fields import open_fields, seal_fields_with
from vault.seal.keytree import LeafAddress, LeafKeys
from vault.seal.secrets import TokenBytes

FORMAT: Final = 1
FIELD_SET: Final = "backup-manifest"

_SHA256: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A file of the backup: its name, its bytes, their digest. ``objects`` and ``object_bytes`` are those it names."""

    name: str
    size_bytes: int
    sha256: str
    objects: int = 0
    object_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One backup. ``head`` is the digest of the newest key increment; ``index`` names every object up to here."""

    run: str
    created_at: datetime
    vault_id: str
    tree_id: str
    house: str
    database: str
    revision: str
    generation: int
    attempt: str
    head: str
    records: int
    dump: Piece
    index: tuple[Piece, ...]

    @property
    def objects(self) -> int:
        """How many objects it has."""
        return sum(piece.objects for piece in self.index)

    @property
    def object_bytes(self) -> int:
        """How many bytes they have."""
        return sum(piece.object_bytes for piece in self.index)

    @property
    def house_leaf(self) -> LeafAddress:
        """The leaf that its digest is sealed under."""
        return LeafAddress.parse(self.house)

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return {"format": FORMAT, **asdict(self), "created_at": self.created_at.isoformat()}

    def to_bytes(self) -> bytes:
        """The manifest's bytes."""
        return json.dumps(self.document(), indent=1, sort_keys=True).encode() + b"\n"


def read_manifest(content: bytes) -> Manifest:
    """A manifest from its bytes. Raises ``SealBroken`` when they are none."""
    try:
        values = json.loads(content)
        if values.pop("format") != FORMAT:
            raise SealBroken("the backup was made by another version of Strongroom; restore it with that one")
        dump, index = _piece(values.pop("dump")), tuple(_piece(each) for each in values.pop("index"))
        created_at = datetime.fromisoformat(values.pop("created_at"))
        return Manifest(dump=dump, index=index, created_at=created_at, **values)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise SealBroken("the backup's manifest is damaged; use another backup") from exc


def put_manifest(place: BackupPlace, manifest: Manifest, keys: LeafKeys, token_bytes: TokenBytes) -> None:
    """Writes seal and manifest, the manifest last."""
    content = manifest.to_bytes()
    sealed = seal_fields_with(
        token_bytes,
        keys.metadata_key,
        {"sha256": hashlib.sha256(content).hexdigest()},
        subject_id=manifest.vault_id,
        field_set=FIELD_SET,
        revision=FORMAT,
    )
    put_small(place, run_name(manifest.run, SEAL), sealed)
    put_small(place, run_name(manifest.run, MANIFEST), content)


def get_manifest(place: BackupPlace, run: str) -> Manifest:
    """A run's manifest; whether it is genuine is for ``require_genuine``."""
    manifest = read_manifest(read_small(place, run_name(run, MANIFEST)))
    if manifest.run != run:
        raise SealBroken(f"the manifest of backup {run} is another backup's; use another backup")
    return manifest


def require_genuine(place: BackupPlace, manifest: Manifest, keys: LeafKeys) -> None:
    """Raises ``SealBroken`` unless this vault made the manifest as it is."""
    content = read_small(place, run_name(manifest.run, MANIFEST))
    sealed = read_small(place, run_name(manifest.run, SEAL))
    values = open_fields(keys.metadata_key, sealed, subject_id=manifest.vault_id, field_set=FIELD_SET, revision=FORMAT)
    if values.get("sha256") != hashlib.sha256(content).hexdigest() or read_manifest(content) != manifest:
        raise SealBroken(f"backup {manifest.run} was altered since it was made; use another one")


def _piece(values: dict[str, Any]) -> Piece:
    piece = Piece(**values)
    if not _SHA256.fullmatch(piece.sha256):
        raise ValueError("a digest has 64 hex digits")
    return piece
