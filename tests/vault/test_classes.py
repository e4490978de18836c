"""Classes: when a record's period is over, and what may be a rule at all."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.samples import a_class
from vault.classes import FOR_EVER, DisposalAction, Trigger
from vault.errors import InvalidInput
from vault.objects import LockMode


@pytest.mark.parametrize(
    ("trigger_on", "years", "months", "due_on"),
    [
        (date(2026, 5, 4), 10, 0, date(2036, 5, 4)),
        (date(2024, 2, 29), 4, 0, date(2028, 2, 29)),
        (date(2024, 2, 29), 3, 0, date(2027, 3, 1)),
        (date(2096, 2, 29), 4, 0, date(2100, 3, 1)),
        (date(2026, 5, 4), 0, 0, date(2026, 5, 4)),
        (date(2026, 5, 4), 0, 6, date(2026, 11, 4)),
        (date(2026, 10, 31), 0, 1, date(2026, 12, 1)),
        (date(2026, 12, 31), 0, 2, date(2027, 3, 1)),
        (date(2026, 12, 31), 1, 11, date(2028, 12, 1)),
        (date(2023, 12, 31), 0, 2, date(2024, 3, 1)),
        (date(9989, 12, 31), 10, 0, date(9999, 12, 31)),
        (date(9990, 5, 4), 10, 0, FOR_EVER),
        (date(9996, 2, 29), 10, 0, FOR_EVER),
        (date(9999, 12, 31), 0, 1, FOR_EVER),
    ],
)
def test_a_period_ends_on_the_same_day_so_many_years_and_months_on(
    trigger_on: date, years: int, months: int, due_on: date
) -> None:
    assert a_class(period_years=years, period_months=months).due_on(trigger_on) == due_on


@pytest.mark.parametrize(
    ("trigger_on", "due_on"),
    [
        (date(2026, 1, 1), date(2057, 1, 1)),
        (date(2026, 12, 31), date(2057, 1, 1)),
        (date(9968, 12, 31), date(9999, 1, 1)),
        (date(9969, 1, 1), FOR_EVER),
        (date(9999, 1, 1), FOR_EVER),
    ],
)
def test_a_fiscal_years_period_runs_from_the_first_day_after_the_year(trigger_on: date, due_on: date) -> None:
    assert a_class(trigger=Trigger.FISCAL_YEAR_END, period_years=30).due_on(trigger_on) == due_on


def test_a_permanent_class_is_never_due() -> None:
    assert a_class(period_years=None).due_on(date(2026, 1, 1)) is None
    assert a_class(period_years=None).due_on(date.max) is None


@given(
    trigger_on=st.dates(),
    years=st.integers(0, 9999),
    months=st.integers(0, 11),
    trigger=st.sampled_from(list(Trigger)),
)
def test_a_due_date_exists_for_every_period_and_is_never_before_its_trigger(
    trigger_on: date, years: int, months: int, trigger: Trigger
) -> None:
    rule = a_class(period_years=years, period_months=months, trigger=trigger)
    due_on = rule.due_on(trigger_on)
    assert due_on is not None
    assert due_on >= trigger_on
    longer = a_class(period_years=years, period_months=min(months + 1, 11), trigger=trigger).due_on(trigger_on)
    assert longer is not None
    assert longer >= due_on


@given(trigger_on=st.dates(max_value=date.max - timedelta(days=1)), years=st.integers(0, 200))
def test_a_later_trigger_is_never_due_earlier(trigger_on: date, years: int) -> None:
    rule = a_class(period_years=years)
    first, second = rule.due_on(trigger_on), rule.due_on(trigger_on + timedelta(days=1))
    assert first is not None
    assert second is not None
    assert first <= second


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "No Code"}, "code"),
        ({"code": "x" * 41}, "code"),
        ({"title_zh": " "}, "title_zh"),
        ({"title_en": "two\nlines"}, "title_en"),
        ({"mandate": "x" * 201}, "mandate"),
        ({"period_years": -1}, "period_years"),
        ({"period_years": 10_000}, "period_years"),
        ({"period_months": 12}, "period_years"),
        ({"period_years": None, "period_months": 1}, "period_months"),
        ({"action": DisposalAction.KEEP}, "action"),
        ({"period_years": None, "action": DisposalAction.DESTROY}, "action"),
        ({"lead_days": -1}, "lead_days"),
        ({"objection_days": 4000}, "objection_days"),
        ({"automatic": True, "supervised": True}, "automatic"),
        ({"automatic": True, "action": DisposalAction.REVIEW}, "automatic"),
        ({"lock_mode": LockMode.COMPLIANCE}, "lock_mode"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_with_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        a_class(**changes).checked()
    assert refused.value.field == field
