"""``strongroom paper``: in which box a record's paper original is, and how it was destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, plain, table
from vault.paper import PaperMethod
from vault.workflows import paper, retrieval

if TYPE_CHECKING:
    from vault.cli.speech import JSON
    from vault.workflows.paper import PaperView

_HEADINGS: Final = ("RECORD", "BOX", "STATE", "PLACE")


@click.command("keep")
@click.argument("record")
@click.option("--box", required=True, help="The box's number.")
@click.option("--place", default="", help="Where the box is.")
@speaking
@pass_invocation
def keep(invocation: Invocation, record: str, box: str, place: str) -> None:
    """Say in which box the paper original of a record is, or that it was moved."""
    with invocation.acting() as (vault, actor):
        found = retrieval.find_record(vault, actor, record)
        view = paper.keep_paper(vault, actor, found.id, box=box, place=place)
    _say(invocation, [view])


@click.command("show")
@click.argument("record")
@speaking
@pass_invocation
def show(invocation: Invocation, record: str) -> None:
    """Show where the paper original of a record is."""
    with invocation.acting() as (vault, actor):
        view = paper.show_paper(vault, actor, retrieval.find_record(vault, actor, record).id)
    _say(invocation, [view] if view is not None else [])


@click.command("list")
@click.argument("box")
@speaking
@pass_invocation
def list_box(invocation: Invocation, box: str) -> None:
    """List what is, or was, in a box."""
    with invocation.acting() as (vault, actor):
        views = list(paper.list_box(vault, actor, box))
    _say(invocation, views)


@click.command("destroy")
@click.argument("record")
@click.option("--method", type=click.Choice([each.value for each in PaperMethod]), required=True, help="How.")
@click.option("--weight", type=int, required=True, metavar="GRAMS", help="What the paper weighed.")
@click.option("--vendor", required=True, help="Who did it.")
@click.option("--witness", "witnesses", multiple=True, required=True, metavar="NAME", help="Who saw it; two at least.")
@click.option("--dry-run", is_flag=True, help="Check, and change nothing.")
@speaking
@pass_invocation
def destroy(
    invocation: Invocation,
    record: str,
    method: str,
    weight: int,
    vendor: str,
    witnesses: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Say how the paper of a destroyed record was destroyed. It stands on the record's certificate."""
    with invocation.acting(fresh=not dry_run) as (vault, actor):
        view = paper.destroy_paper(
            vault,
            actor,
            retrieval.find_record(vault, actor, record).id,
            method=PaperMethod(method),
            weight_grams=weight,
            vendor=vendor,
            witnesses=witnesses,
            dry_run=dry_run,
        )
    _say(invocation, [view], dry_run=dry_run)


def _say(invocation: Invocation, views: list[PaperView], *, dry_run: bool = False) -> None:
    document: dict[str, JSON] = {"papers": [_document(view) for view in views], "dry_run": dry_run}
    rows = [(view.record_number, view.paper.box, view.paper.state.value, view.words.place) for view in views]
    invocation.speech.data(document, table(_HEADINGS, rows) if rows else ())
    if not rows:
        invocation.speech.talk("no paper")
    for view in views:
        if view.paper.method is not None:
            done = f"{view.paper.method.value}, {view.paper.weight_grams} g, by {view.words.vendor}"
            invocation.speech.talk(plain(f"{view.record_number}: {done}; seen by {', '.join(view.words.witnesses)}"))


def _document(view: PaperView) -> dict[str, JSON]:
    gone = view.paper
    return {
        "record": view.record_number,
        "box": gone.box,
        "state": gone.state.value,
        "place": view.words.place,
        "method": gone.method.value if gone.method else None,
        "weight_grams": gone.weight_grams,
        "vendor": view.words.vendor or None,
        "witnesses": list(view.words.witnesses),
        "destroyed_at": iso(gone.destroyed_at),
    }
