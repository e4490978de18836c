"""``scripts/bench audit``: what numbering entries costs, and how fast a long log is published, proven and verified.

Entries of one transaction each, 8 writers, durable, are set against the same inserts into a table that numbers nothing
in order; turns alternate in one run. The long log is in SQLite and in an embedded store of its own.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from sqlalchemy import Column, Index, MetaData, Table, Text, insert, text

from scripts.benchmarks.frame import Measure, at_least, at_most
from storage.catalogue.audit import SqlAuditShelf
from storage.catalogue.database import SqlCatalogue, open_catalogue
from storage.catalogue.metadata import Counted, UtcDateTime
from storage.catalogue.rows import Rows
from tests.support.postgres import postgres_cluster
from tests.support.store import running_store
from tests.support.vault import running_vault, staff
from vault.audit import Detail, Entry, Event
from vault.people import CLOCK_ID
from vault.shelves import Transaction
from vault.workflows import log, logcheck
from vault.workflows.vault import Vault

WRITERS = 8
_plain = Table(
    "bench_plain",
    MetaData(),
    Column("number", Counted, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_bench_plain", "subject", "number"),
)
_INSERT = insert(_plain)
_SUBJECT = "a" * 26
_DETAIL: Detail = {"ordinal": 1, "purpose": "business"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    seconds: float
    turns: int
    entries: int
    proofs: int


def measure(quick: bool) -> list[Measure]:
    """Takes the measures of this benchmark."""
    scale = (
        _Scale(seconds=0.7, turns=2, entries=20_000, proofs=50)
        if quick
        else _Scale(seconds=4, turns=3, entries=1_000_000, proofs=300)
    )
    measures = []
    for name in ("SQLite", "PostgreSQL"):
        with _catalogue(name) as catalogue:
            measures += _rates(name, catalogue, scale)
    return measures + _long_log(scale)


@contextmanager
def _catalogue(name: str) -> Iterator[SqlCatalogue]:
    with ExitStack() as stack:
        if name == "SQLite":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="strongroom-audit-"))
            url = f"sqlite:///{Path(folder) / 'catalogue.sqlite'}"
        else:
            url = stack.enter_context(stack.enter_context(postgres_cluster()).fresh_database())
        catalogue = stack.enter_context(closing(open_catalogue(url)))
        catalogue.migrate()
        with catalogue.maintain() as connection:
            _plain.metadata.create_all(connection)
        yield catalogue


def _rates(name: str, catalogue: SqlCatalogue, scale: _Scale) -> list[Measure]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    entry = Entry(at=now, actor=CLOCK_ID, event=Event.RECORD_OPENED, subject=_SUBJECT, detail=_DETAIL)
    values = {"at": now, "actor": CLOCK_ID, "event": entry.event.value, "subject": _SUBJECT}

    def logged(tx: Transaction) -> None:
        tx.audit.append(entry)

    def plain(tx: Transaction) -> None:
        rows: Rows = cast("SqlAuditShelf", tx.audit)._rows
        rows.run(_INSERT, {**values, "detail": json.dumps(_DETAIL)})

    figures: dict[str, list[float]] = {"logged": [], "plain": []}
    for _ in range(scale.turns):
        figures["plain"].append(_rate(catalogue, plain, scale.seconds))
        figures["logged"].append(_rate(catalogue, logged, scale.seconds))
    with catalogue.read() as tx:
        newest = tx.audit.newest()
    with catalogue.maintain() as connection:
        count = connection.execute(text("SELECT count(*) FROM audit_entries")).scalar()
    if newest != count:
        raise SystemExit(f"{name}: {count} entries, and the highest number is {newest}")
    with_log, without = statistics.median(figures["logged"]), statistics.median(figures["plain"])
    return [
        Measure(measure=f"{name}: inserts without order, {WRITERS} writers", goal="", figure=without, unit="/s"),
        Measure(measure=f"{name}: entries, {WRITERS} writers", goal="", figure=with_log, unit="/s"),
        at_least(f"{name}: entries / inserts without order", 0.7, with_log / without),
    ]


def _rate(catalogue: SqlCatalogue, work: Callable[[Transaction], None], seconds: float) -> float:
    counts = [0] * WRITERS
    ends = time.perf_counter() + seconds

    def write(place: int) -> None:
        while time.perf_counter() < ends:
            with catalogue.write() as tx:
                work(tx)
            counts[place] += 1

    threads = [threading.Thread(target=write, args=(place,)) for place in range(WRITERS)]
    started = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(counts) / (time.perf_counter() - started)


def _long_log(scale: _Scale) -> list[Measure]:
    with (
        tempfile.TemporaryDirectory(prefix="strongroom-audit-") as folder,
        running_store(Path(folder) / "store") as store,
        running_vault(store.settings, Path(folder) / "home") as vault,
    ):
        _fill(vault, scale.entries)
        published_s = _seconds(lambda: log.publish(vault))
        actor = staff(vault)
        told: list[logcheck.LogCheck] = []
        verified_s = _seconds(lambda: told.append(logcheck.verify(vault, actor)))
        if not told[0].holds:
            raise SystemExit(f"the log does not hold: {told[0].problems}")
        proofs = [
            _seconds(lambda number=number: log.prove(vault, number)) * 1000  # type: ignore[misc]  # bound, not inferred
            for number in range(1, scale.entries, scale.entries // scale.proofs)
        ]
    count = f"{scale.entries:,} entries"
    share = scale.entries / 1_000_000
    return [
        Measure(measure=f"{count}: published", goal="", figure=published_s, unit="s"),
        at_most(f"{count}: verified, store and catalogue", 20 * share, verified_s, "s"),
        at_most(f"{count}: one proof, median", 5, statistics.median(proofs), "ms"),
    ]


def _fill(vault: Vault, entries: int) -> None:
    done = 0
    while done < entries:
        with vault.catalogue.write() as tx:
            for _ in range(min(20_000, entries - done)):
                tx.audit.append(vault.entry(CLOCK_ID, Event.RECORD_OPENED, _SUBJECT, _DETAIL))
                done += 1


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
