"""``strongroom hold``: matters that freeze records, from placing to release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vault.cli.documents import matter_document, scope_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import local, plain, plain_lines, table
from vault.holds import HoldScope, MatterProfile
from vault.permissions import Action
from vault.workflows import customers, matters, mirror, placing, retrieval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from vault.permissions import Actor
    from vault.workflows.matters import MatterStory, MatterView
    from vault.workflows.vault import Vault

LIMIT: Final = 50
_HEADINGS: Final = ("MATTER", "STATE", "PLACED", "TITLE")


def _scope_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What may be held: every option may be repeated."""
    for name, parameter, metavar, told in (
        ("--query", "queries", "WORDS", "Records with all these words, those that come later too."),
        ("--class", "classes", "CLASS", "All records of a class, those that come later too."),
        ("--customer", "customer_keys", "CUSTOMER", "All records of a customer, those that come later too."),
        ("--record", "records", "RECORD", "One record."),
    ):
        command = click.option(name, parameter, multiple=True, metavar=metavar, help=told)(command)
    return command


@click.command("place")
@click.option("--title", required=True, help="What the matter is called.")
@click.option("--reason", required=True, help="Why its records have to be kept.")
@click.option("--issuer", required=True, help="Who asked for it: a court, counsel, an authority.")
@_scope_options
@click.option("--dry-run", is_flag=True, help="Show what would be held, and hold nothing.")
@speaking
@pass_invocation
def place(
    invocation: Invocation, /, title: str, reason: str, issuer: str, dry_run: bool, **scope: tuple[str, ...]
) -> None:
    """Place a hold: whatever is in its scope cannot be destroyed until two people release it."""
    profile = MatterProfile.checked(title=title, reason=reason, issuer=issuer)
    with invocation.acting() as (vault, actor):
        view = placing.place_hold(vault, actor, profile, _scope(vault, actor, **scope), dry_run=dry_run)
    _say(invocation, view, dry_run=dry_run)


@click.command("add")
@click.argument("matter")
@_scope_options
@click.option("--dry-run", is_flag=True, help="Show what would be held then, and change nothing.")
@speaking
@pass_invocation
def add(invocation: Invocation, /, matter: str, dry_run: bool, **scope: tuple[str, ...]) -> None:
    """Add to the scope of a matter (by number or id)."""
    with invocation.acting() as (vault, actor):
        found = matters.find_matter(vault, actor, matter)
        view = placing.add_to_hold(vault, actor, found.id, _scope(vault, actor, **scope), dry_run=dry_run)
    _say(invocation, view, dry_run=dry_run)


@click.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@speaking
@pass_invocation
def list_matters(invocation: Invocation, limit: int) -> None:
    """List matters, newest first."""
    with invocation.acting() as (vault, actor):
        found = matters.list_matters(vault, actor, limit=limit + 1)
    shown, more = found[:limit], len(found) > limit
    rows = [(matter.number, matter.state.value, local(matter.placed_at), profile.title) for matter, profile in shown]
    invocation.speech.data(
        {"matters": [matter_document(matter, profile) for matter, profile in shown], "more": more},
        table(_HEADINGS, rows) if rows else (),
    )
    if not rows:
        invocation.speech.talk("no matters")
    if more:
        invocation.speech.talk(f"there are more than {limit}; say --limit to see them")


@click.command("show")
@click.argument("matter")
@speaking
@pass_invocation
def show(invocation: Invocation, matter: str) -> None:
    """Show a matter (by number or id): why, what it holds, and how far the store follows."""
    with invocation.acting() as (vault, actor):
        story = matters.show_matter(vault, actor, matters.find_matter(vault, actor, matter).id)
    document = {
        **matter_document(story.view.matter, story.view.profile, story.view.coverage),
        "scope": [scope_document(each) for each in story.items],
        "more": story.more,
    }
    invocation.speech.data(document, [*_lines(story.view), *_scope_lines(story)])


@click.command("propose-release")
@click.argument("matter")
@click.option("--reason", required=True, help="Why it may be released.")
@speaking
@pass_invocation
def propose_release(invocation: Invocation, matter: str, reason: str) -> None:
    """Propose to release a matter; it holds on until another person releases it."""
    with invocation.acting() as (vault, actor):
        view = matters.propose_release(vault, actor, matters.find_matter(vault, actor, matter).id, reason)
    _say(invocation, view)


@click.command("withdraw-release")
@click.argument("matter")
@speaking
@pass_invocation
def withdraw_release(invocation: Invocation, matter: str) -> None:
    """Take a proposed release back."""
    with invocation.acting() as (vault, actor):
        view = matters.withdraw_release(vault, actor, matters.find_matter(vault, actor, matter).id)
    _say(invocation, view)


@click.command("release")
@click.argument("matter")
@click.option("--dry-run", is_flag=True, help="Show what would be free then, and release nothing.")
@speaking
@pass_invocation
def release(invocation: Invocation, matter: str, dry_run: bool) -> None:
    """Release a matter whose release another person has proposed. This is final."""
    with invocation.acting(fresh=not dry_run) as (vault, actor):
        found = matters.find_matter(vault, actor, matter)
        view = matters.release_hold(vault, actor, found.id, dry_run=dry_run)
    _say(invocation, view, dry_run=dry_run)


@click.command("mirror")
@click.option("--dry-run", is_flag=True, help="Say how many wait, and change nothing.")
@speaking
@pass_invocation
def mirror_now(invocation: Invocation, dry_run: bool) -> None:
    """Set the legal holds in the object store as the matters say. Upkeep does it by itself; a cut run goes on."""

    def told(done: int, of: int) -> None:
        if invocation.speech.lively:
            invocation.speech.talk(f"{done} of {of}")

    with invocation.acting() as (vault, actor):
        run = mirror.mirror_now(vault, actor, told=told, dry_run=dry_run)
    document = {
        "held": run.held,
        "freed": run.freed,
        "left": run.left,
        "waiting": run.waiting,
        "dry_run": dry_run,
    }
    told_lines = [f"{run.held} held in the store, {run.freed} freed, {run.waiting} to do"]
    invocation.speech.data(document, told_lines)
    if run.left:
        invocation.speech.talk(f"{run.left} could not be set; run `strongroom doctor --deep`")


def _scope(
    vault: Vault,
    actor: Actor,
    *,
    records: tuple[str, ...],
    customer_keys: tuple[str, ...],
    classes: tuple[str, ...],
    queries: tuple[str, ...],
) -> HoldScope:
    actor.require(Action.PLACE_HOLD)
    return HoldScope(
        records=frozenset(retrieval.find_record(vault, actor, key).id for key in records),
        customers=frozenset(customers.find_customer(vault, actor, key).customer.id for key in customer_keys),
        classes=frozenset(classes),
        queries=queries,
    )


def _say(invocation: Invocation, view: MatterView, *, dry_run: bool = False) -> None:
    document = {**matter_document(view.matter, view.profile, view.coverage), "dry_run": dry_run}
    invocation.speech.data(document, _lines(view))
    if dry_run:
        invocation.speech.talk("nothing was changed")


def _lines(view: MatterView) -> Iterator[str]:
    matter, profile, coverage = view.matter, view.profile, view.coverage
    yield f"{matter.number}  {plain(profile.title)}"
    yield f"  id       {matter.id}"
    yield f"  state    {matter.state.value}"
    yield f"  issuer   {plain(profile.issuer)}"
    yield f"  placed   {local(matter.placed_at)} by {matter.placed_by}"
    yield from _many("reason", profile.reason)
    if matter.release_proposed_at is not None:
        yield f"  release  proposed {local(matter.release_proposed_at)} by {matter.release_proposed_by}"
        yield from _many("because", profile.release_reason)
    if matter.released_at is not None:
        yield f"  released {local(matter.released_at)} by {matter.released_by}"
    late = f"; {coverage.destroyed} destroyed before" if coverage.destroyed else ""
    yield f"  {'holds' if matter.holds else 'held':8} {coverage.records} records{late}"
    yield f"  store    {coverage.versions_held} of {coverage.versions} versions have their legal hold"


def _many(label: str, text: str) -> Iterator[str]:
    for place, line in enumerate(plain_lines(text)):
        yield f"  {'' if place else label:8} {line}"


def _scope_lines(story: MatterStory) -> Iterator[str]:
    for each in story.items:
        found = "  (found by a query)" if each.item.origin else ""
        yield f"  {each.item.kind.value:8} {plain(each.label)}{found}"
    if story.more:
        yield "  ... and more"
