"""How scripts/lib.sh makes the environment: once, again when it must, and whole or not at all.

A stand-in for Python records what is asked of it, so that no test waits for packages; scripts/test itself is the proof
that the real one is made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

STAND_IN = """#!/bin/sh
case "$*" in
    *version_info*) exit "${TOO_OLD:-0}" ;;
    --version) echo "Python 3.11.0" ;;
    "-m venv "*)
        echo venv >>"$RECORD"
        mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip install "*)
        echo "pip ${*##* }" >>"$RECORD"
        sleep "${PIP_TAKES:-0}"
        if [ -n "${PIP_FAILS:-}" ]; then echo "no network" && exit 1; fi ;;
esac
"""


class Checkout:
    """A checkout with the shell scripts, two files that the environment depends on, and the stand-in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.record = folder / "record"
        self.record.touch()
        (self.folder / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "lib.sh", self.folder / "scripts" / "lib.sh")
        (self.folder / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
        (self.folder / "constraints.txt").write_text("click==8\n", encoding="utf-8")
        self.python = folder / "python"
        self.python.write_text(STAND_IN, encoding="utf-8")
        self.python.chmod(0o755)

    def command(self, group: str) -> list[str]:
        """What makes the environment of a group."""
        return ["bash", "-c", f"set -euo pipefail; . '{self.folder}/scripts/lib.sh'; make_environment {group}"]

    def environment(self, **settings: str) -> dict[str, str]:
        """The variables that the command runs with."""
        return {**os.environ, "STRONGROOM_PYTHON": str(self.python), "RECORD": str(self.record), **settings}

    def make(self, group: str = "run", **settings: str) -> subprocess.CompletedProcess[str]:
        """Makes the environment of a group."""
        return subprocess.run(
            self.command(group), env=self.environment(**settings), capture_output=True, text=True, check=False
        )

    def recorded(self) -> list[str]:
        """What was asked of Python since the last look."""
        lines = self.record.read_text(encoding="utf-8").splitlines()
        self.record.write_text("", encoding="utf-8")
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh checkout, no environment yet."""
    return Checkout(tmp_path)


def test_a_second_start_makes_nothing_and_says_nothing(checkout: Checkout) -> None:
    first = checkout.make()
    assert first.returncode == 0, first.stderr
    assert checkout.recorded() == ["venv", "pip ."]
    assert first.stdout == ""
    assert len(first.stderr.splitlines()) <= 3
    second = checkout.make()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert checkout.recorded() == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_requirements_are_installed(checkout: Checkout, name: str) -> None:
    checkout.make()
    checkout.recorded()
    with (checkout.folder / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert checkout.make().returncode == 0
    assert checkout.recorded() == ["pip ."]


def test_what_tests_need_is_added_once_and_stays(checkout: Checkout) -> None:
    checkout.make()
    checkout.make("test")
    assert checkout.recorded() == ["venv", "pip .", "pip .[test]"]
    checkout.make()
    assert checkout.recorded() == []
    (checkout.folder / "constraints.txt").write_text("click==9\n", encoding="utf-8")
    checkout.make()
    assert checkout.recorded() == ["pip .[test]"]


def test_an_environment_whose_making_was_broken_off_is_made_anew(checkout: Checkout) -> None:
    failed = checkout.make(PIP_FAILS="1")
    assert failed.returncode == 1
    assert "no network" in failed.stderr
    assert "run this again" in failed.stderr
    checkout.recorded()
    assert checkout.make().returncode == 0
    assert checkout.recorded() == ["venv", "pip ."]


def test_an_environment_without_its_python_is_made_anew(checkout: Checkout) -> None:
    checkout.make()
    checkout.recorded()
    (checkout.folder / ".venv" / "bin" / "python").unlink()
    assert checkout.make().returncode == 0
    assert checkout.recorded() == ["venv", "pip ."]


def test_a_checkout_that_moved_gets_a_new_environment(checkout: Checkout) -> None:
    checkout.make()
    checkout.recorded()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved to 别处"))
    assert checkout.make().returncode == 0
    assert checkout.recorded() == ["venv", "pip ."]


def test_two_starts_at_once_make_one_environment(checkout: Checkout) -> None:
    settings = checkout.environment(PIP_TAKES="0.5")
    starts = [subprocess.Popen(checkout.command("run"), env=settings, stderr=subprocess.PIPE) for _ in range(3)]
    for start in starts:
        _, said = start.communicate(timeout=120)
        assert start.returncode == 0, said
    assert checkout.recorded() == ["venv", "pip ."]


def test_without_a_new_enough_python_it_says_what_to_do(checkout: Checkout) -> None:
    done = checkout.make(TOO_OLD="1")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (checkout.folder / ".venv").exists()
