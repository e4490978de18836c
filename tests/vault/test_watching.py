"""Early warning judges somebody by their own past, and by nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vault.watching import (
    DAY_FACTOR,
    HOURS_A_DAY,
    WINDOW_DAYS,
    Counted,
    Deed,
    Sign,
    WatchRule,
    judge_day,
    judge_hour,
    window_before,
)

RULE = WatchRule()
TODAY = 20_000
NOW = TODAY * HOURS_A_DAY + 10


def days(number: int, *, times: int = 5, at: int = 10, deed: Deed = Deed.OPENED) -> list[Counted]:
    return [Counted(deed=deed, hour=(TODAY - each) * HOURS_A_DAY + at, times=times) for each in range(1, number + 1)]


def signs(times: int, past: list[Counted], *, deed: Deed = Deed.OPENED, hour: int = NOW) -> set[Sign]:
    return {each.sign for each in judge_hour(RULE, deed, hour, times, past)}


@given(times=st.integers(1, 10**6), known=st.integers(0, RULE.history_days - 1), hour=st.integers(0, 23))
def test_nobody_is_judged_on_fewer_days_than_the_rule_says(times: int, known: int, hour: int) -> None:
    past = days(known)
    for deed in Deed:
        assert signs(times, past, deed=deed, hour=TODAY * HOURS_A_DAY + hour) == set()
    assert not judge_day(RULE, times, past)


@given(
    past=st.lists(
        st.builds(
            Counted,
            deed=st.sampled_from(Deed),
            hour=st.integers((TODAY - WINDOW_DAYS) * HOURS_A_DAY, TODAY * HOURS_A_DAY - 1),
            times=st.integers(1, 500),
        ),
        max_size=80,
        unique_by=lambda each: (each.deed, each.hour),
    ),
    times=st.integers(1, 5000),
)
def test_what_somebody_did_as_often_on_their_days_is_never_bulk_reading(past: list[Counted], times: int) -> None:
    highest = max((each.times for each in past if each.deed is Deed.OPENED), default=0)
    found = signs(times, past)
    if times <= RULE.bulk_floor:
        assert Sign.BULK not in found
    if (
        times > max(RULE.bulk_floor, highest * RULE.factor_percent // 100)
        and len({each.hour // HOURS_A_DAY for each in past}) >= RULE.history_days
    ):
        assert Sign.BULK in found


def test_one_wild_day_of_twenty_does_not_make_the_next_one_usual() -> None:
    past = [*days(20, times=10), Counted(deed=Deed.OPENED, hour=(TODAY - 3) * HOURS_A_DAY + 15, times=4000)]
    assert signs(31, past) == {Sign.BULK}
    assert signs(30, past) == set()


def test_an_hour_that_is_near_to_none_of_theirs_is_odd() -> None:
    past = days(12, at=10)
    for hour, odd in ((10, False), (9, False), (11, False), (12, True), (3, True), (8, True)):
        assert (Sign.ODD_HOURS in signs(3, past, hour=TODAY * HOURS_A_DAY + hour)) is odd
    assert signs(2, past, hour=TODAY * HOURS_A_DAY + 3) == set()
    night = days(12, at=23)
    assert signs(3, night, hour=TODAY * HOURS_A_DAY) == set()


def test_refusals_are_compared_with_all_active_days() -> None:
    past = days(12)
    assert signs(11, past, deed=Deed.REFUSED) == {Sign.REFUSALS}
    assert signs(10, past, deed=Deed.REFUSED) == set()
    clumsy = [*past, *days(12, deed=Deed.REFUSED, times=6)]
    assert signs(18, clumsy, deed=Deed.REFUSED) == set()
    assert signs(19, clumsy, deed=Deed.REFUSED) == {Sign.REFUSALS}


def test_reading_that_is_spread_over_a_day_stands_out_too() -> None:
    past = days(12, times=5)
    limit = RULE.bulk_floor * DAY_FACTOR
    assert not judge_day(RULE, limit, past)
    assert [(each.sign, each.limit) for each in judge_day(RULE, limit + 1, past)] == [(Sign.BULK, limit)]


def test_a_day_is_compared_with_the_days_before_it() -> None:
    first, last = window_before(NOW)
    assert (first, last) == ((TODAY - WINDOW_DAYS) * HOURS_A_DAY, TODAY * HOURS_A_DAY - 1)
