"""Destruction and keepers on the command line."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.vault.cli.conftest import Installation, Strongroom
from vault.cli import exits


def add(strongroom: Strongroom, folder: Path, *options: str) -> str:
    path = folder / "paper.txt"
    path.write_bytes(b"a paper")
    done = strongroom("record", "add", path, "--class", "house", "--json", *options)
    assert done.code == exits.OK, done.talk
    number: str = done.document["files"][0]["number"]
    return number


def test_a_destruction_from_preview_to_effect(strongroom: Strongroom, tmp_path: Path) -> None:
    number, kept = add(strongroom, tmp_path), add(strongroom, tmp_path)
    locked = strongroom("destruction", "preview", number, "--json")
    assert locked.code == exits.REFUSED
    assert [each["code"] for each in locked.document["blockers"]] == ["not-due"]
    assert "NOT NOW: record" in strongroom("destruction", "preview", number).stdout.decode()
    refused = strongroom("destruction", "run", number, "--i-am-alone")
    assert refused.code == exits.REFUSED
    assert "class house is kept for ever" in refused.talk
    filed = strongroom("record", "file", number, "--class", "contract", "--trigger", "1990-01-01")
    assert filed.code == exits.OK, filed.talk
    assert strongroom("destruction", "run", number).code == exits.NOT_ALLOWED
    tried = strongroom("destruction", "run", number, "--i-am-alone", "--dry-run", "--json")
    assert (tried.code, tried.document["dry_run"], len(tried.document["records"])) == (exits.OK, True, 1)
    done = strongroom("destruction", "run", number, "--i-am-alone", "--json")
    assert done.code == exits.OK, done.talk
    assert (done.document["state"], done.document["records"], done.document["alone"]) == ("effective", 1, True)
    assert strongroom("record", "open", number, "--purpose", "business").code == exits.REFUSED
    assert strongroom("record", "open", kept, "--purpose", "business").stdout == b"a paper"
    stub = strongroom("record", "show", number, "--json").document
    assert (stub["state"], stub["title"], stub["destruction"]) == ("destroyed", None, done.document["id"])
    listed = strongroom("destruction", "list", "--json").document["destructions"]
    assert listed[0]["id"] == done.document["id"]
    shown = strongroom("destruction", "show", done.document["id"], "--json").document
    assert [each["number"] for each in shown["stubs"]] == [number]
    assert done.document["id"] in strongroom("destruction", "show", done.document["id"]).stdout.decode()
    resumed = strongroom("destruction", "resume", "--json")
    assert (resumed.code, resumed.document) == (exits.OK, {"waiting": []})


def test_a_whole_customer_is_named_by_number(strongroom: Strongroom, tmp_path: Path) -> None:
    customer = strongroom("customer", "add", "Wei", "--json")
    assert customer.code == exits.OK, customer.talk
    theirs = customer.document["number"]
    add(strongroom, tmp_path, "--customer", theirs)
    assert strongroom("destruction", "run", "--customer", theirs, "--i-am-alone").code == exits.REFUSED
    done = strongroom("destruction", "run", "--customer", theirs, "--i-am-alone", "--filed-in-error", "--json")
    assert done.code == exits.OK, done.talk
    assert (done.document["records"], done.document["customers"]) == (1, 1)
    shown = strongroom("customer", "show", theirs, "--json").document
    assert (shown["state"], shown["name"]) == ("destroyed", "")


def test_nothing_named_is_nothing_destroyed(strongroom: Strongroom) -> None:
    assert strongroom("destruction", "run", "--i-am-alone").code == exits.REFUSED
    assert strongroom("destruction", "preview", "2020-999999").code == exits.REFUSED
    assert strongroom("destruction", "show", "nothing").code == exits.REFUSED


def test_the_keepers_tell_how_they_stand(strongroom: Strongroom) -> None:
    done = strongroom("keeper", "status", "--json")
    assert done.code == exits.OK
    assert [(each["name"], each["proven"]) for each in done.document["keepers"]] == [("file", True)]
    assert "lose it, lose everything" in done.talk
    assert "generation" in strongroom("keeper", "status").stdout.decode()


def at_a_terminal(typed: str, installation: Installation, *arguments: str) -> tuple[int, str]:
    """Runs the command with a terminal as its stdin; gives its exit code and what it said."""
    controller, terminal = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM_")}
    given = {f"STRONGROOM_{name.upper()}": str(value) for name, value in installation.s3.items()}
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "vault.cli", *arguments],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**kept, **given, "STRONGROOM_HOME": str(installation.home)},
        )
        os.write(controller, typed.encode() + b"\n")
        said, _ = child.communicate(timeout=60)
        return child.returncode, said.decode()
    finally:
        os.close(controller)
        os.close(terminal)


def test_at_a_terminal_the_number_of_records_is_typed_first(
    strongroom: Strongroom, installation: Installation, tmp_path: Path
) -> None:
    number = add(strongroom, tmp_path)
    order = ("destruction", "run", number, "--i-am-alone", "--filed-in-error")
    code, said = at_a_terminal("y", installation, *order)
    assert code == exits.REFUSED, said
    assert number in said
    assert "everything is as it was" in said
    assert strongroom("record", "open", number, "--purpose", "business").stdout == b"a paper"
    code, said = at_a_terminal("1", installation, *order)
    assert code == exits.OK, said
    assert strongroom("record", "open", number, "--purpose", "business").code == exits.REFUSED
