"""``strongroom login|logout`` and ``strongroom person``: who works with the vault."""

from __future__ import annotations

from datetime import timedelta

import click

from vault.cli import session
from vault.cli.asking import ask, ask_secret
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.moments import lifetime
from vault.cli.plain import iso, local
from vault.errors import NotSignedIn
from vault.workflows import people

ORIGIN = "command-line"
INVITATION_LIFETIME_MAX = timedelta(days=14)


@click.command()
@click.option("--login", "name", help="The sign-in name; otherwise it is asked for.")
@click.option("--print-token", is_flag=True, help="Print the token for the API instead of keeping it in the home.")
@speaking
@pass_invocation
def login(invocation: Invocation, name: str | None, print_token: bool) -> None:
    """Sign in; commands on this home then act as you. The password is asked for, or read from stdin."""
    name = ask("Sign-in name") if name is None else name
    password = ask_secret("Password")
    with invocation.vault() as vault:
        token, signed_in = people.sign_in(vault, login=name, password=password, origin=ORIGIN)
    if not print_token:
        session.keep(invocation.home, token)
    document = {
        "person_id": signed_in.actor.person_id,
        "name": signed_in.profile.name,
        "roles": signed_in.actor.role_names,
        "expires_at": iso(signed_in.session.expires_at),
        "token": token if print_token else None,
    }
    invocation.speech.data(document, [token] if print_token else ())
    invocation.speech.talk(f"signed in as {signed_in.profile.name} until {local(signed_in.session.expires_at)} at most")


@click.command()
@speaking
@pass_invocation
def logout(invocation: Invocation) -> None:
    """Sign out: the session ends in the vault, and its token leaves the home."""
    token = session.kept(invocation.home)
    if token is None:
        invocation.speech.data({"signed_out": False}, ())
        invocation.speech.talk("nobody was signed in")
        return
    try:
        with invocation.vault() as vault:
            people.sign_out(vault, token)
    except NotSignedIn:
        # The session was over by itself; what is left to do is the same.
        pass
    finally:
        session.forget(invocation.home)
    invocation.speech.data({"signed_out": True}, ())
    invocation.speech.talk("signed out")


@click.command()
@click.option(
    "--group", "groups", multiple=True, required=True, help="A group that they will be in; may be said several times."
)
@click.option("--expires", default="24h", show_default=True, help="How long the address works once: 12h, 2d, a time.")
@speaking
@pass_invocation
def invite(invocation: Invocation, groups: tuple[str, ...], expires: str) -> None:
    """Make a one-time address under which somebody chooses a sign-in name and a password."""
    with invocation.acting() as (vault, actor):
        span = min(lifetime(expires, now=vault.now()), INVITATION_LIFETIME_MAX)
        token = people.invite(vault, actor, groups, lifetime=span)
        expires_at = vault.now() + span
    address = invocation.invitation_url(token)
    invocation.speech.data({"url": address, "groups": sorted(groups), "expires_at": iso(expires_at)}, [address])
    invocation.speech.talk(f"it works once, until {local(expires_at)}; whoever opens it first becomes that person")
