"""A sealer seals each frame once, in any order, from any thread."""

from __future__ import annotations

import copy
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.seal.samples import CONTEXT, FRAME, HEADER_LENGTH, KEK, some_bytes
from vault.errors import TooLarge
from vault.seal.envelope import Sealer, open_message, seal_message
from vault.seal.secrets import Secret
from vault.seal.sizes import MAX_FRAMES


def new_sealer() -> Sealer:
    return Sealer.new(KEK, CONTEXT, token_bytes=os.urandom, frame_length=FRAME)


def seal(sealer: Sealer, first: int, frames: int, *, final: bool = False, rest: int = 0) -> bytes:
    plaintext = bytes(frames * FRAME + rest)
    out = bytearray(sealer.sealed_length(len(plaintext), final=final))
    sealer.seal_frames(first, plaintext, out, final=final)
    return bytes(out)


@given(st.permutations(range(5)), st.integers(0, 3 * FRAME))
def test_parts_sealed_in_any_order_make_one_message(order: list[int], last: int) -> None:
    sealer, frames = new_sealer(), 3
    plaintext = some_bytes(5 * frames * FRAME + last)
    part = frames * FRAME
    sealed = bytearray(sealer.header_length + sealer.sealed_length(len(plaintext), final=True))
    sealed[: sealer.header_length] = sealer.header
    stride = sealer.sealed_length(part, final=False)
    for number in order:
        at = sealer.header_length + number * stride
        cut = memoryview(plaintext)[number * part : (number + 1) * part]
        assert sealer.seal_frames(1 + number * frames, cut, sealed, at, final=False) == stride
    end = sealer.header_length + 5 * stride
    written = sealer.seal_frames(1 + 5 * frames, plaintext[5 * part :], memoryview(sealed)[end:], final=True)
    assert end + written == len(sealed)
    assert open_message(sealed, KEK, CONTEXT, plaintext_length=len(plaintext), frame_length=FRAME) == plaintext


def test_many_threads_seal_parts_of_one_message_at_once() -> None:
    sealer = Sealer.new(KEK, CONTEXT, token_bytes=os.urandom, frame_length=64 * 1024)
    part, count = 4 * 64 * 1024, 40
    plaintext = some_bytes(part * count + 17)
    stride = sealer.sealed_length(part, final=False)
    sealed = bytearray(sealer.header_length + sealer.sealed_length(len(plaintext), final=True))
    sealed[: sealer.header_length] = sealer.header
    view = memoryview(plaintext)

    def seal_part(number: int) -> int:
        return sealer.seal_frames(
            1 + 4 * number,
            view[number * part : (number + 1) * part],
            sealed,
            sealer.header_length + number * stride,
            final=number == count,
        )

    with ThreadPoolExecutor(8) as pool:
        written = sum(pool.map(seal_part, range(count + 1)))
    assert sealer.header_length + written == len(sealed)
    assert open_message(sealed, KEK, CONTEXT, frame_length=64 * 1024) == plaintext


@pytest.mark.parametrize(
    ("first", "frames", "final"), [(3, 1, False), (1, 3, False), (4, 9, False), (5, 1, False), (4, 0, True)]
)
def test_a_frame_number_is_never_sealed_twice(first: int, frames: int, final: bool) -> None:
    sealer = new_sealer()
    seal(sealer, 3, 3)
    with pytest.raises(ValueError, match="sealed before"):
        seal(sealer, first, frames, final=final)


def test_a_frame_number_stays_used_when_its_part_is_lost() -> None:
    sealer = new_sealer()
    first = seal(sealer, 1, 1)
    with pytest.raises(ValueError, match="send the same bytes again"):
        seal(sealer, 1, 1)
    assert len(first) == FRAME + 32


def test_nothing_follows_the_final_frame() -> None:
    sealer = new_sealer()
    seal(sealer, 3, 0, final=True, rest=5)
    seal(sealer, 1, 2)
    with pytest.raises(ValueError, match="final frame"):
        seal(sealer, 4, 1)
    with pytest.raises(ValueError, match="final frame"):
        seal(sealer, 9, 0, final=True)


def test_a_frame_before_the_last_is_not_final() -> None:
    sealer = new_sealer()
    seal(sealer, 5, 1)
    with pytest.raises(ValueError, match="cannot be final"):
        seal(sealer, 2, 0, final=True)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 6)), max_size=25))
def test_claims_agree_with_a_plain_set_of_numbers(parts: list[tuple[int, int]]) -> None:
    sealer, used = new_sealer(), set[int]()
    for first, count in parts:
        numbers = set(range(first, first + count))
        if used & numbers:
            with pytest.raises(ValueError, match="sealed before"):
                seal(sealer, first, count)
        else:
            seal(sealer, first, count)
            used |= numbers


def test_a_message_ends_before_frame_numbers_do() -> None:
    sealer = new_sealer()
    assert len(seal(sealer, MAX_FRAMES, 0, final=True)) == 40
    for first, frames, final in ((MAX_FRAMES + 1, 0, True), (MAX_FRAMES, 1, False), (MAX_FRAMES - 1, 2, True)):
        with pytest.raises(TooLarge):
            seal(new_sealer(), first, frames, final=final)
    with pytest.raises(ValueError, match="numbered from 1"):
        seal(new_sealer(), 0, 1)


def test_frames_in_the_middle_are_whole() -> None:
    with pytest.raises(ValueError, match="no whole number of frames"):
        new_sealer().seal_frames(1, bytes(FRAME + 1), bytearray(1000), final=False)


@pytest.mark.parametrize(("length", "offset"), [(FRAME + 31, 0), (FRAME + 32, 1), (1000, -1)])
def test_an_output_too_short_is_refused_before_a_number_is_used(length: int, offset: int) -> None:
    sealer = new_sealer()
    with pytest.raises(ValueError, match="do not fit"):
        sealer.seal_frames(1, bytes(FRAME), bytearray(length), offset, final=False)
    seal(sealer, 1, 1)


def test_two_messages_of_one_leaf_share_no_key_id_nor_iv() -> None:
    one, other = new_sealer(), new_sealer()
    assert one.header[3:35] != other.header[3:35]
    assert seal(one, 1, 1) != seal(other, 1, 1)
    assert len(one.header) == len(other.header) == HEADER_LENGTH


def test_a_sealer_is_not_copied_and_shows_nothing() -> None:
    sealer = new_sealer()
    with pytest.raises(TypeError):
        pickle.dumps(sealer)
    with pytest.raises(TypeError):
        copy.deepcopy(sealer)
    assert repr(sealer) == "Sealer(frame_length=128)"


def test_randomness_drawn_is_32_and_32_and_12_bytes() -> None:
    drawn: list[int] = []

    def token_bytes(count: int) -> bytes:
        drawn.append(count)
        return os.urandom(count)

    seal_message(KEK, CONTEXT, b"", token_bytes=token_bytes)
    assert drawn == [32, 32, 12]


def test_sealing_takes_any_buffer() -> None:
    for plaintext in (b"abcd", bytearray(b"abcd"), memoryview(b"abcd"), memoryview(b"abcd").cast("I")):
        sealed = seal_message(Secret(bytes(32)), CONTEXT, plaintext, token_bytes=os.urandom)
        assert open_message(sealed, Secret(bytes(32)), CONTEXT) == b"abcd"
