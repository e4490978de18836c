"""Automatic destruction: when it last ran, why it stopped, who let it go on, and how many records it took lately.

Rule 1: of one fonds one pause is open at most, by a unique index; one that was resumed stays on record.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Row,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)

from storage.catalogue.batches import batches
from storage.catalogue.disposals import disposal_lists
from storage.catalogue.fonds import fonds_column
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.records import records
from storage.catalogue.rows import Rows
from vault.disposal import Pause, PauseCause
from vault.ids import FondsId, PauseId, PersonId

_OPEN = "resumed_at IS NULL"

disposal_pauses = Table(
    "disposal_pauses",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("cause", Text, nullable=False),
    Column("measure", Counted, nullable=False),
    Column("living", Counted, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("resumed_by", Text),
    Column("resumed_at", UtcDateTime),
    one_of("cause", PauseCause),
    CheckConstraint("(resumed_by IS NULL) = (resumed_at IS NULL)", name="resumed"),
    CheckConstraint("resumed_by IS NULL OR resumed_by <> 'clock'", name="person"),
    Index("uq_disposal_pauses_open", "fonds_id", unique=True, sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
)

expiry_runs = Table(
    "expiry_runs",
    metadata,
    Column("fonds_id", Text, ForeignKey("fonds.id"), primary_key=True),
    Column("ran_at", UtcDateTime, nullable=False),
)

_ADD = insert(disposal_pauses)
_OF_FONDS = select(disposal_pauses).where(disposal_pauses.c.fonds_id == bindparam("its_fonds"))
_OPEN_ONE = _OF_FONDS.where(text(f"disposal_pauses.{_OPEN}"))
_OPEN_FOR_UPDATE = _OPEN_ONE.with_for_update()
_NEWEST = _OF_FONDS.order_by(disposal_pauses.c.at.desc(), disposal_pauses.c.id.desc()).limit(1)
_RESUME = (
    update(disposal_pauses)
    .where(disposal_pauses.c.id == bindparam("its_id"), text(_OPEN))
    .values(resumed_by=bindparam("its_officer"), resumed_at=bindparam("its_moment"))
)
_RAN = text(
    "INSERT INTO expiry_runs (fonds_id, ran_at) VALUES (:its_fonds, :ran_at)"
    " ON CONFLICT (fonds_id) DO UPDATE SET ran_at = excluded.ran_at"
).bindparams(bindparam("ran_at", type_=UtcDateTime))
_LAST_RUN = select(expiry_runs.c.ran_at).where(expiry_runs.c.fonds_id == bindparam("its_fonds"))
_TAKEN = (
    select(func.coalesce(func.sum(batches.c.record_count), 0).label("records"))
    .select_from(disposal_lists.join(batches, batches.c.id == disposal_lists.c.batch_id))
    .where(
        disposal_lists.c.fonds_id == bindparam("its_fonds"),
        disposal_lists.c.automatic,
        disposal_lists.c.executed_at > bindparam("since"),
    )
)
_LIVING = select(func.count()).where(
    records.c.fonds_id == bindparam("its_fonds"), records.c.state.in_(["received", "filed"])
)


class SqlPauseShelf:
    """``vault.shelves.PauseShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, pause: Pause) -> None:
        self._rows.run(
            _ADD,
            {
                "id": pause.id,
                "fonds_id": pause.fonds_id,
                "cause": pause.cause.value,
                "measure": pause.measure,
                "living": pause.living,
                "at": pause.at,
                "resumed_by": pause.resumed_by,
                "resumed_at": pause.resumed_at,
            },
        )

    def open(self, fonds_id: FondsId, *, for_update: bool = False) -> Pause | None:
        row = self._rows.first(_OPEN_FOR_UPDATE if for_update else _OPEN_ONE, {"its_fonds": fonds_id})
        return None if row is None else _pause_of(row)

    def newest(self, fonds_id: FondsId) -> Pause | None:
        row = self._rows.first(_NEWEST, {"its_fonds": fonds_id})
        return None if row is None else _pause_of(row)

    def resume(self, pause_id: PauseId, *, by: PersonId, at: datetime) -> bool:
        return self._rows.run(_RESUME, {"its_id": pause_id, "its_officer": by, "its_moment": at}) == 1

    def ran(self, fonds_id: FondsId, *, at: datetime) -> None:
        self._rows.run(_RAN, {"its_fonds": fonds_id, "ran_at": at})

    def last_run(self, fonds_id: FondsId) -> datetime | None:
        row = self._rows.first(_LAST_RUN, {"its_fonds": fonds_id})
        return None if row is None else row.ran_at

    def taken_since(self, fonds_id: FondsId, *, since: datetime) -> int:
        row = self._rows.first(_TAKEN, {"its_fonds": fonds_id, "since": since})
        return 0 if row is None else int(row.records)

    def living(self, fonds_id: FondsId) -> int:
        row = self._rows.first(_LIVING, {"its_fonds": fonds_id})
        return 0 if row is None else int(row[0])


def _pause_of(row: Row[Any]) -> Pause:
    return Pause(
        id=PauseId(row.id),
        fonds_id=FondsId(row.fonds_id),
        cause=PauseCause(row.cause),
        measure=row.measure,
        living=row.living,
        at=row.at,
        resumed_by=None if row.resumed_by is None else PersonId(row.resumed_by),
        resumed_at=row.resumed_at,
    )
