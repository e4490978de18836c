"""Alterations of stored objects, each opened through the vault: refused, or the true bytes, and never other ones.

Every bit of a short object, every length it may be cut to, frames of a long one rearranged (read whole and by ranges),
and other objects in its place. Quick takes one bit a byte.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmarks.frame import Measure, at_most
from tests.support.store import running_store
from tests.support.tampering import Alter, Verdict, flipped, judge, rearranged, sealed_bytes, version_of
from tests.support.vault import add_bytes, running_vault, staff
from vault.seal.sizes import FRAME_LENGTH
from vault.workflows.vault import Vault

SHORT = b"four hundred dollars, payable to the bearer"


def _instead(altered: bytes) -> Alter:
    return lambda _key, _body: altered


def _verdicts(vault: Vault, stranger: Vault, quick: bool) -> Iterator[tuple[str, Verdict]]:
    actor, long = staff(vault), os.urandom(3 * FRAME_LENGTH + 1_000)
    short_id, long_id = add_bytes(vault, actor, SHORT).record_id, add_bytes(vault, actor, long).record_id
    strange_id = add_bytes(stranger, staff(stranger), SHORT).record_id
    body, long_body = sealed_bytes(vault, short_id), sealed_bytes(vault, long_id)
    for bit in range(0, len(body) * 8, 9 if quick else 1):
        yield "a bit flipped", judge(vault, short_id, SHORT, alter=_instead(flipped(body, bit)))
    for end in range(len(body)):
        yield "cut short", judge(vault, short_id, SHORT, alter=_instead(body[:end]))
    for other in (long_body, sealed_bytes(stranger, strange_id)):
        yield "another object", judge(vault, short_id, SHORT, alter=_instead(other), greedy=True)
    spans = [(0, 10), (FRAME_LENGTH - 5, 10), (FRAME_LENGTH, FRAME_LENGTH), (len(long) - 1, 1)]
    for _, altered in rearranged(version_of(vault, long_id).object, long_body):
        yield "frames rearranged", judge(vault, long_id, long, alter=_instead(altered), greedy=True)
        for start, length in spans:
            verdict = judge(vault, long_id, long, alter=_instead(altered), start=start, length=length)
            yield "frames rearranged, a range", verdict


def measure(quick: bool) -> list[Measure]:
    """Cases of each kind, and how many of them went wrong."""
    folder = Path(tempfile.mkdtemp(prefix="strongroom-tampering-"))
    try:
        with (
            running_store(folder / "store") as store,
            running_vault(store.settings, folder / "home") as vault,
            running_vault(store.settings, folder / "stranger") as stranger,
        ):
            counts = Counter(_verdicts(vault, stranger, quick))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kinds = dict.fromkeys(kind for kind, _ in counts)
    measures = [
        Measure(measure=f"{kind}: cases", goal="", figure=sum(counts[kind, verdict] for verdict in Verdict))
        for kind in kinds
    ]
    plausible = sum(counts[kind, Verdict.PLAUSIBLE] for kind in kinds)
    opened = sum(counts[kind, Verdict.TRUE] for kind in kinds if not kind.endswith("a range"))
    return [
        *measures,
        at_most("other bytes, or fewer, politely", 0, plausible),
        at_most("altered objects that opened whole", 0, opened),
    ]
