"""Sealed fields: what is personal about a record, a customer or a person, sealed under its leaf (FORMAT.md 3).

Rule 1: a sealed value is bound to whose it is, which set of fields it is, and which revision. It opens nowhere else.
Rule 2: a nonce is random and used once. One metadata key seals far fewer than 2**32 values (FORMAT.md 3).
Limit: the length of the sealed bytes tells the length of the values.
"""

from __future__ import annotations

import hmac
import json
import struct
import unicodedata
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import InvalidInput, SealBroken
from vault.ports import Buffer
from vault.seal import labels
from vault.seal.canonical import JSON, canonical_json
from vault.seal.secrets import Secret, TokenBytes, random_bytes

FIELDS_VERSION: Final = 1
NONCE_LENGTH: Final = 12
FIELDS_OVERHEAD: Final = 1 + NONCE_LENGTH + 16
MAX_REVISION: Final = 2**63 - 1


def seal_fields(
    metadata_key: Secret,
    values: Mapping[str, JSON],
    *,
    subject_id: str,
    field_set: str,
    revision: int,
    nonce: bytes,
) -> bytes:
    """Seals ``values`` under a leaf's metadata key: version, nonce, ciphertext, tag; 29 bytes more than JSON.

    ``subject_id`` says whose the values are, ``field_set`` which ones, ``revision`` (from 0) which state of them.
    ``nonce`` has 12 bytes, random, never used before with this key: ``seal_fields_with`` draws one. Raises
    ``InvalidInput`` when a value cannot be sealed.
    """
    if len(nonce) != NONCE_LENGTH:
        raise ValueError(f"a nonce has {NONCE_LENGTH} bytes, not {len(nonce)}")
    aad = _associated_data(subject_id, field_set, revision)
    sealed = AESGCM(metadata_key.expose()).encrypt(nonce, canonical_json(values), aad)
    return bytes((FIELDS_VERSION,)) + nonce + sealed


def seal_fields_with(
    token_bytes: TokenBytes,
    metadata_key: Secret,
    values: Mapping[str, JSON],
    *,
    subject_id: str,
    field_set: str,
    revision: int,
) -> bytes:
    """``seal_fields`` with a nonce from ``token_bytes``."""
    nonce = random_bytes(token_bytes, NONCE_LENGTH)
    return seal_fields(metadata_key, values, subject_id=subject_id, field_set=field_set, revision=revision, nonce=nonce)


def open_fields(
    metadata_key: Secret, sealed: Buffer, *, subject_id: str, field_set: str, revision: int
) -> dict[str, JSON]:
    """Opens what ``seal_fields`` sealed for this subject, field set and revision.

    Raises ``SealBroken`` when it was sealed for something else, under another key, or was altered.
    """
    data = bytes(sealed)
    if len(data) < FIELDS_OVERHEAD or data[0] != FIELDS_VERSION:
        raise SealBroken(f"sealed fields {field_set}: not of version {FIELDS_VERSION}, or cut short")
    aad = _associated_data(subject_id, field_set, revision)
    nonce, ciphertext = data[1 : 1 + NONCE_LENGTH], data[1 + NONCE_LENGTH :]
    try:
        plaintext = AESGCM(metadata_key.expose()).decrypt(nonce, ciphertext, aad)
    except InvalidTag as exc:
        raise SealBroken(f"sealed fields {field_set}: not what was sealed for this subject and revision") from exc
    try:
        values = json.loads(plaintext.decode())
    except ValueError as exc:
        raise SealBroken(f"sealed fields {field_set}: they hold no JSON") from exc
    if not isinstance(values, dict):
        raise SealBroken(f"sealed fields {field_set}: they hold no JSON object")
    return values


def blind_index(blinding_key: Secret, domain: str, text: str) -> bytes:
    """A keyed digest by which equal texts are found again without being kept: 32 bytes, HMAC-SHA256.

    Texts count as equal when they are the same but for case and compatibility forms (Unicode D146, then NFKC); digests
    of different ``domain`` never agree. Whoever has the key can try guesses: a digest is a secret's shadow, not public.
    """
    folded = unicodedata.normalize("NFD", text).casefold()
    folded = unicodedata.normalize("NFKD", folded).casefold()
    folded = unicodedata.normalize("NFKC", folded)
    message = labels.BLIND_INDEX + _prefixed(domain) + _utf8(folded)
    return hmac.digest(blinding_key.expose(), message, "sha256")


def _associated_data(subject_id: str, field_set: str, revision: int) -> bytes:
    if not 0 <= revision <= MAX_REVISION:
        raise InvalidInput(f"revision {revision} is outside 0 to {MAX_REVISION}", field="revision")
    head = labels.FIELDS + bytes((FIELDS_VERSION,))
    return head + _prefixed(subject_id) + _prefixed(field_set) + struct.pack(">Q", revision)


def _prefixed(text: str) -> bytes:
    value = _utf8(text)
    if len(value) > 0xFFFF:
        raise InvalidInput("a name in sealed data is longer than 65535 bytes")
    return struct.pack(">H", len(value)) + value


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput("text holds a lone surrogate; it is not Unicode") from exc
