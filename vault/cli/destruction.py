"""``strongroom destruction``: what would die, destroying it, and how far each batch came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vault.cli import exits
from vault.cli.asking import require_confirmed
from vault.cli.documents import bare_record_document, batch_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, size, table
from vault.destruction import Targets
from vault.errors import InvalidInput
from vault.ids import BatchId
from vault.permissions import Action
from vault.workflows import batches, customers, destruction, destructionscope, effect, retrieval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vault.cli.speech import JSON
    from vault.destruction import Batch
    from vault.permissions import Actor
    from vault.records import Record
    from vault.workflows.destructionscope import Preview
    from vault.workflows.effect import BatchView
    from vault.workflows.vault import Vault

LIMIT: Final = 50
SHOWN_MAX: Final = 20
_error = click.option(
    "--filed-in-error", "error", is_flag=True, help="They should never have been filed: no period keeps them."
)
_HEADINGS: Final = ("DESTRUCTION", "GENERATION", "STATE", "RECORDS", "CUSTOMERS", "BEGUN", "EFFECTIVE")


@click.command("preview")
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@click.option(
    "--customer", "customer_keys", multiple=True, metavar="CUSTOMER", help="A whole customer; may be repeated."
)
@_error
@speaking
@pass_invocation
def show_preview(invocation: Invocation, records: tuple[str, ...], customer_keys: tuple[str, ...], error: bool) -> int:
    """Show exactly what a destruction would take, and what stands against it. Nothing is changed."""
    with invocation.acting() as (vault, actor):
        seen = destructionscope.preview(vault, actor, _targets(vault, actor, records, customer_keys), error=error)
    invocation.speech.data(_preview_document(seen), _preview_lines(seen))
    return exits.REFUSED if seen.blockers else exits.OK


@click.command("run")
@click.argument("records", nargs=-1, metavar="[RECORD]...")
@click.option(
    "--customer", "customer_keys", multiple=True, metavar="CUSTOMER", help="A whole customer; may be repeated."
)
@click.option("--i-am-alone", "alone", is_flag=True, help="There is no second person to approve it. This is logged.")
@_error
@click.option("--dry-run", is_flag=True, help="Show what would be destroyed, and destroy nothing.")
@click.option("--yes", is_flag=True, help="Do not ask at the terminal.")
@speaking
@pass_invocation
def run(
    invocation: Invocation,
    records: tuple[str, ...],
    customer_keys: tuple[str, ...],
    alone: bool,
    error: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Destroy the keys of records, and of whole customers, for ever: no backup brings them back.

    Their periods have to be over, and no matter may hold them. `record show` says what keeps a record. At a terminal
    the number of records has to be typed first.
    """
    with invocation.acting(fresh=not dry_run) as (vault, actor):
        targets = _targets(vault, actor, records, customer_keys)
        if dry_run:
            seen = destructionscope.preview(vault, actor, targets, error=error)
            invocation.speech.data({**_preview_document(seen), "dry_run": True}, _preview_lines(seen))
            return exits.REFUSED if seen.blockers else exits.OK
        if not yes:
            _confirm(invocation, destructionscope.preview(vault, actor, targets, error=error))
        batch = destruction.destroy(vault, actor, targets, alone=alone, error=error)
        view = batches.show_batch(vault, actor, batch.id)
    _say_batch(invocation, view)
    return exits.OK


def _confirm(invocation: Invocation, seen: Preview) -> None:
    if not seen.blockers:
        require_confirmed(invocation.speech, _preview_lines(seen), len(seen.candidates))


@click.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@speaking
@pass_invocation
def list_batches(invocation: Invocation, limit: int) -> None:
    """List destructions, newest first; each is one generation of the keys."""
    with invocation.acting() as (vault, actor):
        found = batches.list_batches(vault, actor, limit=limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    document: dict[str, JSON] = {"destructions": [batch_document(each) for each in shown], "more": more}
    invocation.speech.data(document, table(_HEADINGS, [_row(each) for each in shown]) if shown else ())
    if not shown:
        invocation.speech.talk("nothing was ever destroyed")
    if more:
        invocation.speech.talk(f"there are more than {limit}; say --limit to see them")


@click.command("show")
@click.argument("destruction_id", metavar="DESTRUCTION")
@speaking
@pass_invocation
def show(invocation: Invocation, destruction_id: str) -> None:
    """Show a destruction: how far it came, what it waits for, and the numbers of its records."""
    with invocation.acting() as (vault, actor):
        view = batches.show_batch(vault, actor, BatchId(destruction_id))
        stubs: list[Record] = []
        while page := batches.stubs(vault, actor, view.batch.id, after=len(stubs)):
            stubs += page
    document = {**_view_document(view), "stubs": [bare_record_document(each) for each in stubs]}
    lines = [*_view_lines(view), *(f"  {each.number}  {each.class_code}  {each.state.value}" for each in stubs)]
    invocation.speech.data(document, lines)


@click.command("resume")
@speaking
@pass_invocation
def resume(invocation: Invocation) -> int:
    """Finish what was cut off, or waited for a keeper. Upkeep does so by itself; doing it twice is harmless."""
    with invocation.acting() as (vault, actor):
        actor.require(Action.DESTROY_RECORDS)
        waiting = effect.resume(vault)
    document: dict[str, JSON] = {"waiting": [_view_document(view) for view in waiting]}
    invocation.speech.data(document, [line for view in waiting for line in _view_lines(view)])
    if not waiting:
        invocation.speech.talk("every destruction is effective")
    return exits.UNAVAILABLE if waiting else exits.OK


def _targets(vault: Vault, actor: Actor, records: Sequence[str], customer_keys: Sequence[str]) -> Targets:
    if not records and not customer_keys:
        raise InvalidInput("nothing is named that is to be destroyed; name records, or --customer", field="records")
    return Targets(
        records=frozenset(retrieval.find_record(vault, actor, each).id for each in records),
        customers=frozenset(customers.find_customer(vault, actor, each).customer.id for each in customer_keys),
    )


def _preview_document(seen: Preview) -> dict[str, JSON]:
    return {
        "records": [
            {
                "id": each.record.id,
                "number": each.record.number,
                "class": each.record.class_code,
                "versions": each.version_count,
                "size_bytes": each.size_bytes,
                "links": each.link_count,
                "locked_until": iso(each.locked_until),
            }
            for each in seen.candidates
        ],
        "customers": [{"id": each.id, "number": each.number} for each in seen.customers],
        "versions": seen.version_count,
        "size_bytes": seen.size_bytes,
        "links": seen.link_count,
        "ciphertext_until": iso(seen.ciphertext_until),
        "needs_two": seen.needs_two,
        "blockers": [{"subject": each.subject, "code": each.code, "message": each.message} for each in seen.blockers],
    }


def _preview_lines(seen: Preview) -> list[str]:
    counted = f"{len(seen.candidates)} records in {seen.version_count} versions ({size(seen.size_bytes)})"
    lines = [f"{counted}, {len(seen.customers)} whole customers, {seen.link_count} links that lead to them"]
    lines += [
        f"  {each.record.number}  {each.record.class_code}  {each.version_count} versions  {size(each.size_bytes)}"
        for each in seen.candidates[:SHOWN_MAX]
    ]
    if len(seen.candidates) > SHOWN_MAX:
        lines.append(f"  and {len(seen.candidates) - SHOWN_MAX} more; --json names all")
    lines += [f"  {each.number}" for each in seen.customers]
    if seen.ciphertext_until is not None:
        lines.append(f"sealed bytes stay in the store until their locks lapse, the last {local(seen.ciphertext_until)}")
    if seen.needs_two:
        lines.append("NOT ALONE: two people can sign; propose a disposal list with `strongroom disposition propose`")
    lines += [f"NOT NOW: {plain(each.message)}" for each in seen.blockers[:SHOWN_MAX]]
    if len(seen.blockers) > SHOWN_MAX:
        lines.append(f"and {len(seen.blockers) - SHOWN_MAX} more reasons; --json names all")
    return lines


def _say_batch(invocation: Invocation, view: BatchView) -> None:
    invocation.speech.data(_view_document(view), _view_lines(view))
    if view.waiting:
        invocation.speech.warn("committed, and not effective yet; upkeep goes on with it")


def _view_document(view: BatchView) -> dict[str, JSON]:
    return {**batch_document(view.batch), "waiting": list(view.waiting)}


def _view_lines(view: BatchView) -> list[str]:
    return [*table(_HEADINGS, [_row(view.batch)]), *(f"waits for {plain(each)}" for each in view.waiting)]


def _row(batch: Batch) -> tuple[str, ...]:
    return (
        batch.id,
        str(batch.generation),
        batch.state.value,
        str(batch.record_count),
        str(batch.customer_count),
        local(batch.created_at),
        local(batch.effective_at) if batch.effective_at is not None else "",
    )
