"""``strongroom record work``: records that somebody should look at, list by list."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import click

from vault.cli.documents import record_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import local, table
from vault.cli.speech import JSON
from vault.ids import RecordId
from vault.permissions import Action, Actor
from vault.quality import DAYS_MAX, STALE_AFTER_DAYS, Flaw, WorkList
from vault.workflows import indexing, worklists
from vault.workflows.vault import Vault
from vault.workflows.worklists import Work

LIMIT = 50
PAGE = 100


@click.command("work")
@click.argument("work", metavar="LIST", type=click.Choice([each.value for each in WorkList]))
@click.option("--flaw", type=click.Choice([each.value for each in Flaw]), help="Only records with this flaw.")
@click.option("--class", "class_code", metavar="CODE", help="Only records of this class.")
@click.option(
    "--days",
    type=click.IntRange(0, DAYS_MAX),
    default=STALE_AFTER_DAYS,
    show_default=True,
    help="Of 'stale': received so many days ago.",
)
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@click.option("--all", "everything", is_flag=True, help="All of them, whatever --limit says.")
@speaking
@pass_invocation
def list_work(
    invocation: Invocation,
    work: str,
    flaw: str | None,
    class_code: str | None,
    days: int,
    limit: int,
    everything: bool,
) -> None:
    """List records with something missing, left lying (stale), contradicting dates, or the same bytes (twins)."""
    with invocation.acting() as (vault, actor):
        actor.require(Action.LIST_RECORDS)
        indexing.follow(vault)  # A command answers once: better late than without the newest.
        every = _rows(vault, actor, WorkList(work), Flaw(flaw) if flaw else None, class_code, days)
        rows = list(every if everything else islice(every, limit + 1))
    more = not everything and len(rows) > limit
    shown = rows[:limit] if more else rows
    documents: list[JSON] = [
        {
            "record": record_document(each.view),
            "flaws": [flaw.value for flaw in each.flaws],
            "twins": [twin.number for twin in each.twins],
        }
        for each in shown
    ]
    lines = [
        (
            each.view.record.number,
            local(each.view.record.received_at),
            each.view.record.class_code,
            ", ".join([*(flaw.value for flaw in each.flaws), *(twin.number for twin in each.twins)]),
            each.view.description.title if each.view.description else "",
        )
        for each in shown
    ]
    invocation.speech.data(
        {"list": work, "records": documents, "more": more},
        table(("NUMBER", "RECEIVED", "CLASS", "FLAWS", "TITLE"), lines) if lines else (),
    )
    if not shown:
        invocation.speech.talk("nothing to do")
    if more:
        invocation.speech.talk(f"there are more than {limit}; say --limit or --all to see them")


def _rows(
    vault: Vault, actor: Actor, work: WorkList, flaw: Flaw | None, class_code: str | None, days: int
) -> Iterator[Work]:
    before: RecordId | None = None
    while True:
        page = worklists.list_work(
            vault, actor, work, flaw=flaw, class_code=class_code, days=days, before=before, limit=PAGE
        )
        yield from page.rows
        before = page.following
        if before is None:
            return
