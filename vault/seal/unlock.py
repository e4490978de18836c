"""How a root keeper's unlock secret (32 bytes) is made, and how a wrong one is told before harm is done.

    unlock:  kind:u8 | memory_kib:u32 | passes:u32 | lanes:u32 | salt[32]                     (45 bytes)
        1 key         HKDF-SHA256(key file, salt, info = "strongroom/keeper/unlock-from-key", 32 bytes); costs are 0
        2 passphrase  Argon2id(NFKC of the passphrase in UTF-8, salt, memory, passes, lanes, 32 bytes)  (RFC 9106)
        3 device      a PKCS#11 token or a TPM makes it; salt is what the device is asked about; costs are 0
    check:   version:u8 = 1 | unlock[45] | HKDF-SHA256(unlock secret, salt, info = "strongroom/keeper/check", 32 bytes)

Every root file carries its unlock block, so one root file and the passphrase are enough.

Rule 1: costs read from a file are bounded: a file cannot ask for more memory than ``MEMORY_KIB_MAX``.
Rule 2: a new root is sealed only under a secret that the keeper's check value knows.
"""

from __future__ import annotations

import hmac
import struct
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vault.errors import SealBroken, SettingsWrong
from vault.seal import labels
from vault.seal.secrets import Secret, TokenBytes, random_bytes

SALT_LENGTH: Final = 32
_UNLOCK = struct.Struct(f">BIII{SALT_LENGTH}s")
UNLOCK_LENGTH: Final = _UNLOCK.size
CHECK_VERSION: Final = 1
CHECK_LENGTH: Final = 1 + UNLOCK_LENGTH + 32
KEY_LENGTH_MIN: Final = 32
PASSPHRASE_LENGTH_MIN: Final = 12
MEMORY_KIB_MAX: Final = 2 * 1024 * 1024
PASSES_MAX: Final = 100
LANES_MAX: Final = 64


class UnlockKind(IntEnum):
    """What the unlock secret is made from."""

    KEY = 1
    PASSPHRASE = 2
    DEVICE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2Cost:
    """What one guess at a passphrase costs."""

    memory_kib: int
    passes: int
    lanes: int


PASSPHRASE_COST: Final = Argon2Cost(memory_kib=256 * 1024, passes=3, lanes=4)
"""Four times the memory of RFC 9106's second recommended option: it is paid once a start, and guessed at offline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """How one unlock secret is made."""

    kind: UnlockKind
    salt: bytes
    cost: Argon2Cost = Argon2Cost(memory_kib=0, passes=0, lanes=0)

    @classmethod
    def new(cls, kind: UnlockKind, token_bytes: TokenBytes, *, cost: Argon2Cost = PASSPHRASE_COST) -> Unlock:
        """A new block with a fresh salt."""
        salt = random_bytes(token_bytes, SALT_LENGTH)
        return cls(kind=kind, salt=salt, cost=cost) if kind is UnlockKind.PASSPHRASE else cls(kind=kind, salt=salt)

    def pack(self) -> bytes:
        """The 45 bytes."""
        return _UNLOCK.pack(self.kind, self.cost.memory_kib, self.cost.passes, self.cost.lanes, self.salt)

    @classmethod
    def unpack(cls, packed: bytes) -> Unlock:
        """Raises ``SealBroken`` when the block is malformed or asks for too much."""
        kind, memory_kib, passes, lanes, salt = _UNLOCK.unpack(packed)
        if kind not in set(UnlockKind):
            raise SealBroken(f"the keeper's file names an unlock kind {kind} that this version does not know")
        is_passphrase = kind == UnlockKind.PASSPHRASE
        within = 1 <= passes <= PASSES_MAX and 1 <= lanes <= LANES_MAX and 8 * lanes <= memory_kib <= MEMORY_KIB_MAX
        if not (within if is_passphrase else (memory_kib, passes, lanes) == (0, 0, 0)):
            raise SealBroken("the keeper's file names impossible costs of its passphrase; restore it from its copy")
        cost = Argon2Cost(memory_kib=memory_kib, passes=passes, lanes=lanes)
        return cls(kind=UnlockKind(kind), salt=salt, cost=cost)


def unlock_from_key(key: bytes, unlock: Unlock) -> Secret:
    """The unlock secret of a key file's bytes. Raises ``SettingsWrong`` when they are too few."""
    if len(key) < KEY_LENGTH_MIN:
        raise SettingsWrong(f"the keeper's unlock key is shorter than {KEY_LENGTH_MIN} bytes; give one that is random")
    return Secret(HKDF(SHA256(), 32, unlock.salt, labels.KEEPER_UNLOCK).derive(key))


def unlock_from_passphrase(passphrase: str, unlock: Unlock) -> Secret:
    """The unlock secret of a passphrase. Raises ``SettingsWrong`` when it is too short."""
    normalised = unicodedata.normalize("NFKC", passphrase)
    if len(normalised) < PASSPHRASE_LENGTH_MIN:
        raise SettingsWrong(f"the keeper's passphrase has fewer than {PASSPHRASE_LENGTH_MIN} characters")
    kdf = Argon2id(
        salt=unlock.salt,
        length=32,
        iterations=unlock.cost.passes,
        lanes=unlock.cost.lanes,
        memory_cost=unlock.cost.memory_kib,
    )
    return Secret(kdf.derive(normalised.encode("utf-8", "surrogatepass")))


def pack_check(secret: Secret, unlock: Unlock) -> bytes:
    """The bytes by which a wrong unlock secret is told; they give no more to a guesser than a sealed root does."""
    return bytes((CHECK_VERSION,)) + unlock.pack() + _check(secret, unlock)


def unlock_of_check(packed: bytes) -> Unlock:
    """How the secret is made that a check value is of. Raises ``SealBroken``."""
    if len(packed) != CHECK_LENGTH or packed[0] != CHECK_VERSION:
        raise SealBroken("the keeper's check value is damaged; restore it from its copy")
    return Unlock.unpack(packed[1 : 1 + UNLOCK_LENGTH])


def check_knows(packed: bytes, secret: Secret) -> bool:
    """Whether the check value is of this secret. Raises ``SealBroken``."""
    return hmac.compare_digest(packed[-32:], _check(secret, unlock_of_check(packed)))


def tpm_password(pin: str) -> str:
    """The password of a TPM's NV index, 32 characters, from a PIN of any length; an empty PIN gives none."""
    if not pin:
        return ""
    normalised = unicodedata.normalize("NFKC", pin).encode("utf-8", "surrogatepass")
    # No stretching: the TPM itself slows guessing down, by its lockout.
    return HKDF(SHA256(), 16, None, labels.KEEPER_TPM_PASSWORD).derive(normalised).hex()


def _check(secret: Secret, unlock: Unlock) -> bytes:
    return HKDF(SHA256(), 32, unlock.salt, labels.KEEPER_CHECK).derive(secret.expose())
