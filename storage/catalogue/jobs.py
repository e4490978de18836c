"""When each job of upkeep last ran, and how it ended; which process has one that only one may do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, Table, Text, bindparam, delete, select, text

from storage.catalogue.metadata import UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.ids import ProcessId

jobs = Table(
    "jobs",
    metadata,
    Column("job", Text, primary_key=True),
    Column("ran_at", UtcDateTime, nullable=False),
    Column("outcome", Text, nullable=False),
)
job_turns = Table(
    "job_turns",
    metadata,
    Column("job", Text, primary_key=True),
    Column("process_id", Text, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
)

_RAN = text(
    "INSERT INTO jobs (job, ran_at, outcome) VALUES (:job, :ran_at, :outcome)"
    " ON CONFLICT (job) DO UPDATE SET ran_at = excluded.ran_at, outcome = excluded.outcome"
).bindparams(bindparam("ran_at", type_=UtcDateTime))
_TAKE = text(
    "INSERT INTO job_turns (job, process_id, ends_at) VALUES (:job, :process_id, :ends_at)"
    " ON CONFLICT (job) DO UPDATE SET process_id = excluded.process_id, ends_at = excluded.ends_at"
    " WHERE job_turns.ends_at <= :now OR job_turns.process_id = excluded.process_id"
).bindparams(bindparam("ends_at", type_=UtcDateTime), bindparam("now", type_=UtcDateTime))
_LEAVE = delete(job_turns).where(
    job_turns.c.job == bindparam("its_job"), job_turns.c.process_id == bindparam("its_process")
)
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

    def take(self, job: str, process_id: ProcessId, *, now: datetime, until: datetime) -> bool:
        return self._rows.run(_TAKE, {"job": job, "process_id": process_id, "ends_at": until, "now": now}) == 1

    def leave(self, job: str, process_id: ProcessId) -> None:
        self._rows.run(_LEAVE, {"its_job": job, "its_process": process_id})
