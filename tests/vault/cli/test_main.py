"""The command as people start it: help, usage, errors, what goes where."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.vault.cli.conftest import Installation
from vault.cli import exits
from vault.cli.lazy import LazyGroup
from vault.cli.main import cli
from vault.cli.plain import width
from vault.statutes import FIRST_SET, SHIPPED

ROOT = Path(__file__).parents[3]


def strongroom(
    *arguments: str, home: Path, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command as a process of its own, on a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "vault.cli", *arguments],
        cwd=ROOT,
        env={**kept, "STRONGROOM_HOME": str(home), **(environment or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_help_names_every_command_and_every_exit_code(tmp_path: Path) -> None:
    done = strongroom("--help", home=tmp_path)
    assert done.returncode == exits.OK
    assert not done.stderr
    for code, meaning in exits.TABLE:
        assert f"{code}  {meaning}" in done.stdout
    for name in (
        "init",
        "serve",
        "login",
        "logout",
        "doctor",
        "record",
        "customer",
        "class",
        "schedule",
        "link",
        "person",
        "destruction",
        "keeper",
        "upkeep",
    ):
        assert f"\n  {name} " in done.stdout
    assert "bash_source" in done.stdout
    assert list(tmp_path.iterdir()) == []


def commands(group: LazyGroup, *path: str) -> list[tuple[str, ...]]:
    found = []
    for name in group.entries:
        command = group.commands.get(name)
        found.append((*path, name))
        if command is None and group.entries[name].place.startswith("vault.cli.main:"):
            inner = getattr(sys.modules["vault.cli.main"], group.entries[name].place.split(":")[1])
            found += commands(inner, *path, name)
    return found


def test_every_command_of_the_table_is_there_and_speaks_json(tmp_path: Path) -> None:
    assert isinstance(cli, LazyGroup)
    nested = [path for path in commands(cli) if len(path) > 1]
    groups = {path[0] for path in nested}
    leaves = [path for path in commands(cli) if path[0] not in groups]
    assert {"record", "customer", "link", "class", "schedule", "destruction", "keeper", "backup"} <= groups
    assert len(nested) >= 31
    script = (
        "import sys\nfrom vault.cli.main import cli\nfrom vault.cli.invocation import Invocation\n"
        "for line in sys.stdin:\n"
        "    cli.main([*line.split(), '--help'], prog_name='strongroom', standalone_mode=False, obj=Invocation())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        input="\n".join(" ".join(path) for path in leaves + nested),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.count("Usage: strongroom") == len(leaves + nested)
    assert done.stdout.count("Write one JSON document to stdout.") == len(leaves + nested)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys; sys.argv = ['strongroom', '--help']\nfrom vault.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'boto3', 'starlette', 'pydantic', 'rich', 'storage', 'web', 'vault.workflows'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == "[]\n"


def test_data_goes_to_stdout_one_document_with_json(installation: Installation) -> None:
    home = installation.home
    plain = strongroom("class", "list", home=home)
    assert plain.returncode == exits.OK
    assert not plain.stderr
    lines = plain.stdout.splitlines()
    assert len(lines) >= 1 + len(SHIPPED[FIRST_SET])
    columns = {width(line[: line.index("general")]) for line in lines[1:] if "general" in line}
    assert len(columns) == 1
    for arguments in (("class", "list", "--json"), ("--json", "class", "list")):
        document = json.loads(strongroom(*arguments, home=home).stdout)
        assert {each["code"] for each in document["classes"]} >= {each.code for each in SHIPPED[FIRST_SET]}


@pytest.mark.parametrize(
    "arguments",
    [("burn",), ("record", "list", "--burn"), ("record", "add", "x"), ("link", "create", "x", "--uses", "0")],
)
def test_a_command_that_is_not_understood_says_where_help_is(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = strongroom(*arguments, home=tmp_path)
    assert done.returncode == exits.USAGE
    assert not done.stdout
    assert done.stderr.startswith("strongroom: ")
    assert done.stderr.count("\n") == 1
    assert "--help`" in done.stderr
    as_json = strongroom(*arguments, "--json", home=tmp_path)
    assert as_json.returncode == exits.USAGE
    assert json.loads(as_json.stdout)["error"]["exit_code"] == exits.USAGE


def test_a_group_alone_shows_its_commands(tmp_path: Path) -> None:
    done = strongroom("record", home=tmp_path)
    assert done.returncode == exits.USAGE
    assert "correct" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("record", "add", "README.md", "--class", "house", "--date", "yesterday"), "invalid-input"),
        (("record", "add", "README.md", "--class", "house", "--batch", "a\nb"), "invalid-input"),
        (("record", "add", "README.md", "--class", "house", "--receipt", "/proc/x"), "invalid-input"),
        (("customer", "add", " "), "invalid-input"),
        (("record", "file", "2026-000001", "--trigger", "x"), "invalid-input"),
    ],
)
def test_what_is_wrong_by_itself_is_refused_before_anything_is_opened(
    tmp_path: Path, arguments: tuple[str, ...], code: str
) -> None:
    done = strongroom(*arguments, "--json", home=tmp_path / "home")
    assert done.returncode == exits.REFUSED
    assert done.stderr.startswith("strongroom: ")
    assert done.stderr.count("\n") == 1
    assert json.loads(done.stdout)["error"]["code"] == code
    assert not (tmp_path / "home").exists()


def test_an_error_nobody_foresaw_is_one_line_and_its_traceback_is_for_the_asking(tmp_path: Path) -> None:
    script = (
        "from vault.cli.invocation import Invocation\nfrom vault.cli.main import main\n"
        "Invocation.acting = None\nmain(['class', 'list'])"
    )
    for debug, shown in (({}, False), ({"STRONGROOM_DEBUG": "1"}, True)):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, **debug},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == exits.BROKEN
        assert "an unexpected error (TypeError at classes.py:" in done.stderr.splitlines()[-1]
        assert ("Traceback" in done.stderr) is shown
        assert shown or done.stderr.count("\n") == 1


def test_a_reader_that_goes_away_ends_the_command_quietly(installation: Installation) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "vault.cli", "class", "list"],
        cwd=ROOT,
        env={**os.environ, "STRONGROOM_HOME": str(installation.home)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (exits.READER_GONE, "")


def test_bytes_never_go_to_a_terminal_unasked(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "vault.cli", "record", "open", "2026-000001"],
        cwd=ROOT,
        env={**os.environ, "STRONGROOM_HOME": str(tmp_path)},
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(terminal)
    os.close(controller)
    assert done.returncode == exits.USAGE
    assert "--output" in done.stderr
