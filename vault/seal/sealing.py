"""Seals one message: a fresh data key, a header, then frames, in any order and from any thread (FORMAT.md 1).

Why no nonce repeats under one key:
- A ``Sealer`` draws its own data key and message id, from which the message key is derived; it shows neither, cannot be
  copied or pickled, and lives in one process. So a message key belongs to one ``Sealer``.
- The header tag takes the IV 0, once, when the ``Sealer`` is made. A frame's IV is its number, from 1.
- Every number is *claimed* under a lock before it is used, and a claim is never given back, whatever happens next. A
  number claimed twice, or one behind the final frame, raises ``ValueError`` before a byte is encrypted.
- A part that has to be sent again is sent from the ciphertext that the caller still holds. One whose ciphertext is
  lost, or whose source changed, ends the message: a new ``Sealer``, another data key.
- ``os.fork`` would copy a ``Sealer``: do not fork while a message is being sealed.
The data key itself is encrypted under the leaf's key with a random 96-bit IV, one a message (limit: FORMAT.md 1.5).
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Mapping
from typing import NoReturn

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import TooLarge
from vault.ports import Buffer
from vault.seal import labels, message, sizes
from vault.seal.context import require_context
from vault.seal.secrets import Secret, TokenBytes, random_bytes


class Sealer:
    """Seals one message. ``header`` is its first bytes; frames follow, written by ``seal_frames``.

    ``with_fixed_randomness`` exists for vectors: two sealers of one data key and message id break the seal.
    """

    __slots__ = ("_aead", "_claims", "_message_id", "frame_length", "header")

    def __init__(self, *, aead: AESGCM, message_id: bytes, header: bytes, frame_length: int) -> None:
        self._aead = aead
        self._message_id = message_id
        self._claims = _Claims()
        self.header = header
        self.frame_length = frame_length

    @classmethod
    def new(
        cls,
        leaf_kek: Secret,
        context: Mapping[str, str],
        *,
        token_bytes: TokenBytes,
        frame_length: int = sizes.FRAME_LENGTH,
    ) -> Sealer:
        """Begins a message under a leaf's key-encryption key, bound to ``context`` (opaque ids, the leaf among them).

        Raises ``ValueError`` when context or frame length is not ours to use.
        """
        return cls.with_fixed_randomness(
            leaf_kek,
            context,
            frame_length=frame_length,
            data_key=Secret.generate(token_bytes),
            message_id=random_bytes(token_bytes, message.MESSAGE_ID_LENGTH),
            wrap_iv=random_bytes(token_bytes, message.IV_LENGTH),
        )

    @classmethod
    def with_fixed_randomness(
        cls,
        leaf_kek: Secret,
        context: Mapping[str, str],
        *,
        frame_length: int,
        data_key: Secret,
        message_id: bytes,
        wrap_iv: bytes,
    ) -> Sealer:
        """``new`` with what it would draw given from outside, so that vectors can name it."""
        require_context(context)
        sizes.require_frame_length(frame_length)
        serialized = message.serialize_context(context)
        message_key, commitment = message.derive_message_keys(data_key, message_id)
        body = message.write_header(
            message_id=message_id,
            context=serialized,
            provider=labels.PROVIDER,
            key_name=context[labels.CONTEXT_LEAF],
            wrap_iv=wrap_iv,
            wrapped_key=AESGCM(leaf_kek.expose()).encrypt(wrap_iv, data_key.expose(), serialized),
            frame_length=frame_length,
            commitment=commitment,
        )
        aead = AESGCM(message_key.expose())
        header = body + aead.encrypt(message.HEADER_IV, b"", body)
        return cls(aead=aead, message_id=message_id, header=header, frame_length=frame_length)

    @property
    def header_length(self) -> int:
        """Bytes of the header: where frame 1 starts."""
        return len(self.header)

    def sealed_length(self, plaintext_length: int, *, final: bool) -> int:
        """Bytes that ``seal_frames`` writes for so much plaintext."""
        return sizes.frames_length(plaintext_length, self.frame_length, final=final)

    def seal_frames(
        self,
        first_sequence_number: int,
        plaintext: Buffer,
        out: bytearray | memoryview,
        offset: int = 0,
        *,
        final: bool,
    ) -> int:
        """Seals consecutive frames, the first of them numbered ``first_sequence_number`` (from 1), into ``out``.

        Writes from ``offset`` on, gives the count of bytes written, and copies nothing on the way. Any thread may seal
        any frames at the same time as others. Unless ``final``, ``plaintext`` is a whole number of frames; with it, the
        rest, possibly empty, becomes the final frame. ``out`` must not overlap ``plaintext``.

        Raises ``ValueError`` when a frame was sealed before, comes after the final one, or ``out`` is too short;
        ``TooLarge`` when the message would have more frames than one key may seal.
        """
        data = memoryview(plaintext).cast("B")
        target = memoryview(out).cast("B")
        needed = self.sealed_length(len(data), final=final)
        if offset < 0 or len(target) - offset < needed:
            raise ValueError(f"{needed} bytes do not fit into {len(target)} from offset {offset}")
        full = len(data) // self.frame_length
        self._claims.claim(first_sequence_number, full + final, final=final)
        position, read = offset, 0
        for sequence in range(first_sequence_number, first_sequence_number + full):
            # Nonce is the frame's number, claimed above: this key encrypts it once (module docstring).
            position = self._seal(
                message.frame_prefix(sequence),
                message.frame_aad(self._message_id, sequence, self.frame_length),
                sequence,
                data[read : read + self.frame_length],
                target,
                position,
            )
            read += self.frame_length
        if final:
            sequence = first_sequence_number + full
            rest = data[read:]
            position = self._seal(
                message.final_prefix(sequence, len(rest)),
                message.final_aad(self._message_id, sequence, len(rest)),
                sequence,
                rest,
                target,
                position,
            )
        return position - offset

    def _seal(self, prefix: bytes, aad: bytes, sequence: int, data: memoryview, out: memoryview, position: int) -> int:
        start = position + len(prefix)
        end = start + len(data) + message.TAG_LENGTH
        out[position:start] = prefix
        self._aead.encrypt_into(message.frame_iv(sequence), data, aad, out[start:end])
        return end

    def __repr__(self) -> str:
        return f"Sealer(frame_length={self.frame_length})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a sealer is neither pickled nor copied: its frame numbers may be used once")


class _Claims:
    """Frame numbers used so far, as sorted runs ``[start, end)``. Frames sealed in order stay one run."""

    __slots__ = ("_end", "_ends", "_lock", "_starts")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._end: int | None = None

    def claim(self, first: int, count: int, *, final: bool) -> None:
        if first < 1:
            raise ValueError(f"frames are numbered from 1, not {first}")
        after = first + count
        # A message that is not final yet still needs a number for its final frame.
        if after - final > sizes.MAX_FRAMES:
            raise TooLarge(f"a message has at most {sizes.MAX_FRAMES} frames; frame {after - 1} is too many")
        if not count:
            return
        with self._lock:
            at = bisect_left(self._starts, first)
            overlaps_left = at > 0 and self._ends[at - 1] > first
            overlaps_right = at < len(self._starts) and self._starts[at] < after
            if overlaps_left or overlaps_right:
                raise ValueError(f"a frame from {first} to {after - 1} was sealed before; send the same bytes again")
            if self._end is not None and (final or after > self._end):
                raise ValueError(f"frame {after - 1} cannot follow the final frame")
            if final and self._ends and self._ends[-1] > after:
                raise ValueError(f"frame {after - 1} cannot be final: later ones are sealed already")
            if final:
                self._end = after
            self._insert(at, first, after)

    def _insert(self, at: int, first: int, after: int) -> None:
        joins_left = at > 0 and self._ends[at - 1] == first
        joins_right = at < len(self._starts) and self._starts[at] == after
        if joins_left and joins_right:
            self._ends[at - 1] = self._ends.pop(at)
            del self._starts[at]
        elif joins_left:
            self._ends[at - 1] = after
        elif joins_right:
            self._starts[at] = first
        else:
            self._starts.insert(at, first)
            self._ends.insert(at, after)
