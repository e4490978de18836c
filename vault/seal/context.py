"""The context of a sealed object: what it is bound to, readable by anybody for as long as the object is locked.

Rule 1: opaque ids only. The alphabet ``[a-z0-9/-]`` keeps names and titles out; it cannot tell an id from a slug, so
what goes in stays the caller's promise.
Rule 2: the leaf's address is always there. It is also the name of the key that wraps the data key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from vault.seal import labels, message
from vault.seal.keytree import LeafAddress

MAX_VALUE_LENGTH: Final = 256
MAX_PAIRS: Final = 16

_KEY = re.compile(r"strongroom-[a-z0-9-]{1,64}", re.ASCII)
_VALUE = re.compile(r"[a-z0-9/-]{1,256}", re.ASCII)


def object_context(*, vault_id: str, leaf: LeafAddress, object_id: str) -> Mapping[str, str]:
    """The context that every object of the vault has: vault, leaf, object. Raises ``ValueError``."""
    context = {
        labels.CONTEXT_VAULT: vault_id,
        labels.CONTEXT_LEAF: leaf.text,
        labels.CONTEXT_OBJECT: object_id,
    }
    require_context(context)
    return MappingProxyType(context)


def require_context(context: Mapping[str, str]) -> None:
    """Raises ``ValueError`` unless keys and values are opaque ids and the leaf's address is among them."""
    if labels.CONTEXT_LEAF not in context:
        raise ValueError(f"the context has to name the leaf as {labels.CONTEXT_LEAF}")
    if len(context) > MAX_PAIRS:
        raise ValueError(f"a context has at most {MAX_PAIRS} pairs")
    for key, value in context.items():
        if _KEY.fullmatch(key) is None:
            raise ValueError(f"a context key reads {labels.CONTEXT_PREFIX}..., in [a-z0-9-]")
        if _VALUE.fullmatch(value) is None:
            raise ValueError(f"the value of {key} is not an opaque id in [a-z0-9/-] of at most {MAX_VALUE_LENGTH}")
    LeafAddress.parse(context[labels.CONTEXT_LEAF])


def header_length(context: Mapping[str, str]) -> int:
    """Bytes of the header of an object sealed under this context; no two objects of one context differ in it."""
    require_context(context)
    return message.MESSAGE_ID_LENGTH + _FIXED_LENGTH + _variable_length(context)


_FIXED_LENGTH: Final = (
    (1 + 2)  # version, suite
    + 2  # length of the context
    + 2  # number of data keys
    + (2 + len(labels.PROVIDER))
    + (2 + 4 + 4 + message.IV_LENGTH)  # key information without the key's name
    + (2 + message.KEY_LENGTH + message.TAG_LENGTH)
    + (1 + 4)  # content type, frame length
    + message.KEY_LENGTH  # commitment
    + message.TAG_LENGTH
)


def _variable_length(context: Mapping[str, str]) -> int:
    return len(message.serialize_context(context)) + len(context[labels.CONTEXT_LEAF])
