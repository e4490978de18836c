"""Sizes of a sealed message: how long its ciphertext is, and which of its bytes hold a range of the plaintext.

With header length H, frame length F and plaintext length n: frame k (from 0) starts at ``H + k * (F + 32)``; there are
``n // F`` full frames, then one final frame of ``n % F`` bytes, also when that is 0, which costs 40 bytes more than it
holds (FORMAT.md 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vault.errors import InvalidInput, TooLarge

FRAME_LENGTH: Final = 256 * 1024
FRAME_LENGTH_STEP: Final = 128
MAX_FRAME_LENGTH: Final = 16 * 1024 * 1024
MAX_FRAMES: Final = 2**32 - 2
FRAME_OVERHEAD: Final = 4 + 12 + 16
FINAL_OVERHEAD: Final = 4 + 4 + 12 + 4 + 16


def require_frame_length(frame_length: int) -> None:
    """Raises ``ValueError`` unless it is a multiple of 128 (a stock SDK asks for that) from 128 bytes to 16 MiB."""
    if frame_length % FRAME_LENGTH_STEP or not FRAME_LENGTH_STEP <= frame_length <= MAX_FRAME_LENGTH:
        raise ValueError(f"frame length {frame_length} is not a multiple of 128 from 128 to {MAX_FRAME_LENGTH}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSpan:
    """The ciphertext to fetch for a range of plaintext: whole frames from ``start_frame`` (counted from 0).

    Of what these frames hold, the first ``skip`` bytes are dropped and the next ``length`` are the range.
    """

    ciphertext_start: int
    ciphertext_length: int
    start_frame: int
    frame_count: int
    skip: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSize:
    """Arithmetic of one message, in bytes. Raises ``TooLarge`` when it takes more frames than a key may seal."""

    plaintext_length: int
    header_length: int
    frame_length: int = FRAME_LENGTH

    def __post_init__(self) -> None:
        require_frame_length(self.frame_length)
        if self.plaintext_length < 0 or self.header_length < 0:
            raise ValueError("lengths are not negative")
        if self.frame_count > MAX_FRAMES:
            raise TooLarge(f"{self.plaintext_length} bytes need more than {MAX_FRAMES} frames of {self.frame_length}")

    @property
    def full_frames(self) -> int:
        """Frames of exactly ``frame_length`` bytes, the final frame not among them."""
        return self.plaintext_length // self.frame_length

    @property
    def frame_count(self) -> int:
        """All frames, the final one included."""
        return self.full_frames + 1

    @property
    def final_length(self) -> int:
        """Plaintext bytes in the final frame; may be 0."""
        return self.plaintext_length % self.frame_length

    @property
    def ciphertext_length(self) -> int:
        """Bytes of the whole sealed message."""
        return self.frame_offset(self.full_frames) + FINAL_OVERHEAD + self.final_length

    def frame_offset(self, frame: int) -> int:
        """Where a frame (from 0) starts in the sealed message."""
        return self.header_length + frame * (self.frame_length + FRAME_OVERHEAD)

    def whole(self) -> SealedSpan:
        """The span of everything after the header."""
        return self._span(0, self.frame_count, skip=0, length=self.plaintext_length)

    def span(self, start: int, length: int) -> SealedSpan:
        """The span of ``length`` (at least 1) plaintext bytes from offset ``start``.

        A range that reaches the end takes the final frame along, also an empty one. Raises ``InvalidInput`` when the
        range does not lie within the plaintext.
        """
        end = start + length
        if start < 0 or length < 1 or end > self.plaintext_length:
            raise InvalidInput(f"range {start} to {end} is not within {self.plaintext_length} bytes", field="range")
        first = start // self.frame_length
        after = self.frame_count if end == self.plaintext_length else (end - 1) // self.frame_length + 1
        return self._span(first, after, skip=start - first * self.frame_length, length=length)

    def _span(self, first: int, after: int, *, skip: int, length: int) -> SealedSpan:
        end = self.ciphertext_length if after == self.frame_count else self.frame_offset(after)
        start = self.frame_offset(first)
        return SealedSpan(
            ciphertext_start=start,
            ciphertext_length=end - start,
            start_frame=first,
            frame_count=after - first,
            skip=skip,
            length=length,
        )


def frames_length(plaintext_length: int, frame_length: int, *, final: bool) -> int:
    """Ciphertext bytes of consecutive frames that hold so much plaintext, the final frame included where ``final``."""
    full, rest = divmod(plaintext_length, frame_length)
    if rest and not final:
        raise ValueError(f"{plaintext_length} bytes are no whole number of frames of {frame_length}, and not the end")
    return full * (frame_length + FRAME_OVERHEAD) + (FINAL_OVERHEAD + rest if final else 0)
