"""The envelope of a sealed object: the front door to sealing and opening (FORMAT.md 1).

Large objects: a ``Sealer`` seals parts in parallel; ``open_header`` gives an ``Opener``, and ``open_stream`` or
``open_range`` the plaintext. Small ones, which fit into memory, take ``seal_message`` and ``open_message``.
"""

from __future__ import annotations

from collections.abc import Mapping

from vault.errors import SealBroken
from vault.ports import Buffer
from vault.seal import sizes
from vault.seal.context import header_length, object_context
from vault.seal.foreign import read_foreign
from vault.seal.message import Header, parse_header
from vault.seal.opening import Opener, open_header, open_range, open_stream, take_header
from vault.seal.sealing import Sealer
from vault.seal.secrets import Secret, TokenBytes
from vault.seal.sizes import FRAME_LENGTH, SealedSize, SealedSpan

__all__ = [
    "FRAME_LENGTH",
    "Header",
    "Opener",
    "SealedSize",
    "SealedSpan",
    "Sealer",
    "header_length",
    "object_context",
    "open_header",
    "open_message",
    "open_range",
    "open_stream",
    "parse_header",
    "read_foreign",
    "seal_message",
    "take_header",
]


def seal_message(
    leaf_kek: Secret,
    context: Mapping[str, str],
    plaintext: Buffer,
    *,
    token_bytes: TokenBytes,
    frame_length: int = sizes.FRAME_LENGTH,
) -> bytearray:
    """Seals a whole message in memory. Raises ``ValueError`` as ``Sealer.new`` does."""
    sealer = Sealer.new(leaf_kek, context, token_bytes=token_bytes, frame_length=frame_length)
    length = len(memoryview(plaintext).cast("B"))
    sealed = bytearray(sealer.header_length + sealer.sealed_length(length, final=True))
    sealed[: sealer.header_length] = sealer.header
    sealer.seal_frames(1, plaintext, sealed, sealer.header_length, final=True)
    return sealed


def open_message(
    sealed: Buffer,
    leaf_kek: Secret,
    context: Mapping[str, str],
    *,
    plaintext_length: int | None = None,
    frame_length: int = sizes.FRAME_LENGTH,
) -> bytearray:
    """Opens a whole message in memory. Without ``plaintext_length`` it is reckoned from the length of ``sealed``.

    Raises ``SealBroken`` when it is not exactly what was sealed.
    """
    data = memoryview(sealed).cast("B")
    head = header_length(context)
    opener = open_header(data[:head], leaf_kek, context, frame_length=frame_length)
    if plaintext_length is None:
        plaintext_length = _plaintext_length(len(data) - head, frame_length)
    if opener.size(plaintext_length).ciphertext_length != len(data):
        raise SealBroken(f"sealed message: {len(data)} bytes do not hold {plaintext_length} bytes of plaintext")
    plaintext = bytearray(plaintext_length)
    opener.open_frames(1, data[head:], plaintext, total_plaintext_length=plaintext_length)
    return plaintext


def _plaintext_length(frames_length: int, frame_length: int) -> int:
    full, rest = divmod(frames_length - sizes.FINAL_OVERHEAD, frame_length + sizes.FRAME_OVERHEAD)
    if full < 0 or rest >= frame_length:
        raise SealBroken("sealed message: its length is not that of any plaintext")
    return full * frame_length + rest
