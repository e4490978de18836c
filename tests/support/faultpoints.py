"""Named points of a vault's writes, and the kill that waits at one of them.

The product has no hooks for this: the store and the catalogue are handed to the vault, so they are wrapped on the way.

    points = FaultPoints()
    watched = watch(vault, points)        # the same vault, its store and catalogue passing every point
    points.arm(Arm(point="records-put", phase="after", turn=1), kill)

Phases of a call to the store: ``before``, ``during`` (a few milliseconds into it), ``after``. Of a transaction that
writes: ``before``, ``uncommitted``, ``during`` (a moment into the commit), ``after``. ``turn`` counts equals from 1.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace

from vault.objects import ListedVersion, Lock, ObjectFacts, Part, PendingUpload, StoredObject
from vault.ports import Buffer, ObjectStore
from vault.shelves import Catalogue, Transaction
from vault.workflows.vault import Vault

DURING_MAX_S = 0.012
NO_METADATA: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One place in the course of a work: the ``turn``-th time that ``point`` is passed in ``phase``."""

    point: str
    phase: str
    turn: int

    def __str__(self) -> str:
        return f"{self.point}/{self.phase}/{self.turn}"

    def values(self) -> dict[str, str | int]:
        """As JSON values."""
        return asdict(self)


class FaultPoints:
    """Counts the points that are passed once it is armed, and strikes at the one that was named."""

    def __init__(self, seed: int = 0) -> None:
        self.passed: list[Arm] = []
        self._turns: dict[tuple[str, str], int] = {}
        self._mutex = threading.Lock()
        self._watching = False
        self._arm: Arm | None = None
        self._strike: Callable[[], None] = _nothing
        self._random = random.Random(seed)
        self._timer: threading.Timer | None = None

    def arm(self, arm: Arm | None = None, strike: Callable[[], None] | None = None) -> None:
        """From now on points are counted, and ``strike`` is called at ``arm``, if one is named."""
        self._arm, self._strike, self._watching = arm, strike or _nothing, True

    def disarm(self) -> None:
        """From now on nothing is counted; a strike that is on its way still falls before this returns."""
        self._watching = False
        if self._timer is not None:
            self._timer.join()

    def at(self, point: str, phase: str) -> None:
        """Passes a point."""
        if not self._watching:
            return
        with self._mutex:
            turn = self._turns[point, phase] = self._turns.get((point, phase), 0) + 1
            here = Arm(point=point, phase=phase, turn=turn)
            self.passed.append(here)
        if here != self._arm:
            return
        if phase == "during":
            self._timer = threading.Timer(self._random.uniform(0, DURING_MAX_S), self._strike)
            self._timer.daemon = True
            self._timer.start()
        else:
            self._strike()

    @contextmanager
    def around(self, point: str) -> Iterator[None]:
        """A call to the store."""
        self.at(point, "before")
        self.at(point, "during")
        yield
        self.at(point, "after")


def _nothing() -> None:
    """Strikes nobody."""


def watch(vault: Vault, points: FaultPoints) -> Vault:
    """The vault with every write of its store and its catalogue passing named points."""
    return replace(vault, store=WatchedStore(vault.store, points), catalogue=WatchedCatalogue(vault.catalogue, points))


class WatchedCatalogue:
    """A catalogue whose transactions are named after the workflow that opens them."""

    def __init__(self, inner: Catalogue, points: FaultPoints) -> None:
        self._inner = inner
        self._points = points

    def write(self) -> AbstractContextManager[Transaction]:
        """See ``Catalogue.write``."""
        return self._write(_workflow())

    @contextmanager
    def _write(self, name: str) -> Iterator[Transaction]:
        self._points.at(name, "before")
        with self._inner.write() as tx:
            yield tx
            self._points.at(name, "uncommitted")
            self._points.at(name, "during")
        self._points.at(name, "after")

    def read(self) -> AbstractContextManager[Transaction]:
        """See ``Catalogue.read``."""
        return self._inner.read()


def _workflow() -> str:
    """The innermost function of ``vault.workflows`` that is running: ``recovery.commit``."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("vault.workflows."):
            return f"{module.removeprefix('vault.workflows.')}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "elsewhere"


class WatchedStore:
    """A store whose calls are named after what they do to which kind of object."""

    def __init__(self, inner: ObjectStore, points: FaultPoints) -> None:
        self._inner = inner
        self._points = points

    def put(
        self,
        key: str,
        body: Buffer,
        *,
        sha256: bytes,
        metadata: Mapping[str, str] = NO_METADATA,
        lock: Lock | None = None,
    ) -> StoredObject:
        """See ``ObjectStore.put``."""
        with self._points.around(f"{key.partition('/')[0]}-put"):
            return self._inner.put(key, body, sha256=sha256, metadata=metadata, lock=lock)

    def start_upload(self, key: str, *, metadata: Mapping[str, str] = NO_METADATA, lock: Lock | None = None) -> str:
        """See ``ObjectStore.start_upload``."""
        with self._points.around("upload-started"):
            return self._inner.start_upload(key, metadata=metadata, lock=lock)

    def put_part(self, key: str, upload_id: str, number: int, body: Buffer, *, sha256: bytes) -> Part:
        """See ``ObjectStore.put_part``."""
        with self._points.around(f"part-{number}-put"):
            return self._inner.put_part(key, upload_id, number, body, sha256=sha256)

    def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> StoredObject:
        """See ``ObjectStore.complete_upload``."""
        with self._points.around("upload-completed"):
            return self._inner.complete_upload(key, upload_id, parts)

    def abort_upload(self, key: str, upload_id: str) -> None:
        """See ``ObjectStore.abort_upload``."""
        with self._points.around("upload-aborted"):
            self._inner.abort_upload(key, upload_id)

    def pending_uploads(self, prefix: str = "") -> Iterator[PendingUpload]:
        """See ``ObjectStore.pending_uploads``."""
        return self._inner.pending_uploads(prefix)

    def head(self, key: str, version_id: str | None = None) -> ObjectFacts | None:
        """See ``ObjectStore.head``."""
        with self._points.around("head"):
            return self._inner.head(key, version_id)

    @contextmanager
    def read(
        self, key: str, version_id: str | None, *, start: int = 0, length: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        """See ``ObjectStore.read``."""
        with self._points.around("read"), self._inner.read(key, version_id, start=start, length=length) as chunks:
            yield chunks

    def versions(self, prefix: str = "") -> Iterator[ListedVersion]:
        """See ``ObjectStore.versions``."""
        return self._inner.versions(prefix)

    def extend_lock(self, key: str, version_id: str, lock: Lock) -> Lock:
        """See ``ObjectStore.extend_lock``."""
        with self._points.around("lock-extended"):
            return self._inner.extend_lock(key, version_id, lock)

    def set_legal_hold(self, key: str, version_id: str, *, held: bool) -> None:
        """See ``ObjectStore.set_legal_hold``."""
        with self._points.around("legal-hold-set"):
            self._inner.set_legal_hold(key, version_id, held=held)

    def delete_version(self, key: str, version_id: str) -> None:
        """See ``ObjectStore.delete_version``."""
        with self._points.around("version-deleted"):
            self._inner.delete_version(key, version_id)
