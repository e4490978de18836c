"""Sizes reckoned are the sizes written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import InvalidInput, TooLarge
from vault.seal.sizes import MAX_FRAMES, SealedSize, SealedSpan, frames_length, require_frame_length

F = 128


@pytest.mark.parametrize(
    ("length", "frames", "total"),
    [
        (0, 1, 100 + 40),
        (1, 1, 100 + 41),
        (F - 1, 1, 100 + 40 + F - 1),
        (F, 2, 100 + F + 32 + 40),
        (F + 1, 2, 100 + F + 32 + 41),
        (5 * F, 6, 100 + 5 * (F + 32) + 40),
    ],
)
def test_sizes_are_those_of_the_format(length: int, frames: int, total: int) -> None:
    size = SealedSize(plaintext_length=length, header_length=100, frame_length=F)
    assert (size.frame_count, size.ciphertext_length) == (frames, total)


@given(st.integers(1, 20 * F), st.data())
def test_a_span_holds_its_range_in_as_few_frames_as_can_be(length: int, data: st.DataObject) -> None:
    size = SealedSize(plaintext_length=length, header_length=77, frame_length=F)
    start = data.draw(st.integers(0, length - 1))
    wanted = data.draw(st.integers(1, length - start))
    span = size.span(start, wanted)
    assert span.start_frame == start // F
    assert span.skip == start % F
    assert span.length == wanted
    assert span.ciphertext_start == 77 + span.start_frame * (F + 32)
    end = start + wanted
    last = size.frame_count - 1 if end == length else (end - 1) // F
    assert span.start_frame + span.frame_count - 1 == last
    assert span.ciphertext_start + span.ciphertext_length <= size.ciphertext_length
    assert (span.ciphertext_start + span.ciphertext_length == size.ciphertext_length) == (last == size.frame_count - 1)


def test_the_whole_includes_the_final_frame_of_an_empty_message() -> None:
    size = SealedSize(plaintext_length=0, header_length=10, frame_length=F)
    assert size.whole() == SealedSpan(
        ciphertext_start=10, ciphertext_length=40, start_frame=0, frame_count=1, skip=0, length=0
    )


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 3 * F))
def test_parts_add_up_to_the_whole(parts: list[int], last: int) -> None:
    length = sum(parts) * F + last
    together = sum(frames_length(part * F, F, final=False) for part in parts) + frames_length(last, F, final=True)
    assert 9 + together == SealedSize(plaintext_length=length, header_length=9, frame_length=F).ciphertext_length


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, 0), (0, 11), (10, 1), (5, -1)])
def test_a_range_outside_the_plaintext_is_refused(start: int, length: int) -> None:
    with pytest.raises(InvalidInput):
        SealedSize(plaintext_length=10, header_length=1).span(start, length)


def test_a_message_has_no_more_frames_than_one_key_may_seal() -> None:
    longest = MAX_FRAMES * F - 1
    assert SealedSize(plaintext_length=longest, header_length=1, frame_length=F).frame_count == 2**32 - 2
    with pytest.raises(TooLarge):
        SealedSize(plaintext_length=longest + 1, header_length=1, frame_length=F)


@pytest.mark.parametrize("frame_length", [-128, 0, 1, 127, 129, 16 * 1024 * 1024 + 128])
def test_other_frame_lengths_are_refused(frame_length: int) -> None:
    with pytest.raises(ValueError, match="multiple of 128"):
        require_frame_length(frame_length)


def test_lengths_are_not_negative_and_only_the_end_is_broken() -> None:
    with pytest.raises(ValueError, match="not negative"):
        SealedSize(plaintext_length=-1, header_length=1)
    with pytest.raises(ValueError, match="not the end"):
        frames_length(F + 1, F, final=False)
