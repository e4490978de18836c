"""A rule and a record to decide on, with made-up contents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from vault.classes import DisposalAction, Nature, RecordClass, Sensitivity, Trigger
from vault.ids import FondsId, PersonId, RecordId
from vault.objects import LockMode
from vault.records import Record, RecordState

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def a_class(**changes: Any) -> RecordClass:
    """A class of ten years from receipt; one without years is kept for ever."""
    if changes.get("period_years", 10) is None:
        changes.setdefault("action", DisposalAction.KEEP)
    rule = RecordClass(
        code="sample",
        title_zh="样本",
        title_en="Sample",
        nature=Nature.HOUSE,
        sensitivity=Sensitivity.GENERAL,
        trigger=Trigger.CREATED,
        period_years=10,
        lock_mode=LockMode.GOVERNANCE,
        mandate="",
    )
    return replace(rule, **changes)


def a_record(**changes: Any) -> Record:
    """A filed record whose period is over in 2030."""
    record = Record(
        id=RecordId("a" * 26),
        fonds_id=FondsId("b" * 26),
        number="2026-000001",
        class_code="sample",
        customer_id=None,
        state=RecordState.FILED,
        received_at=NOW,
        received_by=PersonId("operator"),
        filed_at=NOW,
        filed_by=PersonId("operator"),
        trigger_on=date(2020, 5, 4),
        due_on=date(2030, 5, 4),
        current_ordinal=1,
        current_revision=1,
        change=1,
    )
    return replace(record, **changes)
