"""``strongroom person recover``: a way in again for the one administrator, by whoever can unlock a keeper."""

from __future__ import annotations

from pathlib import Path

from tests.vault.cli.conftest import Installation, Strongroom
from vault.cli import exits
from vault.groups import FOUNDING
from vault.workflows import passwords, people

PASSWORD, NEW = "a long enough password", "another long enough password"


def test_whoever_unlocks_a_keeper_lets_the_one_administrator_in_again(
    strongroom: Strongroom, installation: Installation
) -> None:
    with installation.open() as vault:
        token = people.invite(vault, people.operator(vault), FOUNDING)
        people.accept_invitation(vault, token, login="ann", name="Ann", password=PASSWORD)
    assert strongroom("login", stdin=f"ann\n{PASSWORD}\n").code == exits.OK
    assert strongroom("person", "recover", "nobody").code == exits.REFUSED

    # A key process that somebody else unlocked serves; without what unlocks a keeper no address is made.
    key = installation.home.with_name(installation.home.name + "-keeper") / "unlock.key"
    hidden = Path(f"{key}.away")
    with installation.open():
        key.rename(hidden)
        try:
            refused = strongroom("person", "recover", "ann")
        finally:
            hidden.rename(key)
    assert refused.code in (exits.UNAVAILABLE, exits.BROKEN)
    assert refused.stdout == b""

    made = strongroom("person", "recover", "ann", "--json").document
    assert strongroom("account", "show").code == exits.NOT_ALLOWED
    link = made["url"].rsplit("/", 1)[-1]
    with installation.open() as vault:
        assert passwords.reset_password(vault, link, password=NEW) == made["person_id"]
    assert strongroom("login", stdin=f"ann\n{PASSWORD}\n").code == exits.NOT_ALLOWED
    assert strongroom("login", stdin=f"ann\n{NEW}\n").code == exits.OK
