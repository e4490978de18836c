"""The bytes of a root keeper's file: one fonds's root, sealed under a key derived from an unlock secret.

    version:u8 = 1 | tree id[16] | generation:u32 | salt[32] | nonce[12] | AES-256-GCM(key, root[32]) [48]
    key = HKDF-SHA256(unlock secret, salt, info = "strongroom/root-file/key", 32 bytes)
    aad = "strongroom/root-file" | everything before the nonce

Rule 1: the unlock secret is uniform (32 random bytes or more); a passphrase is stretched before it comes here.
"""

from __future__ import annotations

import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import SealBroken
from vault.seal import labels
from vault.seal.secrets import Secret, TokenBytes, random_bytes

VERSION: Final = 1
SALT_LENGTH: Final = 32
NONCE_LENGTH: Final = 12
_HEAD = struct.Struct(">B16sI32s")
LENGTH: Final = _HEAD.size + NONCE_LENGTH + 32 + 16


def seal_root(unlock: bytes, root: Secret, *, tree_id: bytes, generation: int, token_bytes: TokenBytes) -> bytes:
    """The file's bytes."""
    salt = random_bytes(token_bytes, SALT_LENGTH)
    nonce = random_bytes(token_bytes, NONCE_LENGTH)
    head = _HEAD.pack(VERSION, tree_id, generation, salt)
    # The key is fresh with the salt, so the nonce is used once with it.
    return head + nonce + AESGCM(_key(unlock, salt)).encrypt(nonce, root.expose(), labels.ROOT_FILE + head)


def open_root(unlock: bytes, sealed: bytes, *, tree_id: bytes) -> tuple[int, Secret]:
    """Generation and root. Raises ``SealBroken`` when it is another tree's, altered, or under another unlock secret."""
    if len(sealed) != LENGTH:
        raise SealBroken(f"the root file has {len(sealed)} bytes, not {LENGTH}; restore it from its copy")
    head, nonce, body = sealed[: _HEAD.size], sealed[_HEAD.size : -48], sealed[-48:]
    version, named_tree, generation, salt = _HEAD.unpack(head)
    if version != VERSION or named_tree != tree_id:
        raise SealBroken("the root file is another version's or another fonds's; restore it from its copy")
    try:
        root = AESGCM(_key(unlock, salt)).decrypt(nonce, body, labels.ROOT_FILE + head)
    except InvalidTag as exc:
        raise SealBroken("the root file does not open with this unlock key; give the right key, or its copy") from exc
    return int(generation), Secret(root)


def _key(unlock: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, labels.ROOT_FILE_KEY).derive(unlock)
