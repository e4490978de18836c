"""``strongroom init|serve|doctor``: the installation itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vault.cli import exits
from vault.cli.everyfonds import through_every_fonds
from vault.cli.invocation import Invocation, pass_invocation, speaking, unlock
from vault.cli.plain import plain
from vault.cli.speech import JSON

if TYPE_CHECKING:
    from storage.settings import Settings


@click.command()
@speaking
@pass_invocation
def init(invocation: Invocation) -> None:
    """Make the home: keys, catalogue and object store. On a home that is there it changes nothing."""
    settings, speech = invocation.settings, invocation.speech
    with invocation.vault(create=True) as vault:
        vault_id = vault.vault_id
    places = _places(settings)
    speech.data({"vault_id": vault_id, **places}, (f"{name:10} {plain(place)}" for name, place in places.items()))
    speech.talk(
        "back up the home and, apart from it, the keeper's folder and its key file (the root key of everything)"
    )
    speech.talk("whoever has a keeper and the home can read everything")
    warn_of_one_keeper(invocation)
    speech.talk("next: `strongroom serve`, or `strongroom record add PATH --class CODE`")


def warn_of_one_keeper(invocation: Invocation) -> None:
    """Says what one keeper means, and the way out."""
    from storage.keeper.listing import read_list

    if len(read_list(invocation.home).keepers) == 1:
        invocation.speech.warn(
            "one keeper: lose it, lose everything; add a second one, on another medium: "
            "`strongroom keeper add NAME --kind file --folder FOLDER`"
        )


def _places(settings: Settings) -> dict[str, str]:
    # Addresses of outside parts may hold a password; the names of the settings do not.
    catalogue = settings.database_url.removeprefix("sqlite:///")
    return {
        "home": str(settings.home),
        "keeper": str(settings.keeper),
        "key_file": str(settings.keeper_key_file or settings.keeper / "unlock.key"),
        "catalogue": "as STRONGROOM_CATALOGUE_URL says" if settings.catalogue_url else catalogue,
        "store": "as STRONGROOM_S3_ENDPOINT says" if settings.s3_endpoint else str(settings.home / "store"),
    }


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Where to listen; otherwise STRONGROOM_LISTEN.")
@click.option("--public-url", metavar="URL", help="The address that people use, if a proxy stands in front.")
@speaking
@pass_invocation
def serve(invocation: Invocation, listen: str | None, public_url: str | None) -> None:
    """Serve the pages and do upkeep, until stopped (Ctrl-C). What is missing is made first."""
    from web.main import Serving
    from web.main import serve as serve_pages

    speech = invocation.speech

    def announce(serving: Serving) -> None:
        lines = [f"Strongroom is at {serving.address}"]
        if serving.welcome_url is not None:
            lines.append(f"First administrator, once, within 24 hours: {serving.welcome_url}")
        speech.data({"address": serving.address, "welcome_url": serving.welcome_url}, lines)
        warn_of_one_keeper(invocation)

    if listen is not None:
        invocation.settings_given["listen"] = listen
    if public_url is not None:
        invocation.settings_given["public_url"] = public_url
    serve_pages(invocation.unlocked, announce=announce, progress=speech.talk, unlock=unlock)


@click.command()
@click.option("--deep", is_flag=True, help="Compare catalogue and store both ways, object by object.")
@speaking
@pass_invocation
@through_every_fonds()
def doctor(invocation: Invocation, deep: bool) -> int:
    """Check that everything is as it must be: the exit code is 1 when something is not."""
    from storage.doctor import examine

    findings = examine(invocation.unlocked, deep=deep)
    well = all(finding.ok for finding in findings)
    document: dict[str, JSON] = {
        "ok": well,
        "findings": [{"check": each.check, "ok": each.ok, "text": each.text} for each in findings],
    }
    lines = (f"{'ok' if each.ok else 'NOT OK':6}  {each.check}: {plain(each.text)}" for each in findings)
    invocation.speech.data(document, lines)
    return exits.OK if well else exits.BROKEN
