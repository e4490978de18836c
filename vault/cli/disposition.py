"""``strongroom disposition``: disposal lists, from the proposal to the execution, and what paused expiry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vault.cli import exits
from vault.cli.asking import require_confirmed
from vault.cli.disposallines import (
    execution_document,
    execution_lines,
    item_document,
    item_lines,
    judged_lines,
    list_document,
    list_lines,
    list_row,
    view_document,
)
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.moments import day
from vault.cli.plain import iso_date, local, table
from vault.disposal import ListState, Part
from vault.errors import InvalidInput
from vault.permissions import Action
from vault.workflows import disposal, execution, expiry, listing, retrieval, reviewing
from vault.workflows.reviewing import CHOICES, choice_of

if TYPE_CHECKING:
    from vault.cli.speech import JSON
    from vault.ids import RecordId
    from vault.permissions import Actor
    from vault.records import Record
    from vault.workflows.disposal import ItemView, ListView
    from vault.workflows.vault import Vault

LIMIT: Final = 50
_HEADINGS: Final = ("LIST", "CLASS", "GROUND", "STATE", "PROPOSED", "PENDING", "TO DESTROY", "OTHERWISE")
_reason = click.option("--reason", required=True, metavar="TEXT", help="Why; sealed.")
_dry_run = click.option("--dry-run", is_flag=True, help="Show what it would do, and change nothing.")
_until = click.option("--until", metavar="DATE", help="Left alone until that day; without it, for a year.")


@click.command("list")
@click.option("--state", type=click.Choice([each.value for each in ListState]), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@speaking
@pass_invocation
def list_lists(invocation: Invocation, /, state: str | None, limit: int) -> None:
    """List disposal lists, newest first, and whether automatic expiry is paused."""
    with invocation.acting() as (vault, actor):
        wanted = ListState(state) if state else None
        found = disposal.list_lists(vault, actor, state=wanted, limit=limit + 1)
        standing = expiry.show_expiry(vault, actor)
    shown, more = found[:limit], len(found) > limit
    paused: JSON = None
    if standing.pause is not None:
        paused = {"cause": standing.pause.cause.value, "measure": standing.pause.measure}
    document: dict[str, JSON] = {
        "lists": [list_document(each, counts) for each, counts in shown],
        "more": more,
        "automatic": list(standing.classes),
        "paused": paused,
    }
    invocation.speech.data(document, table(_HEADINGS, [list_row(*each) for each in shown]) if shown else ())
    if not shown:
        invocation.speech.talk("no disposal lists")
    if more:
        invocation.speech.talk(f"there are more than {limit}; say --limit to see them")
    if standing.pause is not None:
        since = local(standing.pause.at)
        invocation.speech.warn(f"automatic expiry is paused since {since} ({standing.pause.cause.value})")


@click.command("show")
@click.argument("disposal_list", metavar="LIST")
@speaking
@pass_invocation
def show(invocation: Invocation, /, disposal_list: str) -> None:
    """Show a list (by number or id): what was decided on each record, who signed, and what is next."""
    with invocation.acting() as (vault, actor):
        view = disposal.show_list(vault, actor, disposal.find_list(vault, actor, disposal_list).id)
        items: list[ItemView] = []
        while page := disposal.list_items(
            vault, actor, view.disposal.id, after=items[-1].item.record_id if items else ""
        ):
            items += page
    document = {**view_document(view), "items": [item_document(each) for each in items]}
    invocation.speech.data(document, [*list_lines(view), *item_lines(items)])


@click.command("transfers")
@speaking
@pass_invocation
def transfers(invocation: Invocation) -> None:
    """List the records of which a review decided that they are to be handed over."""
    found: list[Record] = []
    with invocation.acting() as (vault, actor):
        while page := disposal.list_transfers(vault, actor, after=found[-1].id if found else ""):
            found += page
    document: dict[str, JSON] = {
        "records": [
            {"id": each.id, "number": each.number, "class": each.class_code, "due_on": iso_date(each.due_on)}
            for each in found
        ]
    }
    invocation.speech.data(document, [f"{each.number}  {each.class_code}  due {each.due_on or '-'}" for each in found])
    if not found:
        invocation.speech.talk("nothing waits to be transferred")


@click.command("propose")
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@click.option("--class", "class_code", metavar="CLASS", help="List what of a class is due within its lead time.")
@click.option("--filed-in-error", "error", is_flag=True, help="These records should never have been filed.")
@click.option("--reason", metavar="TEXT", default="", help="Why they were filed in error; sealed.")
@_dry_run
@speaking
@pass_invocation
def propose(
    invocation: Invocation,
    /,
    records: tuple[str, ...],
    class_code: str | None,
    error: bool,
    reason: str,
    dry_run: bool,
) -> None:
    """Propose what is due of a class (upkeep does by itself), or records that were filed in error."""
    if bool(class_code) == error or bool(records) != error:
        raise InvalidInput("say --class CLASS, or --filed-in-error with the records", field="records")
    with invocation.acting() as (vault, actor):
        if class_code and dry_run:
            due = listing.preview_class(vault, actor, class_code)
            document: dict[str, JSON] = {"records": [each.number for each in due], "dry_run": True}
            invocation.speech.data(document, [f"  {each.number}  due {each.due_on}" for each in due])
            if not due:
                invocation.speech.talk(f"nothing of the class {class_code} is due within its lead time")
            return
        if class_code:
            made = listing.propose_class(vault, actor, class_code)
        else:
            wanted = _records(vault, actor, records)
            one = listing.propose_error(vault, actor, wanted, reason, dry_run=dry_run)
            made = [one] if one is not None else []
        views = [disposal.show_list(vault, actor, each.id) for each in made]
    invocation.speech.data(
        {"lists": [view_document(each) for each in views], "dry_run": dry_run},
        [line for each in views for line in list_lines(each)],
    )
    if dry_run:
        invocation.speech.talk("nothing was changed")
    elif not views:
        invocation.speech.talk("nothing is due that is not listed, or held, or left alone by a decision")


@click.command("review")
@click.argument("disposal_list", metavar="LIST")
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@click.option("--decision", required=True, type=click.Choice(CHOICES))
@click.option("--reason", default="", metavar="TEXT", help="Why; sealed. Only destruction goes without.")
@_until
@click.option("--class", "target", metavar="CLASS", help="The class that they belong to.")
@click.option("--trigger", metavar="DATE", help="The date from which that class's period runs.")
@_dry_run
@speaking
@pass_invocation
def review(
    invocation: Invocation,
    /,
    disposal_list: str,
    records: tuple[str, ...],
    decision: str,
    reason: str,
    until: str | None,
    target: str | None,
    trigger: str | None,
    dry_run: bool,
) -> None:
    """Decide on records of a list; on all that are pending where none is named."""
    choice = choice_of(
        decision,
        reason=reason,
        until=day(until, field="until"),
        target=target,
        trigger_on=day(trigger, field="trigger"),
    )
    with invocation.acting() as (vault, actor):
        found = disposal.find_list(vault, actor, disposal_list)
        wanted = _records(vault, actor, records) if records else None
        view = reviewing.review(vault, actor, found.id, choice, wanted, dry_run=dry_run)
    _say(invocation, view, dry_run=dry_run)


@click.command("sign")
@click.argument("disposal_list", metavar="LIST")
@click.option("--as", "part", type=click.Choice([each.value for each in Part]), help="Refused if another is next.")
@_dry_run
@speaking
@pass_invocation
def sign(invocation: Invocation, /, disposal_list: str, part: str | None, dry_run: bool) -> None:
    """Sign a list in the part that is next: its proposer, then its approvers, then its supervisors."""
    with invocation.acting(fresh=not dry_run) as (vault, actor):
        found = disposal.find_list(vault, actor, disposal_list)
        view = disposal.sign(vault, actor, found.id, Part(part) if part else None, dry_run=dry_run)
    _say(invocation, view, dry_run=dry_run)


@click.command("object")
@click.argument("disposal_list", metavar="LIST")
@click.argument("records", nargs=-1, required=True, metavar="RECORD...")
@_reason
@_until
@_dry_run
@speaking
@pass_invocation
def object_to(
    invocation: Invocation,
    /,
    disposal_list: str,
    records: tuple[str, ...],
    reason: str,
    until: str | None,
    dry_run: bool,
) -> None:
    """Record an objection: these records leave the list, whoever has signed it."""
    with invocation.acting() as (vault, actor):
        found = disposal.find_list(vault, actor, disposal_list)
        wanted = _records(vault, actor, records)
        leave = day(until, field="until")
        view = reviewing.object_to(vault, actor, found.id, wanted, reason, until=leave, dry_run=dry_run)
    _say(invocation, view, dry_run=dry_run)


@click.command("execute")
@click.argument("disposal_list", metavar="LIST")
@click.option("--place", default="", metavar="TEXT", help="Where; needed where supervisors attend. Sealed.")
@click.option("--method", default="", metavar="TEXT", help="How; needed where supervisors attend. Sealed.")
@click.option("--remarks", default="", metavar="TEXT", help="What else is to be said of it. Sealed.")
@click.option("--yes", is_flag=True, help="Do not ask at the terminal.")
@_dry_run
@speaking
@pass_invocation
def execute(
    invocation: Invocation, /, disposal_list: str, place: str, method: str, remarks: str, yes: bool, dry_run: bool
) -> int:
    """Destroy what stands on an approved list, for ever. What became held since is left out, and told.

    At a terminal the number of records has to be typed first.
    """
    with invocation.acting(fresh=not dry_run) as (vault, actor):
        found = disposal.find_list(vault, actor, disposal_list)
        judged = execution.preview_execution(vault, actor, found.id)
        if dry_run:
            numbers = [each.record.number for each in judged.dying]
            left: dict[str, JSON] = {judged.numbers[each]: cause for each, cause in judged.left_out.items()}
            document: dict[str, JSON] = {"records": [*numbers], "left_out": left, "dry_run": True}
            invocation.speech.data(document, judged_lines(judged))
            invocation.speech.talk("nothing was changed")
            return exits.OK
        if not yes:
            require_confirmed(invocation.speech, judged_lines(judged), len(judged.dying))
        done = execution.execute(vault, actor, found.id, place=place, method=method, remarks=remarks)
    invocation.speech.data(execution_document(done, judged.numbers), execution_lines(done, judged.numbers))
    return exits.OK


@click.command("cancel")
@click.argument("disposal_list", metavar="LIST")
@_reason
@_dry_run
@speaking
@pass_invocation
def cancel(invocation: Invocation, /, disposal_list: str, reason: str, dry_run: bool) -> None:
    """Cancel an open list: nothing of it dies; what is still due is listed anew."""
    with invocation.acting() as (vault, actor):
        found = disposal.find_list(vault, actor, disposal_list)
        view = disposal.cancel(vault, actor, found.id, reason, dry_run=dry_run)
    _say(invocation, view, dry_run=dry_run)


@click.command("resume")
@_dry_run
@speaking
@pass_invocation
def resume(invocation: Invocation, /, dry_run: bool) -> None:
    """Let automatic expiry go on after it paused. Look at why first: `strongroom disposition list`."""
    with invocation.acting(fresh=not dry_run) as (vault, actor):
        pause = expiry.require_paused(vault, actor) if dry_run else expiry.resume(vault, actor)
    document: dict[str, JSON] = {
        "cause": pause.cause.value,
        "measure": pause.measure,
        "living": pause.living,
        "dry_run": dry_run,
    }
    told = "is paused" if dry_run else "goes on"
    invocation.speech.data(document, [f"automatic expiry {told}: {pause.cause.value}, {pause.measure} found"])


def _records(vault: Vault, actor: Actor, keys: tuple[str, ...]) -> list[RecordId]:
    actor.require(Action.SEE_DISPOSALS)
    return [retrieval.find_record(vault, actor, key).id for key in keys]


def _say(invocation: Invocation, view: ListView, *, dry_run: bool) -> None:
    invocation.speech.data({**view_document(view), "dry_run": dry_run}, list_lines(view))
    if dry_run:
        invocation.speech.talk("nothing was changed")
