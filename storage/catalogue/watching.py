"""Early warning: how often who did what in which hour, the rule, what was raised, and who is suspended.

Rule 1: counts hold a person's opaque id, an hour and a number; nothing of what was opened.
Rule 2: a sign is raised once a person and day; one suspension a person is in force. Whom it concerns neither settles
nor lifts it. What was raised is settled once, and stays. CHECKs, unique indexes and triggers keep this rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from storage.catalogue.metadata import Counted as WholeNumber
from storage.catalogue.metadata import UtcDateTime, metadata, one_of
from storage.catalogue.rows import Rows
from vault.ids import PersonId
from vault.watching import Alarm, Counted, Deed, Sign, Suspension, WatchRule, day_of

_IN_FORCE = "lifted_at IS NULL"

watch_counts = Table(
    "watch_counts",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("deed", Text, primary_key=True),
    Column("hour", WholeNumber, primary_key=True, autoincrement=False),
    Column("times", WholeNumber, nullable=False),
    one_of("deed", Deed),
    CheckConstraint("times >= 1", name="times"),
    Index("ix_watch_counts_hour", "hour"),
)

watch_rules = Table(
    "watch_rules",
    metadata,
    Column("version", WholeNumber, primary_key=True, autoincrement=False),
    Column("bulk_floor", WholeNumber, nullable=False),
    Column("odd_floor", WholeNumber, nullable=False),
    Column("refused_floor", WholeNumber, nullable=False),
    Column("factor_percent", WholeNumber, nullable=False),
    Column("history_days", WholeNumber, nullable=False),
    Column("suspends_bulk", Boolean, nullable=False),
    Column("suspends_odd_hours", Boolean, nullable=False),
    Column("suspends_refusals", Boolean, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    CheckConstraint("version >= 1", name="version"),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    Column("sign", Text, nullable=False),
    Column("day", WholeNumber, nullable=False),
    Column("hour", WholeNumber, nullable=False),
    Column("measure", WholeNumber, nullable=False),
    Column("usual_limit", WholeNumber, nullable=False),
    Column("days", WholeNumber, nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("settled_by", Text),
    Column("settled_at", UtcDateTime),
    UniqueConstraint("person_id", "sign", "day"),
    one_of("sign", Sign),
    CheckConstraint("settled_by IS NULL OR settled_by <> person_id", name="two_people"),
    CheckConstraint("(settled_by IS NULL) = (settled_at IS NULL)", name="settled"),
    Index("ix_alarms_raised_at_id", "raised_at", "id"),
)

suspensions = Table(
    "suspensions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    Column("alarm_id", Text, ForeignKey("alarms.id"), nullable=False),
    Column("suspended_by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("lifted_by", Text),
    Column("lifted_at", UtcDateTime),
    CheckConstraint("lifted_by IS NULL OR lifted_by <> person_id", name="two_people"),
    CheckConstraint("(lifted_by IS NULL) = (lifted_at IS NULL)", name="lifted"),
    Index(
        "uq_suspensions_person_id",
        "person_id",
        unique=True,
        sqlite_where=text(_IN_FORCE),
        postgresql_where=text(_IN_FORCE),
    ),
)

_COUNT = text(
    "INSERT INTO watch_counts (person_id, deed, hour, times) VALUES (:person_id, :deed, :hour, 1)"
    " ON CONFLICT (person_id, deed, hour) DO UPDATE SET times = watch_counts.times + 1 RETURNING times"
)
_COUNTED = select(watch_counts.c.deed, watch_counts.c.hour, watch_counts.c.times).where(
    watch_counts.c.person_id == bindparam("its_person"),
    watch_counts.c.hour.between(bindparam("first"), bindparam("last")),
)
_ACTIVE = (
    select(watch_counts.c.person_id)
    .where(watch_counts.c.hour.between(bindparam("first"), bindparam("last")))
    .distinct()
    .order_by(watch_counts.c.person_id)
)
_FORGET = delete(watch_counts).where(watch_counts.c.hour < bindparam("before"))
_RULE = select(watch_rules).order_by(watch_rules.c.version.desc()).limit(1)
_SET_RULE = insert(watch_rules)
_RAISE = {
    True: postgres_insert(alarms).on_conflict_do_nothing().returning(alarms.c.id),
    False: sqlite_insert(alarms).on_conflict_do_nothing().returning(alarms.c.id),
}
_ALARM = select(alarms).where(alarms.c.id == bindparam("its_id"))
_ALARM_FOR_UPDATE = _ALARM.with_for_update()
_ALARMS = select(alarms).order_by(alarms.c.raised_at.desc(), alarms.c.id.desc()).limit(bindparam("at_most"))
_UNSETTLED = _ALARMS.where(alarms.c.settled_at.is_(None))
_SETTLE = (
    update(alarms)
    .where(alarms.c.id == bindparam("its_id"))
    .values(settled_by=bindparam("settled_by"), settled_at=bindparam("settled_at"))
)
_SUSPEND = {
    True: postgres_insert(suspensions).on_conflict_do_nothing().returning(suspensions.c.id),
    False: sqlite_insert(suspensions).on_conflict_do_nothing().returning(suspensions.c.id),
}
_SUSPENSIONS = select(suspensions).where(suspensions.c.lifted_at.is_(None)).order_by(suspensions.c.at)
_SUSPENSION_OF = _SUSPENSIONS.where(suspensions.c.person_id == bindparam("its_person"))
_LIFT = (
    update(suspensions)
    .where(suspensions.c.id == bindparam("its_id"))
    .values(lifted_by=bindparam("lifted_by"), lifted_at=bindparam("lifted_at"))
)

_DEEDS = {each.value: each for each in Deed}


class SqlWatchShelf:
    """``vault.shelves.WatchShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def count(self, person_id: PersonId, deed: Deed, hour: int) -> int:
        row = self._rows.first(_COUNT, {"person_id": person_id, "deed": deed.value, "hour": hour})
        return 0 if row is None else int(row.times)

    def counted(self, person_id: PersonId, *, first: int, last: int) -> Sequence[Counted]:
        rows = self._rows.all(_COUNTED, {"its_person": person_id, "first": first, "last": last})
        return [Counted(deed=_DEEDS[deed], hour=hour, times=times) for deed, hour, times in map(tuple, rows)]

    def active(self, *, first: int, last: int) -> Sequence[PersonId]:
        return [PersonId(row.person_id) for row in self._rows.all(_ACTIVE, {"first": first, "last": last})]

    def forget_before(self, hour: int) -> None:
        self._rows.run(_FORGET, {"before": hour})

    def rule(self) -> WatchRule:
        row = self._rows.first(_RULE)
        return WatchRule() if row is None else _rule_of(row)

    def set_rule(self, rule: WatchRule) -> None:
        self._rows.run(
            _SET_RULE,
            {
                "version": rule.version,
                "bulk_floor": rule.bulk_floor,
                "odd_floor": rule.odd_floor,
                "refused_floor": rule.refused_floor,
                "factor_percent": rule.factor_percent,
                "history_days": rule.history_days,
                "suspends_bulk": Sign.BULK in rule.suspends,
                "suspends_odd_hours": Sign.ODD_HOURS in rule.suspends,
                "suspends_refusals": Sign.REFUSALS in rule.suspends,
                "set_by": rule.set_by,
                "set_at": rule.set_at,
            },
        )

    def add_alarm(self, alarm: Alarm) -> bool:
        values = {
            "id": alarm.id,
            "person_id": alarm.person_id,
            "sign": alarm.sign.value,
            "day": day_of(alarm.hour),
            "hour": alarm.hour,
            "measure": alarm.measure,
            "usual_limit": alarm.limit,
            "days": alarm.days,
            "raised_at": alarm.raised_at,
        }
        return self._rows.first(_RAISE[self._rows.on_postgres], values) is not None

    def alarm(self, alarm_id: str, *, for_update: bool = False) -> Alarm | None:
        row = self._rows.first(_ALARM_FOR_UPDATE if for_update else _ALARM, {"its_id": alarm_id})
        return None if row is None else _alarm_of(row)

    def alarms(self, *, unsettled: bool, limit: int = 100) -> Sequence[Alarm]:
        rows = self._rows.all(_UNSETTLED if unsettled else _ALARMS, {"at_most": limit})
        return [_alarm_of(row) for row in rows]

    def settle(self, alarm: Alarm) -> None:
        self._rows.run(_SETTLE, {"its_id": alarm.id, "settled_by": alarm.settled_by, "settled_at": alarm.settled_at})

    def suspend(self, suspension: Suspension) -> bool:
        values = {
            "id": suspension.id,
            "person_id": suspension.person_id,
            "alarm_id": suspension.alarm_id,
            "suspended_by": suspension.by,
            "at": suspension.at,
        }
        return self._rows.first(_SUSPEND[self._rows.on_postgres], values) is not None

    def suspension_of(self, person_id: str) -> Suspension | None:
        row = self._rows.first(_SUSPENSION_OF, {"its_person": person_id})
        return None if row is None else _suspension_of(row)

    def suspensions(self) -> Sequence[Suspension]:
        return [_suspension_of(row) for row in self._rows.all(_SUSPENSIONS)]

    def lift(self, suspension: Suspension) -> None:
        self._rows.run(
            _LIFT, {"its_id": suspension.id, "lifted_by": suspension.lifted_by, "lifted_at": suspension.lifted_at}
        )


def _rule_of(row: Row[Any]) -> WatchRule:
    suspends = {
        Sign.BULK: row.suspends_bulk,
        Sign.ODD_HOURS: row.suspends_odd_hours,
        Sign.REFUSALS: row.suspends_refusals,
    }
    return WatchRule(
        version=row.version,
        bulk_floor=row.bulk_floor,
        odd_floor=row.odd_floor,
        refused_floor=row.refused_floor,
        factor_percent=row.factor_percent,
        history_days=row.history_days,
        suspends=frozenset(sign for sign, does in suspends.items() if does),
        set_by=PersonId(row.set_by),
        set_at=row.set_at,
    )


def _alarm_of(row: Row[Any]) -> Alarm:
    return Alarm(
        id=row.id,
        person_id=PersonId(row.person_id),
        sign=Sign(row.sign),
        hour=row.hour,
        measure=row.measure,
        limit=row.usual_limit,
        days=row.days,
        raised_at=row.raised_at,
        settled_by=None if row.settled_by is None else PersonId(row.settled_by),
        settled_at=row.settled_at,
    )


def _suspension_of(row: Row[Any]) -> Suspension:
    return Suspension(
        id=row.id,
        person_id=PersonId(row.person_id),
        alarm_id=row.alarm_id,
        by=row.suspended_by,
        at=row.at,
        lifted_by=None if row.lifted_by is None else PersonId(row.lifted_by),
        lifted_at=row.lifted_at,
    )
