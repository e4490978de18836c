"""``strongroom review``: permission reviews, begun, looked at, decided on, and what they came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vault.accessreviews import DAYS_MAX, DAYS_USUAL, Ruling
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import local, plain, table
from vault.permissions import ALL_CLASSES
from vault.workflows import accessreports, accessreviews

if TYPE_CHECKING:
    from vault.cli.speech import JSON
    from vault.workflows.accessreviews import ItemView, ReviewView


@click.command("start")
@click.option(
    "--reviewer", "reviewers", multiple=True, required=True, help="Who reviews, by id: strongroom group people."
)
@click.option("--group", "groups", multiple=True, help="A group to review; every group where none is named.")
@click.option(
    "--days", type=click.IntRange(1, DAYS_MAX), default=DAYS_USUAL, show_default=True, help="For how long it is open."
)
@speaking
@pass_invocation
def start(invocation: Invocation, reviewers: tuple[str, ...], groups: tuple[str, ...], days: int) -> None:
    """Begin a review: what nobody decides on until its last day is taken back."""
    with invocation.acting(fresh=True) as (vault, actor):
        review = accessreviews.start_review(vault, actor, reviewers=reviewers, groups=groups, days=days)
        view = accessreviews.show_review(vault, actor, review.number)
    invocation.speech.data(_document(view), [review.number])
    invocation.speech.talk(f"{len(view.items)} to decide on until {local(review.ends_at)}")


@click.command("list")
@speaking
@pass_invocation
def list_reviews(invocation: Invocation) -> None:
    """List reviews, the newest first: every one, or those in which you are named."""
    with invocation.acting() as (vault, actor):
        found = accessreviews.list_reviews(vault, actor)
    document: dict[str, JSON] = {
        "reviews": [
            {
                "number": each.number,
                "state": "open" if each.is_open else "closed",
                "ends_at": each.ends_at.isoformat(),
                "counts": {ruling.value: count for ruling, count in counts.items()},
            }
            for each, counts in found
        ]
    }
    rows = [
        (
            each.number,
            "open" if each.is_open else "closed",
            local(each.ends_at),
            str(counts.get(Ruling.PENDING, 0)),
            str(sum(counts.values())),
        )
        for each, counts in found
    ]
    invocation.speech.data(document, table(("REVIEW", "STATE", "UNTIL", "PENDING", "ITEMS"), rows) if rows else ())
    if not rows:
        invocation.speech.talk("no reviews")


@click.command("show")
@click.argument("review")
@speaking
@pass_invocation
def show(invocation: Invocation, review: str) -> None:
    """Show a review: each item with its last use, and what was decided. A star is what waits for you."""
    with invocation.acting() as (vault, actor):
        view = accessreviews.show_review(vault, actor, review)
    rows = [_row(each) for each in view.items]
    invocation.speech.data(_document(view), table(("", "ITEM", "WHAT", "GIVEN", "LAST USED", "RULING"), rows))


@click.command("decide")
@click.argument("review")
@click.option("--keep", "kept", multiple=True, type=click.IntRange(min=1), help="An item that stays, by its number.")
@click.option("--revoke", "revoked", multiple=True, type=click.IntRange(min=1), help="An item that is taken back.")
@speaking
@pass_invocation
def decide(invocation: Invocation, review: str, kept: tuple[int, ...], revoked: tuple[int, ...]) -> None:
    """Say which items stay, and which are taken back at once."""
    if not kept and not revoked:
        raise click.UsageError("name items with --keep or --revoke; `strongroom review show` has their numbers")
    if set(kept) & set(revoked):
        raise click.UsageError("an item stays or is taken back, not both")
    with invocation.acting(fresh=True) as (vault, actor):
        accessreviews.decide(vault, actor, review, keep=kept, revoke=revoked)
        view = accessreviews.show_review(vault, actor, review)
    invocation.speech.data(_document(view), ())
    invocation.speech.talk(f"{len(kept)} kept, {len(revoked)} taken back, {view.counts.get(Ruling.PENDING, 0)} pending")


@click.command("report")
@click.argument("review")
@click.option("--csv", "as_table", is_flag=True, help="A table with a line an item, for spreadsheets.")
@speaking
@pass_invocation
def report(invocation: Invocation, review: str, as_table: bool) -> None:
    """What a review came to: a document, or a table."""
    with invocation.acting() as (vault, actor):
        view = accessreviews.show_review(vault, actor, review)
    if as_table:
        invocation.speech.data(_document(view), accessreports.report_table(view).splitlines())
        return
    invocation.speech.json = True
    invocation.speech.data(_document(view), ())


def _document(view: ReviewView) -> JSON:
    return accessreports.report_document(view)  # type: ignore[return-value]  # texts, numbers and lists of them


def _row(shown: ItemView) -> tuple[str, ...]:
    item = shown.item
    waits = "*" if shown.mine and item.ruling is Ruling.PENDING else ""
    used = local(item.last_used_at) if item.last_used_at is not None else "never, by the log"
    return waits, str(item.ordinal), _what(shown), local(item.given_at), used, item.ruling.value


def _what(shown: ItemView) -> str:
    item = shown.item
    if item.role is None:
        return f"{plain(shown.name)} in {item.group}"
    on = "" if item.class_code == ALL_CLASSES else f" on {item.class_code}"
    return f"{item.group} gives {item.role.value}{on}"
