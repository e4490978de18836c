"""What ``make_vectors`` writes into ``vectors/pages.json``: pages and increments, with what has to be refused.

A refusal names what is changed in a good one: bytes put elsewhere, a length, or what the reader is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from tests.vault.seal.reference_tree import (
    DEAD,
    LAZY,
    PAGE,
    Child,
    ReferenceTree,
    Where,
    lazy_page,
    leaf_of,
    sealed_page,
)

Seed = Callable[..., bytes]
PAGE_LENGTH = 2140
HEAD_LENGTH = 77
LEAVES = ((42, 7), (42, 8), (42, 9), (43, 0), (43, 63), (44, 0), (64**5 - 1, 63), (0, 0))


def page_vectors(seed: Seed, tree_id: bytes) -> dict[str, Any]:
    return {"tree_id": tree_id.hex(), **_pages(seed, tree_id), **_history(seed, tree_id)}


def _pages(seed: Seed, tree_id: bytes) -> dict[str, Any]:
    lazy = lazy_page(seed("page lazy"))
    mixed = [
        Child(DEAD, bytes(32)) if i % 7 == 3 else Child(PAGE if i % 5 == 1 else LAZY, seed(f"page child {i}"))
        for i in range(64)
    ]
    leaves = [Child(DEAD, bytes(32)) if i in (0, 9, 63) else Child(LAZY, seed(f"page leaf {i}")) for i in range(64)]
    cases: tuple[tuple[str, Where, list[Child]], ...] = (
        ("the root's, 64 lazy children", (0, 0), lazy),
        ("dead, lazy and paged children", (3, 4711), mixed),
        ("an extent's", (5, 64**5 - 1), leaves),
        ("an extent's, one leaf alive", (5, 42), [*[Child(DEAD, bytes(32))] * 63, leaves[1]]),
    )
    good: list[dict[str, Any]] = []
    for name, where, children in cases:
        node, nonce = seed(f"page node {name}"), seed(f"page nonce {name}", 12)
        good.append(
            {
                "name": name,
                "node": node.hex(),
                "nonce": nonce.hex(),
                "level": where[0],
                "number": where[1],
                "states": bytes(child.state for child in children).hex(),
                "secrets": b"".join(child.secret for child in children).hex(),
                "sealed": sealed_page(node, children, tree_id, where, nonce).hex(),
            }
        )
    refused: list[dict[str, Any]] = [
        {"why": f"bit flipped in byte {at}", "of": 1, "flip": at}
        for at in (0, 11, 12, 75, 76, 76 + 2047, PAGE_LENGTH - 16, PAGE_LENGTH - 1)
    ]
    refused += [{"why": f"{length} bytes long", "of": 1, "length": length} for length in (0, 12, 28, 2139, 2141)]
    refused += [
        {"why": "another level", "of": 1, "level": 2},
        {"why": "the level above with the same number", "of": 0, "level": 1},
        {"why": "another number", "of": 1, "number": 4712},
        {"why": "another tree", "of": 1, "tree_id": seed("another tree", 16).hex()},
        {"why": "another secret of the node", "of": 1, "node": seed("another node").hex()},
    ]
    by_holder: tuple[tuple[str, int, list[Child]], ...] = (
        ("a secret left for a dead child", 1, [Child(DEAD, mixed[1].secret), *mixed[1:]]),
        ("a bit left for the last dead child", 1, [*mixed[:63], Child(DEAD, bytes(31) + b"\x01")]),
        ("a state that there is not", 1, [Child(3, mixed[0].secret), *mixed[1:]]),
        ("a leaf with a page", 2, [*leaves[:1], Child(PAGE, leaves[1].secret), *leaves[2:]]),
        ("63 children", 1, mixed[:63]),
        ("65 children", 1, [*mixed, mixed[0]]),
    )
    for why, of, children in by_holder:
        _, where, _ = cases[of]
        node = bytes.fromhex(good[of]["node"])
        sealed = sealed_page(node, children, tree_id, where, seed(f"page nonce {why}", 12))
        refused.append({"why": f"sealed by a holder of the secret: {why}", "of": of, "sealed": sealed.hex()})
    return {"pages": good, "refused_pages": refused}


def _history(seed: Seed, tree_id: bytes) -> dict[str, Any]:
    """Generation 2 destroys a leaf; 3 a leaf beside it and a whole extent; 4 the rest of the first extent."""
    tree = ReferenceTree(tree_id, seed("page root"), seed)
    extent = [0, 0, 0, 0, 42]
    batches = (
        [[*extent, 7]],
        [[*extent, 8], [0, 0, 0, 0, 43]],
        [[*extent, leaf] for leaf in range(64) if leaf not in (7, 8)],
    )
    steps, first_root = [], tree.root
    for batch in batches:
        increment = tree.destroy(batch, lambda data: hashlib.sha256(data).digest())
        found = []
        for number, leaf in LEAVES:
            digits = [(number // 64**power) % 64 for power in (4, 3, 2, 1, 0)] + [leaf]
            secret = leaf_of(tree.root, tree.pages, tree_id, digits)
            found.append({"extent": number, "leaf": leaf, "secret": None if secret is None else secret.hex()})
        steps.append(
            {
                "root": tree.root.hex(),
                "increment": increment.hex(),
                "digest": tree.digest.hex(),
                "places": [list(where) for where in sorted(tree.pages)],
                "leaves": found,
            }
        )
    row = 5 + PAGE_LENGTH
    refused: list[dict[str, Any]] = [
        {"why": "another version", "of": 0, "put": {"0": "02"}},
        {"why": "generation 1", "of": 0, "put": {"17": "00000001"}},
        {"why": "the first increment with a predecessor", "of": 0, "put": {"68": "01"}},
        {"why": "a later increment without a predecessor", "of": 1, "put": {"37": "00" * 32}},
        {"why": "one page fewer than counted", "of": 0, "put": {"73": "00000007"}},
        {"why": "one page more than counted", "of": 0, "put": {"73": "00000005"}},
        {"why": "a removed page counted that is a page", "of": 0, "put": {"69": "00000001"}},
        {"why": "a level that there is not", "of": 0, "put": {str(HEAD_LENGTH + 5 * row): "06"}},
        {"why": "a number that its level does not have", "of": 0, "put": {str(HEAD_LENGTH + row + 1): "00000040"}},
        {"why": "a page whose parent is not there", "of": 0, "put": {str(HEAD_LENGTH + 5 * row + 1): "00000fff"}},
        {"why": "no page of the root", "of": 0, "put": {str(HEAD_LENGTH): "01"}},
        {"why": "a page twice", "of": 0, "put": {str(HEAD_LENGTH + row): "0000000000"}},
        {"why": "pages that fall", "of": 0, "put": {str(HEAD_LENGTH + 2 * row): "0100000000"}},
        {"why": "a removed page whose parent is not there", "of": 2, "put": {str(HEAD_LENGTH): "0500000fff"}},
        *({"why": f"cut to {length} bytes", "of": 0, "length": length} for length in (0, 1, 76, 77, 90, 12946)),
        {"why": "a byte behind the end", "of": 0, "length": HEAD_LENGTH + 6 * row + 1},
    ]
    return {"first_root": first_root.hex(), "generations": steps, "refused_increments": refused}
