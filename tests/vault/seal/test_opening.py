"""What opens is exactly what was sealed, whole, streamed or a range of it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.seal.samples import CONTEXT, FRAME, HEADER_LENGTH, KEK, some_bytes
from vault.errors import SealBroken, StoreUnavailable
from vault.seal.envelope import (
    FRAME_LENGTH,
    Opener,
    Sealer,
    open_header,
    open_message,
    open_range,
    open_stream,
    parse_header,
    seal_message,
    take_header,
)
from vault.seal.message import FINAL_MARKER
from vault.seal.secrets import Secret

SIZES = [0, 1, FRAME - 1, FRAME, FRAME + 1, 5 * FRAME]


def sealed_bytes(plaintext: bytes, frame_length: int = FRAME) -> bytes:
    return bytes(seal_message(KEK, CONTEXT, plaintext, token_bytes=os.urandom, frame_length=frame_length))


def opener_of(sealed: bytes, frame_length: int = FRAME) -> Opener:
    return open_header(sealed[:HEADER_LENGTH], KEK, CONTEXT, frame_length=frame_length)


def cut(data: bytes, chunk: int) -> list[bytes]:
    return [data[i : i + chunk] for i in range(0, len(data), chunk)]


@given(st.one_of(st.sampled_from(SIZES), st.integers(0, 20 * FRAME)), st.integers(1, 1000))
def test_what_was_sealed_opens_whole_and_streamed(size: int, chunk: int) -> None:
    plaintext = some_bytes(size)
    sealed = sealed_bytes(plaintext)
    assert open_message(sealed, KEK, CONTEXT, frame_length=FRAME) == plaintext
    header, rest = take_header(iter(cut(sealed, chunk)), HEADER_LENGTH)
    opener = open_header(header, KEK, CONTEXT, frame_length=FRAME)
    assert opener.size(size).ciphertext_length == len(sealed)
    assert b"".join(open_stream(rest, opener, size)) == plaintext


@given(st.integers(1, 20 * FRAME), st.integers(1, 1000), st.data())
def test_a_range_opens_from_its_own_frames_alone(size: int, chunk: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size - 1))
    length = data.draw(st.integers(1, size - start))
    plaintext = some_bytes(size)
    sealed = sealed_bytes(plaintext)
    opener = opener_of(sealed)
    span = opener.size(size).span(start, length)
    part = sealed[span.ciphertext_start : span.ciphertext_start + span.ciphertext_length]
    assert b"".join(open_range(cut(part, chunk), opener, size, span)) == plaintext[start : start + length]


def test_blocks_of_a_large_message_are_a_mebibyte_each() -> None:
    size = 5 * 1024 * 1024 + 3
    plaintext = some_bytes(size)
    sealed = sealed_bytes(plaintext, FRAME_LENGTH)
    opener = opener_of(sealed, FRAME_LENGTH)
    blocks = list(open_stream(cut(sealed[HEADER_LENGTH:], 65_536), opener, size))
    assert [len(block) for block in blocks] == [1024 * 1024] * 5 + [3]
    assert b"".join(blocks) == plaintext
    span = opener.size(size).span(1024 * 1024 - 1, 2 * 1024 * 1024)
    part = sealed[span.ciphertext_start : span.ciphertext_start + span.ciphertext_length]
    ranged = b"".join(open_range([part], opener, size, span))
    assert ranged == plaintext[1024 * 1024 - 1 : 3 * 1024 * 1024 - 1]


@given(st.integers(0, 4 * FRAME), st.data())
def test_no_single_bit_can_change(size: int, data: st.DataObject) -> None:
    sealed = bytearray(sealed_bytes(some_bytes(size)))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        open_message(sealed, KEK, CONTEXT, plaintext_length=size, frame_length=FRAME)


def test_every_bit_of_a_header_is_covered() -> None:
    sealed = sealed_bytes(b"x")
    for bit in range(8 * HEADER_LENGTH):
        header = bytearray(sealed[:HEADER_LENGTH])
        header[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            open_header(header, KEK, CONTEXT, frame_length=FRAME)


@given(st.integers(0, 4 * FRAME), st.data())
def test_a_shorter_or_longer_message_is_refused(size: int, data: st.DataObject) -> None:
    sealed = sealed_bytes(some_bytes(size))
    opener = opener_of(sealed)
    body = sealed[HEADER_LENGTH:]
    shorter = body[: data.draw(st.integers(0, len(body) - 1))]
    longer = body + data.draw(st.binary(min_size=1, max_size=200))
    for changed in (shorter, longer):
        with pytest.raises(SealBroken):
            list(open_stream(cut(changed, 97), opener, size))
        with pytest.raises(SealBroken):
            open_message(sealed[:HEADER_LENGTH] + changed, KEK, CONTEXT, plaintext_length=size, frame_length=FRAME)


def test_no_length_of_plaintext_fits_but_the_one_sealed() -> None:
    sealed = sealed_bytes(some_bytes(3 * FRAME + 7))
    opener = opener_of(sealed)
    for length in range(5 * FRAME):
        if length != 3 * FRAME + 7:
            with pytest.raises(SealBroken):
                list(open_stream([sealed[HEADER_LENGTH:]], opener, length))


def test_a_broken_last_block_is_not_given() -> None:
    size = 2 * 1024 * 1024 + 10
    sealed = sealed_bytes(some_bytes(size), FRAME_LENGTH)
    stream = open_stream([sealed[HEADER_LENGTH:] + b"\0"], opener_of(sealed, FRAME_LENGTH), size)
    assert [len(next(stream)) for _ in range(2)] == [1024 * 1024] * 2
    with pytest.raises(SealBroken, match="bytes follow"):
        next(stream)


def test_frames_are_opened_one_by_one_in_any_order() -> None:
    plaintext = some_bytes(3 * FRAME + 7)
    sealed = sealed_bytes(plaintext)
    opener, out = opener_of(sealed), bytearray(FRAME)
    for number in (3, 1, 2):
        at = HEADER_LENGTH + (number - 1) * (FRAME + 32)
        frame = memoryview(sealed)[at : at + FRAME + 32]
        assert opener.open_frames(number, frame, out, total_plaintext_length=len(plaintext)) == FRAME
        assert out == plaintext[(number - 1) * FRAME : number * FRAME]
        for wrong in {0, 1, 2, 3, 4, 5, FINAL_MARKER} - {number}:
            with pytest.raises(SealBroken):
                opener.open_frames(wrong, frame, out, total_plaintext_length=len(plaintext))


def test_an_error_of_the_source_is_passed_on_as_it_is() -> None:
    def broken() -> Iterator[bytes]:
        yield sealed[HEADER_LENGTH : HEADER_LENGTH + 50]
        raise StoreUnavailable("the connection broke")

    sealed = sealed_bytes(some_bytes(1000))
    with pytest.raises(StoreUnavailable):
        list(open_stream(broken(), opener_of(sealed), 1000))


@pytest.mark.parametrize(("start", "count"), [(-1, 1), (0, 0), (0, 5), (4, 1), (3, 2)])
def test_frames_that_are_not_there_cannot_be_asked_for(start: int, count: int) -> None:
    sealed = sealed_bytes(some_bytes(3 * FRAME + 1))
    with pytest.raises(SealBroken, match="no frames"):
        list(open_stream([], opener_of(sealed), 3 * FRAME + 1, start, count))


def test_a_header_cut_short_or_followed_by_more_is_refused() -> None:
    sealed = sealed_bytes(b"x")
    for length in (*range(HEADER_LENGTH), HEADER_LENGTH + 1):
        with pytest.raises(SealBroken):
            open_header(sealed[:length], KEK, CONTEXT, frame_length=FRAME)
    with pytest.raises(SealBroken, match="ends early"):
        take_header(iter([sealed[:20]]), HEADER_LENGTH)


def test_another_commitment_is_refused_though_everything_else_is_right() -> None:
    """The tag of a forged header is made with the right key; the commitment alone gives it away."""
    sealer = Sealer.new(KEK, CONTEXT, token_bytes=os.urandom, frame_length=FRAME)
    header = parse_header(sealer.header)
    body = header.authenticated[:-32] + bytes(32)
    forged = body + sealer._aead.encrypt(bytes(12), b"", body)
    with pytest.raises(SealBroken, match="commitment"):
        open_header(forged, KEK, CONTEXT, frame_length=FRAME)


def test_another_key_does_not_open() -> None:
    with pytest.raises(SealBroken, match="does not open with this key"):
        open_message(sealed_bytes(b"x"), Secret(bytes(32)), CONTEXT, frame_length=FRAME)


def test_lengths_that_no_message_has_are_refused() -> None:
    sealed = sealed_bytes(some_bytes(FRAME))
    for length in chain(range(HEADER_LENGTH, HEADER_LENGTH + 40), range(len(sealed) - 39, len(sealed))):
        with pytest.raises(SealBroken):
            open_message(sealed[:length], KEK, CONTEXT, frame_length=FRAME)


def test_an_opener_is_not_pickled_and_shows_no_key() -> None:
    opener = opener_of(sealed_bytes(b"x"))
    with pytest.raises(TypeError):
        pickle.dumps(opener)
    assert "AESGCM" not in repr(opener)
