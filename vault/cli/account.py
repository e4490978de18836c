"""``strongroom account``: your own account: name, language, password, second factors, sessions.

Passkeys are made in a browser; here they are listed and removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vault.cli.asking import ask_secret
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, table
from vault.cli.proving import HERE
from vault.ids import PasskeyId, SessionId
from vault.people import LANGUAGES
from vault.workflows import credentials, passwords, people, sessions

if TYPE_CHECKING:
    from vault.cli.speech import JSON
    from vault.people import PersonProfile


@click.command("show")
@speaking
@pass_invocation
def show(invocation: Invocation) -> None:
    """Show who you are here, and what you prove it with."""
    with invocation.signed_in() as (vault, who):
        profile = people.own_profile(vault, who.actor)
        factors = credentials.own_factors(vault, who.actor)
    passkeys: list[JSON] = [
        {"id": each.passkey.id, "name": each.name, "last_used_at": iso(each.passkey.last_used_at)}
        for each in factors.passkeys
    ]
    document: dict[str, JSON] = {
        **_profile_document(profile),
        "id": who.actor.person_id,
        "roles": [*who.actor.role_names],
        "authenticator": factors.authenticator,
        "recovery_codes": factors.recovery_codes,
        "passkeys": passkeys,
    }
    lines = [
        f"{plain(profile.name)} ({plain(profile.login)}), {', '.join(who.actor.role_names)}",
        f"authenticator app: {'yes' if factors.authenticator else 'no'}; recovery codes left: {factors.recovery_codes}",
        *(f"passkey {each.passkey.id}  {plain(each.name)}" for each in factors.passkeys),
    ]
    invocation.speech.data(document, lines)


@click.command("change")
@click.option("--name", help="Your name, as others see it.")
@click.option("--language", type=click.Choice([each for each in LANGUAGES if each]), help="Of the pages.")
@speaking
@pass_invocation
def change(invocation: Invocation, name: str | None, language: str | None) -> None:
    """Change your name or your language."""
    if name is None and language is None:
        raise click.UsageError("say --name or --language")
    with invocation.signed_in() as (vault, who):
        profile = people.change_profile(vault, who.actor, name=name, language=language)
    invocation.speech.data(_profile_document(profile), [plain(profile.name)])


@click.command("password")
@speaking
@pass_invocation
def password(invocation: Invocation) -> None:
    """Change your password; every other session of yours ends. Both are asked for, or read from stdin."""
    with invocation.signed_in(fresh=True) as (vault, who):
        old = ask_secret("Password until now")
        new = ask_secret("New password", twice=True)
        passwords.change_password(vault, who, old=old, new=new, client=HERE)
    invocation.speech.data({"changed": True}, ())
    invocation.speech.talk("the password is changed; every other session has ended")


@click.command("sessions")
@speaking
@pass_invocation
def list_sessions(invocation: Invocation) -> None:
    """List where you are signed in."""
    with invocation.signed_in() as (vault, who):
        views = sessions.own_sessions(vault, who.actor, current=who.session.id if who.session else None)
    documents: list[JSON] = [
        {
            "id": each.session.id,
            "kind": each.session.kind.value,
            "address": each.client.address,
            "agent": each.client.agent,
            "created_at": iso(each.session.created_at),
            "seen_at": iso(each.session.seen_at),
            "expires_at": iso(each.session.expires_at),
            "current": each.current,
        }
        for each in views
    ]
    rows = [
        (
            each.session.id,
            each.session.kind.value + (" (this one)" if each.current else ""),
            each.client.address,
            local(each.session.seen_at),
            each.client.agent,
        )
        for each in views
    ]
    invocation.speech.data({"sessions": documents}, table(("SESSION", "KIND", "FROM", "LAST SEEN", "PROGRAM"), rows))


@click.command("end-session")
@click.argument("session", required=False)
@click.option("--others", is_flag=True, help="All but this one.")
@speaking
@pass_invocation
def end_session(invocation: Invocation, session: str | None, others: bool) -> None:
    """End one of your sessions, or all but this one."""
    if (session is None) is not others:
        raise click.UsageError("name a session, or say --others")
    with invocation.signed_in() as (vault, who):
        ended = 1
        if session is not None:
            sessions.end_session(vault, who.actor, SessionId(session))
        else:
            ended = sessions.end_other_sessions(vault, who.actor, current=who.session.id if who.session else None)
    invocation.speech.data({"ended": ended}, ())
    invocation.speech.talk(f"{ended} ended")


@click.command("authenticator")
@click.option("--remove", is_flag=True, help="Take it away instead.")
@speaking
@pass_invocation
def authenticator(invocation: Invocation, remove: bool) -> None:
    """Set up an authenticator app: type the secret into it, then the code that it shows. Recovery codes follow."""
    with invocation.signed_in(fresh=True) as (vault, who):
        if remove:
            credentials.remove_authenticator(vault, who.actor)
            invocation.speech.data({"authenticator": False}, ())
            invocation.speech.talk("the authenticator app is removed")
            return
        enrolment = credentials.begin_authenticator(vault, who.actor)
        # The secret is for the eyes of whoever sits there, not for a pipe.
        invocation.speech.warn(f"secret: {enrolment.secret}")
        invocation.speech.warn(f"address: {enrolment.uri}")
        codes = credentials.confirm_authenticator(vault, who.actor, ask_secret("Code that the app shows"))
    invocation.speech.data({"authenticator": True, "recovery_codes": [*codes]}, codes)
    if codes:
        invocation.speech.talk("these are your recovery codes, shown this once; keep them apart from the app")


@click.command("recovery-codes")
@speaking
@pass_invocation
def recovery_codes(invocation: Invocation) -> None:
    """Make new recovery codes, shown once; the old ones are worth nothing then."""
    with invocation.signed_in(fresh=True) as (vault, who):
        codes = credentials.make_recovery_codes(vault, who.actor)
    invocation.speech.data({"recovery_codes": [*codes]}, codes)


@click.command("remove-passkey")
@click.argument("passkey")
@speaking
@pass_invocation
def remove_passkey(invocation: Invocation, passkey: str) -> None:
    """Take a passkey of yours away."""
    with invocation.signed_in(fresh=True) as (vault, who):
        credentials.remove_passkey(vault, who.actor, PasskeyId(passkey))
    invocation.speech.data({"removed": passkey}, ())


def _profile_document(profile: PersonProfile) -> dict[str, JSON]:
    return {"login": profile.login, "name": profile.name, "language": profile.language or None}
