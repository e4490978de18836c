"""Secrets do not show themselves."""

from __future__ import annotations

import copy
import pickle

import pytest

from vault.seal.keytree import leaf_keys
from vault.seal.secrets import Secret, random_bytes

SHOWING = Secret(b"K" * 32)


@pytest.mark.parametrize("shown", [repr(SHOWING), str(SHOWING), f"{SHOWING}", f"{SHOWING:>40}", f"{[SHOWING]}"])
def test_a_secret_shows_stars_however_it_is_printed(shown: str) -> None:
    assert "***" in shown
    assert "KK" not in shown
    assert b"KK".hex() not in shown


def test_the_keys_of_a_leaf_show_stars() -> None:
    keys = leaf_keys(SHOWING)
    assert repr(keys).count("***") >= 3
    for key in (keys.kek, keys.metadata_key, keys.blinding_key):
        assert repr(key.expose()) not in repr(keys)
        assert key.expose().hex() not in repr(keys)


def test_secrets_are_equal_by_their_bytes() -> None:
    assert Secret(b"K" * 32) == SHOWING
    assert Secret(b"L" * 32) != SHOWING
    assert SHOWING != b"K" * 32


def test_a_secret_is_neither_pickled_nor_copied_nor_hashed() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(SHOWING)
    with pytest.raises(TypeError):
        copy.copy(SHOWING)
    with pytest.raises(TypeError):
        hash(SHOWING)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_secret_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Secret(bytes(length))


def test_a_source_that_gives_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="randomness"):
        random_bytes(lambda count: bytes(count - 1), 12)
    with pytest.raises(ValueError, match="randomness"):
        Secret.generate(lambda count: b"")
