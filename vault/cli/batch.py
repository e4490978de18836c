"""A batch: many files at once into the vault, and a line for each.

Rule 1: every upload has an idempotency key, so that trying again after a lost answer adds nothing twice. With a name,
the keys come from the name and each file's path in the batch, and the whole batch may be run again.
Rule 2: a refused file does not stop the others; a part that stays away or is broken does.
Rule 3: when the command is interrupted, files under way are given up, and what was acknowledged is told.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Final

from vault.cli import exits
from vault.cli.receipts import Acknowledged, Line, Outcome
from vault.cli.sources import Source, SteadyFile, Stopped, Unfit, title_of
from vault.errors import Broken, IdempotencyMismatch, NotAllowed, NotSignedIn, Refused, StrongroomError, Unavailable
from vault.ids import CustomerId
from vault.permissions import Actor
from vault.records import Description
from vault.workflows import intake
from vault.workflows.vault import Vault

WORKERS: Final = 4
TRIES: Final = 4
WAIT_MAX_S: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is said of every file of the batch. ``title`` empty: each file's name without its extension."""

    class_code: str
    customer_id: CustomerId | None
    title: str
    dated_on: date | None
    place: str
    note: str
    key_seed: str

    def filing(self, source: Source, size_bytes: int) -> intake.Filing:
        """What is said of one file. Raises ``InvalidInput``."""
        return intake.Filing(
            class_code=self.class_code,
            customer_id=self.customer_id,
            description=Description.checked(
                title=self.title or title_of(source.file_name),
                dated_on=self.dated_on,
                place=self.place,
                note=self.note,
            ),
            file_name=source.file_name,
            declared_size_bytes=size_bytes,
        )

    def key(self, source: Source) -> str:
        """The idempotency key of one file: it tells neither the batch's name nor the file's."""
        digest = hashlib.sha256(b"strongroom/batch/1\0")
        for part in (self.key_seed, source.batch_path):
            encoded = os.fsencode(part)
            digest.update(len(encoded).to_bytes(4, "big") + encoded)
        return f"batch-{digest.hexdigest()}"


class Batch:
    """One run over some files. ``moved`` hears how many bytes went on, ``settled`` each line,
    ``waits`` what is waited for; all from any thread."""

    def __init__(
        self,
        vault: Vault,
        actor: Actor,
        plan: Plan,
        *,
        moved: Callable[[int], None],
        settled: Callable[[Line], None],
        waits: Callable[[str], None],
    ) -> None:
        self._vault = vault
        self._actor = actor
        self._plan = plan
        self._moved = moved
        self._settled = settled
        self._waits = waits
        self._stop = threading.Event()
        self._over = threading.Event()

    @property
    def interrupted(self) -> bool:
        """Whether somebody stopped it."""
        return self._stop.is_set()

    def run(self, found: Sequence[Source | Unfit]) -> list[Line]:
        """Adds the files, ``WORKERS`` at once; a line for each, in their order. Ctrl-C ends it early, in order."""
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="record-add") as workers:
            futures = [workers.submit(self._line, each) for each in found]
            for future in futures:
                try:
                    future.exception()
                except KeyboardInterrupt:
                    self._stop.set()
                except BaseException:
                    self._stop.set()
                    raise
            return [future.result() for future in futures]

    def _line(self, found: Source | Unfit) -> Line:
        if isinstance(found, Unfit):
            line = Line(
                path=found.path,
                outcome=Outcome.REFUSED,
                code=found.code,
                message=found.message,
                exit_code=exits.REFUSED,
            )
        elif self._stop.is_set() or self._over.is_set():
            line = _not_tried(found)
        else:
            line = self._add(found)
        self._settled(line)
        return line

    def _add(self, source: Source) -> Line:
        for tries_left in reversed(range(TRIES)):
            passed = _Passed(self._moved)
            try:
                return self._add_once(source, passed)
            except Stopped:
                return _not_tried(source)
            except Unavailable as error:
                passed.take_back()
                if tries_left == 0:
                    self._over.set()
                    return _refused(source, error)
                pause_s = min(error.retry_after_s or 1, WAIT_MAX_S)
                self._waits(f"{source.path}: {error.message}; trying again in {pause_s} s")
                if self._stop.wait(pause_s):
                    return _not_tried(source)
            except (NotSignedIn, NotAllowed, Broken) as error:
                self._over.set()
                return _refused(source, error)
            except Refused as error:
                return _refused(source, error)
        raise AssertionError("the last try returns")

    def _add_once(self, source: Source, passed: _Passed) -> Line:
        with SteadyFile(source.path, stop=self._stop) as file:
            filing = self._plan.filing(source, file.declared_size_bytes)
            key = self._plan.key(source)

            def read_into(view: memoryview) -> int:
                count = file.read_into(view)
                passed.on(count)
                return count

            with intake.begin(self._vault, self._actor, filing, idempotency_key=key) as receiving:
                receipt = intake.receive_from(self._vault, receiving, read_into)
            acknowledged = Acknowledged(
                record_id=receipt.record_id,
                number=receipt.number,
                version=receipt.ordinal,
                declared_size_bytes=file.size_bytes,
                declared_sha256=file.sha256,
                stored_size_bytes=receipt.size_bytes,
                hashed_sha256=receipt.sha256,
            )
        if not acknowledged.agrees and receipt.replayed:
            raise IdempotencyMismatch("this batch has other bytes under this path; use another batch name")
        outcome = Outcome.ALREADY_THERE if receipt.replayed else Outcome.STORED
        return Line(
            path=source.path,
            outcome=outcome,
            acknowledged=acknowledged,
            exit_code=exits.OK if acknowledged.agrees else exits.BROKEN,
        )


class _Passed:
    """How many bytes of one try went on; a try that failed takes them back."""

    def __init__(self, moved: Callable[[int], None]) -> None:
        self._moved = moved
        self._count = 0

    def on(self, count: int) -> None:
        self._count += count
        self._moved(count)

    def take_back(self) -> None:
        self._moved(-self._count)
        self._count = 0


def _refused(source: Source, error: StrongroomError) -> Line:
    return Line(
        path=source.path,
        outcome=Outcome.REFUSED,
        code=error.code,
        message=error.message,
        exit_code=exits.code_of(error),
    )


def _not_tried(source: Source) -> Line:
    message = "was not added: the batch ended early; add it again"
    return Line(path=source.path, outcome=Outcome.NOT_TRIED, code="not-tried", message=message)
