"""The day that has begun everywhere on earth."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.schedule import today, ungoverned

FIRST, LAST = datetime(1970, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 - bounds are naive


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 6, 1, 11, 59, 59, 999_999, tzinfo=UTC), date(2026, 5, 31)),
        (datetime(2026, 6, 1, 12, tzinfo=UTC), date(2026, 6, 1)),
        (datetime(2028, 2, 29, 23, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2028, 3, 1, 11, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2026, 1, 1, 0, tzinfo=UTC), date(2025, 12, 31)),
    ],
)
def test_a_day_has_come_when_it_has_come_in_the_last_time_zone(now: datetime, day: date) -> None:
    assert today(now) == day


@given(
    now=st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC)),
    hours=st.integers(-12, 14),
)
def test_no_clock_on_earth_shows_an_earlier_day(now: datetime, hours: int) -> None:
    local = now.astimezone(timezone(timedelta(hours=hours)))
    assert today(now) <= local.date()
    assert today(now + timedelta(hours=1)) >= today(now)


def test_what_no_rule_governs_is_kept_for_ever() -> None:
    assert ungoverned("lost-class").is_permanent
