"""A link's token has one spelling, and nobody else can make one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.seal.samples import vectors
from vault.errors import NotFound
from vault.seal.secrets import Secret
from vault.seal.tokens import open_token, sign_token

TOKENS = vectors("tokens")
KEY = Secret(bytes.fromhex(TOKENS["key"]))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_token_is_that_of_its_vector() -> None:
    link_id = bytes.fromhex(TOKENS["link_id"])
    assert sign_token(KEY, link_id) == TOKENS["token"]
    assert open_token(KEY, TOKENS["token"]) == link_id


@pytest.mark.parametrize("token", TOKENS["refused"])
def test_any_other_text_is_not_found(token: str) -> None:
    with pytest.raises(NotFound, match=r"^no such link$"):
        open_token(KEY, token)


@given(st.binary(min_size=16, max_size=16))
def test_a_token_names_its_link(link_id: bytes) -> None:
    token = sign_token(KEY, link_id)
    assert open_token(KEY, token) == link_id
    assert len(token) == 44
    assert set(token) <= set(ALPHABET)


@given(st.integers(0, 43), st.sampled_from(ALPHABET))
def test_a_token_with_one_other_letter_is_not_found(place: int, letter: str) -> None:
    token = TOKENS["token"]
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(NotFound):
            open_token(KEY, changed)


@given(st.text())
def test_made_up_texts_are_not_found(token: str) -> None:
    with pytest.raises(NotFound):
        open_token(KEY, token)


@pytest.mark.parametrize("length", [0, 15, 17])
def test_a_link_id_has_16_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        sign_token(KEY, bytes(length))
