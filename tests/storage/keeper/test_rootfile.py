"""The bytes of keepers' files: built anew here from the written format, with the refusals."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import SealBroken
from vault.seal.rootfile import LENGTH, RootId, open_root, open_root_v1, seal_root, unlock_of
from vault.seal.secrets import Secret
from vault.seal.unlock import (
    Argon2Cost,
    Unlock,
    UnlockKind,
    check_knows,
    pack_check,
    tpm_password,
    unlock_from_key,
    unlock_from_passphrase,
    unlock_of_check,
)

ROOT_ID = RootId(tree_id=bytes(range(16)), generation=7, attempt=bytes(range(32, 48)))
ROOT = Secret(bytes(range(64, 96)))
UNLOCK_SECRET = Secret(bytes(range(128, 160)))
UNLOCK = Unlock(
    kind=UnlockKind.PASSPHRASE, salt=bytes(range(160, 192)), cost=Argon2Cost(memory_kib=64, passes=2, lanes=1)
)
SALT, NONCE = b"s" * 32, b"n" * 12


def sealed() -> bytes:
    fixed = iter((SALT, NONCE))
    return seal_root(UNLOCK_SECRET, ROOT, root_id=ROOT_ID, unlock=UNLOCK, token_bytes=lambda _: next(fixed))


def test_a_root_file_has_the_bytes_that_the_format_names() -> None:
    head = b"\x02" + ROOT_ID.tree_id + struct.pack(">I", 7) + ROOT_ID.attempt
    head += struct.pack(">BIII", 2, 64, 2, 1) + UNLOCK.salt + SALT
    key = HKDF(SHA256(), 32, SALT, b"strongroom/root-seal/key").derive(UNLOCK_SECRET.expose())
    body = AESGCM(key).encrypt(NONCE, ROOT.expose(), b"strongroom/root-seal/v2" + head)
    assert sealed() == head + NONCE + body
    assert len(sealed()) == LENGTH == 174
    assert open_root(UNLOCK_SECRET, sealed(), root_id=ROOT_ID) == ROOT
    assert unlock_of(sealed(), root_id=ROOT_ID) == UNLOCK


def test_no_bit_of_a_root_file_may_change() -> None:
    for bit in range(LENGTH * 8):
        altered = bytearray(sealed())
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            open_root(UNLOCK_SECRET, bytes(altered), root_id=ROOT_ID)


@pytest.mark.parametrize(
    "root_id",
    [
        replace(ROOT_ID, tree_id=bytes(16)),
        replace(ROOT_ID, generation=8),
        replace(ROOT_ID, attempt=bytes(16)),
    ],
)
def test_a_root_file_opens_as_no_other_root(root_id: RootId) -> None:
    with pytest.raises(SealBroken, match="another vault, generation or attempt"):
        open_root(UNLOCK_SECRET, sealed(), root_id=root_id)


@pytest.mark.parametrize("length", [0, 1, 112, 113, 114, LENGTH - 1, LENGTH + 1])
def test_other_lengths_are_refused(length: int) -> None:
    with pytest.raises(SealBroken):
        open_root(UNLOCK_SECRET, sealed().ljust(length, b"\x00")[:length], root_id=ROOT_ID)
    with pytest.raises(SealBroken):
        open_root_v1(b"k" * 64, bytes(length), tree_id=ROOT_ID.tree_id)


def test_unlock_secrets_are_made_as_the_format_says() -> None:
    key = Unlock(kind=UnlockKind.KEY, salt=SALT)
    expected = HKDF(SHA256(), 32, SALT, b"strongroom/keeper/unlock-from-key").derive(b"k" * 32)
    assert unlock_from_key(b"k" * 32, key) == Secret(expected)
    stretched = Argon2id(salt=UNLOCK.salt, length=32, iterations=2, lanes=1, memory_cost=64)
    assert unlock_from_passphrase("ｆｕｌｌ width 文書", UNLOCK) == Secret(stretched.derive("full width 文書".encode()))
    assert tpm_password("") == ""
    assert len(tpm_password("1234")) == 32


def test_a_check_value_knows_its_secret_only() -> None:
    packed = pack_check(UNLOCK_SECRET, UNLOCK)
    assert packed == b"\x01" + UNLOCK.pack() + HKDF(SHA256(), 32, UNLOCK.salt, b"strongroom/keeper/check").derive(
        UNLOCK_SECRET.expose()
    )
    assert unlock_of_check(packed) == UNLOCK
    assert check_knows(packed, UNLOCK_SECRET)
    assert not check_knows(packed, ROOT)
    for damaged in (packed[:-1], packed + b"\x00", b"\x02" + packed[1:], b""):
        with pytest.raises(SealBroken):
            check_knows(damaged, UNLOCK_SECRET)


@pytest.mark.parametrize(
    "costs", [(2, 4 << 20, 1, 1), (2, 64, 0, 1), (2, 64, 1, 65), (2, 7, 1, 1), (1, 1, 0, 0), (9, 0, 0, 0)]
)
def test_a_file_cannot_ask_for_impossible_costs(costs: tuple[int, int, int, int]) -> None:
    with pytest.raises(SealBroken):
        Unlock.unpack(struct.pack(">BIII", *costs) + SALT)


@pytest.mark.parametrize(("tree", "generation", "attempt"), [(15, 1, 16), (16, -1, 16), (16, 1 << 32, 16), (16, 1, 17)])
def test_a_root_is_named_in_full(tree: int, generation: int, attempt: int) -> None:
    with pytest.raises(ValueError, match="16 bytes of tree id"):
        RootId(tree_id=bytes(tree), generation=generation, attempt=bytes(attempt))
