"""The reader for interoperability: either form of the final frame, and refusals of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.seal import make_vectors
from tests.vault.seal.reference import Message
from tests.vault.seal.samples import vectors
from vault.errors import SealBroken
from vault.seal.envelope import read_foreign
from vault.seal.secrets import Secret

ENVELOPE = vectors("envelope")
KEK = Secret(bytes.fromhex(ENVELOPE["kek"]))
# What only the vault's own profile refuses; the format allows it.
ALLOWED_ELSEWHERE = {"another frame length expected", "a full final frame instead of an empty one after it"}


@pytest.mark.parametrize("chunk", [1, 7, 160, 1_000_000])
@pytest.mark.parametrize("full_final_frame", [False, True])
def test_either_form_of_the_final_frame_is_read(full_final_frame: bool, chunk: int) -> None:
    p = make_vectors.parameters("5 frames", 5 * 128, full_final_frame=full_final_frame)
    sealed = Message(**p).sealed
    chunks = [sealed[i : i + chunk] for i in range(0, len(sealed), chunk)]
    assert b"".join(read_foreign(chunks, KEK)) == p["plaintext"]
    assert b"".join(read_foreign(bytearray(sealed), KEK, plaintext_length=640)) == p["plaintext"]


@pytest.mark.parametrize("vector", ENVELOPE["refused"], ids=lambda vector: vector["why"])
def test_what_the_vault_refuses_is_refused_here_too(vector: dict[str, Any]) -> None:
    kek = Secret(bytes.fromhex(vector.get("kek", ENVELOPE["kek"])))
    context = vector.get("context", ENVELOPE["context"])
    sealed = bytes.fromhex(vector["sealed"])

    def read() -> bytes:
        return b"".join(
            read_foreign(
                sealed,
                kek,
                provider="strongroom",
                key_name=context["strongroom-leaf"],
                context=context,
                plaintext_length=vector["plaintext_length"],
            )
        )

    if vector["why"] in ALLOWED_ELSEWHERE:
        assert len(read()) == vector["plaintext_length"]
        return
    with pytest.raises(SealBroken):
        read()


@pytest.mark.parametrize("expected", [{"provider": "p"}, {"key_name": "k"}, {"context": {}}, {"plaintext_length": 9}])
def test_what_the_caller_names_has_to_match(expected: dict[str, Any]) -> None:
    sealed = Message(**make_vectors.parameters("one byte", 1)).sealed
    with pytest.raises(SealBroken):
        list(read_foreign(sealed, KEK, **expected))


def test_a_final_frame_longer_than_a_frame_is_refused() -> None:
    m = Message(**make_vectors.parameters("one byte", 1))
    with pytest.raises(SealBroken, match="longer than a frame"):
        list(read_foreign(m.header + m.frame(1, bytes(129), final=True), KEK))
