"""An object store in the hands of an attacker, and a judge of what comes out of the vault.

    judged = judge(vault, record_id, truth, alter=lambda key, body: flipped(body, bit=17))
    assert judged is Verdict.REFUSED

Rule 1: whatever is altered, the vault may refuse or give the true bytes; what came before a refusal is true too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum

from tests.support.faultpoints import FaultPoints, WatchedStore
from tests.support.vault import staff
from vault.errors import Broken
from vault.ids import RecordId
from vault.records import SealedObject, Version
from vault.seal.sizes import FRAME_OVERHEAD
from vault.workflows.retrieval import open_version
from vault.workflows.vault import Vault

Alter = Callable[[str, bytes], bytes]


class Verdict(StrEnum):
    """What the vault made of an alteration."""

    REFUSED = "refused"
    TRUE = "the true bytes"
    PLAUSIBLE = "other bytes, or fewer, politely"


class AlteredStore(WatchedStore):
    """Gives other bytes than it keeps. ``greedy``: and more of them than were asked for."""

    def __init__(self, vault: Vault, alter: Alter, *, greedy: bool = False) -> None:
        super().__init__(vault.store, FaultPoints())
        self._alter = alter
        self._greedy = greedy
        self._kept = vault.store

    @contextmanager
    def read(
        self, key: str, version_id: str | None, *, start: int = 0, length: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        """The altered bytes of a range."""
        with self._kept.read(key, version_id) as chunks:
            body = self._alter(key, b"".join(chunks))
        end = len(body) if length is None or self._greedy else start + length
        piece = body[start:end]
        yield iter([piece[at : at + 65_536] for at in range(0, len(piece), 65_536)])


def judge(
    vault: Vault,
    record_id: RecordId,
    truth: bytes,
    *,
    alter: Alter = lambda _key, body: body,
    greedy: bool = False,
    ordinal: int | None = None,
    start: int = 0,
    length: int | None = None,
) -> Verdict:
    """Opens a record, or a range of it, through the attacker's store, and judges what comes out."""
    attacked = replace(vault, store=AlteredStore(vault, alter, greedy=greedy))
    wanted = truth[start:] if length is None else truth[start : start + length]
    got = bytearray()
    try:
        opening = open_version(attacked, staff(vault), record_id, ordinal=ordinal, purpose="business")
        for block in opening.stream(start, length):
            got += block
    except Broken:
        return Verdict.REFUSED if wanted.startswith(got) else Verdict.PLAUSIBLE
    return Verdict.TRUE if got == wanted else Verdict.PLAUSIBLE


def version_of(vault: Vault, record_id: RecordId, ordinal: int = 1) -> Version:
    """A version as the catalogue has it."""
    with vault.catalogue.read() as tx:
        version = tx.records.version(record_id, ordinal)
    assert version is not None
    return version


def sealed_bytes(vault: Vault, record_id: RecordId, ordinal: int = 1) -> bytes:
    """A version's object as the store keeps it."""
    version = version_of(vault, record_id, ordinal)
    with vault.store.read(version.object.key, version.version_id) as chunks:
        return b"".join(chunks)


def flipped(body: bytes, bit: int) -> bytes:
    """The bytes with one bit the other way round."""
    altered = bytearray(body)
    altered[bit // 8] ^= 1 << (bit % 8)
    return bytes(altered)


def frames(sealed: SealedObject, body: bytes) -> tuple[bytes, list[bytes]]:
    """Header and frames of an object, the final one last."""
    full = sealed.size_bytes // sealed.frame_length
    step = sealed.frame_length + FRAME_OVERHEAD
    cuts = [sealed.header_length + step * number for number in range(full + 1)]
    pieces = [body[at : at + step] for at in cuts[:-1]] + [body[cuts[-1] :]]
    return body[: sealed.header_length], pieces


def rearranged(sealed: SealedObject, body: bytes) -> Iterator[tuple[str, bytes]]:
    """Every way to swap two frames, to leave one out, to give one twice, and to end early or late."""
    header, pieces = frames(sealed, body)
    last = len(pieces)
    for first in range(last):
        for second in range(first + 1, last):
            swapped = list(pieces)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            yield f"frames {first + 1} and {second + 1} swapped", header + b"".join(swapped)
    for number in range(last):
        yield f"frame {number + 1} left out", header + b"".join(pieces[:number] + pieces[number + 1 :])
        yield f"frame {number + 1} twice", header + b"".join(pieces[: number + 1] + pieces[number:])
        yield f"cut before frame {number + 1}", header + b"".join(pieces[:number])
        if number + 1 < last:
            yield f"frame {number + 1} in place of the final one", header + b"".join([*pieces[:-1], pieces[number]])
    yield "header twice", header + header + b"".join(pieces)
    yield "header left out", b"".join(pieces)
    yield "itself twice", body + body
    yield "empty", b""
    for count in (1, 16, 32, 4096):
        yield f"{count} zero bytes after its end", body + bytes(count)
        yield f"{count} bytes cut off", body[:-count]
        yield f"{count} bytes cut off at the start", body[count:]
