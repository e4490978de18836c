"""The bytes of a sealed message: AWS Encryption SDK message format 2.0, suite 0x0478 (FORMAT.md 1).

This module lays out and takes apart; it decides nothing about which message is acceptable where (``opening``).

Rule 1: every length in a header is checked against what is there, and one header has one spelling: contexts are
sorted, without duplicates, and nothing follows inside a field.
Rule 2: whatever does not fit raises ``SealBroken``; its message names the place.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from vault.errors import SealBroken
from vault.ports import Buffer
from vault.seal import labels
from vault.seal.secrets import Secret

VERSION: Final = 2
SUITE: Final = 0x0478
FRAMED: Final = 2
MESSAGE_ID_LENGTH: Final = 32
KEY_LENGTH: Final = 32
IV_LENGTH: Final = 12
TAG_LENGTH: Final = 16
FINAL_MARKER: Final = 0xFFFFFFFF
HEADER_IV: Final = bytes(IV_LENGTH)
MAX_HEADER_LENGTH: Final = 256 * 1024

_SUITE_BYTES = struct.pack(">H", SUITE)
_WRAP_LENGTHS = struct.pack(">II", 8 * TAG_LENGTH, IV_LENGTH)
_AFTER_KEY = struct.Struct(">BI")
_FRAME_PREFIX = struct.Struct(">IQI")
_FINAL_PREFIX = struct.Struct(">IIQII")
_FRAME_AAD_END = struct.Struct(">IQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header as read, not yet verified. ``authenticated`` is what the header tag covers: all before the tag."""

    message_id: bytes
    context: Mapping[str, str]
    provider: str
    key_name: str
    wrap_iv: bytes
    wrapped_key: bytes
    frame_length: int
    commitment: bytes
    tag: bytes
    authenticated: bytes

    @property
    def length(self) -> int:
        """Bytes of the whole header, tag included: where frame 1 starts."""
        return len(self.authenticated) + TAG_LENGTH


def serialize_context(context: Mapping[str, str]) -> bytes:
    """Count and pairs, sorted by the key's UTF-8 bytes; nothing at all for an empty context."""
    if not context:
        return b""
    pairs = sorted((key.encode(), value.encode()) for key, value in context.items())
    return struct.pack(">H", len(pairs)) + b"".join(_prefixed(key) + _prefixed(value) for key, value in pairs)


def write_header(
    *,
    message_id: bytes,
    context: bytes,
    provider: str,
    key_name: str,
    wrap_iv: bytes,
    wrapped_key: bytes,
    frame_length: int,
    commitment: bytes,
) -> bytes:
    """A header up to the commitment; the tag over these bytes follows them. ``context`` is serialized already."""
    return b"".join(
        (
            bytes((VERSION,)),
            _SUITE_BYTES,
            message_id,
            _prefixed(context),
            struct.pack(">H", 1),
            _prefixed(provider.encode()),
            _prefixed(key_name.encode() + _WRAP_LENGTHS + wrap_iv),
            _prefixed(wrapped_key),
            _AFTER_KEY.pack(FRAMED, frame_length),
            commitment,
        )
    )


def parse_header(data: Buffer) -> Header:
    """Takes the header apart at the start of ``data``; more bytes may follow it.

    Raises ``SealBroken`` when it is no such header: another version or suite, not exactly one raw-AES data key, not
    framed, a context out of order, or too few bytes.
    """
    at = _Cursor(bytes(memoryview(data)[:MAX_HEADER_LENGTH]))
    _require(at.take(1, "version")[0] == VERSION, "message version is not 2")
    _require(at.u16("suite") == SUITE, "algorithm suite is not 0x0478")
    message_id = at.take(MESSAGE_ID_LENGTH, "message id")
    context = _parse_context(at.prefixed("context"))
    _require(at.u16("number of data keys") == 1, "there is not exactly one data key")
    provider = _text(at.prefixed("key provider"), "key provider")
    info = at.prefixed("key information")
    name_length = len(info) - len(_WRAP_LENGTHS) - IV_LENGTH
    _require(name_length >= 0, "key information is too short for a raw AES key")
    _require(info[name_length:-IV_LENGTH] == _WRAP_LENGTHS, "tag or nonce length of the data key is not 128 bits, 12")
    wrapped_key = at.prefixed("data key")
    _require(len(wrapped_key) == KEY_LENGTH + TAG_LENGTH, "the encrypted data key has not 48 bytes")
    _require(at.take(1, "content type")[0] == FRAMED, "the message is not framed")
    frame_length = at.u32("frame length")
    _require(frame_length > 0, "frame length is 0")
    commitment = at.take(KEY_LENGTH, "key commitment")
    return Header(
        message_id=message_id,
        context=context,
        provider=provider,
        key_name=_text(info[:name_length], "key name"),
        wrap_iv=info[-IV_LENGTH:],
        wrapped_key=wrapped_key,
        frame_length=frame_length,
        commitment=commitment,
        authenticated=at.taken(),
        tag=at.take(TAG_LENGTH, "header tag"),
    )


def derive_message_keys(data_key: Secret, message_id: bytes) -> tuple[Secret, bytes]:
    """The key that encrypts header tag and frames, and the public commitment to the data key (HKDF-SHA512)."""
    prk = HKDF.extract(SHA512(), message_id, data_key.expose())
    key = HKDFExpand(SHA512(), KEY_LENGTH, _SUITE_BYTES + labels.MESSAGE_DERIVE_KEY).derive(prk)
    return Secret(key), HKDFExpand(SHA512(), KEY_LENGTH, labels.MESSAGE_COMMIT_KEY).derive(prk)


def frame_prefix(sequence: int) -> bytes:
    """What stands before a regular frame's ciphertext: sequence number and IV, 16 bytes."""
    return _FRAME_PREFIX.pack(sequence, 0, sequence)


def final_prefix(sequence: int, length: int) -> bytes:
    """What stands before the final frame's ciphertext: marker, sequence number, IV and length, 24 bytes."""
    return _FINAL_PREFIX.pack(FINAL_MARKER, sequence, 0, sequence, length)


def frame_iv(sequence: int) -> bytes:
    """The IV of a frame: its sequence number, big-endian, in 12 bytes."""
    return sequence.to_bytes(IV_LENGTH, "big")


def frame_aad(message_id: bytes, sequence: int, length: int) -> bytes:
    """Associated data of a regular frame."""
    return message_id + labels.FRAME + _FRAME_AAD_END.pack(sequence, length)


def final_aad(message_id: bytes, sequence: int, length: int) -> bytes:
    """Associated data of the final frame."""
    return message_id + labels.FINAL_FRAME + _FRAME_AAD_END.pack(sequence, length)


class _Cursor:
    """Reads forward through a header; running out of bytes raises ``SealBroken``."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, count: int, what: str) -> bytes:
        end = self._position + count
        _require(end <= len(self._data), f"the header ends within its {what}")
        piece = self._data[self._position : end]
        self._position = end
        return piece

    def u16(self, what: str) -> int:
        return int.from_bytes(self.take(2, what), "big")

    def u32(self, what: str) -> int:
        return int.from_bytes(self.take(4, what), "big")

    def prefixed(self, what: str) -> bytes:
        return self.take(self.u16(what), what)

    def taken(self) -> bytes:
        return self._data[: self._position]

    def at_end(self) -> bool:
        return self._position == len(self._data)


def _parse_context(data: bytes) -> Mapping[str, str]:
    context: dict[str, str] = {}
    if data:
        at = _Cursor(data)
        count = at.u16("context")
        _require(count > 0, "an empty context is written as no bytes")
        previous = b""
        for number in range(count):
            key = at.prefixed("context")
            _require(number == 0 or previous < key, "the context is not sorted, or names a key twice")
            context[_text(key, "context")] = _text(at.prefixed("context"), "context")
            previous = key
        _require(at.at_end(), "bytes follow the context's last pair")
    return MappingProxyType(context)


def _prefixed(value: bytes) -> bytes:
    return struct.pack(">H", len(value)) + value


def _text(value: bytes, what: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as exc:
        raise SealBroken(f"sealed header: the {what} is not UTF-8") from exc


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise SealBroken(f"sealed header: {complaint}")
