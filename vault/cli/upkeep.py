"""``strongroom upkeep``: the work that the vault does by itself."""

from __future__ import annotations

import click

from vault.cli import exits
from vault.cli.everyfonds import through_every_fonds
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, table
from vault.workflows import upkeep
from vault.workflows.upkeep import JobRun


@click.command()
@speaking
@pass_invocation
@through_every_fonds()
def run(invocation: Invocation) -> int:
    """Do now what is due, once. `strongroom serve` does so by itself; doing it twice does no harm."""
    with invocation.vault() as vault:
        runs = upkeep.run_due(vault)
    document = {"runs": [{"job": each.job, "outcome": _told(each), "at": iso(each.at)} for each in runs]}
    rows = [(each.job, local(each.at) if each.at else "", _told(each)) for each in runs]
    invocation.speech.data(document, table(("JOB", "AT", "OUTCOME"), rows) if rows else ())
    if not rows:
        invocation.speech.talk("nothing is due")
    failed = [each.job for each in runs if each.outcome is not None and each.outcome.is_failed]
    if failed:
        invocation.speech.warn(f"did not succeed, and is due again: {', '.join(failed)}; see `strongroom doctor`")
    return exits.UNAVAILABLE if failed else exits.OK


def _told(run: JobRun) -> str:
    return run.outcome.text if run.outcome is not None else ""
