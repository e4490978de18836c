"""The verdict: what may happen to a record, and why, as data (DESIGN 7). One function; everything else asks it.

Rule 1: dead before held, held before filed in error, that before any period, the period before unsettled debts.
Rule 2: silence never approves: a record that is due is destroyed only with an approval behind it.
Rule 3: every reason that applies is told, the one that decides first. A reason is a code and its values; words are
made where somebody reads them (``explain`` here, in English; pages translate by code).
Rule 4: of two due dates, that of the rule and that on the record, the later counts: a rule that became longer protects
before upkeep has followed it, and one that became shorter takes effect when it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from vault.classes import FOR_EVER, DisposalAction, RecordClass
from vault.holds import MatterRef
from vault.records import Record, RecordState
from vault.schedule import today

UNSETTLED_LAW: Final = "会计档案管理办法 art. 19"
STORED_ONLY_LAW: Final = "个人信息保护法 art. 47"


class Standing(StrEnum):
    """Where a record stands between its receipt and its end."""

    UNTRIGGERED = "untriggered"
    KEEP = "keep"
    PERMANENT = "permanent"
    HELD = "held"
    RESTRICTED = "restricted"
    DUE = "due"
    DESTROYABLE = "destroyable"
    DEAD = "dead"


class Ground(StrEnum):
    """Why somebody approved a destruction."""

    DUE = "due"
    FILED_IN_ERROR = "filed-in-error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason: a stable code, and what its text names."""

    code: str
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What stands behind a destruction: on which ground, by which list, and under which version of the rule."""

    ground: Ground
    list_number: str = ""
    rule: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What may happen to a record. ``keep_until`` is the first day on which its period is over, None while unknown."""

    standing: Standing
    keep_until: date | None
    reasons: Sequence[Reason]
    may_destroy: bool


def verdict(
    record: Record,
    rule: RecordClass,
    matters: Sequence[MatterRef],
    now: datetime,
    *,
    approval: Approval | None = None,
    restricted: bool = False,
    unsettled: bool = False,
) -> Verdict:
    """What may happen to a record now. ``rule`` governs its class, ``matters`` are those in force that hold it.

    ``restricted``: it may only be stored (封存). ``unsettled``: debts or claims that it proves are not settled. The
    record says both, too.
    """
    if record.state is RecordState.ERASING or record.state is RecordState.DESTROYED:
        dead = _because("dead", {"state": record.state.value})
        return Verdict(standing=Standing.DEAD, keep_until=None, reasons=(dead,), may_destroy=False)
    keep_until = _keep_until(record, rule)
    standing, reasons = _by_period(record, rule, keep_until, now)
    if restricted or record.is_restricted:
        reasons.insert(0 if standing is not Standing.DUE else 1, _because("restricted", {"mandate": STORED_ONLY_LAW}))
        if standing is not Standing.DUE:
            standing = Standing.RESTRICTED
    if (unsettled or record.is_unsettled) and rule.unsettled_keeps:
        reasons.insert(
            0 if standing is Standing.DUE else len(reasons), _because("unsettled", {"mandate": UNSETTLED_LAW})
        )
        if standing is Standing.DUE:
            standing = Standing.KEEP
    if approval is not None and (standing is Standing.DUE or approval.ground is Ground.FILED_IN_ERROR):
        standing = Standing.DESTROYABLE
        named = {"ground": approval.ground.value, "list": approval.list_number}
        reasons = [_because("approved", named), *(each for each in reasons if each.code != "needs-approval")]
    if matters:
        standing = Standing.HELD
        reasons = [*(_because("held", {"matter": each.number}) for each in matters), *reasons]
    may_destroy = standing is Standing.DESTROYABLE
    return Verdict(standing=standing, keep_until=keep_until, reasons=reasons, may_destroy=may_destroy)


def _because(code: str, values: Mapping[str, str]) -> Reason:
    return Reason(code=code, values=values)


def _keep_until(record: Record, rule: RecordClass) -> date | None:
    """The later of the two due dates (rule 4); None for a permanent class and for an unknown trigger."""
    if record.trigger_on is None or record.state is not RecordState.FILED:
        return None
    due_on = rule.due_on(record.trigger_on)
    if due_on is None or record.due_on is None:
        return due_on
    return max(due_on, record.due_on)


def _by_period(
    record: Record, rule: RecordClass, keep_until: date | None, now: datetime
) -> tuple[Standing, list[Reason]]:
    """What class, trigger and period say alone."""
    if rule.is_permanent:
        return Standing.PERMANENT, [_because("permanent", {"class": rule.code, "mandate": rule.mandate})]
    if record.state is RecordState.RECEIVED:
        return Standing.UNTRIGGERED, [_because("not-filed", {"class": rule.code, "trigger": rule.trigger.value})]
    if keep_until is None:
        return Standing.UNTRIGGERED, [_because("unknown-trigger", {"class": rule.code, "trigger": rule.trigger.value})]
    if keep_until == FOR_EVER:
        return Standing.KEEP, [_because("kept-for-ever", {"class": rule.code})]
    if today(now) < keep_until:
        named = {"date": keep_until.isoformat(), "class": rule.code, "mandate": rule.mandate}
        return Standing.KEEP, [_because("kept-until", named)]
    reasons = [
        _because("needs-approval", {"action": rule.action.value}),
        _because("due", {"date": keep_until.isoformat(), "class": rule.code, "action": rule.action.value}),
    ]
    if rule.supervised:
        reasons.append(_because("supervised", {"mandate": rule.mandate}))
    return Standing.DUE, reasons


def explain(reason: Reason) -> str:
    """A reason in English, for the command line and for programs' logs."""
    return _TEXTS[reason.code](reason.values)


def _law(values: Mapping[str, str]) -> str:
    return f" ({values['mandate']})" if values.get("mandate") else ""


def _needs_approval(values: Mapping[str, str]) -> str:
    wanted = {
        DisposalAction.DESTROY.value: "its destruction",
        DisposalAction.REVIEW.value: "its review",
        DisposalAction.TRANSFER.value: "its transfer",
    }
    return f"{wanted.get(values['action'], 'its disposal')} has not been approved"


def _approved(values: Mapping[str, str]) -> str:
    why = "it was filed in error" if values["ground"] == Ground.FILED_IN_ERROR.value else "its period is over"
    return f"destruction is approved because {why}" + (f", by list {values['list']}" if values["list"] else "")


_TEXTS: Final[Mapping[str, Callable[[Mapping[str, str]], str]]] = MappingProxyType(
    {
        "dead": lambda said: f"it is {said['state']} already",
        "held": lambda said: f"it is held by matter {said['matter']}; release the hold first",
        "restricted": lambda said: f"it may only be stored{_law(said)}",
        "permanent": lambda said: f"class {said['class']} is kept for ever{_law(said)}",
        "not-filed": lambda said: f"it is not filed; file it with its class and its trigger ({said['trigger']})",
        "unknown-trigger": lambda said: (
            f"the event from which its period runs ({said['trigger']}) is not known; file it with the date"
        ),
        "kept-until": lambda said: f"class {said['class']} keeps it until {said['date']}{_law(said)}",
        "kept-for-ever": lambda said: (
            "it is kept for ever: a reviewer decided so, or its period ends after the year 9999"
        ),
        "unsettled": lambda said: f"debts or claims that it proves are not settled{_law(said)}",
        "due": lambda said: f"its period was over on {said['date']}; class {said['class']} proposes: {said['action']}",
        "needs-approval": _needs_approval,
        "supervised": lambda said: f"two supervisors have to attend its destruction{_law(said)}",
        "approved": _approved,
    }
)
