"""Checks of the log. One that has ended stays as it is: triggers refuse to change or delete it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.ids import LogCheckId, PersonId, ProcessId
from vault.logchecks import KeptCheck, LogVerdict

log_checks = Table(
    "log_checks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("process_id", Text),
    Column("begun_at", UtcDateTime),
    Column("seen_at", UtcDateTime),
    Column("done", Counted, nullable=False),
    Column("total", Counted, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("size", Counted),
    Column("root", LargeBinary),
    Column("findings", Text),
    CheckConstraint("done >= 0 AND done <= total", name="progress"),
    CheckConstraint("(process_id IS NULL) = (seen_at IS NULL)", name="process"),
    CheckConstraint(
        "(ended_at IS NULL) = (size IS NULL) AND (ended_at IS NULL) = (root IS NULL)"
        " AND (ended_at IS NULL) = (findings IS NULL)",
        name="verdict",
    ),
    Index("ix_log_checks_ended_at_id", "ended_at", "id"),
)

_its_id: BindParameter[str] = bindparam("its_id")
_its_process: BindParameter[str] = bindparam("its_process")
_ADD = insert(log_checks)
_ONE = select(log_checks).where(log_checks.c.id == _its_id)
_OPEN = select(log_checks).where(log_checks.c.ended_at.is_(None)).order_by(log_checks.c.asked_at, log_checks.c.id)
_NEWEST = (
    select(log_checks)
    .where(log_checks.c.ended_at.is_not(None))
    .order_by(log_checks.c.ended_at.desc(), log_checks.c.id.desc())
    .limit(bindparam("at_most"))
)
_NEWEST_UNTIL = _NEWEST.where(log_checks.c.ended_at <= bindparam("until", type_=UtcDateTime))
_CLAIM = (
    update(log_checks)
    .where(
        log_checks.c.id == _its_id,
        log_checks.c.ended_at.is_(None),
        or_(log_checks.c.process_id.is_(None), log_checks.c.seen_at < bindparam("silent_since", type_=UtcDateTime)),
    )
    .values(process_id=_its_process, begun_at=bindparam("now"), seen_at=bindparam("now"), done=0, total=0)
)
_MINE = update(log_checks).where(
    log_checks.c.id == _its_id, log_checks.c.process_id == _its_process, log_checks.c.ended_at.is_(None)
)
_TELL = _MINE.values(done=bindparam("so_far"), total=bindparam("of_all"), seen_at=bindparam("now"))
_GIVE_BACK = _MINE.values(process_id=None, begun_at=None, seen_at=None, done=0, total=0)
_END = _MINE.values(
    ended_at=bindparam("now"),
    size=bindparam("covered"),
    root=bindparam("its_root"),
    findings=bindparam("found"),
    done=bindparam("covered"),
    total=bindparam("covered"),
)


class SqlLogCheckShelf:
    """``vault.shelves.LogCheckShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, check_id: LogCheckId, *, asked_by: PersonId, at: datetime) -> None:
        self._rows.run(_ADD, {"id": check_id, "asked_by": asked_by, "asked_at": at, "done": 0, "total": 0})

    def get(self, check_id: LogCheckId) -> KeptCheck | None:
        row = self._rows.first(_ONE, {"its_id": check_id})
        return None if row is None else _check(row)

    def open(self) -> Sequence[KeptCheck]:
        return [_check(row) for row in self._rows.all(_OPEN)]

    def newest(self, *, limit: int, until: datetime | None = None) -> Sequence[KeptCheck]:
        if until is None:
            return [_check(row) for row in self._rows.all(_NEWEST, {"at_most": limit})]
        return [_check(row) for row in self._rows.all(_NEWEST_UNTIL, {"at_most": limit, "until": until})]

    def claim(self, check_id: LogCheckId, process_id: ProcessId, *, at: datetime, silent_since: datetime) -> bool:
        values = {"its_id": check_id, "its_process": process_id, "now": at, "silent_since": silent_since}
        return self._rows.run(_CLAIM, values) == 1

    def tell(self, check_id: LogCheckId, process_id: ProcessId, *, done: int, total: int, at: datetime) -> None:
        values = {"its_id": check_id, "its_process": process_id, "so_far": done, "of_all": total, "now": at}
        self._rows.run(_TELL, values)

    def give_back(self, check_id: LogCheckId, process_id: ProcessId) -> None:
        self._rows.run(_GIVE_BACK, {"its_id": check_id, "its_process": process_id})

    def end(self, check_id: LogCheckId, process_id: ProcessId, verdict: LogVerdict, *, at: datetime) -> bool:
        found = {
            "waiting": verdict.waiting,
            "changed": list(verdict.changed),
            "missing": list(verdict.missing),
            "problems": list(verdict.problems),
        }
        values = {
            "its_id": check_id,
            "its_process": process_id,
            "now": at,
            "covered": verdict.size,
            "its_root": verdict.root,
            "found": json.dumps(found, ensure_ascii=False),
        }
        return self._rows.run(_END, values) == 1


def _check(row: Row[Any]) -> KeptCheck:
    verdict = None
    if row.ended_at is not None:
        verdict = LogVerdict(size=row.size, root=row.root, **json.loads(row.findings))
    return KeptCheck(
        id=LogCheckId(row.id),
        asked_by=PersonId(row.asked_by),
        asked_at=row.asked_at,
        begun_at=row.begun_at,
        done=row.done,
        total=row.total,
        ended_at=row.ended_at,
        verdict=verdict,
    )
