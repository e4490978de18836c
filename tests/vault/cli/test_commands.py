"""The commands on a real home with its real store: what people do with them, from the first file to signing in."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.vault.cli.conftest import ROOT, Installation, Strongroom, finish, start
from vault.cli import exits, session
from vault.workflows import people, sessions, sharing
from vault.workflows.vault import Vault

MIB = 1024 * 1024


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder as people have it."""
    folder = tmp_path / "扫描件"
    (folder / "deeper").mkdir(parents=True)
    (folder / "空.txt").write_bytes(b"")
    (folder / "合同 2026.txt").write_text("甲方乙方", encoding="utf-8")
    (folder / "deeper" / ("長" * 83 + ".bin")).write_bytes(os.urandom(300_000))
    (folder / "deeper" / "large.bin").write_bytes(os.urandom(9 * MIB))
    return folder


def added(done_document: Any) -> dict[str, str]:
    return {Path(each["path"]).name: each["number"] for each in done_document["files"] if each["number"]}


def add_one(strongroom: Strongroom, path: Path, body: bytes, *options: str) -> str:
    path.write_bytes(body)
    done = strongroom("record", "add", path, "--class", "house", "--json", *options)
    assert done.code == exits.OK, done.talk
    number = done.document["files"][0]["number"]
    assert isinstance(number, str)
    return number


def test_init_on_a_home_that_is_there_changes_nothing(installation: Installation) -> None:
    again = finish(start(["init", "--json"], home=installation.home))
    assert again.code == exits.OK
    assert again.document == installation.first_init
    assert "lose it, lose everything" in again.talk
    assert str(installation.home) not in again.document["keeper"].split(os.sep)


def test_a_home_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    done = finish(start(["record", "list"], home=tmp_path / "none"))
    assert done.code == exits.BROKEN
    assert "strongroom init" in done.talk
    assert not (tmp_path / "none").exists()


def test_a_folder_goes_in_and_comes_out_the_same(strongroom: Strongroom, scans: Path, tmp_path: Path) -> None:
    (scans / "loop").symlink_to(".")
    (scans / "two\nlines").write_bytes(b"x")
    receipt = tmp_path / "receipt.json"
    arguments = ("record", "add", scans, "/dev/null", "--class", "contract", "--batch", "march", "--json")
    done = strongroom(*arguments, "--receipt", receipt)
    assert done.code == exits.REFUSED
    assert json.loads(receipt.read_bytes()) == done.document
    assert stat.S_IMODE(receipt.stat().st_mode) == 0o600
    assert {Path(each["path"]).name: each["error"]["code"] for each in done.document["files"] if each["error"]} == {
        "loop": "symbolic-link",
        "two\nlines": "invalid-input",
        "null": "device",
    }
    assert done.talk.count("strongroom: refused: ") == 3
    assert done.document["totals"]["stored"] == 4
    assert done.document["agrees"] is True
    for each in done.document["files"]:
        if each["error"]:
            continue
        body = Path(each["path"]).read_bytes()
        assert each["declared"] == {"size_bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        assert each["stored"] == {"size_bytes": len(body)}
        assert each["hashed"]["sha256"] == each["declared"]["sha256"]
        assert strongroom("record", "open", each["number"]).stdout == body

    again = strongroom(*arguments)
    assert again.code == exits.REFUSED
    assert again.document["totals"]["stored"] == 0
    assert again.document["totals"]["already_there"] == 4
    assert added(again.document) == added(done.document)


def test_a_batch_does_not_take_other_bytes_for_the_same(strongroom: Strongroom, tmp_path: Path) -> None:
    path = tmp_path / "paper.txt"
    add_one(strongroom, path, b"first", "--batch", "once")
    path.write_bytes(b"other")
    done = strongroom("record", "add", path, "--class", "house", "--batch", "once", "--json")
    assert done.code == exits.REFUSED
    assert done.document["files"][0]["error"]["code"] == "idempotency-mismatch"
    assert strongroom("record", "add", path, "--class", "house", "--batch", "twice", "-q").code == exits.OK


def test_a_record_is_listed_found_and_shown(strongroom: Strongroom, tmp_path: Path) -> None:
    customer = strongroom("customer", "add", "张三贸易有限公司", "--note", "since 2019", "--json").document
    assert strongroom("customer", "show", customer["number"], "--json").document == customer
    assert customer in strongroom("customer", "list", "--json", "--all").document["customers"]
    number = add_one(
        strongroom,
        tmp_path / "x.txt",
        b"hello",
        *("--customer", customer["number"], "--title", "租赁合同", "--date", "2026-01-31", "--place", "上海"),
    )
    listed = strongroom("record", "list", "--customer", customer["number"], "--class", "house", "--json").document
    (record,) = listed["records"]
    expected = {
        "number": number,
        "title": "租赁合同",
        "date": "2026-01-31",
        "place": "上海",
        "customer": customer["number"],
        "class": "house",
        "state": "received",
        "version": 1,
        "file_name": "x.txt",
        "size_bytes": 5,
        "sha256": hashlib.sha256(b"hello").hexdigest(),
    }
    assert {name: record[name] for name in expected} == expected
    assert listed["more"] is False
    assert [each["number"] for each in strongroom("record", "find", "租赁", "--json").document["records"]] == [number]
    story = strongroom("record", "show", number, "--json").document
    assert {
        **record,
        "verdict": story["verdict"],
        "versions": story["versions"],
        "revisions": story["revisions"],
        "entries": story["entries"],
    } == story
    assert story["entries"][-1]["event"] == "record-received"
    shown = strongroom("record", "show", record["id"])
    assert "租赁合同" in shown.stdout.decode()
    assert "DescriptionRevision" not in shown.stdout.decode()
    assert strongroom("record", "list", "--state", "destroyed").stdout == b""


def test_a_list_says_that_there_is_more(strongroom: Strongroom, tmp_path: Path) -> None:
    for count in range(3):
        add_one(strongroom, tmp_path / f"{count}.txt", b"x")
    short = strongroom("record", "list", "--limit", "2", "--json")
    assert short.document["more"] is True
    assert len(short.document["records"]) == 2
    assert "--all" in short.talk
    every = strongroom("record", "list", "--all", "--json").document
    assert every["more"] is False
    assert len({each["id"] for each in every["records"]}) == len(every["records"]) > 2


def test_opening_writes_whole_files_for_their_owner_alone(strongroom: Strongroom, tmp_path: Path) -> None:
    body = os.urandom(700_000)
    number = add_one(strongroom, tmp_path / "原件.bin", body)
    out = tmp_path / "out"
    out.mkdir()
    done = strongroom("record", "open", number, "--output", out, "--purpose", "audit", "--json")
    target = out / "原件.bin"
    assert done.document["path"] == str(target)
    assert target.read_bytes() == body
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    entries = strongroom("record", "show", number, "--json").document["entries"]
    assert len(entries) == 2
    refused = strongroom("record", "open", number, "--output", target, "--json")
    assert refused.code == exits.REFUSED
    assert refused.document["error"]["code"] == "already-exists"
    assert strongroom("record", "open", number, "--output", target, "--overwrite").code == exits.OK
    assert os.listdir(out) == ["原件.bin"]
    assert strongroom("record", "open", number, "--output", f"{out}/none/").code == exits.REFUSED


@pytest.mark.parametrize(("wanted", "part"), [("0-0", slice(0, 1)), ("262140-262150", slice(262140, 262151))])
def test_a_range_of_a_record_opens_alone(strongroom: Strongroom, tmp_path: Path, wanted: str, part: slice) -> None:
    body = os.urandom(300_000)
    number = add_one(strongroom, tmp_path / "x.bin", body)
    assert strongroom("record", "open", number, "--range", wanted).stdout == body[part]
    beyond = strongroom("record", "open", number, "--range", "300000-")
    assert (beyond.code, beyond.stdout) == (exits.REFUSED, b"")


def test_a_correction_leaves_the_original(strongroom: Strongroom, tmp_path: Path) -> None:
    number = add_one(strongroom, tmp_path / "wrong.txt", b"wrong", "--note", "a note")
    said = strongroom("record", "correct", number, "--title", "Right", "--reason", "a slip", "--json")
    assert (said.document["version"], said.document["revision"]) == (1, 2)
    (tmp_path / "right.txt").write_bytes(b"right")
    replaced = strongroom(
        "record", "correct", number, "--file", tmp_path / "right.txt", "--reason", "wrong page", "--json"
    )
    assert (replaced.document["version"], replaced.document["revision"]) == (2, 3)
    assert strongroom("record", "open", number).stdout == b"right"
    assert strongroom("record", "open", number, "--version", "1").stdout == b"wrong"
    story = strongroom("record", "show", number, "--json").document
    assert [each["reason"] for each in story["revisions"]] == ["", "a slip", "wrong page"]
    assert (story["title"], story["note"], story["file_name"]) == ("Right", "a note", "right.txt")
    shown = strongroom("record", "show", number).stdout.decode()
    assert "wrong page" in shown
    assert "Revision(" not in shown
    assert strongroom("record", "correct", number, "--reason", "nothing").code == exits.USAGE
    (tmp_path / "link").symlink_to("right.txt")
    assert strongroom("record", "correct", number, "--file", tmp_path / "link", "--reason", "x").code == exits.REFUSED


def test_filing_extends_the_lock_to_the_due_date(strongroom: Strongroom, tmp_path: Path) -> None:
    number = add_one(strongroom, tmp_path / "x.txt", b"x")
    filed = strongroom("record", "file", number, "--class", "contract", "--trigger", "2026-01-05", "--json").document
    assert (filed["state"], filed["class"], filed["due_on"]) == ("filed", "contract", "2036-01-05")
    version = strongroom("record", "show", number, "--json").document["versions"][0]
    assert version["locked_until"].startswith("2036-01-0")


def test_a_sealed_export_opens_without_the_vault(strongroom: Strongroom, tmp_path: Path) -> None:
    body = os.urandom(400_000)
    number = add_one(strongroom, tmp_path / "x.bin", body)
    done = strongroom("record", "export", number, "--sealed", "--output", tmp_path / "export", "--json")
    assert done.code == exits.OK
    assert "opens this record for whoever has it" in done.talk
    sealed, key = Path(done.document["sealed_path"]), Path(done.document["key_path"])
    assert stat.S_IMODE(key.stat().st_mode) == stat.S_IMODE(sealed.stat().st_mode) == 0o600
    assert body[:32] not in sealed.read_bytes()
    opened = subprocess.run(
        [sys.executable, ROOT / "scripts" / "open_sealed", sealed, key], capture_output=True, check=True, timeout=60
    )
    assert opened.stdout == body


def test_a_link_is_made_listed_and_withdrawn(
    strongroom: Strongroom, installation: Installation, tmp_path: Path
) -> None:
    number = add_one(strongroom, tmp_path / "x.txt", b"for a buyer")
    options = ("--expires", "3h", "--uses", "2", "--for", "Mr. Buyer")
    made = strongroom("link", "create", number, *options, "--pass-code", "generate", "--json").document
    assert made["url"].startswith("http://127.0.0.1:8630/")
    token = made["url"].rsplit("/", 1)[-1]
    with installation.open() as vault:
        assert sharing.landing(vault, token).needs_pass_code
        assert sharing.take_use(vault, token, pass_code=made["generated_pass_code"], origin="192.0.2.1")
    (listed,) = strongroom("link", "list", "--record", number, "--json").document["links"]
    assert (listed["id"], listed["url"], listed["uses_taken"], listed["for"]) == (
        made["id"],
        made["url"],
        1,
        "Mr. Buyer",
    )
    assert token not in strongroom("link", "list").stdout.decode()
    assert strongroom("link", "revoke", made["id"]).code == exits.OK
    assert strongroom("link", "list", "--record", number, "--json").document["links"][0]["state"] == "revoked"
    assert strongroom("link", "revoke", "unknown").code == exits.REFUSED
    asked = strongroom("link", "create", number, "--pass-code", "ask", "--json", stdin="a code of mine\n").document
    assert (asked["pass_code"], asked["generated_pass_code"]) == (True, None)
    assert strongroom("link", "create", number, "--expires", "1000d").code == exits.REFUSED


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, exits.INTERRUPTED), (signal.SIGTERM, exits.TERMINATED)])
def test_a_batch_that_is_broken_off_leaves_no_half_record_and_ctrl_c_says_what_is_there(
    strongroom: Strongroom, installation: Installation, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "folder").mkdir()
    with (tmp_path / "folder" / "huge.bin").open("wb") as file:
        file.truncate(2048 * MIB)
    (tmp_path / "folder" / "small.txt").write_bytes(b"small")
    with installation.open() as vault:
        process = start(
            ["record", "add", str(tmp_path / "folder"), "--class", "house", "--json"], home=installation.home
        )
        deadline = time.monotonic() + 60
        while not unsettled(vault) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(number)
        done = finish(process)
        assert unsettled(vault) == 0
    assert done.code == code, done.talk
    assert "Traceback" not in done.talk
    names = [each["file_name"] for each in strongroom("record", "list", "--limit", "5", "--json").document["records"]]
    assert "huge.bin" not in names
    if number is signal.SIGTERM:
        return
    assert done.document["interrupted"] is True
    outcomes = {Path(each["path"]).name: each["outcome"] for each in done.document["files"]}
    assert outcomes["huge.bin"] == "not-tried"
    assert ("small.txt" in names) is (outcomes["small.txt"] == "stored")


def unsettled(vault: Vault) -> int:
    with vault.catalogue.read() as tx:
        return len(tx.intents.unsettled())


def test_a_store_that_is_away_is_said_as_that(
    strongroom: Strongroom, installation: Installation, tmp_path: Path
) -> None:
    number = add_one(strongroom, tmp_path / "x.txt", b"x")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # Taken and not listening: connections are refused.
        environment = {
            "STRONGROOM_S3_ENDPOINT": f"http://127.0.0.1:{nobody.getsockname()[1]}",
            "STRONGROOM_S3_ACCESS_KEY": "nobody",
            "STRONGROOM_S3_SECRET_KEY": "nothing",
        }
        process = start(
            ["record", "open", number, "--output", str(tmp_path / "out")],
            home=installation.home,
            environment=environment,
        )
        done = finish(process)
    assert done.code == exits.UNAVAILABLE, done.talk
    assert done.talk.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert [name for name in os.listdir(tmp_path) if name.endswith(".part")] == []


def test_the_doctor_and_upkeep_report(strongroom: Strongroom) -> None:
    ran = strongroom("upkeep", "run", "--json")
    assert ran.code == exits.OK, ran.talk
    assert strongroom("upkeep", "run", "--json").document["runs"] == [] or ran.document["runs"] == []
    done = strongroom("doctor", "--deep", "--json")
    assert all(each["ok"] for each in done.document["findings"]), done.document
    assert (done.code, done.document["ok"]) == (exits.OK, True)


def test_serve_says_where_it_is_and_stops_cleanly(installation: Installation) -> None:
    process = start(["serve", "--listen", "127.0.0.1:0", "--json"], home=installation.home)
    assert process.stdout is not None
    said = b""
    while not said.endswith(b"\n}\n") and (line := process.stdout.readline()):
        said += line
    try:
        serving = json.loads(said)
        assert "/welcome/" in serving["welcome_url"]
        with urllib.request.urlopen(f"{serving['address']}/healthz", timeout=120) as answer:
            assert answer.status == 200
    finally:
        process.send_signal(signal.SIGINT)
        done = finish(process)
    assert (done.code, done.stdout) == (exits.OK, b"")
    assert "Traceback" not in done.talk


def test_after_the_first_person_commands_act_as_whoever_signed_in(
    strongroom: Strongroom, installation: Installation
) -> None:
    """The last test here: from now on the operator is no longer served."""
    invited = strongroom("person", "invite", "--group", "security", "--group", "officers", "--json").document
    token = invited["url"].rsplit("/", 1)[-1]
    password = "a long enough password"
    with installation.open() as vault:
        people.accept_invitation(vault, token, login="ann", name="Ann", password=password)

    refused = strongroom("record", "list", "--json")
    assert refused.code == exits.NOT_ALLOWED
    assert refused.document["error"]["code"] == "not-signed-in"
    assert strongroom("login", "--login", "ann", stdin="not the password\n").code == exits.NOT_ALLOWED
    assert session.kept(installation.home) is None

    assert strongroom("login", stdin=f"ann\n{password}\n").code == exits.OK
    assert strongroom("record", "list").code == exits.OK
    kept = session.kept(installation.home)
    printed = (
        strongroom("login", "--login", "ann", "--print-token", "-q", stdin=f"{password}\n").stdout.decode().strip()
    )
    with installation.open() as vault:
        assert sessions.introduced(vault, printed).profile.name == "Ann"
    assert session.kept(installation.home) == kept != printed

    assert strongroom("logout").code == exits.OK
    assert session.kept(installation.home) is None
    assert strongroom("record", "list").code == exits.NOT_ALLOWED
    assert strongroom("upkeep", "run").code == exits.OK
    session.keep(installation.home, "a-session-that-ended")
    over = strongroom("record", "list")
    assert over.code == exits.NOT_ALLOWED
    assert "session is over" in over.talk
    assert strongroom("logout").code == exits.OK
