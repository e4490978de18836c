"""A secret of 32 bytes that does not show itself by accident.

Rule 1: repr, str and format give stars; pickling and copying are refused.
Rule 2: two secrets are compared in constant time.
Limit: Python cannot wipe memory. ``Secret`` keeps a key out of logs and tracebacks, not out of a memory dump.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final, NoReturn

SECRET_LENGTH: Final = 32

TokenBytes = Callable[[int], bytes]
"""Gives that many unpredictable bytes, as ``Randomness.token_bytes`` does."""


class Secret:
    """32 bytes of key material.

    Raises ``ValueError`` when it is given any other length.
    """

    __slots__ = ("_bytes",)
    __hash__ = None  # type: ignore[assignment]  # a hash would tell about the key, and secrets are no dictionary keys

    def __init__(self, value: bytes) -> None:
        if len(value) != SECRET_LENGTH:
            raise ValueError(f"a secret has {SECRET_LENGTH} bytes, not {len(value)}")
        self._bytes = bytes(value)

    @classmethod
    def generate(cls, token_bytes: TokenBytes) -> Secret:
        """A new secret from the given source of randomness."""
        return cls(random_bytes(token_bytes, SECRET_LENGTH))

    def expose(self) -> bytes:
        """The bytes themselves. Every call of this is a place to look at in a review."""
        return self._bytes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._bytes, other._bytes)

    def __repr__(self) -> str:
        return "Secret(********)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied; expose() it where it has to leave")


def random_bytes(token_bytes: TokenBytes, count: int) -> bytes:
    """``count`` bytes from ``token_bytes``; raises ``ValueError`` when the source gives another number of them."""
    value = token_bytes(count)
    if len(value) != count:
        raise ValueError(f"the source of randomness gave {len(value)} bytes instead of {count}")
    return value
