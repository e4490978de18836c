"""Early warning (异常预警): somebody's openings and refusals of an hour, judged against their own past.

Rule 1: what is counted is how often, in which hour (UTC): no record, no purpose, nothing of what was read.
Rule 2: the measure is a person's own past days: a high quantile of what their busiest hours were, times a factor, and
never less than a floor. Nobody is judged before they were active on as many days as the rule says.
Rule 3: a sign is raised once a person and day. Whether it suspends, the rule says; nobody is suspended whom nobody
else could let in again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from vault.errors import InvalidInput
from vault.ids import PersonId

HOURS_A_DAY: Final = 24
WINDOW_DAYS: Final = 60
"""So many days are looked back on."""
QUANTILE: Final = 0.95
LEAST_FLOOR: Final = 3
DAY_FACTOR: Final = 4
"""A day's floor is so many floors of an hour: reading that is spread over a day is bulk reading, too."""


class Deed(StrEnum):
    """What is counted."""

    OPENED = "opened"
    """A record was opened, exported, or a link to it made."""
    REFUSED = "refused"
    """Somebody was refused a record: no role, a closed gate, or there is none."""


class Sign(StrEnum):
    """What stands out."""

    BULK = "bulk"
    ODD_HOURS = "odd-hours"
    REFUSALS = "refusals"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRule:
    """When somebody is warned of, and which signs suspend. Version 0 is what ships."""

    version: int = 0
    bulk_floor: int = 30
    odd_floor: int = 3
    refused_floor: int = 10
    factor_percent: int = 300
    history_days: int = 10
    suspends: frozenset[Sign] = field(default_factory=frozenset)
    set_by: PersonId | None = None
    set_at: datetime | None = None


NUMBERS_OF_RULE: Final = ("bulk_floor", "odd_floor", "refused_floor", "factor_percent", "history_days")
"""The fields of a rule that are numbers, in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How often somebody did something in an hour (hours since 1970, UTC)."""

    deed: Deed
    hour: int
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A sign: ``measure`` is what was counted, ``limit`` what would still have been usual, from ``days`` days."""

    sign: Sign
    measure: int
    limit: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A sign that was raised, until somebody has looked at it."""

    id: str
    person_id: PersonId
    sign: Sign
    hour: int
    measure: int
    limit: int
    days: int
    raised_at: datetime
    settled_by: PersonId | None = None
    settled_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has looked at it yet."""
        return self.settled_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspension:
    """That somebody opens nothing, until a security administrator lifts it. ``by`` is a person, or the clock."""

    id: str
    person_id: PersonId
    alarm_id: str
    by: str
    at: datetime
    lifted_by: PersonId | None = None
    lifted_at: datetime | None = None


def hour_of(moment: datetime) -> int:
    """The hour of a time, since 1970 in UTC."""
    return int(moment.timestamp()) // 3600


def beginning_of(hour: int) -> datetime:
    """When an hour began."""
    return datetime.fromtimestamp(hour * 3600, UTC)


def day_of(hour: int) -> int:
    """The day (UTC) of an hour."""
    return hour // HOURS_A_DAY


def window_before(hour: int) -> tuple[int, int]:
    """The first and the last hour of the days that an hour is compared with: all before its own day."""
    today = day_of(hour) * HOURS_A_DAY
    return today - WINDOW_DAYS * HOURS_A_DAY, today - 1


def judge_hour(rule: WatchRule, deed: Deed, hour: int, times: int, past: Sequence[Counted]) -> Sequence[Finding]:
    """What stands out of an hour in which somebody did something so often, by their days before it."""
    active = {day_of(each.hour) for each in past}
    if len(active) < rule.history_days:
        return ()
    mine = [each for each in past if each.deed is deed]
    floor = rule.bulk_floor if deed is Deed.OPENED else rule.refused_floor
    limit = _limit(rule, floor, active, mine, largest=True)
    sign = Sign.BULK if deed is Deed.OPENED else Sign.REFUSALS
    found = [Finding(sign=sign, measure=times, limit=limit, days=len(active))] if times > limit else []
    if deed is Deed.OPENED and times >= rule.odd_floor:
        known = {each.hour % HOURS_A_DAY for each in mine}
        near = {(hour + shift) % HOURS_A_DAY for shift in (-1, 0, 1)}
        if known.isdisjoint(near):
            found.append(Finding(sign=Sign.ODD_HOURS, measure=times, limit=rule.odd_floor - 1, days=len(active)))
    return found


def judge_day(rule: WatchRule, times: int, past: Sequence[Counted]) -> Sequence[Finding]:
    """Whether a day's openings stand out, however they were spread."""
    active = {day_of(each.hour) for each in past}
    if len(active) < rule.history_days:
        return ()
    mine = [each for each in past if each.deed is Deed.OPENED]
    limit = _limit(rule, rule.bulk_floor * DAY_FACTOR, active, mine, largest=False)
    return [Finding(sign=Sign.BULK, measure=times, limit=limit, days=len(active))] if times > limit else ()


def checked_rule(
    *,
    bulk_floor: int,
    odd_floor: int,
    refused_floor: int,
    factor_percent: int,
    history_days: int,
    suspends: Iterable[Sign],
) -> WatchRule:
    """A rule within its bounds. Raises ``InvalidInput``."""
    for name, value, low, high in (
        ("bulk_floor", bulk_floor, LEAST_FLOOR, 100_000),
        ("odd_floor", odd_floor, LEAST_FLOOR, 1_000),
        ("refused_floor", refused_floor, LEAST_FLOOR, 1_000),
        ("factor_percent", factor_percent, 100, 10_000),
        ("history_days", history_days, 3, WINDOW_DAYS),
    ):
        if not low <= value <= high:
            raise InvalidInput(f"{name} must be a whole number from {low} to {high}", field=name)
    return WatchRule(
        bulk_floor=bulk_floor,
        odd_floor=odd_floor,
        refused_floor=refused_floor,
        factor_percent=factor_percent,
        history_days=history_days,
        suspends=frozenset(suspends),
    )


def _limit(rule: WatchRule, floor: int, active: set[int], mine: Sequence[Counted], *, largest: bool) -> int:
    """What is still usual: the quantile over active days (of a day's busiest hour, or of the whole day), times factor.

    A day on which somebody was active, but did nothing of this, counts as nought. Nearest rank: no value is made up.
    """
    by_day = dict.fromkeys(active, 0)
    for each in mine:
        day = day_of(each.hour)
        by_day[day] = max(by_day[day], each.times) if largest else by_day[day] + each.times
    ranked = sorted(by_day.values())
    usual = ranked[max(0, math.ceil(QUANTILE * len(ranked)) - 1)]
    return max(floor, usual * rule.factor_percent // 100)


FORGOTTEN_AFTER: Final = timedelta(days=WINDOW_DAYS + 1)
