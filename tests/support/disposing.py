"""Disposal for tests and benchmarks: people, rules of their own, records that are due, and a clock in the hand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from tests.support.people import somebody
from tests.support.vault import add_bytes
from tests.vault.samples import a_class
from vault.classes import RecordClass
from vault.ids import RecordId
from vault.permissions import Actor
from vault.records import Record
from vault.schedule import RuleVersion, today
from vault.workflows import expiry, holding, schedules
from vault.workflows.vault import Limits, Vault

_numbers = itertools.count(1)


def officer(name: str) -> Actor:
    """Somebody who may do all of it."""
    return somebody(name)


ANN, BEA, CAI, DAN = (officer(name) for name in ("ann", "bea", "cai", "dan"))


@dataclass(slots=True, kw_only=True)
class Hands:
    """A clock that is set by hand; ``outside`` is what the store's says, the same where None."""

    at: datetime
    outside: datetime | None = None

    def now(self) -> datetime:
        return self.at

    def store_now(self) -> datetime:
        return self.outside or self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


def in_hand(vault: Vault, *, at_least: int = 1_000_000) -> tuple[Vault, Hands]:
    """The vault told the time by hand, both clocks alike; nothing of an earlier test pauses its expiry."""
    hands = Hands(at=vault.now())
    held = replace(vault, clock=hands, outside_time=hands.store_now, limits=Limits(expiry_at_least=at_least))
    with vault.catalogue.read() as tx:
        paused = tx.pauses.open(vault.fonds.id) is not None
    if paused:
        expiry.resume(held, ANN)
    with vault.catalogue.write() as tx:
        tx.pauses.ran(vault.fonds.id, at=hands.at)
    return held, hands


def rule_in_force(vault: Vault, **changes: object) -> RuleVersion:
    """A class of its own, due on its trigger day, proposed by Ann and approved by Bea."""
    code = changes.pop("code", None) or f"disposed-{next(_numbers)}"
    rule: RecordClass = replace(a_class(code=str(code)), **{"period_years": 0, "lead_days": 0, **changes})  # type: ignore[arg-type]
    schedules.propose(vault, ANN, rule, "a reason")
    return schedules.approve(vault, BEA, rule.code)


def due_record(vault: Vault, actor: Actor, code: str, *, in_days: int = 0) -> RecordId:
    """A filed record that is due so many days from now."""
    record_id = add_bytes(vault, actor, b"x", class_code=code).record_id
    holding.file_record(vault, actor, record_id, trigger_on=due_day(vault, in_days))
    return record_id


def due_day(vault: Vault, in_days: int = 0) -> date:
    """The trigger day of a record without a period that is due so many days from now."""
    return today(vault.now()) + timedelta(days=in_days)


def record_of(vault: Vault, record_id: RecordId) -> Record:
    """The record as it is now."""
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
    assert record is not None
    return record
