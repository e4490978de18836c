"""A context holds opaque ids, and says how long the header is."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.seal.samples import ADDRESS, CONTEXT, KEK
from vault.errors import InvalidInput
from vault.seal.context import header_length, object_context, require_context
from vault.seal.envelope import Sealer

ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789-/", min_size=1, max_size=64)


@given(ids, ids)
def test_the_headers_length_is_known_from_the_context(vault_id: str, object_id: str) -> None:
    context = object_context(vault_id=vault_id, leaf=ADDRESS, object_id=object_id)
    assert Sealer.new(KEK, context, token_bytes=os.urandom).header_length == header_length(context)


@pytest.mark.parametrize("value", ["", "Zhang San", "\u5f20\u4e09", "UPPER", "a.pdf", "a" * 257, "a\n", "a_b"])
def test_what_could_be_a_name_does_not_enter_a_context(value: str) -> None:
    with pytest.raises(ValueError, match="opaque id"):
        require_context({**CONTEXT, "strongroom-object": value})


@pytest.mark.parametrize(
    "key", ["object", "aws-crypto-public-key", "strongroom-", "strongroom-Title", "strongroom-a b"]
)
def test_a_context_takes_keys_of_ours_only(key: str) -> None:
    with pytest.raises(ValueError, match="context key"):
        require_context({**CONTEXT, key: "1"})


def test_a_context_names_its_leaf() -> None:
    with pytest.raises(ValueError, match="leaf"):
        require_context({"strongroom-vault": "v-1"})
    with pytest.raises(InvalidInput):
        require_context({"strongroom-leaf": "v-1"})


def test_a_context_is_short() -> None:
    with pytest.raises(ValueError, match="at most 16"):
        require_context({**CONTEXT, **{f"strongroom-{n}": "1" for n in range(14)}})
