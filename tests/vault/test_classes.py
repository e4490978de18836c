"""Classes: when a record's period is over."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.classes import BUILT_IN, RecordClass, Trigger, find_class
from vault.errors import NotFound
from vault.objects import LockMode


def a_class(*, years: int | None, trigger: Trigger = Trigger.CREATED) -> RecordClass:
    return RecordClass(
        code="sample",
        title_zh="样本",
        title_en="Sample",
        nature=BUILT_IN[0].nature,
        sensitivity=BUILT_IN[0].sensitivity,
        trigger=trigger,
        period_years=years,
        lock_mode=LockMode.GOVERNANCE,
        mandate="",
    )


@pytest.mark.parametrize(
    ("trigger_on", "years", "due_on"),
    [
        (date(2026, 5, 4), 10, date(2036, 5, 4)),
        (date(2024, 2, 29), 4, date(2028, 2, 29)),
        (date(2024, 2, 29), 3, date(2027, 3, 1)),
        (date(2096, 2, 29), 4, date(2100, 3, 1)),
        (date(2026, 5, 4), 0, date(2026, 5, 4)),
        (date(9990, 5, 4), 10, date(9999, 5, 4)),
        (date(9996, 2, 29), 10, date(9999, 3, 1)),
    ],
)
def test_a_period_ends_on_the_same_day_so_many_years_on(trigger_on: date, years: int, due_on: date) -> None:
    assert a_class(years=years).due_on(trigger_on) == due_on


@pytest.mark.parametrize(
    ("trigger_on", "due_on"),
    [
        (date(2026, 1, 1), date(2057, 1, 1)),
        (date(2026, 12, 31), date(2057, 1, 1)),
        (date(9998, 12, 31), date(9999, 1, 1)),
        (date(9999, 1, 1), date(9999, 12, 31)),
    ],
)
def test_a_fiscal_years_period_runs_from_the_first_day_after_the_year(trigger_on: date, due_on: date) -> None:
    due = find_class("voucher").due_on(trigger_on)
    assert due == due_on


def test_a_permanent_class_is_never_due() -> None:
    assert a_class(years=None).due_on(date(2026, 1, 1)) is None
    assert find_class("house").due_on(date.max) is None


@given(trigger_on=st.dates(), years=st.integers(min_value=0, max_value=200), trigger=st.sampled_from(list(Trigger)))
def test_nothing_is_due_before_its_trigger(trigger_on: date, years: int, trigger: Trigger) -> None:
    due_on = a_class(years=years, trigger=trigger).due_on(trigger_on)
    assert due_on is not None
    assert due_on >= trigger_on


def test_an_unknown_class_is_refused_with_those_that_exist() -> None:
    with pytest.raises(NotFound, match="contract") as refused:
        find_class("secret")
    assert "secret" not in refused.value.message


def test_codes_are_unique_and_compliance_stands_only_where_a_law_sets_a_floor() -> None:
    assert len({each.code for each in BUILT_IN}) == len(BUILT_IN)
    assert all(each.mandate for each in BUILT_IN if each.lock_mode is LockMode.COMPLIANCE)
