"""When each job of upkeep last ran, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Table, Text, bindparam, select, text

from storage.catalogue.metadata import UtcDateTime, metadata
from storage.catalogue.rows import Rows

jobs = Table(
    "jobs",
    metadata,
    Column("job", Text, primary_key=True),
    Column("ran_at", UtcDateTime, nullable=False),
    Column("outcome", Text, nullable=False),
)

_RAN = text(
    "INSERT INTO jobs (job, ran_at, outcome) VALUES (:job, :ran_at, :outcome)"
    " ON CONFLICT (job) DO UPDATE SET ran_at = excluded.ran_at, outcome = excluded.outcome"
).bindparams(bindparam("ran_at", type_=UtcDateTime))
_LAST_RUNS = select(jobs).order_by(jobs.c.job)


class SqlJobShelf:
    """``vault.shelves.JobShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def ran(self, job: str, *, at: datetime, outcome: str) -> None:
        self._rows.run(_RAN, {"job": job, "ran_at": at, "outcome": outcome})

    def last_runs(self) -> Sequence[tuple[str, datetime, str]]:
        return [(row.job, row.ran_at, row.outcome) for row in self._rows.all(_LAST_RUNS)]
