"""Opens sealed messages: the vault's own, and nothing that is not exactly what the catalogue says (FORMAT.md 1).

Rule 1: header, commitment and context are verified before a frame is read, each frame before a byte of it is given.
Rule 2: the plaintext's length is the caller's, not the message's. It says where the final frame has to stand, so
neither a shorter nor a longer message passes, and nothing may follow the final frame.
Rule 3: everything that does not hold raises ``SealBroken``. There is no answer that one could forget to look at.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import SealBroken
from vault.ports import Buffer
from vault.seal import labels, message, sizes
from vault.seal.context import require_context
from vault.seal.message import Header
from vault.seal.secrets import Secret

BLOCK_LENGTH: Final = 1024 * 1024


class Opener:
    """Opens the frames of one message whose header has been verified (``open_header``). Any thread may use it."""

    __slots__ = ("_aead", "_message_id", "frame_length", "header_length")

    def __init__(self, *, aead: AESGCM, message_id: bytes, frame_length: int, header_length: int) -> None:
        self._aead = aead
        self._message_id = message_id
        self.frame_length = frame_length
        self.header_length = header_length

    def size(self, total_plaintext_length: int) -> sizes.SealedSize:
        """The sizes of this message, given the plaintext's length."""
        return sizes.SealedSize(
            plaintext_length=total_plaintext_length, header_length=self.header_length, frame_length=self.frame_length
        )

    def open_frames(
        self,
        first_sequence: int,
        ciphertext: Buffer,
        out: bytearray | memoryview,
        *,
        total_plaintext_length: int,
    ) -> int:
        """Opens whole frames, the first numbered ``first_sequence`` (from 1), into the start of ``out``.

        Gives the count of plaintext bytes. ``out`` has room for what the frames hold; after an error, what was written
        to it is not to be used. Raises ``SealBroken`` on anything but exactly these frames: another number, IV or tag,
        a frame cut short, a final frame elsewhere than ``total_plaintext_length`` puts it, bytes after it.
        """
        source = memoryview(ciphertext).cast("B")
        target = memoryview(out).cast("B")
        full, final_length = divmod(total_plaintext_length, self.frame_length)
        if not 1 <= first_sequence <= full + 1:
            raise SealBroken(f"sealed message: there is no frame {first_sequence} in {full + 1}")
        position, written, sequence = 0, 0, first_sequence
        while position < len(source):
            if sequence <= full:
                prefix, length = message.frame_prefix(sequence), self.frame_length
                aad = message.frame_aad(self._message_id, sequence, length)
            elif sequence == full + 1:
                prefix, length = message.final_prefix(sequence, final_length), final_length
                aad = message.final_aad(self._message_id, sequence, length)
            else:
                raise SealBroken("sealed message: bytes follow the final frame")
            start = position + len(prefix)
            position = start + length + message.TAG_LENGTH
            if position > len(source):
                raise SealBroken(f"sealed message: frame {sequence} is cut short")
            if source[start - len(prefix) : start] != prefix:
                raise SealBroken(f"sealed message: frame {sequence} does not begin as frame {sequence} of {full + 1}")
            try:
                self._aead.decrypt_into(
                    message.frame_iv(sequence), source[start:position], aad, target[written : written + length]
                )
            except InvalidTag as exc:
                raise SealBroken(f"sealed message: frame {sequence} is not what was sealed") from exc
            written += length
            sequence += 1
        return written

    def __repr__(self) -> str:
        return f"Opener(frame_length={self.frame_length}, header_length={self.header_length})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an opener holds a key; it is neither pickled nor copied")


def open_header(
    header: Header | Buffer,
    leaf_kek: Secret,
    context: Mapping[str, str],
    *,
    frame_length: int = sizes.FRAME_LENGTH,
) -> Opener:
    """Verifies a header against the leaf's key and the context that the catalogue expects, and gives its ``Opener``.

    Raises ``SealBroken`` when the header is another object's, under another key, of another frame length, or altered;
    ``ValueError`` when the expected context is not one of ours.
    """
    require_context(context)
    if not isinstance(header, Header):
        given = len(memoryview(header).cast("B"))
        header = message.parse_header(header)
        if header.length != given:
            raise SealBroken(f"sealed header: it has {header.length} bytes, {given} were expected")
    if dict(header.context) != dict(context):
        raise SealBroken("sealed header: the context is not the one expected; the object belongs elsewhere")
    if header.provider != labels.PROVIDER or header.key_name != context[labels.CONTEXT_LEAF]:
        raise SealBroken("sealed header: the data key is not wrapped by the leaf that the context names")
    if header.frame_length != frame_length:
        raise SealBroken(f"sealed header: frame length is {header.frame_length}, expected {frame_length}")
    return Opener(
        aead=verify_header(header, leaf_kek),
        message_id=header.message_id,
        frame_length=frame_length,
        header_length=header.length,
    )


def verify_header(header: Header, kek: Secret) -> AESGCM:
    """Unwraps the data key, checks commitment and header tag, and gives the cipher of the frames.

    Raises ``SealBroken``. Says nothing about whose message it is: that is the caller's to compare.
    """
    serialized = message.serialize_context(header.context)
    try:
        data_key = Secret(AESGCM(kek.expose()).decrypt(header.wrap_iv, header.wrapped_key, serialized))
    except InvalidTag as exc:
        raise SealBroken("sealed header: the data key does not open with this key and context") from exc
    message_key, commitment = message.derive_message_keys(data_key, header.message_id)
    if not hmac.compare_digest(commitment, header.commitment):
        raise SealBroken("sealed header: the key commitment does not match")
    aead = AESGCM(message_key.expose())
    try:
        aead.decrypt(message.HEADER_IV, header.tag, header.authenticated)
    except InvalidTag as exc:
        raise SealBroken("sealed header: it is not what was sealed") from exc
    return aead


def open_stream(
    chunks: Iterable[bytes],
    opener: Opener,
    total_plaintext_length: int,
    start_frame: int = 0,
    frame_count: int | None = None,
) -> Iterator[bytes]:
    """Opens frames ``start_frame`` (from 0) onward as their ciphertext arrives; blocks of 1 MiB come out.

    Frames of less than two blocks come as one. ``chunks`` begin at that frame and end with the last frame asked for;
    without ``frame_count`` that is the final one. Memory: one block of ciphertext and one of plaintext. The last block
    is given only once ``chunks`` has ended in the right place. Raises ``SealBroken`` as ``open_frames`` does, and
    when the bytes end early or do not end.
    """
    size = opener.size(total_plaintext_length)
    after = size.frame_count if frame_count is None else start_frame + frame_count
    if not 0 <= start_frame < after <= size.frame_count:
        raise SealBroken(f"sealed message: there are no frames {start_frame} to {after} in {size.frame_count}")
    # No more room than the frames need: most files are far smaller than a block, and fresh memory costs time.
    # A range that is hardly longer than a block is one: it is answered at once.
    wanted, at_once = after - start_frame, max(1, BLOCK_LENGTH // opener.frame_length)
    block_frames = wanted if wanted < 2 * at_once else at_once
    source = iter(chunks)
    plain = bytearray(min(block_frames * opener.frame_length, total_plaintext_length))
    pending = bytearray(len(plain) + block_frames * sizes.FRAME_OVERHEAD + sizes.FINAL_OVERHEAD)
    rest = memoryview(b"")
    while start_frame < after:
        stop = min(start_frame + block_frames, after)
        end = size.ciphertext_length if stop == size.frame_count else size.frame_offset(stop)
        needed = end - size.frame_offset(start_frame)
        rest = _fill(memoryview(pending)[:needed], rest, source)
        if stop == after:
            _require_end(rest, source)
        count = opener.open_frames(
            start_frame + 1, memoryview(pending)[:needed], plain, total_plaintext_length=total_plaintext_length
        )
        if count:
            yield bytes(memoryview(plain)[:count])
        start_frame = stop


def open_range(
    chunks: Iterable[bytes], opener: Opener, total_plaintext_length: int, span: sizes.SealedSpan
) -> Iterator[bytes]:
    """Opens ``span`` (of ``SealedSize.span`` or ``whole``) from exactly its ciphertext; gives the range's bytes."""
    skip, left = span.skip, span.length
    for block in open_stream(chunks, opener, total_plaintext_length, span.start_frame, span.frame_count):
        piece = block[skip : skip + left] if skip or left < len(block) else block
        skip = max(0, skip - len(block))
        left -= len(piece)
        if piece:
            yield piece


def take_header(chunks: Iterator[bytes], header_length: int) -> tuple[bytes, Iterator[bytes]]:
    """Splits a stream that begins with the header: the header's bytes, and the stream from frame 1 on.

    Raises ``SealBroken`` when the stream ends within the header.
    """
    header = bytearray(header_length)
    rest = _fill(memoryview(header), memoryview(b""), chunks)
    return bytes(header), _chain(rest, chunks)


def _chain(rest: memoryview, chunks: Iterator[bytes]) -> Iterator[bytes]:
    if rest:
        yield bytes(rest)
    yield from chunks


def _fill(target: memoryview, rest: memoryview, source: Iterator[bytes]) -> memoryview:
    """Fills ``target`` from ``rest`` and then ``source``; gives what is left of the last chunk."""
    filled = 0
    while True:
        count = min(len(rest), len(target) - filled)
        target[filled : filled + count] = rest[:count]
        filled += count
        if filled == len(target):
            return rest[count:]
        chunk = next(source, None)
        if chunk is None:
            raise SealBroken("sealed message: it ends early")
        rest = memoryview(chunk)


def _require_end(rest: memoryview, source: Iterator[bytes]) -> None:
    if rest or any(source):
        raise SealBroken("sealed message: bytes follow its end")
