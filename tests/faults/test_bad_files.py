"""Bad files on the command line: each is told with its reason, the others are stored, and nothing is left by halves."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.attacked import Attacked, attacked
from tests.support.names import LONG_NAMES
from tests.support.server import LOGIN, PASSWORD

pytestmark = pytest.mark.faults

MIB = 1024 * 1024
UPLOAD_MAX = 32 * MIB
REFUSED_IN_PART = 3
# Permission bits bind root too once it has given up the right to pass over them.
BOUND_BY_PERMISSIONS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--") if os.geteuid() == 0 else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What ``record add --json`` said: its exit code, and a line for each file by its path."""

    code: int
    lines: dict[str, dict[str, Any]]

    def refused(self, path: Path | str) -> tuple[str, str]:
        """Why a file was refused: its code and its message."""
        line = self.lines[os.fspath(path)]
        assert line["outcome"] == "refused", line
        return line["error"]["code"], line["error"]["message"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A served vault, and somebody who files by the command."""

    vault: Attacked

    def run(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[bytes]:
        """Runs the command; no traceback reaches anybody."""
        done = subprocess.run(
            [*BOUND_BY_PERMISSIONS, sys.executable, "-m", "vault.cli", *map(str, arguments)],
            env={
                **os.environ,
                "STRONGROOM_HOME": str(self.vault.server.home),
                "STRONGROOM_UPLOAD_BYTES_MAX": str(UPLOAD_MAX),
            },
            input=stdin.encode(),
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
        assert b"unexpected" not in done.stderr, done.stderr.decode(errors="replace")
        return done

    def add(self, *paths: str | Path, batch: str | None = None) -> Outcome:
        """Files paths; what is acknowledged is remembered."""
        named = ("--batch", batch) if batch else ()
        done = self.run("record", "add", "--class", "contract", "--json", *named, "--", *paths)
        document = json.loads(done.stdout.decode("utf-8"))
        lines = {line["path"]: line for line in document["files"]}
        for line in lines.values():
            if line["outcome"] in ("stored", "already-there"):
                self.vault.kept[line["record_id"]] = line["hashed"]["sha256"]
        return Outcome(code=done.returncode, lines=lines)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One vault for the module. At its end all that was acknowledged opens, and the log holds no surprise."""
    home: Path = tmp_path_factory.mktemp("bad-files") / "home"
    with attacked(home) as running:
        desk = Desk(vault=running)
        assert desk.run("login", "--login", LOGIN, stdin=f"{PASSWORD}\n").returncode == 0
        yield desk
        running.require_whole()
        running.require_quiet_log()


@contextlib.contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[None]:
    """Does something over and over for the length of the block."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.is_set():
            work()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_folder_of_bad_files_is_told_line_by_line_and_the_good_ones_are_stored(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    good = [folder / "good.txt", folder / "inner" / "empty", folder / "inner" / "合同.pdf"]
    for path in good:
        path.write_bytes(b"" if path.name == "empty" else path.name.encode())
    (folder / "to-itself").symlink_to("to-itself")
    (folder / "one").symlink_to("other")
    (folder / "other").symlink_to("one")
    (folder / "inner" / "up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    sealed, closed = folder / "sealed.txt", folder / "closed"
    sealed.write_text("for somebody else")
    sealed.chmod(0)
    closed.mkdir()
    (closed / "inside.txt").write_text("for somebody else")
    closed.chmod(0)
    strange = [folder / name for name in ("two\nlines", "\x1b[2J", "separ\u2028ated", "\udcff\udcfe", "tab\t")]
    for path in strange:
        path.write_bytes(b"bytes")
    named = ("/dev/zero", "/proc/self/mem", "/proc/version", folder / "one" / "more", tmp_path / "nowhere")
    try:
        added = desk.add(folder, *named)
    finally:
        closed.chmod(0o700)
        listener.close()
    assert added.code == REFUSED_IN_PART
    assert [added.lines[str(path)]["outcome"] for path in good] == ["stored"] * 3
    expected: dict[Path | str, str] = {
        folder / "to-itself": "symbolic-link",
        folder / "one": "symbolic-link",
        folder / "other": "symbolic-link",
        folder / "inner" / "up": "symbolic-link",
        folder / "one" / "more": "unreadable",
        folder / "pipe": "pipe",
        folder / "socket": "socket",
        sealed: "unreadable",
        closed: "unreadable",
        tmp_path / "nowhere": "not-found",
        "/dev/zero": "device",
        "/proc/self/mem": "unreadable",
        "/proc/version": "source-changed",  # it has no size until it is read
        **dict.fromkeys(strange, "invalid-input"),
    }
    assert {str(path): added.refused(path)[0] for path in expected} == {str(k): v for k, v in expected.items()}
    assert len(added.lines) == len(good) + len(expected)
    assert all(added.refused(path)[1] for path in expected)


def test_what_people_see_of_a_strange_name_stays_on_its_line(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "a\nb\x1b[2J\udcff").write_bytes(b"bytes")
    done = desk.run("record", "add", "--class", "contract", tmp_path)
    assert done.returncode == REFUSED_IN_PART
    assert b"\x1b" not in done.stderr
    assert rb"a\nb\x1b[2J\xff: the file's name holds a control character" in done.stderr


def test_names_of_255_bytes_in_every_script_are_kept(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    for script, name in LONG_NAMES.items():
        (folder / name).write_bytes(script.encode())
    added = desk.add(folder)
    assert added.code == 0
    client = desk.vault.client
    kept = {client.get(f"/api/v1/records/{line['record_id']}").json()["file_name"] for line in added.lines.values()}
    assert kept == set(LONG_NAMES.values())
    chosen = added.lines[str(folder / LONG_NAMES["arabic"])]["record_id"]
    assert desk.run("record", "open", chosen, "--purpose", "business").stdout == b"arabic"


def test_a_file_that_grows_while_it_is_read_is_refused_and_taken_when_it_rests(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "growing.log"
    path.write_bytes(os.urandom(20 * MIB))

    def grow() -> None:
        with path.open("ab") as file:
            file.write(b"another line\n")
        time.sleep(0.0005)

    with meanwhile(grow):
        code, message = desk.add(path, batch="growing").refused(path)
    assert (code, "add it again when nobody" in message) == ("source-changed", True)
    assert desk.add(path, batch="growing").lines[str(path)]["outcome"] == "stored"


def test_a_file_that_shrinks_while_it_is_read_is_refused_and_taken_when_it_rests(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "shrinking.bin"
    path.write_bytes(b"")

    def shrink() -> None:
        os.truncate(path, 20 * MIB)
        time.sleep(0.004)
        os.truncate(path, 3 * MIB)

    with meanwhile(shrink):
        code, message = desk.add(path, batch="shrinking").refused(path)
    assert (code, "add it again when nobody" in message) == ("source-changed", True)
    assert desk.add(path, batch="shrinking").lines[str(path)]["outcome"] == "stored"


def test_a_batch_that_has_other_bytes_under_a_path_is_refused_there(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_bytes(b"one")
    assert desk.add(path, batch="ledger").code == 0
    assert desk.add(path, batch="ledger").lines[str(path)]["outcome"] == "already-there"
    path.write_bytes(b"two")
    assert desk.add(path, batch="ledger").refused(path)[0] == "idempotency-mismatch"


def test_a_file_over_the_limit_is_refused_without_being_read(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "huge.img"
    path.touch()
    os.truncate(path, 1 << 40)
    code, message = desk.add(path).refused(path)  # reading it would outlast the command's time here
    assert (code, str(UPLOAD_MAX) in message) == ("too-large", True)


def test_a_class_that_is_unknown_is_told_before_anything_is_read(desk: Desk, tmp_path: Path) -> None:
    done = desk.run("record", "add", "--class", "no-such-class", "--json", tmp_path)
    assert done.returncode == REFUSED_IN_PART
    assert json.loads(done.stdout)["error"]["code"] == "not-found"
