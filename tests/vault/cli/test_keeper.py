"""Several root keepers in one home, by the command: a sealed file, a SoftHSM2 token, a software TPM."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.assembly import open_vault
from storage.keeper import listing
from storage.keeper.listing import read_list
from storage.settings import Settings, load_settings
from tests.support.keepers import PIN, TOKEN, SoftToken, SoftTpm, soft_token, soft_tpm
from tests.support.store import RunningStore
from tests.support.vault import add_bytes, read_bytes, staff
from tests.vault.cli.conftest import ROOT, Done
from vault.audit import Event
from vault.cli import exits
from vault.cli.invocation import Invocation
from vault.cli.main import run_command
from vault.workflows.vault import Vault

KEY = "0123456789abcdef" * 4

CUT_OFF_AT = """
import os, signal, sys
from storage.keeper import changing
from vault.cli.main import main
real = changing.write_list
def write_then_die(home, listed):
    real(home, listed)
    os.kill(os.getpid(), signal.SIGKILL)
changing.write_list = write_then_die
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def token() -> Iterator[SoftToken]:
    with soft_token() as made:
        yield made


@pytest.fixture
def tpm() -> Iterator[SoftTpm]:
    with soft_tpm() as made:
        yield made


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A home of its own, and the command on it."""

    home: Path
    s3: dict[str, object]
    run: Callable[..., Done]

    def settings(self) -> Settings:
        return load_settings(home=self.home, **self.s3)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM_")}
        given = {f"STRONGROOM_{name.upper()}": str(value) for name, value in self.s3.items()}
        return {**kept, **given, "STRONGROOM_HOME": str(self.home)}

    def standing(self) -> dict[str, bool]:
        status = self.run("keeper", "status", "--json").document
        # Shown where a test fails: why a keeper is not proven.
        print(*(f"{each['name']}: {each['text']}" for each in status["keepers"]), sep="; ", file=sys.stderr)
        return {each["name"]: each["proven"] for each in status["keepers"]}


@pytest.fixture
def house(
    shared_store: RunningStore,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> House:
    store = shared_store.settings
    s3: dict[str, object] = {
        "s3_endpoint": store.endpoint_url,
        "s3_bucket": store.bucket,
        "s3_access_key": store.access_key,
        "s3_secret_key": store.secret_key,
    }
    home = tmp_path / "home"

    def run(*arguments: str | Path) -> Done:
        capfdbinary.readouterr()
        invocation = Invocation()
        invocation.settings_given.update(s3)
        code = run_command(invocation, ["--home", str(home), *map(str, arguments)])
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        return Done(code=code, stdout=captured.out, talk=captured.err.decode())

    monkeypatch.setattr(sys, "stdin", None)
    made = run("init")
    assert made.code == exits.OK, made.talk
    assert "one keeper: lose it, lose everything" in made.talk
    assert "strongroom keeper add" in made.talk
    return House(home=home, s3=s3, run=run)


def secret(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def events(vault: Vault) -> list[Event]:
    with vault.catalogue.read() as tx:
        return [each.entry.event for each in tx.audit.page(limit=1000)]


def test_three_keepers_one_away_a_rotation_and_it_catches_up(
    house: House, tmp_path: Path, token: SoftToken, tpm: SoftTpm
) -> None:
    pin = secret(tmp_path, "pin", PIN)
    for name, options in {
        "token": ("--kind", "pkcs11", "--module", token.module, "--token", TOKEN, "--secret-file", pin),
        "chip": ("--kind", "tpm", "--tcti", tpm.tcti, "--secret-file", pin),
    }.items():
        tried = house.run("keeper", "add", name, *options, "--dry-run", "--json")
        assert (tried.code, tried.document["dry_run"]) == (exits.OK, True), tried.talk
        for _ in range(2):
            done = house.run("keeper", "add", name, *options, "--json")
            assert done.code == exits.OK, done.talk
            assert done.document["generation"] == 1
    assert house.standing() == {"file": True, "token": True, "chip": True}
    listed = house.home / listing.LIST_NAME
    assert listed.stat().st_mode & 0o777 == 0o600
    assert PIN not in listed.read_text(encoding="utf-8")

    with open_vault(house.settings()) as vault:
        record = add_bytes(vault, staff(vault), b"a paper").record_id
    tpm.stop()
    rotated = house.run("keeper", "rotate", "--json")
    assert rotated.code == exits.OK, rotated.talk
    assert (rotated.document["generation"], rotated.document["state"]) == (2, "promoted")
    assert "keeper chip" in rotated.document["waiting"][0]
    assert house.run("keeper", "status").code == exits.UNAVAILABLE
    assert house.standing() == {"file": True, "token": True, "chip": False}
    away = house.run("keeper", "remove", "chip")
    assert (away.code, "--lost" in away.talk) == (exits.UNAVAILABLE, True)

    tpm.start()
    assert house.run("destruction", "resume", "--json").document == {"waiting": []}
    assert house.standing() == {"file": True, "token": True, "chip": True}
    # Any of them opens the vault without the others.
    for name in ("token", "file"):
        gone = house.run("keeper", "remove", name, "--json")
        assert (gone.code, gone.document["destroyed_roots"]) == (exits.OK, 1), gone.talk
    last = house.run("keeper", "remove", "chip")
    assert (last.code, "only keeper" in last.talk) == (exits.REFUSED, True)
    with open_vault(house.settings()) as vault:
        assert read_bytes(vault, staff(vault), record) == b"a paper"
        assert vault.keys.generation() == 2
        told = events(vault)
    assert told.count(Event.KEEPER_ADDED) == 4
    assert Event.KEEPER_REMOVED in told


def test_a_lost_keeper_stays_named_until_it_is_found_and_emptied(house: House, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "stick", tmp_path / "unplugged"
    add = ("keeper", "add", "stick", "--kind", "file", "--folder", folder)
    assert house.run(*add).code == exits.OK
    shutil.move(folder, elsewhere)
    unplugged = house.run("keeper", "remove", "stick")
    assert unplugged.code == exits.UNAVAILABLE
    assert "is its disk mounted?" in unplugged.talk
    done = house.run("keeper", "remove", "stick", "--lost", "--json")
    assert (done.code, done.document["destroyed_roots"]) == (exits.OK, None), done.talk
    assert house.standing() == {"file": True, "stick": False}
    assert "removed while out of reach" in house.run("keeper", "status").stdout.decode()
    assert house.run("keeper", "rotate", "--json").document["state"] == "promoted"
    assert house.run(*add).code == exits.REFUSED
    shutil.move(elsewhere, folder)
    found = house.run("keeper", "remove", "stick", "--json")
    assert (found.code, found.document["destroyed_roots"]) == (exits.OK, 1), found.talk
    assert not list(folder.glob("root-*"))
    assert house.standing() == {"file": True}


def test_shares_open_a_keeper_whose_key_is_lost(house: House, tmp_path: Path) -> None:
    words = secret(tmp_path, "key", KEY)
    folder, fresh = tmp_path / "off-site", tmp_path / "anew"
    assert house.run("keeper", "add", "off-site", "--kind", "file", "--folder", folder, "--key-file", words).code == 0
    printed = house.run("keeper", "share", "off-site", "--needed", "2", "--made", "3", "--json")
    assert printed.code == exits.OK, printed.talk
    assert "shown once" in printed.talk
    shares = [secret(tmp_path, f"share{n}", text) for n, text in enumerate(printed.document["shares"])]
    assert house.run("keeper", "remove", "file").code == exits.OK
    # Now the key is gone, and with it every way in but the shares.
    words.unlink()
    closed = house.run("keeper", "status")
    assert closed.code == exits.UNAVAILABLE
    assert str(words) in closed.talk
    recover = ("keeper", "recover", "off-site", "--folder", fresh, "--key-file", secret(tmp_path, "new key", KEY[::-1]))
    assert house.run(*recover, "--share-file", shares[0]).code == exits.REFUSED
    done = house.run(*recover, "--share-file", shares[0], "--share-file", shares[2], "--json")
    assert (done.code, done.document["roots"]) == (exits.OK, 1), done.talk
    assert house.standing() == {"off-site": True}
    assert not list(folder.glob("root-*"))


def test_a_kill_while_a_keeper_is_added_or_removed_is_made_good_by_saying_it_again(
    house: House, tmp_path: Path
) -> None:
    def cut_off(*arguments: str | Path) -> None:
        command = [sys.executable, "-W", "error", "-c", CUT_OFF_AT, *map(str, arguments)]
        done = subprocess.run(
            command, cwd=ROOT, env=house.environment(), check=False, capture_output=True, stdin=subprocess.DEVNULL
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()

    add = ("keeper", "add", "second", "--kind", "file", "--folder", tmp_path / "second")
    cut_off(*add)
    assert not list((tmp_path / "second").glob("root-*"))
    # It is named, so opening the home already lets it catch up.
    assert house.standing() == {"file": True, "second": True}
    assert house.run(*add).code == exits.OK
    cut_off("keeper", "remove", "second")
    assert [spec.name for spec in read_list(house.home).lost] == ["second"]
    assert house.standing() == {"file": True, "second": False}
    assert house.run("keeper", "remove", "second").code == exits.OK
    assert not list((tmp_path / "second").glob("root-*"))
    assert house.standing() == {"file": True}


def test_what_is_wrong_with_a_keeper_is_said_in_its_own_words(house: House, tmp_path: Path, token: SoftToken) -> None:
    short = house.run("keeper", "add", "a", "--kind", "file", "--secret-file", secret(tmp_path, "s", "short"))
    assert (short.code, "fewer than 12 characters" in short.talk) == (exits.BROKEN, True)
    inside = house.run("keeper", "add", "a", "--kind", "file", "--folder", house.home / "keeper")
    assert (inside.code, "in the home" in inside.talk) == (exits.BROKEN, True)
    options = ("--kind", "pkcs11", "--module", token.module, "--token", TOKEN)
    wrong = house.run("keeper", "add", "a", *options, "--secret-file", secret(tmp_path, "p", "00000000"))
    assert (wrong.code, "refuses the PIN" in wrong.talk) == (exits.BROKEN, True)
    assert house.run("keeper", "add", "a", *options).code == exits.USAGE
    assert house.run("keeper", "add", "a", "--kind", "file", "--secret-variable", "HOME").code == exits.USAGE
    assert house.run("keeper", "remove", "nobody").code == exits.REFUSED
    assert house.run("keeper", "rotate", "--dry-run", "--json").document == {"generation": 2, "dry_run": True}
    assert house.standing() == {"file": True}
