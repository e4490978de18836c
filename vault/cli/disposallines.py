"""Disposal lists as the command line tells them: documents for programs, lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vault.cli.plain import iso, iso_date, local, plain, plain_lines
from vault.disposal import Decision

if TYPE_CHECKING:
    from vault.cli.speech import JSON
    from vault.disposal import DisposalList
    from vault.ids import RecordId
    from vault.workflows.disposal import ItemView, ListView
    from vault.workflows.execution import Executed, Judged


def list_document(disposal: DisposalList, counts: Mapping[Decision, int]) -> dict[str, JSON]:
    """A list with how much was decided."""
    return {
        "id": disposal.id,
        "number": disposal.number,
        "class": disposal.class_code,
        "rule_version": disposal.rule_version,
        "ground": disposal.ground.value,
        "state": disposal.state.value,
        "automatic": disposal.automatic,
        "proposed_by": disposal.proposed_by,
        "proposed_at": iso(disposal.proposed_at),
        "approvers": disposal.approvers,
        "supervisors": disposal.supervisors,
        "due_until": iso_date(disposal.due_until),
        "approved_at": iso(disposal.approved_at),
        "window_until": iso(disposal.window_until),
        "executed_at": iso(disposal.executed_at),
        "destruction": disposal.batch_id,
        "closed_at": iso(disposal.closed_at),
        "decisions": {decision.value: counts.get(decision, 0) for decision in Decision},
    }


def view_document(view: ListView) -> dict[str, JSON]:
    """A list with what is said of it and who signed."""
    upcoming: JSON = None
    if view.next is not None:
        upcoming = {"part": view.next[0].value, "step": view.next[1], "title": view.title or None}
    return {
        **list_document(view.disposal, view.counts),
        "reason": view.profile.reason,
        "place": view.profile.place,
        "method": view.profile.method,
        "remarks": view.profile.remarks,
        "cancelled": view.profile.cancelled,
        "opinion": view.profile.opinion or None,
        "untold_customers": view.untold,
        "outdated": view.outdated,
        "signatures": [
            {"person": each.person_id, "part": each.part.value, "step": each.step, "at": iso(each.at)}
            for each in view.signatures
        ],
        "next": upcoming,
    }


def item_document(view: ItemView) -> dict[str, JSON]:
    """One record of a list."""
    item = view.item
    return {
        "record_id": item.record_id,
        "number": view.record.number,
        "decision": item.decision.value,
        "permanent": item.is_permanent,
        "listed": item.listed,
        "decided_by": item.decided_by,
        "decided_at": iso(item.decided_at),
        "reason": view.reason,
        "until": iso_date(item.until),
        "class": item.target,
        "cause": item.cause,
        "due_on": iso_date(view.record.due_on),
    }


def execution_document(done: Executed, numbers: Mapping[RecordId, str]) -> dict[str, JSON]:
    """What came of an execution."""
    return {
        "number": done.disposal.number,
        "state": done.disposal.state.value,
        "destruction": done.disposal.batch_id,
        "records": done.batch.record_count if done.batch is not None else 0,
        "left_out": {numbers.get(each, each): cause for each, cause in done.left_out.items()},
        "dry_run": False,
    }


def list_row(disposal: DisposalList, counts: Mapping[Decision, int]) -> tuple[str, ...]:
    """A list as a row of a table."""
    pending, doomed = counts.get(Decision.PENDING, 0), counts.get(Decision.DESTROY, 0)
    ground = f"{disposal.ground.value}{' (automatic)' if disposal.automatic else ''}"
    otherwise = sum(counts.values()) - pending - doomed
    proposed = local(disposal.proposed_at)
    counted = (str(pending), str(doomed), str(otherwise))
    return disposal.number, disposal.class_code, ground, disposal.state.value, proposed, *counted


def list_lines(view: ListView) -> Iterator[str]:
    """A list in lines."""
    disposal = view.disposal
    yield f"{disposal.number}  {disposal.class_code}  {disposal.ground.value}"
    yield f"  id         {disposal.id}"
    yield f"  state      {disposal.state.value}{' (automatic)' if disposal.automatic else ''}"
    yield f"  rule       version {disposal.rule_version}"
    yield f"  proposed   {local(disposal.proposed_at)} by {disposal.proposed_by}"
    if disposal.due_until is not None:
        yield f"  due        all of it on {disposal.due_until}"
    if disposal.window_until is not None:
        yield f"  objections until {local(disposal.window_until)}"
    if disposal.executed_at is not None:
        yield f"  executed   {local(disposal.executed_at)}, destruction {disposal.batch_id}"
    if view.profile.opinion:
        yield f"  opinion    record {view.profile.opinion}"
    if view.outdated:
        yield "  outdated   the rule of the class has changed since: cancel it, and propose another"
    if view.untold:
        yield f"  notices    {view.untold} customers have to be told yet"
    for label in ("reason", "place", "method", "remarks", "cancelled"):
        text: str = getattr(view.profile, label)
        for place, line in enumerate(plain_lines(text)) if text else ():
            yield f"  {'' if place else label:10} {line}"
    for decision, count in sorted(view.counts.items()):
        yield f"  {decision.value:10} {count} records"
    for each in view.signatures:
        yield f"  signed     {local(each.at)} by {each.person_id}, {each.part.value} {each.step}"
    if view.next is not None:
        part, step = view.next
        yield f"  next       {part.value} {step}{f' ({plain(view.title)})' if view.title else ''} signs"


def item_lines(items: Sequence[ItemView]) -> Iterator[str]:
    """What stands on a list."""
    for view in items:
        item = view.item
        until = f" until {item.until}" if item.until is not None else ""
        if item.is_permanent:
            until = " for ever"
        more = f" -> {item.target}" if item.target else f" ({item.cause})" if item.cause else ""
        said = "; ".join(plain_lines(view.reason)) if view.reason else ""
        yield f"  {view.record.number}  {item.decision.value}{more}{until}{f'  {said}' if said else ''}"


def judged_lines(judged: Judged) -> Iterator[str]:
    """What an execution would do."""
    yield f"{judged.disposal.number}  {len(judged.dying)} records would be destroyed"
    yield from (f"  {each.record.number}" for each in judged.dying)
    yield from _left_out(judged.left_out, judged.numbers)


def execution_lines(done: Executed, numbers: Mapping[RecordId, str]) -> Iterator[str]:
    """What an execution did."""
    count = done.batch.record_count if done.batch is not None else 0
    yield f"{done.disposal.number}  {done.disposal.state.value}  {count} records destroyed"
    yield from _left_out(done.left_out, numbers)


def _left_out(left_out: Mapping[RecordId, str], numbers: Mapping[RecordId, str]) -> Iterator[str]:
    for record_id, cause in sorted(left_out.items()):
        yield f"  left out: {numbers.get(record_id, record_id)} ({cause})"
