"""The stock AWS Encryption SDK judges: it opens ours, we open its."""

from __future__ import annotations

import os

import pytest

from tests.vault.seal.samples import ADDRESS, CONTEXT, KEK
from tests.vault.seal.stock_sdk import sdk_open, sdk_seal
from vault.errors import SealBroken
from vault.seal.envelope import FRAME_LENGTH, open_message, read_foreign, seal_message

F = FRAME_LENGTH
MIB = 1024 * 1024
SIZES = [0, 1, F - 1, F, F + 1, 5 * F]


@pytest.mark.parametrize("size", [*SIZES, 100 * MIB])
def test_the_stock_sdk_opens_what_the_vault_sealed(size: int) -> None:
    plaintext = os.urandom(size)
    sealed = bytes(seal_message(KEK, CONTEXT, plaintext, token_bytes=os.urandom))
    opened, context = sdk_open(sealed, provider="strongroom", key_name=ADDRESS.text, key=KEK.expose())
    assert opened == plaintext
    assert context == dict(CONTEXT)


# The SDK copies what it has at every frame that it writes: 100 MiB take it minutes.
@pytest.mark.parametrize("size", [*SIZES, 20 * MIB + 3])
def test_the_vault_opens_what_the_stock_sdk_sealed(size: int) -> None:
    plaintext = os.urandom(size)
    sealed = sdk_seal(
        plaintext, provider="strongroom", key_name=ADDRESS.text, key=KEK.expose(), context=CONTEXT, frame_length=F
    )
    assert open_message(sealed, KEK, CONTEXT, plaintext_length=size) == plaintext
    assert b"".join(read_foreign(sealed, KEK, context=CONTEXT, plaintext_length=size)) == plaintext


@pytest.mark.parametrize("frame_length", [128, 4096, 1024 * 1024])
def test_any_frame_length_and_context_of_the_stock_sdk_can_be_read(frame_length: int) -> None:
    plaintext = os.urandom(300_000)
    for context in ({}, {"\u00e9t\u00e9": "\u6a94\u6848", "a": ""}):
        sealed = sdk_seal(
            plaintext, provider="p", key_name="", key=KEK.expose(), context=context, frame_length=frame_length
        )
        chunks = [sealed[i : i + 70_001] for i in range(0, len(sealed), 70_001)]
        assert b"".join(read_foreign(chunks, KEK, provider="p", key_name="", context=context)) == plaintext


def test_the_stock_sdk_ignores_bytes_after_the_end_and_the_vault_does_not() -> None:
    sealed = bytes(seal_message(KEK, CONTEXT, b"whole", token_bytes=os.urandom)) + b"\0"
    assert sdk_open(sealed, provider="strongroom", key_name=ADDRESS.text, key=KEK.expose())[0] == b"whole"
    with pytest.raises(SealBroken):
        open_message(sealed, KEK, CONTEXT, plaintext_length=5)
    with pytest.raises(SealBroken, match="bytes follow"):
        list(read_foreign(sealed, KEK))
