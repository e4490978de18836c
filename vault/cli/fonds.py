"""``strongroom fonds``: the companies of the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking, unlock
from vault.cli.plain import iso, plain, table
from vault.errors import AlreadyExists, InvalidInput, StrongroomError
from vault.fonds import checked_code, checked_name
from vault.groups import FOUNDING
from vault.permissions import Action
from vault.workflows import fonds, people

if TYPE_CHECKING:
    from storage.settings import Settings
    from vault.cli.speech import JSON


@click.command()
@click.argument("code")
@click.option("--name", required=True, help="What the company is called; it is kept sealed.")
@speaking
@pass_invocation
def add(invocation: Invocation, code: str, name: str) -> None:
    """Add a fonds under CODE, with keys, people and a log of its own, and print its first administrator's link.

    CODE stands in addresses: choose one that may be read by anybody. It is run again where it was cut off, and for a
    new link until the first administrator is in. On PostgreSQL its database, NAME_CODE beside NAME, has to be there.
    """
    from storage.backup.wiring import make_place
    from storage.fondshomes import make_home

    first = invocation.settings
    if first.fonds is not None:
        raise InvalidInput(
            "a fonds is added to the vault, not to another fonds; leave --fonds and STRONGROOM_FONDS out"
        )
    checked, called = checked_code(code), checked_name(name)
    settings = first.of_fonds(checked)
    with invocation.acting(tends=True) as (vault, actor):
        actor.require(Action.TEND_FONDS)
        if not settings.home.is_dir():
            fonds.announce_fonds(vault, actor, checked)
    make_home(first, checked)
    make_place(settings)
    with invocation.of(settings, invocation.speech).vault(create=True) as vault:
        with vault.catalogue.read() as tx:
            if tx.people.any():
                raise AlreadyExists(f"there is a fonds {checked} already; see `strongroom fonds list`")
        fonds.name_fonds(vault, people.machine_operator(), called)
        token = people.invite(vault, people.operator(vault), FOUNDING)
        fonds_id = vault.fonds.id
    its = invocation.of(settings, invocation.speech)
    url = its.invitation_url(token)
    document: dict[str, JSON] = {
        "code": checked,
        "fonds_id": fonds_id,
        "welcome_url": url,
        "keeper": str(settings.keeper),
    }
    lines = [f"{checked} is at {its.address}", f"Its first administrator, once, within 24 hours: {url}"]
    invocation.speech.data(document, lines)
    invocation.speech.talk(f"its root key is in {plain(str(settings.keeper))}: keep a copy of that folder apart")
    if first.backup_folder is not None or first.backup_s3_endpoint is not None:
        invocation.speech.talk(f"take its first backup now: `strongroom --fonds {checked} backup run`")


@click.command("list")
@speaking
@pass_invocation
def list_fonds(invocation: Invocation) -> None:
    """List the fonds of the vault, the first one first."""
    from storage.fondshomes import every_fonds

    with invocation.acting(tends=True) as (_, actor):
        actor.require(Action.TEND_FONDS)
    documents = [_document(each) for each in every_fonds(invocation.settings)]
    rows = [
        (
            str(each["code"] or "(first)"),
            plain(str(each["name"] or "")),
            str(each["fonds_id"]),
            plain(str(each["problem"] or "")),
        )
        for each in documents
    ]
    invocation.speech.data({"fonds": documents}, table(("CODE", "NAME", "FONDS", "PROBLEM"), rows))


@click.command()
@click.argument("name")
@speaking
@pass_invocation
def rename(invocation: Invocation, name: str) -> None:
    """Say what the company of a fonds is called: of the first, or of the one that --fonds names."""
    with invocation.acting(tends=True) as (vault, actor):
        called = fonds.name_fonds(vault, actor, name)
    invocation.speech.data({"code": invocation.settings.fonds, "name": called}, [plain(called)])


def _document(settings: Settings) -> dict[str, JSON]:
    from storage.assembly import open_vault

    said: dict[str, JSON] = {
        "code": settings.fonds,
        "name": None,
        "fonds_id": None,
        "created_at": None,
        "problem": None,
    }
    try:
        with open_vault(unlock(settings), keepers_read_only=True) as vault:
            return {
                **said,
                "name": fonds.name_of(vault),
                "fonds_id": vault.fonds.id,
                "created_at": iso(vault.fonds.created_at),
            }
    except StrongroomError as error:
        return {**said, "problem": error.message}
