"""Reads messages that another implementation of the format wrote: any frame length, either form of the final frame.

For outside judges and imports. The vault opens its own objects with ``opening``, which is stricter: here the message
itself says where it ends, unless the caller knows its length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import SealBroken
from vault.ports import Buffer
from vault.seal import message
from vault.seal.message import FINAL_MARKER, IV_LENGTH, TAG_LENGTH
from vault.seal.opening import verify_header
from vault.seal.secrets import Secret

MAX_FOREIGN_FRAME_LENGTH: Final = 64 * 1024 * 1024


def read_foreign(
    source: Buffer | Iterable[bytes],
    kek: Secret,
    *,
    provider: str | None = None,
    key_name: str | None = None,
    context: Mapping[str, str] | None = None,
    plaintext_length: int | None = None,
) -> Iterator[bytes]:
    """Opens a framed message of suite 0x0478 with one raw-AES data key; gives one frame's plaintext after the other.

    What the caller names (provider, key name, whole context, length) has to match. Raises ``SealBroken``, possibly
    after frames were given: only an iteration that ends has seen the whole message. Memory: one frame (at most 64 MiB)
    and a chunk.
    """
    chunks = [bytes(source)] if isinstance(source, bytes | bytearray | memoryview) else source
    reader = _Reader(chunks)
    header = message.parse_header(reader.peek(message.MAX_HEADER_LENGTH))
    for what, expected, found in (
        ("key provider", provider, header.provider),
        ("key name", key_name, header.key_name),
        ("context", None if context is None else dict(context), dict(header.context)),
    ):
        if expected is not None and expected != found:
            raise SealBroken(f"sealed header: the {what} is not the one expected")
    if header.frame_length > MAX_FOREIGN_FRAME_LENGTH:
        raise SealBroken(f"sealed header: frames of {header.frame_length} bytes are more than this reader takes")
    aead = verify_header(header, kek)
    reader.take(header.length)
    total, sequence, final = 0, 1, False
    while not final:
        number = reader.u32()
        final = number == FINAL_MARKER
        if (reader.u32() if final else number) != sequence or reader.take(IV_LENGTH) != message.frame_iv(sequence):
            raise SealBroken(f"sealed message: frame {sequence} does not begin as frame {sequence}")
        length = reader.u32() if final else header.frame_length
        if length > header.frame_length:
            raise SealBroken("sealed message: the final frame is longer than a frame")
        plaintext = _open(aead, header.message_id, sequence, reader.take(length + TAG_LENGTH), final=final)
        total += length
        if final and reader.peek(1):
            raise SealBroken("sealed message: bytes follow the final frame")
        if plaintext_length is not None and (total > plaintext_length or (final and total != plaintext_length)):
            raise SealBroken(f"sealed message: it does not hold {plaintext_length} bytes")
        yield plaintext
        sequence += 1


def _open(aead: AESGCM, message_id: bytes, sequence: int, sealed: bytes, *, final: bool) -> bytes:
    associated = message.final_aad if final else message.frame_aad
    aad = associated(message_id, sequence, len(sealed) - TAG_LENGTH)
    try:
        return aead.decrypt(message.frame_iv(sequence), sealed, aad)
    except InvalidTag as exc:
        raise SealBroken(f"sealed message: frame {sequence} is not what was sealed") from exc


class _Reader:
    """Takes exact counts of bytes from chunks of any size."""

    __slots__ = ("_buffer", "_chunks", "_position")

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = b""
        self._position = 0

    def peek(self, count: int) -> bytes:
        """Up to ``count`` bytes, fewer only at the end, left in place."""
        pieces = [self._buffer[self._position :]]
        held = len(pieces[0])
        while held < count and (chunk := next(self._chunks, None)) is not None:
            pieces.append(chunk)
            held += len(chunk)
        if len(pieces) > 1:
            self._buffer, self._position = b"".join(pieces), 0
        return self._buffer[self._position : self._position + count]

    def take(self, count: int) -> bytes:
        """Exactly ``count`` bytes. Raises ``SealBroken`` when there are fewer."""
        taken = self.peek(count)
        if len(taken) < count:
            raise SealBroken("sealed message: it ends early")
        self._position += count
        return taken

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")
