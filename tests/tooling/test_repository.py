"""What the repository may hold: no address to download from, no path of one machine, scripts that can be run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ["scripts/serve", "scripts/test", "scripts/check", "scripts/bench", "scripts/make_secrets", ".ci/run"]

# Put together from pieces, so that this file does not hold what it looks for.
REGISTRIES = [
    "pypi" + r"\.org",
    "python" + "hosted",
    "registry" + r"\.npmjs",
    "npmjs" + r"\.com",
    "deb" + r"\.debian",
    "proxy" + r"\.golang",
]
MACHINE_PATHS = [r"(?<![\w./-])/" + name + r"/" for name in ("work", "root", "home/[a-z]+")]
FORBIDDEN = re.compile("|".join([*REGISTRIES, *MACHINE_PATHS]))
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+")


def tracked() -> list[Path]:
    """Every file that git tracks and that is still there; without git, every file outside hidden folders."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in FORBIDDEN.finditer(text)]
    assert found == []


@pytest.mark.parametrize("text", ["https://pypi" + ".org/simple", "see /wo" + "rk/main/x", "cd /ro" + "ot/x"])
def test_the_search_finds_what_it_is_for(text: str) -> None:
    assert FORBIDDEN.search(text)


def test_constraints_are_exact_pins_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert [line for line in lines if not PIN.fullmatch(line)] == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_executable_and_parses(name: str) -> None:
    path = ROOT / name
    assert path.stat().st_mode & 0o111 == 0o111
    shell = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("#!").removeprefix("/usr/bin/env ")
    subprocess.run([shell, "-n", str(path)], check=True)
