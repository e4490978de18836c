"""Every object key, spelled in one place.

Keys are plain ``[a-z0-9/-]``, without a trailing slash, and no segment ends in ``.versions`` (servers keep versions in
folders of that name). They hold opaque ids and numbers only.

    records/<first two of the object id>/<object id>      one version's sealed bytes
    meta/<subject id>/<revision>                          sealed metadata: customers, filings, corrections
    blocks/<tree id, hex>/<number, 8 digits>              reserves a block of extents, written once
    trees/<tree id, hex>/<generation, 10 digits>-<attempt, hex>   key pages of one destruction batch, written once
    log/<tree id, hex>/tile/<level>/<number>[-p/<width>]  the log's tiles; C2SP's names, but -p where they have .p
    log/<tree id, hex>/checkpoint/<999999999999 - size>   signed checkpoints; the newest is listed first
    log/<tree id, hex>/crossing/<key, 8 digits>           the checkpoint that this key and the one before signed
    log/<tree id, hex>/stamps/<999999999999 - size>       time stamps over checkpoints (RFC 3161), newest first
    log/<tree id, hex>/keys/<key, 8 digits>               signing keys, sealed
    staging/<tree id, hex>/<upload id>/<object id>        a piece of an upload under way; unlocked, deleted afterwards
    canary/...                                            the lock proof's
"""

from __future__ import annotations

import re
from typing import Final

RECORDS_PREFIX: Final = "records/"
META_PREFIX: Final = "meta/"
BLOCKS_PREFIX: Final = "blocks/"
TREES_PREFIX: Final = "trees/"
LOG_PREFIX: Final = "log/"
STAGING_PREFIX: Final = "staging/"

_NEWEST_CHECKPOINT: Final = 999_999_999_999

_LASTING_META = re.compile(rf"^{META_PREFIX}register-|-(certificate|paper)$", re.ASCII)
_SEGMENT = re.compile(r"[a-z0-9-]{1,120}", re.ASCII)


class ObjectLayout:
    """Keeps the ``Layout`` promise of ``vault.ports``. Raises ``ValueError`` for what is no plain segment."""

    def record(self, object_id: str) -> str:
        """A version's sealed object."""
        segment = _plain(object_id)
        return f"{RECORDS_PREFIX}{segment[:2]}/{segment}"

    def meta(self, subject_id: str, revision: str) -> str:
        """A sealed metadata object."""
        return f"{self.meta_folder(subject_id)}{_plain(revision)}"

    def meta_folder(self, subject_id: str) -> str:
        """What the keys of all metadata objects of a subject begin with."""
        return f"{META_PREFIX}{_plain(subject_id)}/"

    def staging(self, tree_id: bytes, upload_id: str = "", object_id: str = "") -> str:
        """A piece of an upload; with less named, what the keys of all such pieces begin with."""
        folder = f"{STAGING_PREFIX}{tree_id.hex()}/"
        if not upload_id:
            return folder
        return f"{folder}{_plain(upload_id)}/{_plain(object_id) if object_id else ''}"

    def lasts(self, key: str) -> bool:
        """Registers, certificates and paper among metadata; blocks, key pages, and the log but for partial tiles."""
        if key.startswith(META_PREFIX):
            return _LASTING_META.search(key) is not None
        return key.startswith((BLOCKS_PREFIX, TREES_PREFIX)) or (key.startswith(LOG_PREFIX) and "-p/" not in key)

    def block(self, tree_id: bytes, block: int) -> str:
        """The write-once object of a block of extents."""
        return f"{BLOCKS_PREFIX}{tree_id.hex()}/{block:08d}"

    def increment(self, tree_id: bytes, generation: int, attempt: bytes) -> str:
        """The key pages of one batch."""
        return f"{TREES_PREFIX}{tree_id.hex()}/{generation:010d}-{attempt.hex()}"

    def log_tile(self, tree_id: bytes, path: str) -> str:
        """A tile of the log."""
        segments = [_plain(segment) for segment in path.replace(".p/", "-p/").split("/")]
        return f"{LOG_PREFIX}{tree_id.hex()}/{'/'.join(segments)}"

    def log_checkpoints(self, tree_id: bytes) -> str:
        """What the keys of all checkpoints begin with."""
        return f"{LOG_PREFIX}{tree_id.hex()}/checkpoint/"

    def log_checkpoint(self, tree_id: bytes, size: int) -> str:
        """A checkpoint. Its key counts down: listings ascend, and the newest is what is asked for."""
        if not 0 <= size <= _NEWEST_CHECKPOINT:
            raise ValueError("a log has at most 999,999,999,999 entries")
        return f"{self.log_checkpoints(tree_id)}{_NEWEST_CHECKPOINT - size:012d}"

    def log_stamps(self, tree_id: bytes) -> str:
        """What the keys of all time stamps begin with."""
        return f"{LOG_PREFIX}{tree_id.hex()}/stamps/"

    def log_stamp(self, tree_id: bytes, size: int) -> str:
        """The time stamp over a checkpoint."""
        return f"{self.log_stamps(tree_id)}{self.log_checkpoint(tree_id, size).rpartition('/')[2]}"

    def log_size_of(self, key: str) -> int:
        """How many entries a checkpoint, or a stamp, is of."""
        return _NEWEST_CHECKPOINT - int(key.rpartition("/")[2])

    def log_crossing(self, tree_id: bytes, key: int) -> str:
        """The checkpoint that two keys signed."""
        return f"{LOG_PREFIX}{tree_id.hex()}/crossing/{key:08d}"

    def log_key(self, tree_id: bytes, key: int) -> str:
        """A sealed signing key."""
        return f"{LOG_PREFIX}{tree_id.hex()}/keys/{key:08d}"


def object_id_of(key: str) -> str | None:
    """The object id that a key under ``records/`` names; None for any other key."""
    parts = key.split("/")
    if len(parts) != 3 or parts[0] != "records" or parts[1] != parts[2][:2] or not _SEGMENT.fullmatch(parts[2]):
        return None
    return parts[2]


def _plain(segment: str) -> str:
    if _SEGMENT.fullmatch(segment) is None:
        raise ValueError("a segment of an object key is plain [a-z0-9-]")
    return segment
