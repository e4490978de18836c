"""Bytes by vectors, with their refusals. Expected bytes come from ``reference`` and from the stock SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.vault.seal import make_vectors, reference
from tests.vault.seal.samples import vectors
from vault.errors import SealBroken, StrongroomError
from vault.seal.envelope import (
    Sealer,
    header_length,
    open_header,
    open_message,
    open_stream,
    parse_header,
    read_foreign,
    take_header,
)
from vault.seal.secrets import Secret

ENVELOPE = vectors("envelope")
STOCK = vectors("stock-sdk")


def seal_as(vector: Mapping[str, Any], shared: Mapping[str, Any]) -> bytes:
    sealer = Sealer.with_fixed_randomness(
        Secret(bytes.fromhex(shared["kek"])),
        shared["context"],
        frame_length=shared["frame_length"],
        data_key=Secret(bytes.fromhex(vector["data_key"])),
        message_id=bytes.fromhex(vector["message_id"]),
        wrap_iv=bytes.fromhex(vector["wrap_iv"]),
    )
    plaintext = bytes.fromhex(vector["plaintext"])
    out = bytearray(sealer.sealed_length(len(plaintext), final=True))
    assert sealer.seal_frames(1, plaintext, out, final=True) == len(out)
    return sealer.header + out


@pytest.mark.parametrize("vector", ENVELOPE["sealed"], ids=lambda vector: vector["name"])
def test_a_vector_is_sealed_to_its_bytes_and_opens(vector: dict[str, Any]) -> None:
    sealed = seal_as(vector, ENVELOPE)
    assert sealed.hex() == vector["sealed"]
    assert parse_header(sealed).length == header_length(ENVELOPE["context"])
    kek = Secret(bytes.fromhex(ENVELOPE["kek"]))
    opened = open_message(sealed, kek, ENVELOPE["context"], frame_length=ENVELOPE["frame_length"])
    assert opened.hex() == vector["plaintext"]


@pytest.mark.parametrize("vector", ENVELOPE["refused"], ids=lambda vector: vector["why"])
def test_what_was_not_sealed_so_is_refused_whole_and_streamed(vector: dict[str, Any]) -> None:
    sealed = bytes.fromhex(vector["sealed"])
    kek = Secret(bytes.fromhex(vector.get("kek", ENVELOPE["kek"])))
    context = vector.get("context", ENVELOPE["context"])
    frame_length = vector.get("frame_length", ENVELOPE["frame_length"])
    length = vector["plaintext_length"]
    with pytest.raises(SealBroken):
        open_message(sealed, kek, context, plaintext_length=length, frame_length=frame_length)

    def stream() -> list[bytes]:
        header, rest = take_header(iter([sealed]), header_length(context))
        return list(open_stream(rest, open_header(header, kek, context, frame_length=frame_length), length))

    with pytest.raises(SealBroken):
        stream()


def test_the_vectors_refuse_for_the_reason_they_name_and_not_for_their_making() -> None:
    """The message that the refusals are made from opens: what is refused is the change."""
    unchanged = reference.Message(**make_vectors.parameters("refused", 2 * 128 + 5)).sealed
    kek = Secret(bytes.fromhex(ENVELOPE["kek"]))
    assert len(open_message(unchanged, kek, ENVELOPE["context"], frame_length=128)) == 2 * 128 + 5


@pytest.mark.parametrize("vector", STOCK["sealed"], ids=lambda vector: vector["name"])
def test_with_the_stock_sdks_randomness_our_bytes_are_its_bytes(vector: dict[str, Any]) -> None:
    drawn = reference.unwrap(bytes.fromhex(vector["sealed"]), bytes.fromhex(STOCK["kek"]))
    ours = seal_as({**vector, **{name: value.hex() for name, value in drawn.items()}}, STOCK)
    assert ours.hex() == vector["sealed"]


@pytest.mark.parametrize("vector", STOCK["sealed"], ids=lambda vector: vector["name"])
def test_what_the_stock_sdk_wrote_under_our_profile_opens_here(vector: dict[str, Any]) -> None:
    kek = Secret(bytes.fromhex(STOCK["kek"]))
    sealed = bytes.fromhex(vector["sealed"])
    assert open_message(sealed, kek, STOCK["context"], frame_length=128).hex() == vector["plaintext"]
    assert b"".join(read_foreign(sealed, kek)).hex() == vector["plaintext"]


def test_the_reader_for_interoperability_opens_another_provider_without_a_context() -> None:
    foreign = STOCK["foreign"]
    kek = Secret(bytes.fromhex(STOCK["kek"]))
    plaintext = b"".join(
        read_foreign(bytes.fromhex(foreign["sealed"]), kek, provider="other", key_name="k", context={})
    )
    assert plaintext.hex() == foreign["plaintext"]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("envelope", make_vectors.envelopes),
        ("keytree", make_vectors.key_trees),
        ("pages", make_vectors.pages),
        ("fields", make_vectors.field_sets),
        ("tokens", make_vectors.link_tokens),
    ],
)
def test_the_vectors_on_file_are_those_that_the_reference_makes(name: str, make: Any) -> None:
    assert json.loads(reference.to_json(make())) == vectors(name)


def test_every_refusal_of_the_tree_is_named_once() -> None:
    reasons = [vector["why"] for vector in ENVELOPE["refused"]]
    assert len(reasons) == len(set(reasons)) > 60
    assert issubclass(SealBroken, StrongroomError)
