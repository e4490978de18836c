"""Backups on the command line: taken, verified, tried, and restored into another home."""

from __future__ import annotations

import hashlib
import io
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storage.backup.folder import FolderPlace
from storage.backup.wiring import plan
from storage.catalogue.database import open_catalogue
from storage.objects.embedded import EmbeddedStore
from storage.settings import load_settings
from tests.vault.cli.conftest import Done, Installation, Strongroom
from vault.backups import DRILL_JOB, VERIFY_JOB
from vault.cli import exits
from vault.cli.invocation import Invocation
from vault.cli.main import run_command
from vault.outcomes import Outcome


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".")
    }


def shown_on_pages(home: Path, folder: Path, run: str) -> None:
    """The verdicts of both are kept, and a backup whose manifest is damaged has no figures."""
    with closing(open_catalogue(f"sqlite:///{home / 'catalogue.sqlite'}")) as catalogue, catalogue.read() as tx:
        last = {job: Outcome.read(kept) for job, _, kept in tx.jobs.last_runs()}
    assert (last[VERIFY_JOB].code, last[VERIFY_JOB].values["backup"]) == ("verified", run)
    assert (last[DRILL_JOB].code, last[DRILL_JOB].values["backup"]) == ("drill-passed", run)
    place = FolderPlace(folder)
    told = plan(load_settings(home=home, backup_folder=folder), place)
    (shown,) = told.runs(5)
    assert (shown.name, shown.records, shown.generation) == (run, 1, 1)
    manifest = next(path for path in folder.rglob("manifest*") if run in str(path))
    content = manifest.read_bytes()
    manifest.chmod(0o600)
    manifest.write_bytes(b"{}")
    assert [each.records for each in told.runs(5)] == [None]
    manifest.write_bytes(content)
    assert [each.records for each in told.runs(5)] == [1]


def test_a_backup_is_taken_verified_tried_and_restored_into_another_home(
    strongroom: Strongroom,
    installation: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    folder = tmp_path / "backups"
    monkeypatch.delenv("STRONGROOM_BACKUP_FOLDER", raising=False)
    assert strongroom("backup", "list").code == exits.BROKEN
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("STRONGROOM_BACKUP_FOLDER", str(folder))
    assert strongroom("backup", "list", "--json").document == {"backups": []}
    assert strongroom("drill", "--json").code == exits.BROKEN
    paper = tmp_path / "paper.txt"
    paper.write_bytes(b"a paper")
    number = strongroom("record", "add", paper, "--class", "house", "--json").document["files"][0]["number"]
    taken = strongroom("backup", "run", "--json")
    assert taken.code == exits.OK, taken.talk
    run = taken.document["backup"]["backup"]
    assert [each["backup"] for each in strongroom("backup", "list", "--json").document["backups"]] == [run]
    assert run in strongroom("backup", "list").stdout.decode()
    verified = strongroom("backup", "verify", "--json")
    assert (verified.code, verified.document["sound"]) == (exits.OK, True), verified.talk
    keeper = digests(installation.home.with_name(installation.home.name + "-keeper"))
    tried = strongroom("drill", "--json")
    assert (tried.code, tried.document["passed"]) == (exits.OK, True), tried.document
    assert tried.document["opened"] >= 1
    shown_on_pages(installation.home, folder, run)
    assert digests(installation.home.with_name(installation.home.name + "-keeper")) == keeper
    assert strongroom("restore").code == exits.REFUSED  # a vault is there

    # Another machine: the keeper's folder came from its copy, the home is empty.
    home = tmp_path / "home"

    def elsewhere(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        capfdbinary.readouterr()
        invocation = Invocation()
        invocation.settings_given["keeper_folder"] = installation.home.with_name(installation.home.name + "-keeper")
        code = run_command(invocation, ["--home", str(home), *arguments])
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        return Done(code=code, stdout=captured.out, talk=captured.err.decode())

    store = EmbeddedStore(home / "store")
    home.mkdir(mode=0o700)
    store.start()
    try:
        restored = elsewhere("restore", run, "--json")
        assert restored.code == exits.OK, restored.talk
        assert restored.document["objects_there"] == 0
        assert elsewhere("record", "open", number, "--purpose", "business").stdout == b"a paper"
        (home / "catalogue.sqlite").unlink()
        rebuilt = elsewhere("rebuild", "--json")
        assert rebuilt.code == exits.OK, rebuilt.talk
        assert elsewhere("record", "open", number, "--purpose", "business").stdout == b"a paper"
        once = elsewhere("rebuild", "--confirm-holds", "--json")
        assert (once.code, once.document) == (exits.OK, {"confirmed_by_two": False})
        assert elsewhere("rebuild", "--confirm-holds").code == exits.NOT_ALLOWED
    finally:
        store.stop()
