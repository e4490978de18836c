"""Somebody who got hold of key pages of any time and of some roots, and computes everything that they lead to.

Shares no line with ``vault.seal``, and is not bound by its rules: what a page says of a child is not believed, a lazy
derivation is tried beside every page, and every page of a node is tried with every secret that the node may have.

Rule 1: what is learnt is never forgotten. Answers are worked out when asked, each node once.
Rule 2: a test that finds nothing with it also holds a control, in which it finds.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.seal.increments import Increment
from vault.seal.keytree import LeafAddress
from vault.seal.pages import Place
from vault.seal.secrets import Secret

Where = tuple[int, int]
"""Level and number of a node; leaves have level 6."""


class Adversary:
    """Everything that one may know of one tree, and what follows from it."""

    def __init__(self, tree_id: bytes) -> None:
        self._tree_id = tree_id
        self._pages: dict[Where, set[bytes]] = {}
        self._given: dict[Where, set[bytes]] = {}
        self._derived: dict[Where, frozenset[bytes]] = {}
        self._opened: dict[Where, list[bytes]] = {}

    def learn_page(self, level: int, number: int, sealed: bytes) -> None:
        """A page of any time: a row, one of a backup, one carved from a disk, one of a batch never committed."""
        self._pages.setdefault((level, number), set()).add(bytes(sealed))
        self._forget_answers()

    def learn_pages(self, pages: Mapping[Place, bytes]) -> None:
        """A whole state of the tree."""
        for (level, number), sealed in pages.items():
            self.learn_page(level, number, sealed)

    def learn_increment(self, increment: Increment) -> None:
        """An increment from the object store."""
        self.learn_pages(increment.pages)

    def learn_root(self, root: Secret | bytes) -> None:
        """A root, from a keeper that kept it or from memory."""
        self.learn_secret(0, 0, root)

    def learn_secret(self, level: int, number: int, secret: Secret | bytes) -> None:
        """The secret that some node has, or had."""
        value = secret.expose() if isinstance(secret, Secret) else secret
        self._given.setdefault((level, number), set()).add(value)
        self._forget_answers()

    def secrets_of(self, level: int, number: int) -> frozenset[bytes]:
        """Every secret that the node may have, as far as what is known leads to it."""
        where = (level, number)
        known = self._derived.get(where)
        if known is None:
            found = set(self._given.get(where, ()))
            if level > 0:
                parent, digit = (level - 1, number // 64), number % 64
                label = b"strongroom/tree/child" + digit.to_bytes(2, "big") + b"\x01"
                found |= {hmac.digest(secret, label, "sha256") for secret in self.secrets_of(*parent)}
                found |= {content[64 + 32 * digit : 96 + 32 * digit] for content in self._contents(parent)}
            known = self._derived[where] = frozenset(found - {bytes(32)})
        return known

    def derives(self, address: LeafAddress, secret: Secret) -> bool:
        """Whether this secret of a leaf is among those that follow from what is known."""
        return secret.expose() in self.secrets_of(6, address.extent * 64 + address.leaf)

    def found_among(self, leaves: Iterable[tuple[LeafAddress, Secret]]) -> set[LeafAddress]:
        """The leaves whose secrets follow from what is known."""
        return {address for address, secret in leaves if self.derives(address, secret)}

    def opened_pages(self) -> int:
        """How many pages, of all that are known, open by now; works out every node that has a page."""
        return sum(len(self._contents(where)) for where in self._pages)

    def _contents(self, where: Where) -> list[bytes]:
        """Every page of the node that opens under any secret of it."""
        contents = self._opened.get(where)
        if contents is None:
            contents = self._opened[where] = []
            pages = self._pages.get(where, ())
            aad = b"strongroom/tree/sealed-page\x01" + self._tree_id + bytes([where[0]]) + where[1].to_bytes(4, "big")
            for secret in self.secrets_of(*where) if pages else ():
                key = AESGCM(hmac.digest(secret, b"strongroom/tree/page\x01", "sha256"))
                for sealed in pages:
                    try:
                        contents.append(key.decrypt(sealed[:12], sealed[12:], aad))
                    except InvalidTag:
                        continue
        return contents

    def _forget_answers(self) -> None:
        self._derived.clear()
        self._opened.clear()
