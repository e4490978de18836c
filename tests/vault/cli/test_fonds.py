"""Two companies in one vault, by commands: added, used, destroyed in, backed up, lost, restored and rebuilt; killed."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from storage.catalogue.database import open_catalogue
from storage.objects.embedded import EmbeddedStore
from storage.serving import ServedAt, marked_as_served
from storage.settings import Settings, load_settings
from tests.support.fondskilled import POINTS
from tests.support.postgres import PostgresCluster
from tests.vault.cli.conftest import Done
from vault.audit import Event
from vault.cli import exits
from vault.cli.invocation import Invocation
from vault.cli.main import run_command
from vault.ids import FondsCode

CODE = FondsCode("bco")
NAME = "Beta 公司"


class Home:
    """A vault's home, whose stores run: commands join them."""

    def __init__(
        self,
        home: Path,
        capfdbinary: pytest.CaptureFixture[bytes],
        monkeypatch: pytest.MonkeyPatch,
        given: Mapping[str, object],
    ) -> None:
        self.home, self.given = home, dict(given)
        self._capture, self._patch = capfdbinary, monkeypatch
        self.stack = ExitStack()

    @property
    def settings(self) -> Settings:
        """The first fonds's."""
        return load_settings(home=self.home, **self.given)

    def start_store(self, home: Path) -> None:
        """Starts the store of a fonds."""
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = EmbeddedStore(home / "store")
        self.stack.callback(store.stop)
        store.start()

    def run(self, *arguments: str | Path) -> Done:
        """A command, in this process."""
        self._patch.setattr(sys, "stdin", io.StringIO(""))
        self._capture.readouterr()
        invocation = Invocation()
        invocation.settings_given.update(self.given)
        code = run_command(invocation, ["--home", str(self.home), *map(str, arguments)])
        sys.stdout.flush()
        captured = self._capture.readouterr()
        return Done(code=code, stdout=captured.out, talk=captured.err.decode())

    def at(self, code: str, *arguments: str | Path) -> Done:
        """The same in a further fonds."""
        return self.run("--fonds", code, *arguments)

    def well(self, *arguments: str | Path) -> dict[str | None, dict[str, object]]:
        """What a command that goes through every fonds came to, by the code; it succeeds in all."""
        done = self.run(*arguments, "--json")
        parts = {each["code"]: each for each in done.document["fonds"]}
        assert done.code == exits.OK, (done.talk, parts)
        assert {each["exit_code"] for each in parts.values()} == {exits.OK}
        return parts


NewCatalogues = Callable[[], dict[str, object]]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_catalogues(request: pytest.FixtureRequest) -> Iterator[NewCatalogues]:
    """What settings say of where the catalogues of a home and of its other fonds are, none of which is there yet."""
    if request.param == "sqlite":
        yield dict
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    with ExitStack() as stack:

        def make() -> dict[str, object]:
            first = stack.enter_context(cluster.fresh_database())
            stack.enter_context(cluster.fresh_database(called=f"{make_url(first).database}_{CODE}"))
            return {"catalogue_url": first}

        yield make


@pytest.fixture
def vault_home(
    new_catalogues: NewCatalogues,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Home]:
    """A vault with two fonds and a backup folder."""
    for name in ("STRONGROOM_FONDS", "STRONGROOM_BACKUP_FOLDER", "STRONGROOM_KEEPER_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "backups").mkdir(mode=0o700)
    given = {"backup_folder": tmp_path / "backups", **new_catalogues()}
    home = Home(tmp_path / "home", capfdbinary, monkeypatch, given)
    with home.stack:
        home.start_store(home.home)
        assert home.run("init").code == exits.OK
        assert home.at(CODE, "record", "list").code == exits.REFUSED
        added = home.run("fonds", "add", CODE, "--name", NAME, "--json")
        assert added.code == exits.OK, added.talk
        assert f"/fonds/{CODE}/welcome/" in added.document["welcome_url"]
        home.start_store(home.home / "fonds" / CODE)
        yield home


def roots(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("root-*")}


def test_two_companies_live_side_by_side_and_come_back_from_backup_and_store(
    vault_home: Home,
    new_catalogues: NewCatalogues,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, settings = vault_home, vault_home.settings
    listed = home.run("fonds", "list", "--json").document["fonds"]
    assert [(each["code"], each["name"]) for each in listed] == [(None, None), (CODE, NAME)]
    assert [each["problem"] for each in listed] == [None, None]
    numbers: dict[str, list[str]] = {}
    for code, contents in {"": ["alpha"], CODE: ["beta", "doomed"]}.items():
        for content in contents:
            paper = tmp_path / f"{content}.txt"
            paper.write_text(content, encoding="utf-8")
            option = ("--fonds", code) if code else ()
            added = home.run(*option, "record", "add", paper, "--class", "house", "--json")
            assert added.code == exits.OK, added.talk
            numbers.setdefault(code, []).append(added.document["files"][0]["number"])
    # Each counts for itself, lists its own and opens its own.
    (alpha,), (beta, doomed) = numbers[""], numbers[CODE]
    assert alpha == beta
    assert home.run("record", "open", doomed, "--purpose", "business").code == exits.REFUSED

    def opened(where: Home) -> tuple[bytes, bytes]:
        return (
            where.run("record", "open", alpha, "--purpose", "business").stdout,
            where.at(CODE, "record", "open", beta, "--purpose", "business").stdout,
        )

    assert opened(home) == (b"alpha", b"beta")
    runs = {code: each["backup"] for code, each in home.well("backup", "run").items()}
    assert set(runs) == {None, CODE}
    # A destruction in one replaces the root of that one.
    theirs, others = settings.keeper / "fonds" / CODE, settings.keeper
    before = roots(theirs), roots(others)
    done = home.at(CODE, "destruction", "run", doomed, "--i-am-alone", "--filed-in-error", "--json")
    assert (done.code, done.document["state"]) == (exits.OK, "effective"), done.talk
    assert roots(theirs).isdisjoint(before[0])
    assert roots(others) == before[1]
    home.well("upkeep", "run")
    home.well("drill")
    home.well("backup", "verify")
    home.well("doctor")
    # The other's trouble is told, and keeps nobody.
    theirs.rename(tmp_path / "away")
    partly = home.run("doctor", "--json")
    assert [each["exit_code"] for each in partly.document["fonds"]] == [exits.OK, exits.BROKEN]
    (tmp_path / "away").rename(theirs)

    # Another machine: the keepers' folder came from its copy, the home is empty.
    given = {"backup_folder": tmp_path / "backups", "keeper_folder": settings.keeper, **new_catalogues()}
    again = Home(tmp_path / "again", capfdbinary, monkeypatch, given)
    with again.stack:
        again.start_store(again.home)
        assert set(again.well("restore")) == {None, CODE}
        again.start_store(again.home / "fonds" / CODE)
        assert opened(again) == (b"alpha", b"beta")
        assert again.at(CODE, "record", "open", doomed, "--purpose", "business").code == exits.REFUSED
        if "catalogue_url" in again.given:
            again.given.update(new_catalogues())
        else:
            for each in (again.settings, again.settings.of_fonds(CODE)):
                (each.home / "catalogue.sqlite").unlink()
        again.well("rebuild")
        assert opened(again) == (b"alpha", b"beta")
        assert [each["name"] for each in again.run("fonds", "list", "--json").document["fonds"]] == [None, NAME]
        assert again.at(CODE, "fonds", "rename", "Gamma", "--json").document == {"code": CODE, "name": "Gamma"}


@pytest.mark.parametrize("new_catalogues", ["sqlite"], indirect=True)
def test_addresses_that_a_command_prints_are_those_where_the_vault_is_served(vault_home: Home) -> None:
    home, there = vault_home, ServedAt(listen="127.0.0.1:9", address="http://127.0.0.1:9", pid=os.getpid())
    first, its = home.home, home.home / "fonds" / CODE

    def where() -> list[str]:
        """What `fonds add`, run again, says, and what any command would in the first fonds and in the other."""
        again = home.run("fonds", "add", CODE, "--name", NAME, "--json").document["welcome_url"]
        others = Invocation(), Invocation()
        others[0].settings, others[1].settings = home.settings, home.settings.of_fonds(CODE)
        return [each.partition("/welcome/")[0] for each in (again, *(one.invitation_url("x") for one in others))]

    def at(address: str) -> list[str]:
        return [f"{address}/fonds/{CODE}", address, f"{address}/fonds/{CODE}"]

    assert where() == at("http://127.0.0.1:8630")
    with marked_as_served(first, there):  # which has not opened the other yet
        assert where() == at("http://127.0.0.1:9")
        with marked_as_served(its, replace(there, address=f"http://127.0.0.1:9/fonds/{CODE}")):
            assert where() == at("http://127.0.0.1:9")
    home.given["public_url"] = "https://records.example.org"
    with marked_as_served(first, there):
        assert where() == at("https://records.example.org")


def test_adding_a_fonds_that_is_killed_anywhere_is_gone_on_with(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRONGROOM_FONDS", raising=False)
    with ExitStack() as stack:
        store = EmbeddedStore(tmp_path / "store")
        stack.callback(store.stop)
        operator = store.start().operator  # makes a bucket for each
        given = {
            "s3_endpoint": operator.endpoint_url,
            "s3_access_key": operator.access_key,
            "s3_secret_key": operator.secret_key,
            "s3_operator_access_key": operator.access_key,
            "s3_operator_secret_key": operator.secret_key,
        }
        home = Home(tmp_path / "home", capfdbinary, monkeypatch, given)
        assert home.run("init").code == exits.OK
        codes = {point: f"co{number}" for number, point in enumerate(POINTS)}
        order = {"home": str(home.home), "given": given, "lives": codes}
        killed = subprocess.run(
            [sys.executable, "-m", "tests.support.fondskilled"],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(killed.stdout) == dict.fromkeys(POINTS, -signal.SIGKILL), killed.stderr
        for code in codes.values():
            added = home.run("fonds", "add", code, "--name", code.upper(), "--json")
            assert added.code == exits.OK, added.talk
        listed = home.run("fonds", "list", "--json").document["fonds"][1:]
        assert {each["code"]: each["name"] for each in listed} == {code: code.upper() for code in codes.values()}
        # What was added was announced before, and each has the one root that its catalogue names.
        with closing(open_catalogue(home.settings.database_url)) as catalogue, catalogue.read() as tx:
            told = {each.entry.subject for each in tx.audit.page(event=Event.FONDS_ADDED, limit=100)}
        assert told == set(codes.values())
        paper = tmp_path / "paper.txt"
        paper.write_text("kept", encoding="utf-8")
        for code in (codes["after:found"], codes["after:row"]):
            number = home.at(code, "record", "add", paper, "--class", "house", "--json").document["files"][0]["number"]
            assert home.at(code, "record", "open", number, "--purpose", "business").stdout == b"kept"
