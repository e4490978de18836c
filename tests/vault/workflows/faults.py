"""Faults injected into real parts: the real call is made, or not, and then something goes wrong around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock as Mutex
from typing import Any, cast

import pytest

from storage.layout import RECORDS_PREFIX
from vault.ids import ProcessId
from vault.ports import ObjectStore
from vault.seal.sizes import FRAME_LENGTH
from vault.shelves import Catalogue, Transaction
from vault.workflows.vault import Limits, Vault

PART: int = 20 * FRAME_LENGTH
"""The smallest part that S3 servers join with others: 5 MiB."""

ON_SQLITE = pytest.mark.parametrize("vault", ["sqlite"], indirect=True)
"""For what has nothing to do with the database: once is enough."""

Watch = Callable[[str], None]


class Died(BaseException):
    """The process ends here: nothing after this point happens any more."""


@dataclass(slots=True, kw_only=True)
class HandClock:
    """A clock that is set by hand."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


def with_clock(vault: Vault) -> tuple[Vault, HandClock]:
    """The vault, told the time by a clock in the hand."""
    clock = HandClock(at=vault.now())
    return replace(vault, clock=clock), clock


def with_parts(vault: Vault, *, upload_bytes_max: int = 1 << 40) -> Vault:
    """The vault with the smallest parts, so that a large file need not be large."""
    return replace(vault, limits=Limits(part_size_bytes=PART, upload_bytes_max=upload_bytes_max))


@dataclass(slots=True, kw_only=True)
class Fault:
    """Raises ``error`` at a named point (``before:put``, ``after:put``), as often as ``times`` says."""

    point: str
    error: Callable[[], BaseException]
    times: int = 1
    met: int = 0
    _mutex: Mutex = field(default_factory=Mutex)

    def watch(self, point: str) -> None:
        with self._mutex:
            if point != self.point or self.met >= self.times:
                return
            self.met += 1
        raise self.error()


class _Interposed:
    def __init__(self, real: object, watch: Watch) -> None:
        self._real, self._watch = real, watch

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._real, name)

        def watched(*given: Any, **named: Any) -> Any:
            self._watch(f"before:{name}")
            answer = call(*given, **named)
            self._watch(f"after:{name}")
            return answer

        return watched


class _Counted:
    """A catalogue whose durable transactions are numbered: ``before:write:1``, ``after:write:1``, and so on."""

    def __init__(self, real: Catalogue, watch: Watch) -> None:
        self._real, self._watch, self._count = real, watch, 0

    def read(self) -> AbstractContextManager[Transaction]:
        return self._real.read()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        self._count += 1
        number = self._count
        self._watch(f"before:write:{number}")
        with self._real.write() as tx:
            yield tx
        self._watch(f"after:write:{number}")


def interposed(store: ObjectStore, watch: Watch) -> ObjectStore:
    """The store, with ``watch`` told of every call before and after it is made."""
    return cast(ObjectStore, _Interposed(store, watch))


def watched(vault: Vault, watch: Watch) -> Vault:
    """The vault, with ``watch`` told of every call of the store and every write of the catalogue."""
    return replace(vault, store=interposed(vault.store, watch), catalogue=_Counted(vault.catalogue, watch))


def faulty(vault: Vault, point: str, error: Callable[[], BaseException], *, times: int = 1) -> Vault:
    """The vault with one fault in it."""
    return watched(vault, Fault(point=point, error=error, times=times).watch)


def dying(vault: Vault, point: str) -> Vault:
    """The vault as another process has it, which dies at a named point."""
    mortal = replace(vault, process_id=ProcessId(vault.new_id()), description="", underway=set())
    return faulty(mortal, point, Died)


def in_store(vault: Vault) -> set[tuple[str, str]]:
    """Every version of a sealed object in the store, and every upload that was left behind."""
    versions = {(each.key, each.version_id) for each in vault.store.versions(RECORDS_PREFIX)}
    return versions | {(each.key, each.upload_id) for each in vault.store.pending_uploads()}


def unsettled(vault: Vault) -> int:
    """How many intents are neither a record nor aborted."""
    with vault.catalogue.read() as tx:
        return len(tx.intents.unsettled())


def count_records(vault: Vault) -> int:
    with vault.catalogue.read() as tx:
        return tx.records.count()
