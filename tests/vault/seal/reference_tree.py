"""Pages and increments of the key tree once more, plainly from FORMAT.md 2; shares no line with ``vault.seal``.

A tree is a dictionary of sealed pages by (level, number), and a root. Slow on purpose: a lazy node's children are
derived one after the other, and a walk opens each page anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.vault.seal.reference import gcm, hkdf_expand, u16, u32, ungcm

DEAD, LAZY, PAGE = 0, 1, 2
Where = tuple[int, int]


class Child(NamedTuple):
    state: int
    secret: bytes


def page_aad(tree_id: bytes, where: Where) -> bytes:
    return b"strongroom/tree/sealed-page\x01" + tree_id + bytes([where[0]]) + u32(where[1])


def sealed_page(node: bytes, children: Iterable[Child], tree_id: bytes, where: Where, nonce: bytes) -> bytes:
    children = list(children)
    content = bytes(child.state for child in children) + b"".join(child.secret for child in children)
    key = hkdf_expand("sha256", node, b"strongroom/tree/page")
    return nonce + b"".join(gcm(key, nonce, content, page_aad(tree_id, where)))


def opened_page(node: bytes, sealed: bytes, tree_id: bytes, where: Where) -> list[Child]:
    key = hkdf_expand("sha256", node, b"strongroom/tree/page")
    content = ungcm(key, sealed[:12], sealed[12:-16], sealed[-16:], page_aad(tree_id, where))
    return [Child(content[i], content[64 + 32 * i : 96 + 32 * i]) for i in range(64)]


def lazy_page(node: bytes) -> list[Child]:
    return [Child(LAZY, hkdf_expand("sha256", node, b"strongroom/tree/child" + u16(i))) for i in range(64)]


def leaf_of(root: bytes, pages: dict[Where, bytes], tree_id: bytes, digits: list[int]) -> bytes | None:
    """A leaf's secret, or None when it is dead. The root has a page when there is any."""
    node, where, paged = root, (0, 0), bool(pages)
    for digit in digits:
        children = opened_page(node, pages[where], tree_id, where) if paged else lazy_page(node)
        state, node = children[digit]
        if state == DEAD:
            return None
        paged = state == PAGE
        where = (where[0] + 1, where[1] * 64 + digit)
    return node


class ReferenceTree:
    """A tree that destroys one address after the other, page by page, with secrets drawn by name."""

    def __init__(self, tree_id: bytes, root: bytes, draw: Callable[[str, int], bytes]) -> None:
        self.tree_id = tree_id
        self.root = root
        self.draw = draw
        self.generation = 1
        self.digest = bytes(32)
        self.pages: dict[Where, bytes] = {}

    def destroy(self, doomed: list[list[int]], digest: Callable[[bytes], bytes]) -> bytes:
        """Destroys paths of five digits (an extent) or six (a leaf) in one batch; gives the increment."""
        self.generation += 1
        before = dict(self.pages)
        changed: dict[Where, bytes] = {}

        def replace(node: bytes, where: Where, paged: bool, paths: list[list[int]]) -> bytes | None:
            children = opened_page(node, before[where], self.tree_id, where) if paged else lazy_page(node)
            for digit in sorted({path[0] for path in paths}):
                below = [path[1:] for path in paths if path[0] == digit]
                child, place = children[digit], (where[0] + 1, where[1] * 64 + digit)
                if child.state == DEAD:
                    continue
                fresh = None if [] in below else replace(child.secret, place, child.state == PAGE, below)
                children[digit] = Child(DEAD, bytes(32)) if fresh is None else Child(PAGE, fresh)
                if fresh is None:
                    self.pages.pop(place, None)
            if where != (0, 0) and all(child.state == DEAD for child in children):
                return None
            name = f"{self.generation} {where}"
            secret = self.draw(f"node {name}", 32)
            changed[where] = sealed_page(secret, children, self.tree_id, where, self.draw(f"nonce {name}", 12))
            return secret

        root = replace(self.root, (0, 0), bool(before), doomed)
        assert root is not None
        self.root = root
        self.pages.update(changed)
        removed = sorted(set(before) - set(self.pages))
        increment = b"\x01" + self.tree_id + u32(self.generation) + self.draw(f"attempt {self.generation}", 16)
        increment += self.digest + u32(len(removed)) + u32(len(changed))
        increment += b"".join(bytes([level]) + u32(number) for level, number in removed)
        for level, number in sorted(changed):
            increment += bytes([level]) + u32(number) + changed[level, number]
        self.digest = digest(increment)
        return increment
