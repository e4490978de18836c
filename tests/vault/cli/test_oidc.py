"""``strongroom oidc``, as people and programs see it."""

from __future__ import annotations

import pytest

from tests.support.bentprovider import CLIENT, SECRET, bent_provider
from tests.support.server import free_port
from tests.vault.cli.conftest import Installation, Strongroom
from vault.cli import exits
from vault.workflows import people

PASSWORD = "a long enough password"


def join(strongroom: Strongroom, installation: Installation, login: str, *groups: str) -> None:
    asked = [part for group in groups for part in ("--group", group)]
    token = strongroom("person", "invite", *asked, "--json").document["url"].rsplit("/", 1)[-1]
    with installation.open() as vault:
        people.accept_invitation(vault, token, login=login, name=login.title(), password=PASSWORD)


def test_a_provider_is_looked_at_mapped_and_bound_by_commands(
    strongroom: Strongroom, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without one there is nothing to ask.
    assert strongroom("oidc", "check", "--json").document == {"provider": None}
    join(strongroom, installation, "ann", "security")
    assert strongroom("login", stdin=f"ann\n{PASSWORD}\n").code == exits.OK
    join(strongroom, installation, "bea", "readers")
    assert strongroom("oidc", "show", "--json").document == {"provider": None, "mappings": [], "bound": []}
    assert strongroom("oidc", "bind", "bea", "u-1").code == exits.REFUSED

    with bent_provider() as bent:
        monkeypatch.setenv("STRONGROOM_OIDC_ISSUER", bent.issuer)
        monkeypatch.setenv("STRONGROOM_OIDC_CLIENT_ID", CLIENT)
        monkeypatch.setenv("STRONGROOM_OIDC_CLIENT_SECRET", SECRET)
        checked = strongroom("oidc", "check", "--json").document
        assert (checked["issuer"], checked["keys"], checked["algorithms"]) == (bent.issuer, 1, ["RS256"])
        assert checked["redirect_uri"].endswith("/sign-in/provider/answer")

        assert strongroom("oidc", "map", "archive", "records").code == exits.OK
        assert strongroom("oidc", "map", "archive", "records").code == exits.REFUSED
        assert strongroom("oidc", "map", "archive", "no-such-group").code == exits.REFUSED
        assert strongroom("oidc", "bind", "bea", "u-1").code == exits.OK
        shown = strongroom("oidc", "show", "--json").document
        assert [(each["provided"], each["group"]) for each in shown["mappings"]] == [("archive", "records")]
        assert [(each["login"], each["subject"]) for each in shown["bound"]] == [("bea", "u-1")]
        assert SECRET not in strongroom("oidc", "show").stdout.decode()
        assert strongroom("oidc", "unmap", "archive", "records", "--json").document == {"ended": 0}
        assert strongroom("oidc", "unbind", "bea").code == exits.OK
        assert strongroom("oidc", "unbind", "bea").code == exits.REFUSED

    # It is away: the exit code says so, and the way out is said.
    monkeypatch.setenv("STRONGROOM_OIDC_ISSUER", f"http://127.0.0.1:{free_port()}")
    away = strongroom("oidc", "check")
    assert away.code == exits.UNAVAILABLE
    assert "passwords and passkeys work" in away.talk
