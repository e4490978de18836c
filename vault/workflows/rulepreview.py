"""What a rule would change among the filed records of its class: how many, and each of them with its new date (R5, G2).

Rule 1: what a reviewer extended stays extended, here as when records follow their rule.
Rule 2: records with the same two dates move alike: they are counted by the database, and read only to be shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from vault.classes import RecordClass
from vault.errors import InvalidInput
from vault.ids import RecordId
from vault.records import Record, RecordState
from vault.shelves import Transaction

SAMPLE: Final = 10
AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A record whose due date a rule would change."""

    number: str
    trigger_on: date | None
    due_on: date | None
    new_due_on: date | None
    record_id: RecordId


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePreview:
    """What a rule would change among the filed records of its class. ``sample`` are those with the earliest new dates.

    ``received`` have the class and are not filed yet: they have no date.
    """

    rule: RecordClass
    before: RecordClass | None
    received: int
    filed: int
    earlier: int
    later: int
    unchanged: int
    sample: Sequence[Moved]

    @property
    def earliest(self) -> date | None:
        """The first of the new due dates, where a date changes."""
        return min((each.new_due_on for each in self.sample if each.new_due_on is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A page of the records that a rule would move; ``following`` is where the next one begins, empty at the end."""

    moved: Sequence[Moved]
    following: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Filed records with the same two dates, but for those that reviewers extended."""

    trigger_on: date | None
    due_on: date | None
    new_due_on: date | None
    count: int

    @property
    def moves(self) -> bool:
        return self.new_due_on != self.due_on and self.count > 0

    @property
    def key(self) -> tuple[date, date, date]:
        return (self.new_due_on or date.max, self.trigger_on or date.min, self.due_on or date.min)


def preview_in(tx: Transaction, rule: RecordClass) -> RulePreview:
    """What a rule would change, in a transaction."""
    governing = tx.schedules.rule(rule.code)
    groups, extended = _groups(tx, rule)
    moved = [each for each in extended if each.new_due_on != each.due_on]
    counted = [(each.due_on, each.new_due_on, each.count) for each in groups if each.moves]
    counted += [(each.due_on, each.new_due_on, 1) for each in moved]
    filed = sum(each.count for each in groups) + len(extended)
    earlier = sum(count for due_on, new, count in counted if is_earlier(new, due_on))
    later = sum(count for due_on, new, count in counted if not is_earlier(new, due_on))
    sample = moved[:SAMPLE]
    passed_over = {each.record_id for each in extended}
    for group in [each for each in groups if each.moves][:SAMPLE]:
        sample += _of_group(tx, rule, group, passed_over, limit=SAMPLE)
    return RulePreview(
        rule=rule,
        before=governing.rule if governing is not None else None,
        received=tx.records.count_of_class(rule.code) - filed,
        filed=filed,
        earlier=earlier,
        later=later,
        unchanged=filed - earlier - later,
        sample=sorted(sample, key=lambda each: (each.new_due_on or date.max, each.number))[:SAMPLE],
    )


def affected_in(tx: Transaction, rule: RecordClass, *, after: str = "", limit: int = AT_ONCE) -> Affected:
    """A page of the records that a rule would move: those that reviewers extended first, then by their new dates.

    ``after`` is ``following`` of the page before. Raises ``InvalidInput`` for anything else.
    """
    begin = _cursor(after)
    groups, extended = _groups(tx, rule)
    passed_over = {each.record_id for each in extended}
    found = [each for each in extended if each.new_due_on != each.due_on] if begin is None else []
    for group in groups:
        if not group.moves or (begin is not None and group.key < begin[0]):
            continue
        last: str = begin[1] if begin is not None and group.key == begin[0] else ""
        while page := _of_group(tx, rule, group, passed_over, after=last, limit=limit):
            for each in page:
                found.append(each)
                if len(found) >= limit:
                    return Affected(moved=found, following=_following(group.key, each.record_id))
            last = page[-1].record_id
    return Affected(moved=found, following="")


def is_earlier(one: date | None, other: date | None) -> bool:
    """Whether one date comes before another; no date is after all of them."""
    return (one or date.max) < (other or date.max)


def new_due_on(rule: RecordClass, trigger_on: date | None, extended: date | None) -> date | None:
    """The due date that a rule gives, or the day until which a reviewer extended it."""
    due_on = rule.due_on(trigger_on) if trigger_on is not None else None
    return max(due_on, extended) if due_on is not None and extended is not None else due_on


def _groups(tx: Transaction, rule: RecordClass) -> tuple[list[_Group], list[Moved]]:
    """The groups of a class by their new dates, and each record of it that a reviewer extended."""
    counts = {(trigger_on, due_on): count for trigger_on, due_on, count in tx.records.due_dates(rule.code)}
    extended: list[Moved] = []
    for record, until in _extended(tx, rule.code):
        counts[record.trigger_on, record.due_on] = counts.get((record.trigger_on, record.due_on), 1) - 1
        extended.append(_moved(record, new_due_on(rule, record.trigger_on, until)))
    groups = [
        _Group(trigger_on=trigger_on, due_on=due_on, new_due_on=new_due_on(rule, trigger_on, None), count=count)
        for (trigger_on, due_on), count in counts.items()
    ]
    return sorted(groups, key=lambda each: each.key), extended


def _extended(tx: Transaction, code: str) -> Iterator[tuple[Record, date]]:
    until: Mapping[RecordId, date] = tx.disposals.extended_in(code)
    ids = sorted(until)
    for begin in range(0, len(ids), AT_ONCE):
        for record_id, record in tx.records.many(ids[begin : begin + AT_ONCE]).items():
            if record.state is RecordState.FILED and record.class_code == code:
                yield record, until[record_id]


def _of_group(
    tx: Transaction,
    rule: RecordClass,
    group: _Group,
    passed_over: set[RecordId],
    *,
    after: str = "",
    limit: int,
) -> list[Moved]:
    while True:
        page = tx.records.with_dates(rule.code, group.trigger_on, group.due_on, after=after, limit=limit)
        found = [_moved(each, group.new_due_on) for each in page if each.id not in passed_over]
        if found or len(page) < limit:
            return found
        after = page[-1].id


def _moved(record: Record, due_on: date | None) -> Moved:
    return Moved(
        number=record.number,
        trigger_on=record.trigger_on,
        due_on=record.due_on,
        new_due_on=due_on,
        record_id=record.id,
    )


def _following(key: tuple[date, date, date], record_id: RecordId) -> str:
    return "_".join([*(each.isoformat() for each in key), record_id])


def _cursor(after: str) -> tuple[tuple[date, date, date], RecordId] | None:
    if not after:
        return None
    try:
        new, trigger, due, record_id = after.split("_")
        return (date.fromisoformat(new), date.fromisoformat(trigger), date.fromisoformat(due)), RecordId(record_id)
    except ValueError:
        raise InvalidInput("this is no place in the list; begin with the first page", field="after") from None
