"""The bytes of a root keeper's file: one root of one fonds, sealed under the keeper's unlock secret.

    version:u8 = 2 | tree id[16] | generation:u32 | attempt[16] | unlock[45] | salt[32] | nonce[12]
        | AES-256-GCM(key, root[32]) [48]
    key = HKDF-SHA256(unlock secret, salt, info = "strongroom/root-seal/key", 32 bytes)
    aad = "strongroom/root-seal/v2" | everything before the nonce
    unlock: what the unlock secret is made from, see ``vault.seal.unlock``

Version 1 is read, never written: the first root of a vault, without an attempt, under a key file alone.

    version:u8 = 1 | tree id[16] | generation:u32 | salt[32] | nonce[12] | AES-256-GCM(key, root[32]) [48]
    key = HKDF-SHA256(key file, salt, info = "strongroom/root-file/key", 32 bytes)
    aad = "strongroom/root-file" | everything before the nonce

Rule 1: the unlock secret is uniform (32 bytes); passphrases are stretched before they come here.
Rule 2: a file names its tree, generation and attempt, and opens as nothing else.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import SealBroken
from vault.seal import labels
from vault.seal.secrets import SECRET_LENGTH, Secret, TokenBytes, random_bytes
from vault.seal.unlock import UNLOCK_LENGTH, Unlock

VERSION: Final = 2
ATTEMPT_LENGTH: Final = 16
SALT_LENGTH: Final = 32
NONCE_LENGTH: Final = 12
_SEALED_LENGTH: Final = SECRET_LENGTH + 16
_HEAD = struct.Struct(f">B16sI{ATTEMPT_LENGTH}s{UNLOCK_LENGTH}s{SALT_LENGTH}s")
LENGTH: Final = _HEAD.size + NONCE_LENGTH + _SEALED_LENGTH

_V1 = struct.Struct(">B16sI32s")
V1_LENGTH: Final = _V1.size + NONCE_LENGTH + _SEALED_LENGTH
V1_ATTEMPT: Final = bytes(ATTEMPT_LENGTH)
"""The attempt by which a version 1 file is named."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RootId:
    """Which root: tree, generation, attempt."""

    tree_id: bytes
    generation: int
    attempt: bytes

    def __post_init__(self) -> None:
        if len(self.tree_id) != 16 or len(self.attempt) != ATTEMPT_LENGTH or not 0 <= self.generation < 1 << 32:
            raise ValueError("a root is named by 16 bytes of tree id, a generation of 32 bits, 16 bytes of attempt")


def seal_root(secret: Secret, root: Secret, *, root_id: RootId, unlock: Unlock, token_bytes: TokenBytes) -> bytes:
    """The file's bytes; ``secret`` is what ``unlock`` describes."""
    salt = random_bytes(token_bytes, SALT_LENGTH)
    nonce = random_bytes(token_bytes, NONCE_LENGTH)
    head = _HEAD.pack(VERSION, root_id.tree_id, root_id.generation, root_id.attempt, unlock.pack(), salt)
    # The key is fresh with the salt, so the nonce is used once with it.
    body = AESGCM(_key(secret.expose(), salt, labels.ROOT_SEAL_KEY)).encrypt(
        nonce, root.expose(), labels.ROOT_SEAL + head
    )
    return head + nonce + body


def unlock_of(sealed: bytes, *, root_id: RootId) -> Unlock | None:
    """What opens a file; None for version 1, which its key file opens. Raises ``SealBroken``."""
    if sealed[:1] == b"\x01" and len(sealed) == V1_LENGTH:
        return None
    if len(sealed) != LENGTH or sealed[0] != VERSION:
        raise SealBroken(f"the root file ({len(sealed)} bytes) is no root file; restore it from its copy")
    _, tree_id, generation, attempt, unlock, _ = _HEAD.unpack_from(sealed)
    if (tree_id, generation, attempt) != (root_id.tree_id, root_id.generation, root_id.attempt):
        raise SealBroken("the root file is of another vault, generation or attempt; restore it from its copy")
    return Unlock.unpack(unlock)


def open_root(secret: Secret, sealed: bytes, *, root_id: RootId) -> Secret:
    """The root. Raises ``SealBroken`` when it is another one, altered, or under another unlock secret."""
    unlock_of(sealed, root_id=root_id)
    head, nonce, body = sealed[: _HEAD.size], sealed[_HEAD.size : -_SEALED_LENGTH], sealed[-_SEALED_LENGTH:]
    key = _key(secret.expose(), head[-SALT_LENGTH:], labels.ROOT_SEAL_KEY)
    return _opened(key, nonce, body, labels.ROOT_SEAL + head)


def open_root_v1(key_file: bytes, sealed: bytes, *, tree_id: bytes) -> Secret:
    """The root of a version 1 file. Raises ``SealBroken``."""
    if len(sealed) != V1_LENGTH:
        raise SealBroken(f"the root file has {len(sealed)} bytes, not {V1_LENGTH}; restore it from its copy")
    head, nonce, body = sealed[: _V1.size], sealed[_V1.size : -_SEALED_LENGTH], sealed[-_SEALED_LENGTH:]
    version, named_tree, _, salt = _V1.unpack(head)
    if version != 1 or named_tree != tree_id:
        raise SealBroken("the root file is another version's or another fonds's; restore it from its copy")
    return _opened(_key(key_file, salt, labels.ROOT_FILE_KEY), nonce, body, labels.ROOT_FILE + head)


def _opened(key: bytes, nonce: bytes, body: bytes, aad: bytes) -> Secret:
    try:
        return Secret(AESGCM(key).decrypt(nonce, body, aad))
    except InvalidTag as exc:
        raise SealBroken(
            "the root file does not open: it was altered, or sealed with another unlock key. Nothing was changed; give "
            "that key, or restore the file from its copy"
        ) from exc


def _key(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(secret)
