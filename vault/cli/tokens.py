"""``strongroom token``: API tokens for programs of yours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.moments import lifetime
from vault.cli.plain import iso, local, table
from vault.ids import TokenId
from vault.permissions import Action
from vault.tokens import checked_scopes
from vault.workflows import tokens

if TYPE_CHECKING:
    from vault.cli.speech import JSON
    from vault.workflows.tokens import TokenView


@click.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([action.value for action in Action]),
    help="What it may do; may be said several times. Only what you may do yourself.",
)
@click.option("--expires", default="90d", show_default=True, help="How long it lives: 12h, 30d, a time.")
@speaking
@pass_invocation
def create(invocation: Invocation, name: str, scopes: tuple[str, ...], expires: str) -> None:
    """Make a token called NAME, and print it, this once. It goes into `Authorization: Bearer`."""
    with invocation.signed_in(fresh=True) as (vault, who):
        span = lifetime(expires, now=vault.now())
        text, view = tokens.create(vault, who.actor, name=name, scopes=checked_scopes(frozenset(scopes)), lifetime=span)
    invocation.speech.data({**_document(view), "token": text}, [text])
    invocation.speech.talk(f"it lives until {local(view.token.expires_at)}; it is not shown again")


@click.command("list")
@speaking
@pass_invocation
def list_tokens(invocation: Invocation) -> None:
    """List your tokens, newest first."""
    with invocation.signed_in() as (vault, who):
        views = tokens.own_tokens(vault, who.actor)
    rows = [
        (
            each.token.id,
            each.name,
            _state(each),
            local(each.token.expires_at),
            local(each.token.last_used_at) if each.token.last_used_at else "never",
            ", ".join(sorted(action.value for action in each.token.scopes)),
        )
        for each in views
    ]
    lines = table(("TOKEN", "NAME", "STATE", "EXPIRES", "LAST USED", "MAY"), rows) if rows else ()
    invocation.speech.data({"tokens": [_document(each) for each in views]}, lines)
    if not rows:
        invocation.speech.talk("you have no token")


@click.command("revoke")
@click.argument("token")
@speaking
@pass_invocation
def revoke(invocation: Invocation, token: str) -> None:
    """Revoke a token of yours by its id, at once."""
    with invocation.signed_in() as (vault, who):
        tokens.revoke(vault, who.actor, TokenId(token))
    invocation.speech.data({"revoked": token}, ())
    invocation.speech.talk("revoked")


def _state(view: TokenView) -> str:
    return "in force" if view.live else "revoked" if view.token.revoked_at else "expired"


def _document(view: TokenView) -> dict[str, JSON]:
    return {
        "id": view.token.id,
        "name": view.name,
        "scopes": [*sorted(action.value for action in view.token.scopes)],
        "created_at": iso(view.token.created_at),
        "expires_at": iso(view.token.expires_at),
        "last_used_at": iso(view.token.last_used_at),
        "state": _state(view),
    }
