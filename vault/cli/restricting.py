"""``strongroom record restrict, lift, unsettle, settle``: what may only be stored, and what is not settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vault.cli.documents import bare_record_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.workflows import restricting, retrieval

if TYPE_CHECKING:
    from collections.abc import Callable

    from vault.ids import RecordId
    from vault.permissions import Actor
    from vault.records import Record
    from vault.workflows.vault import Vault

_reason = click.option("--reason", required=True, help="Why; kept sealed, for as long as the record lives.")


@click.command("restrict")
@click.argument("record")
@_reason
@speaking
@pass_invocation
def restrict(invocation: Invocation, record: str, reason: str) -> None:
    """Let a record only be stored (封存): nobody finds, opens, corrects, links or hands it over."""
    _do(invocation, restricting.restrict_record, record, reason, "may only be stored")


@click.command("lift")
@click.argument("record")
@_reason
@speaking
@pass_invocation
def lift(invocation: Invocation, record: str, reason: str) -> None:
    """Lift a restriction that another person placed."""
    _do(invocation, restricting.lift_restriction, record, reason, "is restricted no more", fresh=True)


@click.command("unsettle")
@click.argument("record")
@_reason
@speaking
@pass_invocation
def unsettle(invocation: Invocation, record: str, reason: str) -> None:
    """Say that debts or claims which a record proves are not settled: they keep it where its class says so."""
    _do(invocation, restricting.mark_unsettled, record, reason, "is marked as unsettled")


@click.command("settle")
@click.argument("record")
@_reason
@speaking
@pass_invocation
def settle(invocation: Invocation, record: str, reason: str) -> None:
    """Say that debts or claims which a record proves are settled."""
    _do(invocation, restricting.mark_settled, record, reason, "is marked as settled")


def _do(
    invocation: Invocation,
    step: Callable[[Vault, Actor, RecordId, str], Record],
    key: str,
    reason: str,
    said: str,
    *,
    fresh: bool = False,
) -> None:
    with invocation.acting(fresh=fresh) as (vault, actor):
        record = step(vault, actor, retrieval.find_record(vault, actor, key).id, reason)
    invocation.speech.data(bare_record_document(record), [f"{record.number} {said}"])
