"""``strongroom record list|show|find``: what the vault has, and what happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

import click

from vault.cli.documents import record_document, story_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import local, plain, plain_lines, size, table
from vault.cli.speech import JSON
from vault.disposition import explain
from vault.ids import RecordId
from vault.permissions import Action, Actor
from vault.records import RecordState
from vault.shelves import RecordFilter
from vault.workflows import finding, indexing, retrieval
from vault.workflows.customers import find_customer
from vault.workflows.retrieval import RecordStory, RecordView
from vault.workflows.vault import Vault

LIMIT = 50
PAGE = 100


@click.command("list")
@click.option("--class", "class_code", metavar="CODE", help="Only records of this class.")
@click.option("--customer", metavar="CUSTOMER", help="Only records of this customer (K-000001).")
@click.option("--state", type=click.Choice([state.value for state in RecordState]), help="Only records in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@click.option("--all", "everything", is_flag=True, help="All of them, whatever --limit says.")
@speaking
@pass_invocation
def list_records(
    invocation: Invocation,
    class_code: str | None,
    customer: str | None,
    state: str | None,
    limit: int,
    everything: bool,
) -> None:
    """List records, newest first."""
    with invocation.acting() as (vault, actor):
        wanted = RecordFilter(
            class_code=class_code,
            customer_id=find_customer(vault, actor, customer).customer.id if customer else None,
            state=RecordState(state) if state else None,
        )
        every = _pages(vault, actor, wanted)
        views = list(every if everything else islice(every, limit + 1))
    more = not everything and len(views) > limit
    _tell(invocation, views[:limit] if more else views, {"more": more})
    if more:
        invocation.speech.talk(f"there are more than {limit}; say --limit or --all to see them")


def _pages(vault: Vault, actor: Actor, wanted: RecordFilter) -> Iterator[RecordView]:
    before: tuple[datetime, RecordId] | None = None
    while page := retrieval.list_records(vault, actor, wanted, before=before, limit=PAGE):
        yield from page
        before = (page[-1].record.received_at, page[-1].record.id)


@click.command()
@click.argument("text")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@speaking
@pass_invocation
def find(invocation: Invocation, text: str, limit: int) -> None:
    """Find records by words of their titles, names and numbers, newest first."""
    with invocation.acting() as (vault, actor):
        actor.require(Action.LIST_RECORDS)
        indexing.follow(vault)  # A command answers once: better late than without the newest.
        result = finding.find(vault, actor, text, limit=limit)
    _tell(invocation, result.views, {"complete": result.complete, "indexed": result.indexed, "full": result.full})
    if result.full:
        invocation.speech.warn(
            f"the index has no room for more than {result.indexed} records; give it more, see `strongroom doctor`"
        )
    elif not result.complete:
        invocation.speech.warn(
            f"the index is still filling ({result.indexed} of {result.expected} records so far); ask again for the rest"
        )


def _tell(invocation: Invocation, views: Sequence[RecordView], facts: dict[str, bool | int]) -> None:
    rows = [
        (
            view.record.number,
            local(view.record.received_at),
            view.record.state.value,
            view.record.class_code,
            view.customer.customer.number if view.customer else "",
            size(view.content.size_bytes) if view.content else "",
            view.description.title if view.description else "",
        )
        for view in views
    ]
    document: dict[str, JSON] = {"records": [record_document(view) for view in views], **facts}
    invocation.speech.data(
        document, table(("NUMBER", "RECEIVED", "STATE", "CLASS", "CUSTOMER", "SIZE", "TITLE"), rows) if rows else ()
    )
    if not rows:
        invocation.speech.talk("no records")


@click.command()
@click.argument("record")
@speaking
@pass_invocation
def show(invocation: Invocation, record: str) -> None:
    """Show a record (by number or id) with its versions and its history."""
    with invocation.acting() as (vault, actor):
        story = retrieval.show(vault, actor, retrieval.find_record(vault, actor, record).id)
    invocation.speech.data(story_document(story), _lines(story))


def _lines(story: RecordStory) -> Iterator[str]:
    view, known = story.view, story.view.record
    yield f"{known.number}  {plain(view.description.title) if view.description else ''}".rstrip()
    said = view.description
    facts = (
        ("id", known.id),
        ("state", known.state.value),
        ("class", known.class_code),
        ("customer", f"{view.customer.customer.number} {view.customer.profile.name}" if view.customer else ""),
        ("date", said.dated_on.isoformat() if said and said.dated_on else ""),
        ("place", said.place if said else ""),
        ("received", local(known.received_at)),
        ("filed", local(known.filed_at) if known.filed_at else ""),
        ("trigger", known.trigger_on.isoformat() if known.trigger_on else ""),
        ("due", known.due_on.isoformat() if known.due_on else ""),
    )
    yield from (f"  {name:9} {plain(value)}" for name, value in facts if value)
    if said and said.note:
        yield from (f"  {'note' if place == 0 else '':9} {line}" for place, line in enumerate(plain_lines(said.note)))
    yield "why it cannot be destroyed" if not story.verdict.may_destroy else "it may be destroyed"
    yield from (f"  {explain(each)}" for each in story.verdict.reasons)
    yield "versions"
    for version in story.versions:
        content, lock = version.content, version.version.lock
        yield (
            f"  {version.version.ordinal}  {local(version.version.created_at)}  {size(content.size_bytes)}  "
            f"{plain(content.file_name)}  {lock.mode.value} until {local(lock.retain_until)}"
        )
        yield f"     sha256 {content.sha256.hex()}"
    if len(story.revisions) > 1:
        yield "descriptions"
        for each in story.revisions:
            reason = " / ".join(plain_lines(each.description.reason))
            said_then = f"{plain(each.description.title)}  {reason}".rstrip()
            yield f"  {each.revision.revision}  {local(each.revision.created_at)}  {said_then}"
    yield "history"
    for numbered in story.entries:
        entry = numbered.entry
        yield f"  {numbered.number}  {local(entry.at)}  {entry.event.value}  by {entry.actor}"
