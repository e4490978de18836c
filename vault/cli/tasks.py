"""``strongroom task list``: what waits for whoever asks, then what waits for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, table
from vault.workflows.awaiting import steps_awaiting

if TYPE_CHECKING:
    from vault.cli.speech import JSON


@click.command("list")
@click.option("--all", "everybodys", is_flag=True, help="What waits for others, too.")
@speaking
@pass_invocation
def list_tasks(invocation: Invocation, everybodys: bool) -> None:
    """List what waits for you, the longest waiting first."""
    with invocation.acting() as (vault, actor):
        steps = [each for each in steps_awaiting(vault, actor) if each.mine or everybodys]
    document: dict[str, JSON] = {
        "tasks": [
            {
                "kind": each.kind,
                "about": each.key,
                "class": each.class_code or None,
                "since": iso(each.since),
                "from": each.by,
                "mine": each.mine,
                "records": each.count,
            }
            for each in steps
        ]
    }
    rows = [(each.kind, each.key, local(each.since), "you" if each.mine else "others") for each in steps]
    invocation.speech.data(document, table(("TASK", "ABOUT", "SINCE", "FOR"), rows) if rows else ())
    if not rows:
        invocation.speech.talk("nothing waits for you")
