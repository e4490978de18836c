"""A skipped test fails the run, unless it says why it may be skipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

MODULE = """
import pytest

@pytest.mark.skip(reason="no server here")
def test_stepped_over(): ...

def test_gives_up():
    pytest.skip("not today")

@pytest.mark.may_skip(reason="needs two machines")
def test_says_why():
    pytest.skip("one machine")

@pytest.mark.xfail(reason="known", raises=ZeroDivisionError)
def test_known_to_fail():
    1 / 0
"""


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the tests of a folder with the product's rule on skips."""
    options = ["-q", "-p", "tests.support.skips", "-p", "no:cacheprovider", "-o", "markers=may_skip(reason): may"]
    command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(folder), "--confcutdir", str(folder)]
    return subprocess.run([*command, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_skip_without_a_reason_that_is_allowed_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(MODULE, encoding="utf-8")
    done = run(tmp_path)
    assert done.returncode == 1
    assert "1 failed, 1 skipped, 1 xfailed, 1 error" in done.stdout
    assert "no server here" in done.stdout
    assert "a skip counts as a failure" in done.stdout


def test_a_module_that_is_skipped_as_a_whole_fails_the_run(tmp_path: Path) -> None:
    text = "import pytest\npytest.importorskip('no_such_module_anywhere')\n"
    (tmp_path / "test_it.py").write_text(text, encoding="utf-8")
    done = run(tmp_path)
    assert done.returncode != 0
    assert "1 error" in done.stdout
