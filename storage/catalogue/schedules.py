"""Versions of rules: which one governs a class, which one is proposed, and who decided.

Rule 1: of one class one version governs and one proposal waits, by unique indexes. Proposer and approver are different
people, by constraint; what a version says never changes, by trigger. What ships came with the migration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
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

from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.rows import Rows, Values
from vault.classes import ONE_APPROVER, DisposalAction, Nature, RecordClass, Sensitivity, Trigger
from vault.errors import NotFound
from vault.ids import PersonId
from vault.objects import LockMode
from vault.schedule import RuleState, RuleVersion

_JOINED = "\n"
_GOVERNS = "state IN ('in-force', 'retired')"
_WAITS = "state = 'proposed'"

schedules = Table(
    "schedules",
    metadata,
    Column("code", Text, primary_key=True),
    Column("version", Counted, primary_key=True, autoincrement=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("nature", Text, nullable=False),
    Column("sensitivity", Text, nullable=False),
    Column("trigger_event", Text, nullable=False),
    Column("period_years", Counted),
    Column("period_months", Counted, nullable=False),
    Column("lock_mode", Text, nullable=False),
    Column("mandate", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("supervised", Boolean, nullable=False),
    Column("lead_days", Counted, nullable=False),
    Column("objection_days", Counted, nullable=False),
    Column("notify", Boolean, nullable=False),
    Column("unsettled_keeps", Boolean, nullable=False),
    Column("signing", Text, nullable=False, server_default=_JOINED.join(ONE_APPROVER)),
    Column("state", Text, nullable=False),
    Column("shipped", Boolean, nullable=False),
    Column("sealed_reason", LargeBinary, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("change", Counted, nullable=False),
    CheckConstraint("version >= 1", name="version"),
    one_of("state", RuleState),
    one_of("nature", Nature),
    one_of("sensitivity", Sensitivity),
    one_of("trigger_event", Trigger),
    one_of("lock_mode", LockMode),
    one_of("action", DisposalAction),
    CheckConstraint("(period_years IS NULL) = (action = 'keep')", name="permanent"),
    CheckConstraint(
        "(period_years IS NULL OR period_years BETWEEN 0 AND 9999) AND period_months BETWEEN 0 AND 11", name="period"
    ),
    CheckConstraint("NOT (automatic AND (supervised OR shipped))", name="automatic"),
    CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided"),
    CheckConstraint("state <> 'proposed' OR decided_by IS NULL", name="undecided"),
    CheckConstraint(
        "state IN ('proposed', 'withdrawn') OR (decided_by IS NULL AND shipped)"
        " OR (decided_by IS NOT NULL AND decided_by <> proposed_by)",
        name="two_people",
    ),
    Index("uq_schedules_governing", "code", unique=True, sqlite_where=text(_GOVERNS), postgresql_where=text(_GOVERNS)),
    Index("uq_schedules_waiting", "code", unique=True, sqlite_where=text(_WAITS), postgresql_where=text(_WAITS)),
    Index("ix_schedules_change", "change"),
)

_ADD = insert(schedules)
_RULE = select(schedules).where(schedules.c.code == bindparam("its_code"), text(f"schedules.{_GOVERNS}"))
_GOVERNING = select(schedules).where(text(f"schedules.{_GOVERNS}")).order_by(schedules.c.code)
_WAITING = select(schedules).where(text(f"schedules.{_WAITS}")).order_by(schedules.c.code)
_PROPOSAL = select(schedules).where(schedules.c.code == bindparam("its_code"), text(f"schedules.{_WAITS}"))
_PROPOSAL_FOR_UPDATE = _PROPOSAL.with_for_update()
_RULE_FOR_UPDATE = _RULE.with_for_update()
_VERSIONS = select(schedules).where(schedules.c.code == bindparam("its_code")).order_by(schedules.c.version.desc())
_NEWEST = select(func.max(schedules.c.version).label("newest")).where(schedules.c.code == bindparam("its_code"))
_CHANGED_SINCE = (
    select(schedules)
    .where(schedules.c.change > bindparam("after_change"))
    .order_by(schedules.c.change)
    .limit(bindparam("at_most"))
)
_DECIDE = update(schedules).where(
    schedules.c.code == bindparam("its_code"), schedules.c.version == bindparam("its_version")
)


def _values(rule: RuleVersion) -> Values:
    said = rule.rule
    return {
        "code": rule.code,
        "version": rule.version,
        "title_zh": said.title_zh,
        "title_en": said.title_en,
        "nature": said.nature.value,
        "sensitivity": said.sensitivity.value,
        "trigger_event": said.trigger.value,
        "period_years": said.period_years,
        "period_months": said.period_months,
        "lock_mode": said.lock_mode.value,
        "mandate": said.mandate,
        "action": said.action.value,
        "automatic": said.automatic,
        "supervised": said.supervised,
        "lead_days": said.lead_days,
        "objection_days": said.objection_days,
        "notify": said.notify,
        "unsettled_keeps": said.unsettled_keeps,
        "signing": _JOINED.join(said.signing),
        "state": rule.state.value,
        "shipped": rule.shipped,
        "sealed_reason": rule.sealed_reason,
        "proposed_by": rule.proposed_by,
        "proposed_at": rule.proposed_at,
        "decided_by": rule.decided_by,
        "decided_at": rule.decided_at,
        "change": rule.change,
    }


def _rule_of(row: Row[Any]) -> RuleVersion:
    return RuleVersion(
        code=row.code,
        version=row.version,
        rule=RecordClass(
            code=row.code,
            title_zh=row.title_zh,
            title_en=row.title_en,
            nature=Nature(row.nature),
            sensitivity=Sensitivity(row.sensitivity),
            trigger=Trigger(row.trigger_event),
            period_years=row.period_years,
            period_months=row.period_months,
            lock_mode=LockMode(row.lock_mode),
            mandate=row.mandate,
            action=DisposalAction(row.action),
            automatic=row.automatic,
            supervised=row.supervised,
            lead_days=row.lead_days,
            objection_days=row.objection_days,
            notify=row.notify,
            unsettled_keeps=row.unsettled_keeps,
            signing=tuple(row.signing.split(_JOINED)),
        ),
        state=RuleState(row.state),
        shipped=row.shipped,
        sealed_reason=row.sealed_reason,
        proposed_by=PersonId(row.proposed_by),
        proposed_at=row.proposed_at,
        decided_by=None if row.decided_by is None else PersonId(row.decided_by),
        decided_at=row.decided_at,
        change=row.change,
    )


class SqlScheduleShelf:
    """``vault.shelves.ScheduleShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, rule: RuleVersion) -> None:
        self._rows.run(_ADD, _values(rule))

    def rule(self, code: str, *, for_update: bool = False) -> RuleVersion | None:
        row = self._rows.first(_RULE_FOR_UPDATE if for_update else _RULE, {"its_code": code})
        return None if row is None else _rule_of(row)

    def governing(self) -> Sequence[RuleVersion]:
        return [_rule_of(row) for row in self._rows.all(_GOVERNING)]

    def in_force(self) -> Sequence[RuleVersion]:
        return [rule for rule in self.governing() if rule.is_in_force]

    def proposal(self, code: str, *, for_update: bool = False) -> RuleVersion | None:
        row = self._rows.first(_PROPOSAL_FOR_UPDATE if for_update else _PROPOSAL, {"its_code": code})
        return None if row is None else _rule_of(row)

    def proposals(self) -> Sequence[RuleVersion]:
        return [_rule_of(row) for row in self._rows.all(_WAITING)]

    def versions(self, code: str) -> Sequence[RuleVersion]:
        return [_rule_of(row) for row in self._rows.all(_VERSIONS, {"its_code": code})]

    def newest(self, code: str) -> int:
        row = self._rows.first(_NEWEST, {"its_code": code})
        return 0 if row is None or row.newest is None else int(row.newest)

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[RuleVersion]:
        rows = self._rows.all(_CHANGED_SINCE, {"after_change": change, "at_most": limit})
        return [_rule_of(row) for row in rows]

    def decide(self, rule: RuleVersion) -> None:
        values = {
            "its_code": rule.code,
            "its_version": rule.version,
            "state": rule.state.value,
            "decided_by": rule.decided_by,
            "decided_at": rule.decided_at,
            "change": rule.change,
        }
        if self._rows.run(_DECIDE, values) != 1:
            raise NotFound(f"class {rule.code} has no version {rule.version}")
