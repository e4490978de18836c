"""Who serves a home, and where: so that a second start finds the first.

Rule 1: whoever holds the lock of ``<home>/serving.lock`` serves; a file without a holder says nothing.
Rule 2: a home may be served at several addresses at once; the first of them is the one that is told.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

NAME: Final = "serving.lock"
TRIES: Final = 20  # somebody who only looks holds it for a moment
BETWEEN_S: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAt:
    """``listen`` is what the settings said, ``address`` where people find the pages."""

    listen: str
    address: str
    pid: int


@contextmanager
def marked_as_served(home: Path, served: ServedAt) -> Iterator[None]:
    """Says so for the duration of the block, if nobody else does."""
    handle = os.open(home / NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if any(_locked(handle, fcntl.LOCK_EX, BETWEEN_S) for _ in range(TRIES)):
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(asdict(served)).encode("utf-8"), 0)
        yield
    finally:
        os.close(handle)


def served_at(home: Path) -> ServedAt | None:
    """Who serves a home now; None where nobody does, or nobody who has said it yet."""
    try:
        handle = os.open(home / NAME, os.O_RDONLY)
    except OSError:
        return None
    try:
        if _locked(handle, fcntl.LOCK_SH):
            return None
        return ServedAt(**json.loads(os.pread(handle, 1 << 16, 0)))
    except (ValueError, TypeError):
        return None
    finally:
        os.close(handle)


def _locked(handle: int, how: int, wait_s: float = 0.0) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(wait_s)
        return False
    return True
