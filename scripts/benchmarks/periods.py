"""Verdicts with their reasons from memory, and what is due among many records, on both databases.

Part of ``scripts/bench upkeep``. The records are rows of every class that ships, a fifth of them due, in random order;
nothing of them is in a store.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import make_url

from scripts.benchmarks.frame import Measure, at_least, at_most
from storage.catalogue.database import SqlCatalogue, open_catalogue
from storage.catalogue.records import records
from tests.support.postgres import PostgresCluster, postgres_cluster
from vault.classes import RecordClass
from vault.disposition import explain, verdict
from vault.fonds import Fonds
from vault.holds import MatterRef
from vault.ids import FondsId, MatterId, PersonId, RecordId, VaultId
from vault.records import Record, RecordState
from vault.schedule import today
from vault.statutes import FIRST_SET, SHIPPED

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
PAGE: Final = 100
REPEATS: Final = 15
RULES: Final = {each.code: each for each in SHIPPED[FIRST_SET]}
_COLUMNS: Final = tuple(column.name for column in records.columns)
_FONDS: Final = FondsId("f" * 26)


def measure_verdicts(quick: bool) -> list[Measure]:
    """How many verdicts a second one process gives; and with each reason in words."""
    count = 20_000 if quick else 200_000
    made = [_record(number, random.Random(number)) for number in range(count)]  # noqa: S311 - made-up dates
    matter = (MatterRef(id=MatterId("m" * 26), number="H-2026-0001"),)
    asked = [(each, RULES[each.class_code], matter if number % 50 == 0 else ()) for number, each in enumerate(made)]

    def decide() -> None:
        for record, rule, matters in asked:
            verdict(record, rule, matters, NOW)

    def tell() -> None:
        for record, rule, matters in asked:
            for reason in verdict(record, rule, matters, NOW).reasons:
                explain(reason)

    return [
        at_least("verdicts with reasons, one process", 50_000, count / _seconds(decide), "/s"),
        Measure(measure="verdicts with reasons in words", goal="", figure=count / _seconds(tell), unit="/s"),
    ]


def measure_due(quick: bool) -> list[Measure]:
    """The first page of what is due, a later one, and the preview of a rule, on both databases."""
    count = 50_000 if quick else 1_000_000
    figures: list[Measure] = []
    with (
        tempfile.TemporaryDirectory(prefix="strongroom-due-") as name,
        postgres_cluster() as cluster,
        cluster.fresh_database() as url,
    ):
        path = Path(name) / "catalogue.sqlite"
        for database, address in (("SQLite", f"sqlite:///{path}"), ("PostgreSQL", url)):
            with closing(open_catalogue(address)) as catalogue:
                catalogue.migrate()
                with catalogue.write() as tx:
                    tx.fonds.add(Fonds(id=_FONDS, vault_id=VaultId("v" * 26), tree_id=bytes(16), created_at=NOW))
                if database == "SQLite":
                    _fill_sqlite(path, count)
                else:
                    _fill_postgres(cluster, url, count)
                figures += _of_database(catalogue, f"{count:,} records, {database}")
    return figures


def _of_database(catalogue: SqlCatalogue, what: str) -> list[Measure]:
    day = today(NOW)

    def everywhere() -> None:
        with catalogue.read() as tx:
            page: list[Record] = []
            for rule in tx.schedules.in_force():
                page += tx.records.due(rule.code, day, limit=PAGE - len(page))
                if len(page) == PAGE:
                    return

    def of_each_class() -> None:
        with catalogue.read() as tx:
            for rule in tx.schedules.in_force():
                tx.records.due(rule.code, day, limit=PAGE)

    def later() -> None:
        with catalogue.read() as tx:
            tx.records.due("contract", day, after=(day - timedelta(days=200), RecordId("")), limit=PAGE)

    def behind() -> None:
        with catalogue.read() as tx:
            for rule in tx.schedules.governing():
                tx.records.behind_rule(rule.code, rule.version, limit=1)

    def preview() -> None:
        with catalogue.read() as tx:
            tx.records.due_dates("contract")

    return [
        at_most(f"{what}: first page of what is due", 100, _milliseconds(everywhere), "ms"),
        Measure(
            measure=f"{what}: the first page of every class", goal="", figure=_milliseconds(of_each_class), unit="ms"
        ),
        Measure(measure=f"{what}: a later page", goal="", figure=_milliseconds(later), unit="ms"),
        Measure(measure=f"{what}: nobody is behind a rule", goal="", figure=_milliseconds(behind), unit="ms"),
        Measure(
            measure=f"{what}: dates of one class, for a preview", goal="", figure=_milliseconds(preview), unit="ms"
        ),
    ]


def _record(number: int, chance: random.Random) -> Record:
    """A filed record of some class; a fifth is due, a twentieth has no trigger."""
    rule: RecordClass = chance.choice(SHIPPED[FIRST_SET])
    trigger_on: date | None = None
    if chance.random() > 0.05:
        back = rule.period_years or 10
        days = chance.randrange(1, 700) if chance.random() < 0.2 else -chance.randrange(1, 365 * back)
        trigger_on = date(NOW.year - back, NOW.month, NOW.day) - timedelta(days=days)
    return Record(
        id=RecordId(f"{number:026d}"),
        fonds_id=_FONDS,
        number=f"2026-{number:07d}",
        class_code=rule.code,
        customer_id=None,
        state=RecordState.FILED,
        received_at=NOW,
        received_by=PersonId("operator"),
        filed_at=NOW,
        filed_by=PersonId("operator"),
        trigger_on=trigger_on,
        due_on=rule.due_on(trigger_on) if trigger_on is not None else None,
        current_ordinal=1,
        current_revision=1,
        change=number + 1,
    )


def _rows(count: int) -> Iterator[tuple[Any, ...]]:
    chance = random.Random(2026)  # noqa: S311 - made-up dates
    for number in range(count):
        record = _record(number, chance)
        yield tuple(getattr(record, name) for name in _COLUMNS)


def _fill_sqlite(path: Path, count: int) -> None:
    def kept(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%d %H:%M:%S.%f")
        return value.isoformat() if isinstance(value, date) else value

    places = ", ".join("?" for _ in _COLUMNS)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.executemany(
            f"INSERT INTO records ({', '.join(_COLUMNS)}) VALUES ({places})",  # noqa: S608 - of our own columns
            (tuple(map(kept, row)) for row in _rows(count)),
        )
        raw.execute("ANALYZE")


def _fill_postgres(cluster: PostgresCluster, url: str, count: int) -> None:
    with (
        cluster.connect(str(make_url(url).database)) as raw,
        raw.cursor() as cursor,
    ):
        with cursor.copy(f"COPY records ({', '.join(_COLUMNS)}) FROM STDIN".encode()) as copying:
            for row in _rows(count):
                copying.write_row(row)
        cursor.execute("ANALYZE records")


def _seconds(work: Callable[[], None]) -> float:
    """The median of three."""
    return statistics.median(_once(work) for _ in range(3))


def _milliseconds(work: Callable[[], None]) -> float:
    """The median of many, after one that warms up."""
    work()
    return statistics.median(_once(work) for _ in range(REPEATS)) * 1000


def _once(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
