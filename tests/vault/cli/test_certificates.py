"""``strongroom certificate``: what was destroyed, taken away and checked by a program of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.vault.cli.conftest import ROOT, Strongroom
from vault.cli import exits


def test_a_certificate_from_the_destruction_to_the_outsider(strongroom: Strongroom, tmp_path: Path) -> None:
    paper = tmp_path / "paper.txt"
    paper.write_bytes(b"a paper")
    added = strongroom("record", "add", paper, "--class", "house", "--json")
    number = added.document["files"][0]["number"]
    assert strongroom("destruction", "run", number, "--i-am-alone", "--filed-in-error").code == exits.OK
    assert strongroom("certificate", "issue").code == exits.OK
    listed = strongroom("certificate", "list", "--json").document["certificates"]
    certificate = listed[0]["number"]
    assert listed[0]["state"] == "complete"
    assert certificate in strongroom("certificate", "list", "--limit", "1").stdout.decode()
    shown = strongroom("certificate", "show", certificate)
    assert number in shown.stdout.decode()
    file = tmp_path / "certificate.json"
    assert strongroom("certificate", "export", certificate, file).code == exits.OK
    assert strongroom("certificate", "verify", file).code == exits.OK
    key = strongroom("audit", "keys", "--json").document["keys"][-1]
    told = subprocess.run(
        [sys.executable, "-I", ROOT / "scripts" / "verify_certificate", file, "--key", key],
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    file.write_bytes(file.read_bytes().replace(number.encode(), b"2026-999999"))
    broken = strongroom("certificate", "verify", file)
    assert (broken.code, "strongroom: " in broken.talk) == (exits.BROKEN, True)


def test_a_printed_certificate_is_a_pdf_and_is_never_written_over(strongroom: Strongroom, tmp_path: Path) -> None:
    certificate = strongroom("certificate", "list", "--json").document["certificates"][0]["number"]
    file = tmp_path / "certificate.pdf"
    assert strongroom("certificate", "export", certificate, file, "--pdf").code == exits.OK
    assert file.read_bytes().startswith(b"%PDF-")
    assert strongroom("certificate", "export", certificate, file, "--pdf").code == exits.REFUSED
    again = strongroom("certificate", "export", certificate, tmp_path / "x", "--language", "zh")
    assert (again.code, "say --pdf" in again.talk) == (exits.REFUSED, True)
    assert strongroom("certificate", "show", "C-1999-0001").code == exits.REFUSED
    assert "nobody who is a person" in strongroom("certificate", "names", certificate).talk


def test_paper_and_restrictions_in_the_command_line(strongroom: Strongroom, tmp_path: Path) -> None:
    paper = tmp_path / "paper.txt"
    paper.write_bytes(b"a paper")
    number = strongroom("record", "add", paper, "--class", "house", "--json").document["files"][0]["number"]
    kept = strongroom("paper", "keep", number, "--box", "B-1", "--place", "Cellar", "--json")
    assert kept.document["papers"][0]["box"] == "B-1"
    assert number in strongroom("paper", "list", "B-1").stdout.decode()
    assert "no paper" in strongroom("paper", "list", "B-2").talk
    restricted = strongroom("record", "restrict", number, "--reason", "asked for", "--json")
    assert restricted.document["restricted"] is True
    assert strongroom("record", "open", number, "--purpose", "business").code == exits.REFUSED
    assert strongroom("record", "lift", number, "--reason", "no more").code == exits.NOT_ALLOWED
    assert strongroom("record", "unsettle", number, "--reason", "a loan", "--json").document["unsettled"] is True
    assert strongroom("record", "settle", number, "--reason", "paid").code == exits.OK
    line = ("--method", "shredding", "--weight", "9", "--vendor", "Paper Ltd", "--witness", "a", "--witness", "b")
    assert "lives" in strongroom("paper", "destroy", number, *line).talk
    assert strongroom("destruction", "run", number, "--i-am-alone", "--filed-in-error").code == exits.OK
    tried = strongroom("paper", "destroy", number, *line, "--dry-run", "--json")
    assert (tried.code, tried.document["dry_run"]) == (exits.OK, True)
    done = strongroom("paper", "destroy", number, *line)
    assert "shredding, 9 g, by Paper Ltd; seen by a, b" in done.talk
    assert "destroyed" in strongroom("paper", "show", number).stdout.decode()
