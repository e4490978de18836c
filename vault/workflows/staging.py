"""Pieces of uploads under way: each a sealed message of its own in the store, unlocked, deleted once it has served.

Rule 1: every piece has a data key of its own, drawn when it is sealed; the record's object is sealed anew at the end,
under another. So no frame number is sealed twice under one data key, whatever comes twice.
Rule 2: what wraps the data keys is the upload's staging key, which lives in the catalogue while the upload is open.
Rule 3: a piece is of nobody until the catalogue counts it; what lies under an upload that is not open is swept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from vault.errors import ObjectMissing, SealBroken, StillLocked
from vault.ids import ObjectId, UploadId
from vault.ports import Buffer
from vault.seal.envelope import object_context, open_message, seal_message
from vault.seal.secrets import Secret
from vault.uploads import Piece, Upload, UploadState
from vault.workflows.vault import Vault


def put_piece(vault: Vault, upload: Upload, key: Secret, start_bytes: int, plaintext: Buffer) -> Piece:
    """Seals a piece, at most a part long, and puts it into the store. Raises ``StoreUnavailable``, ``StoreFull``."""
    object_id = ObjectId(vault.new_id())
    context = object_context(vault_id=vault.vault_id, leaf=upload.leaf, object_id=object_id)
    sealed = seal_message(key, context, plaintext, token_bytes=vault.randomness.token_bytes)
    stored = vault.store.put(
        vault.layout.staging(vault.fonds.tree_id, upload.id, object_id), sealed, sha256=hashlib.sha256(sealed).digest()
    )
    return Piece(
        upload_id=upload.id,
        start_bytes=start_bytes,
        size_bytes=len(memoryview(plaintext)),
        object_id=object_id,
        version_id=stored.version_id,
    )


def open_piece(vault: Vault, upload: Upload, key: Secret, piece: Piece) -> bytearray:
    """A piece's bytes. Raises ``ObjectMissing``, ``SealBroken``, ``StoreUnavailable``."""
    context = object_context(vault_id=vault.vault_id, leaf=upload.leaf, object_id=piece.object_id)
    with vault.store.read(
        vault.layout.staging(vault.fonds.tree_id, upload.id, piece.object_id), piece.version_id
    ) as chunks:
        sealed = b"".join(chunks)
    return open_message(sealed, key, context, plaintext_length=piece.size_bytes)


def reading(vault: Vault, upload: Upload, key: Secret, pieces: Sequence[Piece]) -> Callable[[memoryview], int]:
    """What fills a buffer with the next bytes of all pieces, one after the other, and gives the count, 0 at the end.

    Raises ``SealBroken`` where the pieces are not the whole upload.
    """
    if [piece.start_bytes for piece in pieces] != list(_starts(pieces)) or _end(pieces) != upload.size_bytes:
        raise SealBroken(f"the pieces of upload {upload.id} are not the whole; run the doctor")
    coming = iter(pieces)
    rest = memoryview(b"")

    def read_into(target: memoryview) -> int:
        nonlocal rest
        if not rest:
            piece = next(coming, None)
            if piece is None:
                return 0
            rest = memoryview(open_piece(vault, upload, key, piece))
        count = min(len(rest), len(target))
        target[:count] = rest[:count]
        rest = rest[count:]
        return count

    return read_into


def delete_pieces(vault: Vault, upload_id: UploadId) -> None:
    """Deletes whatever lies under an upload, every version by its id. Raises ``StoreUnavailable``."""
    for listed in list(vault.store.versions(vault.layout.staging(vault.fonds.tree_id, upload_id))):
        _delete(vault, listed.key, listed.version_id)


def forget_pieces(vault: Vault, upload_id: UploadId, pieces: Sequence[Piece]) -> None:
    """Deletes pieces that do not count. Raises ``StoreUnavailable``."""
    for piece in pieces:
        _delete(vault, vault.layout.staging(vault.fonds.tree_id, upload_id, piece.object_id), piece.version_id)


def sweep(vault: Vault) -> int:
    """Deletes what lies under uploads that are not open; gives how many objects. Raises ``StoreUnavailable``."""
    swept = 0
    known: dict[str, bool] = {}
    for listed in list(vault.store.versions(vault.layout.staging(vault.fonds.tree_id))):
        upload_id = listed.key.split("/")[2]
        if upload_id not in known:
            # Read behind the listing: an upload was in the catalogue before its first piece was in the store.
            with vault.catalogue.read() as tx:
                upload = tx.uploads.get(UploadId(upload_id))
            known[upload_id] = upload is not None and upload.state is UploadState.OPEN
        if not known[upload_id]:
            _delete(vault, listed.key, listed.version_id)
            swept += 1
    return swept


def _delete(vault: Vault, key: str, version_id: str) -> None:
    try:
        vault.store.delete_version(key, version_id)
    except (ObjectMissing, StillLocked):
        # A bucket with a default retention locks what asked for no lock: swept once that has lapsed.
        return


def _starts(pieces: Sequence[Piece]) -> Iterator[int]:
    at = 0
    for piece in pieces:
        yield at
        at += piece.size_bytes


def _end(pieces: Sequence[Piece]) -> int:
    return pieces[-1].start_bytes + pieces[-1].size_bytes if pieces else 0
