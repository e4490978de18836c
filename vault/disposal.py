"""Disposal lists: what is proposed for its end, who decided what on each record, and who signed (FEATURES R5 to R7).

    proposed -> approved -> executing -> done
       |  \\________ | _______________/ nothing was left to destroy
       \\-> cancelled <-/

Rule 1: proposer, approvers and supervisors of a list are different people; the database keeps this rule, too.
Rule 2: silence never approves: an item is ``pending`` until somebody decides, and only ``destroy`` lets a record die.
Every other decision has a reason, and takes the record off the list for ever.
Rule 3: a record stands on one open list at most.
Rule 4: nothing of a list dies before its objection window is over, nor before the last of its records is due.
Rule 5: an automatic list is signed by nobody: the two people who made the rule stand in. It is never supervised, and
goes on only under the very version of the rule that they made.
Rule 6: reasons, and what is said of the execution, are sealed under the list's own leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from vault.classes import FOR_EVER
from vault.disposition import Approval, Ground
from vault.ids import BatchId, FondsId, ListId, PauseId, PersonId, RecordId
from vault.schedule import today
from vault.seal.keytree import LeafAddress

ITEMS_MAX: Final = 1000
SUPERVISORS: Final = 2
LEFT_ALONE: Final = timedelta(days=365)
"""How long a record is not proposed again, where the decision names no day."""

CLOCK_MOVED_MAX: Final = timedelta(days=2)
CLOCKS_APART_MAX: Final = timedelta(days=1)


class ListState(StrEnum):
    """Where a list is."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    EXECUTING = "executing"
    DONE = "done"
    CANCELLED = "cancelled"


class Decision(StrEnum):
    """What was decided on a record. ``OBJECTED`` and ``LEFT_OUT`` take it off after its destruction was decided."""

    PENDING = "pending"
    DESTROY = "destroy"
    EXTEND = "extend"
    RECLASSIFY = "reclassify"
    TRANSFER = "transfer"
    KEEP = "keep"
    OBJECTED = "objected"
    LEFT_OUT = "left-out"


REVIEWED: Final = frozenset({Decision.DESTROY, Decision.EXTEND, Decision.RECLASSIFY, Decision.TRANSFER, Decision.KEEP})
"""What a reviewer may decide."""


class Part(StrEnum):
    """In which part somebody signs."""

    PROPOSER = "proposer"
    APPROVER = "approver"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProfile:
    """What is said of a list: sealed. Place, method and remarks are of its execution.

    ``opinion`` is the number of the record that has the opinion of whoever appraised it.
    """

    reason: str = ""
    place: str = ""
    method: str = ""
    remarks: str = ""
    cancelled: str = ""
    opinion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposalList:
    """One list. ``number`` is the vault's own (``D-2026-0001``); ``sealed`` opens to ``ListProfile``.

    ``rule_version`` is the version of the class's rule that it was made under. ``approvers`` and ``supervisors`` say
    how many have to sign; ``due_until`` is the last day on which one of its records becomes due, None for what was
    filed in error. ``window_until`` is when the objection window ends, None for no window. ``batch_id`` is the
    destruction that carried it out, None while there is none, and where nothing was left to destroy.
    """

    id: ListId
    fonds_id: FondsId
    number: str
    class_code: str
    rule_version: int
    ground: Ground
    state: ListState
    automatic: bool
    leaf: LeafAddress
    sealed: bytes
    revision: int
    proposed_by: PersonId
    proposed_at: datetime
    approvers: int
    supervisors: int
    due_until: date | None
    window_until: datetime | None
    approved_at: datetime | None
    executed_at: datetime | None
    batch_id: BatchId | None
    closed_at: datetime | None
    change: int

    @property
    def is_open(self) -> bool:
        """Whether somebody, or the clock, still has to do something."""
        return self.state in (ListState.PROPOSED, ListState.APPROVED)

    def is_early(self, now: datetime) -> bool:
        """Whether its objection window, or the period of one of its records, is not over yet (rule 4)."""
        return (self.window_until is not None and now < self.window_until) or (
            self.due_until is not None and today(now) < self.due_until
        )

    @property
    def approval(self) -> Approval:
        """What stands behind the destruction of its records."""
        return Approval(ground=self.ground, list_number=self.number, rule=(self.class_code, self.rule_version))


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposalItem:
    """One record of a list. ``listed``: it stands on the open list still, pending or to be destroyed.

    ``until`` is the first day on which it may be proposed again; ``target`` the class that it was filed under instead;
    ``cause`` the code of the verdict that left it out. ``sealed`` is the reason.
    """

    list_id: ListId
    record_id: RecordId
    decision: Decision
    listed: bool
    decided_by: PersonId | None
    decided_at: datetime | None
    sealed: bytes | None
    until: date | None
    target: str | None
    cause: str | None
    change: int

    @property
    def is_permanent(self) -> bool:
        """Whether it was decided that the record is kept for ever."""
        return self.decision is Decision.EXTEND and self.until == FOR_EVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One person's signature. ``step`` counts from 1 within its part."""

    list_id: ListId
    person_id: PersonId
    part: Part
    step: int
    at: datetime
    change: int


class PauseCause(StrEnum):
    """Why automatic destruction stopped."""

    CLOCK_MOVED = "clock-moved"
    CLOCKS_DISAGREE = "clocks-disagree"
    SHARE_EXCEEDED = "share-exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Automatic destruction stopped, until an officer lets it go on.

    ``measure`` is what was found: seconds that the clock moved, or that the clocks are apart; records that would die
    in a day. ``living`` is how many records there were.
    """

    id: PauseId
    fonds_id: FondsId
    cause: PauseCause
    measure: int
    living: int
    at: datetime
    resumed_by: PersonId | None
    resumed_at: datetime | None


def next_part(disposal: DisposalList, signatures: Sequence[Signature]) -> tuple[Part, int] | None:
    """Whose signature is next, and which of them; None when all have signed."""
    signed = [each.part for each in signatures]
    if Part.PROPOSER not in signed:
        return Part.PROPOSER, 1
    if signed.count(Part.APPROVER) < disposal.approvers:
        return Part.APPROVER, signed.count(Part.APPROVER) + 1
    if signed.count(Part.SUPERVISOR) < disposal.supervisors:
        return Part.SUPERVISOR, signed.count(Part.SUPERVISOR) + 1
    return None


def clock_moved(before: datetime | None, now: datetime) -> timedelta | None:
    """How far the clock moved since the last run, either way, if that is too far."""
    if before is None:
        return None
    moved = abs(now - before)
    return moved if moved > CLOCK_MOVED_MAX else None


def clocks_apart(now: datetime, outside: datetime) -> timedelta | None:
    """How far this clock and another one are apart, if that is too far."""
    apart = abs(now - outside)
    return apart if apart > CLOCKS_APART_MAX else None


def day_limit(living: int, *, share_percent: int, at_least: int) -> int:
    """How many records may die in a day without a person."""
    return max(at_least, living * share_percent // 100)
