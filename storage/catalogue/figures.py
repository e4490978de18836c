"""Figures for the first page: counts that stop early, and what each class takes up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, func, literal, select

from storage.catalogue.records import limits_of, records, seen_by
from storage.catalogue.rows import Rows
from storage.catalogue.versions import versions
from vault.ids import FondsId
from vault.records import RecordState

_codes: Final[BindParameter[Any]] = bindparam("codes", expanding=True)
_RECORDS_IN_STATE = (
    select(literal(1).label("one")).where(records.c.state == bindparam("its_state")).limit(bindparam("at_most"))
)
_IN_STATE = select(func.count()).select_from(_RECORDS_IN_STATE.subquery())
_IN_STATE_OF_CLASSES = select(func.count()).select_from(
    _RECORDS_IN_STATE.where(*seen_by(frozenset({"classes"}))).subquery()
)
_DUE = select(func.count()).select_from(
    select(literal(1).label("one"))
    .where(records.c.state == "filed", records.c.class_code.in_(_codes), records.c.due_on <= bindparam("today"))
    .limit(bindparam("at_most"))
    .subquery()
)
_BY_CLASS = (
    select(
        records.c.class_code,
        func.count().label("version_count"),
        func.coalesce(func.sum(versions.c.size_bytes), 0).label("size_bytes"),
    )
    .select_from(versions.join(records, records.c.id == versions.c.record_id))
    .where(records.c.fonds_id == bindparam("its_fonds"), records.c.state.in_(["received", "filed"]))
    .group_by(records.c.class_code)
)


class SqlFigureShelf:
    """``vault.shelves.FigureShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def records_in(self, state: RecordState, *, classes: frozenset[str] | None, limit: int) -> int:
        limits, seen = limits_of(classes, None)
        statement = _IN_STATE_OF_CLASSES if limits else _IN_STATE
        row = self._rows.first(statement, {"its_state": state.value, "at_most": limit, **seen})
        return 0 if row is None else int(row[0])

    def records_due(self, class_codes: Sequence[str], today: date, *, limit: int) -> int:
        if not class_codes:
            return 0
        row = self._rows.first(_DUE, {"codes": list(class_codes), "today": today, "at_most": limit})
        return 0 if row is None else int(row[0])

    def kept_by_class(self, fonds_id: FondsId) -> Sequence[tuple[str, int, int]]:
        rows = self._rows.all(_BY_CLASS, {"its_fonds": fonds_id})
        return [(row.class_code, int(row.version_count), int(row.size_bytes)) for row in rows]
