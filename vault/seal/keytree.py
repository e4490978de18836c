"""The key tree of a fonds: addresses, and the way from the root's secret to the keys of one leaf (FORMAT.md 2).

A node has a 32-byte secret and 64 children. A *lazy* node derives its children, so an address costs no write. Five
digits name an extent, one more the leaf in it. Where something was destroyed, nodes have pages
(``pages.py``, ``tree.py``).

Rule 1: an address has one spelling in text and one in bytes; any other is refused.
Rule 2: derivation is a walk from a given node down given digits, so that a walk may begin at any node whose secret is
known otherwise (a page), not only at the root.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from vault.errors import InvalidInput
from vault.seal import labels
from vault.seal.secrets import SECRET_LENGTH, Secret

ARITY: Final = 64
EXTENT_DIGITS: Final = 5
EXTENT_COUNT: Final = ARITY**EXTENT_DIGITS
TREE_ID_LENGTH: Final = 16
ADDRESS_LENGTH: Final = TREE_ID_LENGTH + 4 + 1
ADDRESS_TEXT_LENGTH: Final = 2 * TREE_ID_LENGTH + 1 + 8 + 1 + 2

ROOT_LEVEL: Final = 0
EXTENT_LEVEL: Final = EXTENT_DIGITS
"""A node's level is how many digits lead to it: the root has level 0, an extent 5, a leaf 6."""

_CHILD_BLOCKS: Final = tuple(labels.TREE_CHILD + digit.to_bytes(2, "big") + b"\x01" for digit in range(ARITY))
_ADDRESS_TEXT = re.compile(r"([0-9a-f]{32})-([0-9a-f]{8})-([0-9a-f]{2})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LeafAddress:
    """Where a leaf stands: the tree, the extent (0 to 64**5 - 1) and the leaf in it (0 to 63).

    Raises ``InvalidInput`` when a part is out of range.
    """

    tree_id: bytes
    extent: int
    leaf: int

    def __post_init__(self) -> None:
        if len(self.tree_id) != TREE_ID_LENGTH:
            raise InvalidInput(f"a tree id has {TREE_ID_LENGTH} bytes, not {len(self.tree_id)}", field="tree_id")
        if not 0 <= self.extent < EXTENT_COUNT:
            raise InvalidInput(f"extent {self.extent} is outside 0 to {EXTENT_COUNT - 1}", field="extent")
        if not 0 <= self.leaf < ARITY:
            raise InvalidInput(f"leaf {self.leaf} is outside 0 to {ARITY - 1}", field="leaf")

    @property
    def digits(self) -> tuple[int, ...]:
        """The six base-64 digits from the root down: five of the extent, highest first, then the leaf."""
        return (*((self.extent >> shift) & 63 for shift in (24, 18, 12, 6, 0)), self.leaf)

    @property
    def text(self) -> str:
        """The one spelling in text: 44 characters of ``[0-9a-f-]``, fit for contexts and object keys."""
        return f"{self.tree_id.hex()}-{self.extent:08x}-{self.leaf:02x}"

    def __str__(self) -> str:
        return self.text

    def to_bytes(self) -> bytes:
        """The one spelling in bytes: tree id, extent as u32, leaf as u8; 21 bytes, big-endian."""
        return self.tree_id + self.extent.to_bytes(4, "big") + self.leaf.to_bytes(1, "big")

    @classmethod
    def parse(cls, text: str) -> LeafAddress:
        """Reads ``text`` back. Raises ``InvalidInput`` on any other spelling."""
        match = _ADDRESS_TEXT.fullmatch(text)
        if match is None:
            raise InvalidInput("a leaf address reads TREE-EXTENT-LEAF: 32, 8 and 2 lower-case hex digits", field="leaf")
        return cls(tree_id=bytes.fromhex(match[1]), extent=int(match[2], 16), leaf=int(match[3], 16))

    @classmethod
    def from_bytes(cls, value: bytes) -> LeafAddress:
        """Reads ``to_bytes()`` back. Raises ``InvalidInput`` on any other length or range."""
        if len(value) != ADDRESS_LENGTH:
            raise InvalidInput(f"a leaf address has {ADDRESS_LENGTH} bytes, not {len(value)}", field="leaf")
        extent = int.from_bytes(value[TREE_ID_LENGTH:-1], "big")
        return cls(tree_id=value[:TREE_ID_LENGTH], extent=extent, leaf=value[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafKeys:
    """The three keys of a leaf: for data keys of objects, for sealed fields, for keyed digests."""

    kek: Secret
    metadata_key: Secret
    blinding_key: Secret


def lazy_child(node: Secret, digit: int) -> Secret:
    """The secret of a lazy node's child: ``HKDF-Expand(S, "strongroom/tree/child" | digit:u16, 32)``."""
    if not 0 <= digit < ARITY:
        raise ValueError(f"digit {digit} is outside 0 to {ARITY - 1}")
    return _expand(node, labels.TREE_CHILD + digit.to_bytes(2, "big"))


def lazy_children(node: Secret) -> bytes:
    """The secrets of all 64 children of a lazy node behind each other: 2,048 bytes."""
    key = node.expose()
    # HKDF-Expand to one block of SHA-256 is HMAC(key, info | 01) (RFC 5869 section 2.3): half the time, 64 times over.
    return b"".join([hmac.digest(key, block, "sha256") for block in _CHILD_BLOCKS])


def page_key(node: Secret) -> Secret:
    """The key that seals the page of a node: ``HKDF-Expand(S, "strongroom/tree/page", 32)``."""
    return _expand(node, labels.TREE_PAGE)


def walk(node: Secret, digits: Iterable[int]) -> Secret:
    """The secret at the end of ``digits`` below ``node``, every node on the way being lazy."""
    for digit in digits:
        node = lazy_child(node, digit)
    return node


def leaf_secret(root: Secret, address: LeafAddress) -> Secret:
    """The secret of one leaf under a root of lazy nodes. The root has to be that of ``address.tree_id``."""
    return walk(root, address.digits)


def leaf_keys(leaf: Secret) -> LeafKeys:
    """The keys of a leaf from its secret."""
    return LeafKeys(
        kek=_expand(leaf, labels.LEAF_KEY_ENCRYPTION),
        metadata_key=_expand(leaf, labels.LEAF_METADATA),
        blinding_key=_expand(leaf, labels.LEAF_BLINDING),
    )


def _expand(secret: Secret, info: bytes) -> Secret:
    # No extract step: every secret of the tree is uniform already (RFC 5869 section 3.3).
    return Secret(HKDFExpand(SHA256(), SECRET_LENGTH, info).derive(secret.expose()))
