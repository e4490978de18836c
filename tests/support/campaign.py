"""A history in which everything happens: ``scripts/bench adversary`` and its smaller form among the tests.

Each kill is a destruction of its own, of records or of a customer, at a point of its steps, with the root in the dying
process or in the key process (points of both take turns). Between them a keeper goes away for some generations and
comes back, files come late, key processes are killed, copies and backups are made, drilled and restored.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.support.histories import History, Point
from tests.support.pastbackups import Backups

AWAY_EVERY, AWAY_FOR, AWAY_FIRST = 25, 6, 8
KEYS_DIE_AT = (
    "before:plan",
    "after:plan",
    "before:keys.stage",
    "after:keys.stage",
    "before:commit",
    "before:keys.promote",
    "before:keys.destroy_others",
)
KEYS_DIE_WITHIN_S = 0.012


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often each thing happens: kills at each point, everything else in all.

    Of every ``stride`` points only one is taken, that at ``offset``. No new round over the points is begun after
    ``seconds_max``.
    """

    kills: int
    key_kills: int
    records: int
    backups: int
    beside: int
    instead: int
    copies: int
    offset: int = 0
    stride: int = 1
    seconds_max: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What was done: in each round, a kill at each of the points."""

    past: Backups
    points: int
    rounds: int


def campaign(life: History, pace: Pace) -> Campaign:
    """Lets it happen."""
    begun = time.monotonic()
    life.ingest(pace.records)
    past = Backups(life)
    past.take()
    alone, asking = life.points(), life.points(by_process=True)
    points = [*alone, *(point for point in asking if point not in alone)][pace.offset :: pace.stride]
    happenings = _happenings(life, past, pace, pace.kills * len(points))
    number, away_since, away_last, rounds = 0, 0, AWAY_FIRST - AWAY_EVERY, 0
    while rounds < pace.kills and time.monotonic() - begun < pace.seconds_max:
        for place, point in enumerate(points):
            number += 1
            by_process = point not in alone or (point in asking and (place + rounds) % 2 == 1)
            if away_since and (number - away_since >= AWAY_FOR or "third" in point[0]):
                life.bring_back("third")
                away_since = 0
            elif number - away_last >= AWAY_EVERY and "third" not in point[0]:
                life.take_away("third")
                life.counts["a keeper was away for generations"] += 1
                away_since = away_last = number
            customer, late = (number + rounds) % 7 == 3, (number + rounds) % 5 == 2
            life.destroy(1 + number % 3, point=point, customer=customer, late=late, by_process=by_process)
            for happening in happenings.pop(number, ()):
                happening()
        for at in life.chance.sample(KEYS_DIE_AT, pace.key_kills):
            _lose_keys(life, (at, 1), dies=rounds % 4 == 3)
        rounds += 1
    if away_since:
        life.bring_back("third")
    return Campaign(past=past, points=len(points), rounds=rounds)


def _lose_keys(life: History, point: Point, *, dies: bool) -> None:
    """The key process is killed in a destruction, somewhere behind a point; now and then whoever asks it, too."""
    after_s = life.chance.choice((0.0, life.chance.uniform(0, KEYS_DIE_WITHIN_S)))
    life.destroy(1, point=point, by_process=True, keys_die_after_s=after_s, dies=dies)


def _happenings(life: History, past: Backups, pace: Pace, steps: int) -> dict[int, list[Callable[[], object]]]:
    """What happens behind which kill. Each kind is spread over all of the history."""
    found: dict[int, list[Callable[[], object]]] = {}
    kinds: list[tuple[int, Callable[[], object]]] = [
        (pace.backups, past.take),
        (pace.beside, past.restore_beside),
        (pace.instead, past.restore_instead),
        (1, life.overlap),
    ]
    if life.place.catalogue_url is None:
        kinds.append((pace.copies, life.copy_database))
    for count, happening in kinds:
        for step in _spread(count, steps):
            found.setdefault(step, []).append(happening)
    return found


def _spread(count: int, steps: int) -> Iterator[int]:
    return (max(2, (each + 1) * steps // (count + 1)) for each in range(count))
