"""``strongroom login|logout`` and ``strongroom person``: who works with the vault."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from vault.cli import session
from vault.cli.asking import ask, ask_secret
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.moments import lifetime
from vault.cli.plain import iso, local, table
from vault.cli.proving import HERE, PROGRAM, sign_in
from vault.errors import NotSignedIn
from vault.resets import RESET_LIFETIME
from vault.workflows import breakglass, passwords, people, sessions

if TYPE_CHECKING:
    from vault.cli.speech import JSON
    from vault.workflows.people import PersonView

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
        token, signed_in = sign_in(vault, name, password, PROGRAM if print_token else HERE)
    if not print_token:
        session.keep(invocation.home, token)
    document = {
        "person_id": signed_in.actor.person_id,
        "name": signed_in.profile.name,
        "roles": signed_in.actor.role_names,
        "expires_at": iso(signed_in.expires_at),
        "token": token if print_token else None,
    }
    invocation.speech.data(document, [token] if print_token else ())
    invocation.speech.talk(f"signed in as {signed_in.profile.name} until {local(signed_in.expires_at)} at most")


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
            sessions.sign_out(vault, token)
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
    with invocation.acting(fresh=True) as (vault, actor):
        span = min(lifetime(expires, now=vault.now()), INVITATION_LIFETIME_MAX)
        token = people.invite(vault, actor, groups, lifetime=span)
        expires_at = vault.now() + span
    address = invocation.invitation_url(token)
    invocation.speech.data({"url": address, "groups": sorted(groups), "expires_at": iso(expires_at)}, [address])
    invocation.speech.talk(f"it works once, until {local(expires_at)}; whoever opens it first becomes that person")


@click.command("list")
@speaking
@pass_invocation
def list_people(invocation: Invocation) -> None:
    """List everybody, with their state."""
    with invocation.acting() as (vault, actor):
        views = people.list_people(vault, actor)
    rows = [
        (
            view.person.id,
            view.profile.login,
            view.profile.name,
            ", ".join(view.roles),
            "active" if view.person.active else "deactivated",
            "yes" if view.second_factor else "no",
            str(view.sessions),
        )
        for view in views
    ]
    headings = ("PERSON", "SIGN-IN NAME", "NAME", "ROLES", "STATE", "SECOND FACTOR", "SESSIONS")
    invocation.speech.data({"people": [_document(view) for view in views]}, table(headings, rows) if rows else ())
    if not rows:
        invocation.speech.talk("nobody yet; `strongroom person invite` makes the first one's address")


@click.command("reset")
@click.argument("person")
@click.option("--second-factors-lost", "lost", is_flag=True, help="Take their second factors away, too.")
@speaking
@pass_invocation
def reset(invocation: Invocation, person: str, lost: bool) -> None:
    """Make a one-time address by which PERSON (id or sign-in name) chooses a new password."""
    with invocation.acting(fresh=True) as (vault, actor):
        found = people.find_person(vault, actor, person)
        token = passwords.offer_reset(vault, actor, found.person.id, drops_factors=lost)
        until = vault.now() + RESET_LIFETIME
    address = invocation.reset_url(token)
    invocation.speech.data({"url": address, "expires_at": iso(until)}, [address])
    invocation.speech.talk(f"it works once, until {local(until)}; their sessions and API tokens end with it")


@click.command("recover")
@click.argument("person")
@click.option("--nobody-else-can", is_flag=True, help="There are other security administrators, but none can sign in.")
@speaking
@pass_invocation
def recover(invocation: Invocation, person: str, nobody_else_can: bool) -> None:
    """Let PERSON (id or sign-in name), the security administrator who lost everything, in again, as the operator.

    Needs what unlocks a keeper: its passphrase, PIN or key file. Prints a one-time address for a new password; second
    factors go with it. Their sessions end, the log keeps it, and every administration sees it for thirty days.
    """
    from storage.keeper.unlocked import require_unlocked
    from storage.machine import SystemRandomness

    with invocation.vault() as vault:
        require_unlocked(invocation.unlocked.keepers(), vault.catalogue, vault.fonds, SystemRandomness())
        person_id, token = breakglass.let_in_again(vault, person, nobody_else_can=nobody_else_can)
        until = vault.now() + RESET_LIFETIME
    address = invocation.reset_url(token)
    invocation.speech.data({"person_id": person_id, "url": address, "expires_at": iso(until)}, [address])
    invocation.speech.talk(f"it works once, until {local(until)}; everybody of an administration is told")


@click.command("deactivate")
@click.argument("person")
@speaking
@pass_invocation
def deactivate(invocation: Invocation, person: str) -> None:
    """Shut PERSON (id or sign-in name) out, at once."""
    with invocation.acting(fresh=True) as (vault, actor):
        changed = people.deactivate(vault, actor, people.find_person(vault, actor, person).person.id)
    invocation.speech.data({"id": changed.id, "active": changed.active}, ())
    invocation.speech.talk("deactivated")


@click.command("reactivate")
@click.argument("person")
@speaking
@pass_invocation
def reactivate(invocation: Invocation, person: str) -> None:
    """Let PERSON (id or sign-in name) in again."""
    with invocation.acting(fresh=True) as (vault, actor):
        changed = people.reactivate(vault, actor, people.find_person(vault, actor, person).person.id)
    invocation.speech.data({"id": changed.id, "active": changed.active}, ())
    invocation.speech.talk("active again")


@click.command("end-sessions")
@click.argument("person")
@speaking
@pass_invocation
def end_sessions(invocation: Invocation, person: str) -> None:
    """End every session of PERSON (id or sign-in name)."""
    with invocation.acting(fresh=True) as (vault, actor):
        ended = sessions.end_sessions_of(vault, actor, people.find_person(vault, actor, person).person.id)
    invocation.speech.data({"ended": ended}, ())
    invocation.speech.talk(f"{ended} ended")


def _document(view: PersonView) -> dict[str, JSON]:
    return {
        "id": view.person.id,
        "login": view.profile.login,
        "name": view.profile.name,
        "roles": [*view.roles],
        "active": view.person.active,
        "second_factor": view.second_factor,
        "sessions": view.sessions,
        "created_at": iso(view.person.created_at),
    }
