"""Records by their periods: what is due, which dates a class has, and who has not followed a rule yet.

Rule 1: only filed records have a period. Each list walks a partial index over them, class by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Date, Select, Text, bindparam, func, select, text, tuple_

from storage.catalogue.records import SqlRecords, record_of, records
from vault.ids import RecordId
from vault.records import Record

_OF_CLASS = records.c.class_code == bindparam("its_class")
# In letters, not bound: only so does the planner see that the partial index has them.
_IS_FILED = text("records.state = 'filed'")
_BY_DUE_DATE = (records.c.due_on, records.c.id)

_DUE = (
    select(records)
    .where(_OF_CLASS, _IS_FILED, records.c.due_on <= bindparam("today"))
    .order_by(*_BY_DUE_DATE)
    .limit(bindparam("at_most"))
)
_DUE_AFTER = _DUE.where(
    tuple_(*_BY_DUE_DATE) > tuple_(bindparam("after_day", type_=Date), bindparam("after_id", type_=Text))
)
_BEHIND = (
    select(records)
    .where(_OF_CLASS, _IS_FILED, records.c.rule_version < bindparam("its_version"))
    .limit(bindparam("at_most"))
)
# Whoever has a record's row is about to change it: the next run finds what is left.
_BEHIND_FOR_UPDATE = _BEHIND.with_for_update(skip_locked=True)
_DUE_DATES = (
    select(records.c.trigger_on, records.c.due_on, func.count(records.c.id).label("records"))
    .where(_OF_CLASS, _IS_FILED)
    .group_by(records.c.trigger_on, records.c.due_on)
)
_COUNT_OF_CLASS = select(func.count().label("count")).where(_OF_CLASS, records.c.state.in_(["received", "filed"]))


@cache
def _with_dates(*, trigger_known: bool, due_known: bool) -> Select[Any]:
    """The statement for dates that are known or not; there are four."""
    trigger = records.c.trigger_on == bindparam("its_trigger") if trigger_known else records.c.trigger_on.is_(None)
    due = records.c.due_on == bindparam("its_due") if due_known else records.c.due_on.is_(None)
    return (
        select(records)
        .where(_OF_CLASS, _IS_FILED, due, trigger, records.c.id > bindparam("after_id", type_=Text))
        .order_by(records.c.id)
        .limit(bindparam("at_most"))
    )


class SqlPeriods(SqlRecords):
    """The part of ``vault.shelves.RecordShelf`` that is about periods."""

    __slots__ = ()

    def due(
        self, class_code: str, today: date, *, after: tuple[date, RecordId] | None = None, limit: int = 500
    ) -> Sequence[Record]:
        values: dict[str, object] = {"its_class": class_code, "today": today, "at_most": limit}
        if after is not None:
            values["after_day"], values["after_id"] = after
        return [record_of(row) for row in self._rows.all(_DUE if after is None else _DUE_AFTER, values)]

    def behind_rule(
        self, class_code: str, version: int, *, limit: int = 500, for_update: bool = False
    ) -> Sequence[Record]:
        values = {"its_class": class_code, "its_version": version, "at_most": limit}
        return [record_of(row) for row in self._rows.all(_BEHIND_FOR_UPDATE if for_update else _BEHIND, values)]

    def due_dates(self, class_code: str) -> Sequence[tuple[date | None, date | None, int]]:
        rows = self._rows.all(_DUE_DATES, {"its_class": class_code})
        return [(row.trigger_on, row.due_on, int(row.records)) for row in rows]

    def with_dates(
        self,
        class_code: str,
        trigger_on: date | None,
        due_on: date | None,
        *,
        after: str = "",
        limit: int = 10,
    ) -> Sequence[Record]:
        if limit <= 0:
            return []
        values: dict[str, object] = {"its_class": class_code, "after_id": after, "at_most": limit}
        if trigger_on is not None:
            values["its_trigger"] = trigger_on
        if due_on is not None:
            values["its_due"] = due_on
        statement = _with_dates(trigger_known=trigger_on is not None, due_known=due_on is not None)
        return [record_of(row) for row in self._rows.all(statement, values)]

    def count_of_class(self, class_code: str) -> int:
        row = self._rows.first(_COUNT_OF_CLASS, {"its_class": class_code})
        return 0 if row is None else int(row[0])
