"""``strongroom oidc``: the outside provider of OpenID Connect, whose groups are which here, and who is who."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, table
from vault.permissions import Action
from vault.workflows import groupmappings, identities, people

if TYPE_CHECKING:
    from vault.cli.speech import JSON


@click.command("show")
@speaking
@pass_invocation
def show(invocation: Invocation) -> None:
    """Show what is set up, which groups are mapped, and who is bound."""
    with invocation.acting() as (vault, actor):
        mappings = groupmappings.list_mappings(vault, actor)
        bound = identities.list_bound(vault, actor) if actor.may(Action.INVITE_PERSON) else ()
        facts = vault.provider.facts if vault.provider is not None else None
    provider: dict[str, JSON] | None = None
    if facts is not None:
        provider = {
            "name": facts.name,
            "issuer": facts.issuer,
            "client_id": facts.client_id,
            "scopes": facts.scopes,
            "groups_claim": facts.groups_claim,
            "redirect_uri": _redirect_uri(invocation),
        }
    document: dict[str, JSON] = {
        "provider": provider,
        "mappings": [
            {"provided": each.provided, "group": each.group, "mapped_at": iso(each.mapped_at)} for each in mappings
        ],
        "bound": [
            {
                "person_id": each.identity.person_id,
                "login": each.profile.login,
                "issuer": each.issuer,
                "subject": each.subject,
                "bound_at": iso(each.identity.bound_at),
                "last_used_at": iso(each.identity.last_used_at) if each.identity.last_used_at else None,
            }
            for each in bound
        ],
    }
    lines = [f"{name:13} {plain(str(value))}" for name, value in (provider or {}).items()]
    if mappings:
        lines += ["", *table(("GROUP THERE", "GROUP HERE"), [(plain(each.provided), each.group) for each in mappings])]
    if bound:
        rows = [
            (
                plain(each.profile.login),
                plain(each.subject),
                local(each.identity.last_used_at) if each.identity.last_used_at else "never",
            )
            for each in bound
        ]
        lines += ["", *table(("SIGN-IN NAME", "SUBJECT", "LAST SIGN-IN"), rows)]
    invocation.speech.data(document, lines)
    if facts is None:
        invocation.speech.talk("no provider is set up; STRONGROOM_OIDC_ISSUER and STRONGROOM_OIDC_CLIENT_ID name one")


@click.command("check")
@speaking
@pass_invocation
def check(invocation: Invocation) -> None:
    """Ask the provider what it is, and for its keys. The exit code is 4 when it is away."""
    from storage.identity.provider import OpenIdProvider

    named = invocation.settings.provider()
    if named is None:
        invocation.speech.data({"provider": None}, ())
        invocation.speech.talk("no provider is set up; STRONGROOM_OIDC_ISSUER and STRONGROOM_OIDC_CLIENT_ID name one")
        return
    provider = OpenIdProvider(named)
    try:
        state = provider.examine()
    finally:
        provider.close()
    document: dict[str, JSON] = {
        "issuer": named.issuer,
        "authorization_endpoint": state.authorization_endpoint,
        "token_endpoint": state.token_endpoint,
        "userinfo_endpoint": state.userinfo_endpoint,
        "end_session_endpoint": state.end_session_endpoint,
        "algorithms": [*state.algorithms],
        "keys": state.keys,
        "names_issuer": state.names_issuer,
        "redirect_uri": _redirect_uri(invocation),
    }
    invocation.speech.data(document, [f"{name:24} {_told(value)}" for name, value in document.items()])
    invocation.speech.talk("it answers as a provider does; it has to know the redirect_uri above")


@click.command("map")
@click.argument("provided")
@click.argument("group")
@speaking
@pass_invocation
def map_group(invocation: Invocation, provided: str, group: str) -> None:
    """Let members of PROVIDED, a group of the provider as its claim writes it, be members of GROUP here."""
    with invocation.acting(fresh=True) as (vault, actor):
        mapping = groupmappings.map_group(vault, actor, provided, group)
    invocation.speech.data({"provided": mapping.provided, "group": mapping.group}, ())
    invocation.speech.talk("mapped; it counts from each person's next sign-in on")


@click.command("unmap")
@click.argument("provided")
@click.argument("group")
@speaking
@pass_invocation
def unmap_group(invocation: Invocation, provided: str, group: str) -> None:
    """End a mapping, and at once the memberships that only it gave."""
    with invocation.acting(fresh=True) as (vault, actor):
        ended = groupmappings.unmap_group(vault, actor, provided, group)
    invocation.speech.data({"ended": ended}, ())
    invocation.speech.talk(f"ended, with {ended} memberships")


@click.command("bind")
@click.argument("person")
@click.argument("subject")
@speaking
@pass_invocation
def bind(invocation: Invocation, person: str, subject: str) -> None:
    """Say that PERSON (id or sign-in name) is SUBJECT to the provider. Their sessions end."""
    with invocation.acting(fresh=True) as (vault, actor):
        found = people.find_person(vault, actor, person)
        identity = identities.bind(vault, actor, found.person.id, subject)
    invocation.speech.data({"person_id": identity.person_id}, ())
    invocation.speech.talk("bound; they may sign in by the provider now")


@click.command("unbind")
@click.argument("person")
@speaking
@pass_invocation
def unbind(invocation: Invocation, person: str) -> None:
    """Let the provider sign PERSON (id or sign-in name) in no more. Their sessions end."""
    with invocation.acting(fresh=True) as (vault, actor):
        found = people.find_person(vault, actor, person)
        identities.unbind(vault, actor, found.person.id)
    invocation.speech.data({"person_id": found.person.id}, ())
    invocation.speech.talk("unbound; a password of this vault, or a link for one, lets them in")


def _redirect_uri(invocation: Invocation) -> str:
    from web.routes import PAGES

    return invocation.address + next(row.path for row in PAGES if row.name == "provider-answer")


def _told(value: JSON) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return "no" if value in (None, False) else "yes" if value is True else plain(str(value))
