"""The search index and the list of records with many records: how soon it is filled, how fast it answers.

The mix of queries is ``MIX`` below: what share of them is of which kind. All are asked newest first, a page at a time,
through the workflow that pages and programs use: permissions, and the opening of what is shown, are in the figures.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from scripts.benchmarks.frame import Measure, at_most
from storage.searchindex.place import index_folder
from tests.support.manyrecords import Many, add_many, copy_to_postgres
from tests.support.postgres import postgres_cluster
from tests.support.sayings import CITIES, ENGLISH_KINDS, KINDS, SURNAMES
from tests.support.store import running_store
from tests.support.vault import running_vault, staff
from vault.permissions import Actor
from vault.records import RecordState
from vault.shelves import RecordFilter
from vault.workflows import finding, indexing, retrieval
from vault.workflows.vault import Vault

PAGE: Final = 50
MIB: Final = 1024 * 1024
MIX: Final = (
    (
        20,
        "a word of two characters",
        lambda random, many: random.choice(("合同", "租赁", "发票", "报告", "审计", "协议")),
    ),
    (15, "a person's name", lambda random, many: random.choice(many.names)),
    (10, "two common words", lambda random, many: f"{random.choice(KINDS)[-2:]} {random.choice(CITIES)}"),
    (10, "a whole title's words", lambda random, many: f"{random.choice(KINDS)} {random.choice(SURNAMES)}"),
    (10, "a file number", lambda random, many: random.choice(many.numbers)),
    (
        10,
        "an English word while it is typed",
        lambda random, many: random.choice(ENGLISH_KINDS)[: random.randrange(2, 9)],
    ),
    (5, "English words", lambda random, many: random.choice(ENGLISH_KINDS)),
    (5, "a class and a word", lambda random, many: f"class:contract {random.choice(KINDS)[:2]}"),
    (
        5,
        "dates and a word",
        lambda random, many: f"after:{2011 + random.randrange(6)} before:2019-06 {random.choice(CITIES)}",
    ),
    (4, "a customer's name", lambda random, many: f"customer:{random.choice(CITIES)}"),
    (3, "one character", lambda random, many: random.choice(SURNAMES)),
    (2, "a phrase", lambda random, many: f'"{random.choice(ENGLISH_KINDS)}"'),
    (1, "common words that never meet", lambda random, many: "合同 agreement"),
)


def measure(quick: bool) -> list[Measure]:
    """Filling, searching and listing."""
    count, asked = (20_000, 300) if quick else (1_000_000, 5000)
    with (
        tempfile.TemporaryDirectory(prefix="strongroom-search-") as name,
        running_store(Path(name) / "store") as store,
        postgres_cluster() as cluster,
    ):
        home = Path(name) / "home"
        with running_vault(store.settings, home) as vault:
            began = time.perf_counter()
            many = add_many(vault, home, count)
            figures = [
                Measure(measure=f"making {count:,} records in the catalogue", goal="", figure=_since(began), unit="s")
            ]
            figures += _filling(vault, home, count)
            figures += _searching(vault, staff(vault), many, asked)
            figures += _listing(vault, "SQLite", count)
        with cluster.fresh_database() as url:
            copy_to_postgres(home, url, url.replace("postgresql+psycopg", "postgresql"))
            with running_vault(store.settings, home, catalogue_url=url) as vault:
                figures += _listing(vault, "PostgreSQL", count)
    return figures


def _filling(vault: Vault, home: Path, count: int) -> list[Measure]:
    began = time.perf_counter()
    is_followed = indexing.follow(vault)
    took = _since(began)
    folder = index_folder(home, None)
    size = sum(path.stat().st_size for path in folder.iterdir()) if folder is not None else 0
    if not is_followed or vault.search.standing().records != count:
        raise RuntimeError("the index is not whole")
    return [
        at_most(f"filling the index with {count:,} records", 180, took, "s"),
        Measure(measure="memory that the index takes", goal="", figure=size / MIB, unit="MiB"),
    ]


def _searching(vault: Vault, actor: Actor, many: Many, asked: int) -> list[Measure]:
    random = Random(11)  # noqa: S311 - which queries
    kinds = random.choices(range(len(MIX)), weights=[share for share, _, _ in MIX], k=asked)
    times: dict[int, list[float]] = {}
    for kind in kinds:
        query = MIX[kind][2](random, many)
        times.setdefault(kind, []).append(_timed(lambda: finding.find(vault, actor, query, limit=PAGE)))  # noqa: B023 - called at once
    every = [each for found in times.values() for each in found]
    figures = [
        at_most(f"search, {PAGE} results shown: 99 of 100 of {asked:,}", 30, _percentile(every, 99), "ms"),
        Measure(measure="search: the middle one", goal="", figure=statistics.median(every), unit="ms"),
    ]
    figures += [
        Measure(
            measure=f"  {MIX[kind][0]} %: {MIX[kind][1]}, 99 of 100", goal="", figure=_percentile(found, 99), unit="ms"
        )
        for kind, found in sorted(times.items())
    ]
    return figures


def _listing(vault: Vault, database: str, count: int) -> list[Measure]:
    """Pages of the list, as people ask for them: the first ones, with filters, and far down."""
    actor, times = staff(vault), list[float]()
    for wanted in _filters():
        before = None
        for _ in range(12):
            began = time.perf_counter()
            page = retrieval.list_records(vault, actor, wanted, before=before, limit=PAGE + 1)
            times.append(_since(began) * 1000)
            if len(page) <= PAGE:
                break
            before = (page[-2].record.received_at, page[-2].record.id)
    return [at_most(f"a page of the list of {count:,} on {database}: 99 of 100", 50, _percentile(times, 99), "ms")]


def _filters() -> Iterator[RecordFilter]:

    for code in (None, "contract", "transaction", "house"):
        for state in (None, RecordState.FILED, RecordState.RECEIVED):
            for day in (None, datetime(2015, 1, 1, tzinfo=UTC)):
                yield RecordFilter(class_code=code, state=state, received_before=day)


def _timed(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return _since(began) * 1000


def _since(began: float) -> float:
    return time.perf_counter() - began


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
