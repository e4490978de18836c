"""``strongroom keeper``: the keepers of the root key."""

from __future__ import annotations

import click

from vault.cli import exits
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import table
from vault.cli.speech import JSON
from vault.people import Action


@click.command()
@speaking
@pass_invocation
def status(invocation: Invocation) -> int:
    """Show how each keeper stands to the root in force; the exit code is 4 when one is away or behind."""
    with invocation.acting() as (vault, actor):
        actor.require(Action.SEE_STATE)
        generation = vault.keys.generation()
        standing = vault.keys.standing()
    document: dict[str, JSON] = {
        "generation": generation,
        "keepers": [
            {
                "name": each.name,
                "answers": each.answers,
                "has_root": each.has_root,
                "proven": each.is_proven,
                "still_held": [{"generation": root.generation, "promoted": root.promoted} for root in each.still_held],
                "text": each.text,
            }
            for each in standing
        ],
    }
    rows = [(each.name, "yes" if each.is_proven else "no", each.text) for each in standing]
    invocation.speech.data(document, [f"generation {generation}", *table(("KEEPER", "PROVEN", "STATE"), rows)])
    if len(standing) == 1:
        invocation.speech.warn("one keeper: lose it, lose everything; add a second one")
    return exits.OK if all(each.is_proven for each in standing) else exits.UNAVAILABLE
