"""``strongroom account, token, person`` and proofs at the terminal, as people and programs see them."""

from __future__ import annotations

from datetime import timedelta

from tests.support.accounts import with_authenticator
from tests.vault.cli.conftest import Installation, Strongroom
from vault.cli import exits, session
from vault.sessions import FRESH
from vault.workflows import people, sessions
from vault.workflows.onetime import digest_of

PASSWORD = "a long enough password"
NEW = "another long enough password"


def let_the_proof_grow_old(installation: Installation) -> None:
    """As if the command line had proved itself a while ago."""
    token = session.kept(installation.home)
    assert token is not None
    with installation.open() as vault, vault.catalogue.write() as tx:
        known = tx.sessions.get(digest_of(token))
        assert known is not None
        digest, earlier = known.token_sha256, vault.now() - FRESH - timedelta(minutes=1)
        assert tx.sessions.renew(known.id, token_sha256=digest, of=digest, stepped_up_at=earlier, seen_at=earlier)


def join(strongroom: Strongroom, installation: Installation, login: str, *groups: str) -> None:
    asked = [part for group in groups for part in ("--group", group)]
    token = strongroom("person", "invite", *asked, "--json").document["url"].rsplit("/", 1)[-1]
    with installation.open() as vault:
        people.accept_invitation(vault, token, login=login, name=login.title(), password=PASSWORD)


def test_an_account_by_commands(strongroom: Strongroom, installation: Installation) -> None:
    join(strongroom, installation, "ann", "security", "officers", "records")
    assert strongroom("account", "show").code == exits.NOT_ALLOWED
    assert strongroom("login", stdin=f"ann\n{PASSWORD}\n").code == exits.OK
    join(strongroom, installation, "bea", "readers")

    assert strongroom("account", "change").code == exits.USAGE
    assert strongroom("account", "change", "--name", "Ann Li", "--language", "zh-Hans").code == exits.OK
    shown = strongroom("account", "show", "--json").document
    assert (shown["name"], shown["language"], shown["authenticator"]) == ("Ann Li", "zh-Hans", False)

    listed = strongroom("account", "sessions", "--json").document["sessions"]
    assert [(each["kind"], each["current"]) for each in listed] == [("command-line", True)]
    assert strongroom("account", "end-session").code == exits.USAGE
    assert strongroom("account", "end-session", "a" * 26).code == exits.REFUSED
    assert strongroom("account", "end-session", "--others", "--json").document == {"ended": 0}

    # An API token: shown once, listed without it, revoked.
    made = strongroom("token", "create", "Nightly", "--scope", "list-records", "--expires", "2d", "--json").document
    assert made["token"].startswith("strongroom_")
    (kept,) = strongroom("token", "list", "--json").document["tokens"]
    assert (kept["name"], kept["state"], kept["scopes"]) == ("Nightly", "in force", ["list-records"])
    assert made["token"] not in strongroom("token", "list").stdout.decode()
    assert strongroom("token", "revoke", kept["id"]).code == exits.OK
    assert strongroom("token", "list", "--json").document["tokens"][0]["state"] == "revoked"
    assert strongroom("token", "create", "x", "--scope", "change-keepers").code == exits.NOT_ALLOWED

    # A proof of a while ago is given again, by the password where there is nothing else; a wrong one does not do.
    let_the_proof_grow_old(installation)
    before = session.kept(installation.home)
    assert strongroom("person", "deactivate", "bea", stdin="not the password\n").code == exits.NOT_ALLOWED
    done = strongroom("person", "deactivate", "bea", stdin=f"{PASSWORD}\n")
    assert done.code == exits.OK, done.talk
    assert session.kept(installation.home) != before
    assert strongroom("person", "reactivate", "bea").code == exits.OK
    states = {each["login"]: each["active"] for each in strongroom("person", "list", "--json").document["people"]}
    assert states == {"ann": True, "bea": True}
    assert "/reset/" in strongroom("person", "reset", "bea", "--json").document["url"]
    assert strongroom("person", "reset", "ann").code == exits.REFUSED
    assert strongroom("person", "end-sessions", "bea", "--json").document == {"ended": 0}

    changed = strongroom("account", "password", stdin=f"{PASSWORD}\n{NEW}\n")
    assert changed.code == exits.OK, changed.talk

    # With an authenticator app a code is asked for at sign-in, and to prove it again.
    refused = strongroom("account", "authenticator", stdin="000000\n")
    assert refused.code == exits.REFUSED
    assert "secret: " in refused.talk
    token = session.kept(installation.home)
    assert token is not None
    with installation.open() as vault:
        _, codes = with_authenticator(vault, sessions.signed_in(vault, token))
    assert strongroom("logout").code == exits.OK
    assert strongroom("login", stdin=f"ann\n{NEW}\n000000\n").code == exits.NOT_ALLOWED
    assert strongroom("login", stdin=f"ann\n{NEW}\n{codes[0]}\n").code == exits.OK
    let_the_proof_grow_old(installation)
    assert strongroom("account", "recovery-codes", stdin=f"{NEW}\n").code == exits.NOT_ALLOWED
    fresh = strongroom("account", "recovery-codes", "--json", stdin=f"{codes[1]}\n").document["recovery_codes"]
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    assert strongroom("account", "authenticator", "--remove").code == exits.OK
