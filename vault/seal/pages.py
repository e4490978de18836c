"""Pages of the key tree: what is under a node once something under it has been destroyed (FORMAT.md 2.2).

A page says of each of 64 children whether it is dead, lazy or has a page of its own, and holds its secret. It is sealed
under the secret of its node.

Rule 1: a page is sealed under a secret that was drawn for it, so one secret opens one page: an older page of the same
node, or one of another node, does not open.
Rule 2: a dead child has no secret: its place is 32 zero bytes, and a page that says otherwise is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import SealBroken
from vault.ports import Buffer
from vault.seal import labels
from vault.seal.keytree import ARITY, EXTENT_LEVEL, TREE_ID_LENGTH, lazy_children, page_key
from vault.seal.secrets import SECRET_LENGTH, Secret

PAGE_VERSION: Final = 1
NONCE_LENGTH: Final = 12
TAG_LENGTH: Final = 16
CONTENT_LENGTH: Final = ARITY + ARITY * SECRET_LENGTH
PAGE_LENGTH: Final = NONCE_LENGTH + CONTENT_LENGTH + TAG_LENGTH

_NO_SECRET: Final = bytes(SECRET_LENGTH)
_AAD_START: Final = labels.TREE_SEALED_PAGE + bytes((PAGE_VERSION,))


class ChildState(IntEnum):
    """What a page says of a child. Under an extent ``LAZY`` is a leaf that lives; ``PAGE`` does not occur there."""

    DEAD = 0
    LAZY = 1
    PAGE = 2


class Place(NamedTuple):
    """Where a node stands: its level (0 the root, 5 an extent) and the number that its digits spell."""

    level: int
    number: int

    @property
    def parent(self) -> Place:
        """The node above; the root has none."""
        return Place(self.level - 1, self.number // ARITY)

    def child(self, digit: int) -> Place:
        """The node below under ``digit``."""
        return Place(self.level + 1, self.number * ARITY + digit)

    @property
    def exists(self) -> bool:
        """Whether a tree has such a node, and it may have a page."""
        return 0 <= self.level <= EXTENT_LEVEL and 0 <= self.number < ARITY**self.level

    def __str__(self) -> str:
        return f"{self.level}/{self.number}"


ROOT: Final = Place(0, 0)


class Page:
    """The 64 children of one node, opened. Does not show its secrets; ``replaced`` gives a new page."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    @classmethod
    def of_lazy(cls, node: Secret) -> Page:
        """The page that a lazy node has in effect: 64 lazy children with the secrets that it derives for them."""
        return cls(bytes((ChildState.LAZY,)) * ARITY + lazy_children(node))

    def state(self, digit: int) -> ChildState:
        """What this page says of a child."""
        return ChildState(self._content[:ARITY][digit])

    def secret(self, digit: int) -> Secret:
        """The secret of a child. Raises ``ValueError`` for a dead one: it has none."""
        if self.state(digit) is ChildState.DEAD:
            raise ValueError(f"child {digit} is dead; it has no secret")
        start = ARITY + digit * SECRET_LENGTH
        return Secret(self._content[start : start + SECRET_LENGTH])

    def digits(self, state: ChildState) -> list[int]:
        """The children in one state, in order."""
        return [digit for digit in range(ARITY) if self._content[digit] == state]

    @property
    def is_dead(self) -> bool:
        """Whether no child lives."""
        return not any(self._content[:ARITY])

    def replaced(self, children: Mapping[int, Secret | None]) -> Page:
        """This page with some children replaced: None for one that dies, a secret for one that has a page by now."""
        content = bytearray(self._content)
        for digit, secret in children.items():
            if not 0 <= digit < ARITY:
                raise ValueError(f"digit {digit} is outside 0 to {ARITY - 1}")
            start = ARITY + digit * SECRET_LENGTH
            content[digit] = ChildState.DEAD if secret is None else ChildState.PAGE
            content[start : start + SECRET_LENGTH] = _NO_SECRET if secret is None else secret.expose()
        return Page(bytes(content))

    def to_content(self) -> bytes:
        """The plaintext of the page: 64 states, then 64 secrets. Key material, like ``Secret.expose()``."""
        return self._content

    def __repr__(self) -> str:
        return "Page(********)"


def seal_page(node: Secret, page: Page, *, tree_id: bytes, place: Place, nonce: bytes) -> bytes:
    """Seals a page under its node's secret: nonce, ciphertext, tag; 2,140 bytes.

    ``node`` has to be a secret drawn for this page. Raises ``ValueError`` for a page that would not open again.
    """
    if len(tree_id) != TREE_ID_LENGTH or len(nonce) != NONCE_LENGTH or not place.exists:
        raise ValueError(f"page {place}: its tree id, nonce or place is not one that a page can have")
    if (fault := _fault(page.to_content(), place)) is not None:
        raise ValueError(f"page {place}: {fault}")
    # The node's secret is fresh, so its page key seals this one page: no nonce occurs twice under it (FORMAT.md 2.2).
    sealed = AESGCM(page_key(node).expose()).encrypt(nonce, page.to_content(), _associated_data(tree_id, place))
    return nonce + sealed


def open_page(node: Secret, sealed: Buffer, *, tree_id: bytes, place: Place) -> Page:
    """Opens the page of one node.

    Raises ``SealBroken`` when it was altered or cut, is another node's or another tree's, or is older or newer than
    this secret of the node.
    """
    data = bytes(sealed)
    if len(data) != PAGE_LENGTH:
        raise SealBroken(f"key page {place} has {len(data)} bytes, not {PAGE_LENGTH}; restore the pages from the store")
    key, nonce = page_key(node).expose(), data[:NONCE_LENGTH]
    try:
        content = AESGCM(key).decrypt(nonce, data[NONCE_LENGTH:], _associated_data(tree_id, place))
    except InvalidTag as exc:
        raise SealBroken(
            f"key page {place} is not the one that its parent names: altered, exchanged, or of another generation; "
            "restore the pages from the store"
        ) from exc
    if (fault := _fault(content, place)) is not None:
        raise SealBroken(f"key page {place}: {fault}; restore the pages from the store")
    return Page(content)


def _associated_data(tree_id: bytes, place: Place) -> bytes:
    return _AAD_START + tree_id + place.level.to_bytes(1, "big") + place.number.to_bytes(4, "big")


def _fault(content: bytes, place: Place) -> str | None:
    """What is wrong with a page's plaintext, or None."""
    if len(content) != CONTENT_LENGTH:
        return f"its content has {len(content)} bytes, not {CONTENT_LENGTH}"
    states = content[:ARITY]
    if states.translate(None, b"\x00\x01" if place.level == EXTENT_LEVEL else b"\x00\x01\x02"):
        return "it gives a child a state that there is not"
    digit = states.find(ChildState.DEAD)
    while digit >= 0:
        start = ARITY + digit * SECRET_LENGTH
        if content[start : start + SECRET_LENGTH] != _NO_SECRET:
            return f"it holds a secret for its dead child {digit}"
        digit = states.find(ChildState.DEAD, digit + 1)
    return None
