"""``strongroom audit``, and ``scripts/verify_audit`` on what was taken away: whichever bit is flipped, refused."""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from tests.vault.cli.conftest import ROOT, Installation, Strongroom
from vault.audit import Event
from vault.people import CLOCK_ID
from vault.seal.merkle import leaf_hash, require_inclusion
from vault.seal.notes import SignerKey, endorse
from vault.seal.secrets import Secret

SCRIPT = ROOT / "scripts" / "verify_audit"


def checked(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-W", "error", str(SCRIPT), str(folder), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The script as a module: thousands of tries in one process."""
    copy = tmp_path_factory.mktemp("verifier") / "verify_audit_copy.py"
    shutil.copy(SCRIPT, copy)
    loader = SourceFileLoader("verify_audit_copy", str(copy))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def taken(strongroom: Strongroom, installation: Installation, tmp_path: Path) -> Path:
    """A log of more than one tile and more than one key, taken away."""
    with installation.open() as vault, vault.catalogue.write() as tx:
        for number in range(280):
            tx.audit.append(vault.entry(CLOCK_ID, Event.LOCK_PROVED, vault.vault_id, {"tried": number, "held": True}))
    folder = tmp_path / "log"
    assert strongroom("upkeep", "run").code == 0
    strongroom("audit", "prove", "280")
    if len(strongroom("audit", "keys", "--json").document["keys"]) == 1:
        assert strongroom("audit", "rotate-key").code == 0
    done = strongroom("audit", "export", folder, "--json")
    assert done.code == 0, done.talk
    assert done.document["files"] == sum(path.is_file() for path in folder.rglob("*"))
    return folder


def test_a_log_that_was_taken_away_is_checked_without_the_vault(
    taken: Path, strongroom: Strongroom, tmp_path: Path
) -> None:
    keys = (taken / "keys").read_text().splitlines()
    assert len(keys) == 2
    for key in keys:
        done = checked(taken, "--key", key)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("verified: ")
    assert checked(taken).returncode == 0
    assert "the folder's own" in checked(taken).stderr
    older = tmp_path / "older"
    shutil.copy(taken / "checkpoint", older)
    strongroom("audit", "prove", "1", "--json")
    newer = tmp_path / "newer"
    strongroom("link", "list")
    assert strongroom("audit", "export", newer).code == 0
    assert checked(newer, "--key", keys[0], "--older", older).returncode == 0
    assert strongroom("audit", "verify", "--older", older).code == 0
    assert strongroom("audit", "export", newer).code == 3, "an existing folder is left alone"


def test_whichever_bit_of_it_is_flipped_it_is_refused(taken: Path, verifier: ModuleType) -> None:
    chance = random.Random(6)
    files = sorted(path for path in taken.rglob("*") if path.is_file())
    verifier.verify(str(taken), None, [])
    tried = 0
    for path in files:
        body = path.read_bytes()
        bits = range(8 * len(body))
        some = bits if len(body) < 100 else sorted(chance.sample(bits, 40))
        for bit in some:
            flipped = bytearray(body)
            flipped[bit // 8] ^= 1 << bit % 8
            path.write_bytes(flipped)
            with pytest.raises(verifier.NotVerified):
                verifier.verify(str(taken), None, [])
            tried += 1
        path.write_bytes(body)
    assert tried > 200


def test_a_new_key_that_the_old_one_did_not_sign_is_refused(verifier: ModuleType) -> None:
    name = "strongroom/example"
    old, new, other = (SignerKey(name=name, seed=Secret(bytes([each]) * 32)) for each in range(3))
    keys = [verifier.read_key(each.verifier.text) for each in (old, new)]
    right = {"key": 2, "verifier": new.verifier.text, "endorsement": endorse(old, 2, new.verifier)}
    verifier.require_endorsed(right, "entry 9", keys)
    for wrong in (
        {"key": 1},
        {"key": 3},
        {"verifier": other.verifier.text},
        {"endorsement": endorse(other, 2, new.verifier)},
        {"endorsement": endorse(new, 2, new.verifier)},
        {"endorsement": endorse(old, 2, other.verifier)},
        {"endorsement": endorse(old, 3, new.verifier)},
        {"endorsement": "no base64"},
    ):
        with pytest.raises(verifier.NotVerified):
            verifier.require_endorsed({**right, **wrong}, "entry 9", keys)


def test_what_is_missing_added_or_of_another_log_is_refused(taken: Path, verifier: ModuleType, tmp_path: Path) -> None:
    key = (taken / "keys").read_text().splitlines()[0]
    for path in sorted(path for path in taken.rglob("*") if path.is_file()):
        body = path.read_bytes()
        for damaged in (body[:-1], body + b"\n", b""):
            path.write_bytes(damaged)
            with pytest.raises(verifier.NotVerified):
                verifier.verify(str(taken), None, [])
        path.unlink()
        with pytest.raises(verifier.NotVerified):
            verifier.verify(str(taken), None, [])
        path.write_bytes(body)
    stranger = taken / "tile" / "9"
    stranger.write_bytes(b"")
    with pytest.raises(verifier.NotVerified, match="does not belong"):
        verifier.verify(str(taken), key, [])
    stranger.unlink()
    other = "strongroom/x+" + key.partition("+")[2]
    with pytest.raises(verifier.NotVerified):
        verifier.verify(str(taken), other, [])
    no_checkpoint = tmp_path / "none"
    no_checkpoint.write_bytes(b"nothing\n")
    assert checked(taken, "--older", no_checkpoint).returncode == 1
    assert checked(tmp_path / "nowhere").returncode == 1


def test_entries_are_shown_searched_for_and_proven(strongroom: Strongroom, installation: Installation) -> None:
    with installation.open() as vault, vault.catalogue.write() as tx:
        number = tx.audit.append_numbered(vault.entry("somebody", Event.SIGNED_OUT, "subject-of-this-test", {"n": 1}))
    newest = strongroom("audit", "tail", "--limit", "1", "--json").document["entries"][0]
    assert newest["number"] >= number
    assert b"signed-out" in strongroom("audit", "search", "--actor", "somebody").stdout
    asked = ("--subject", "subject-of-this-test", "--event", "signed-out", "--since", "2020-01-01")
    found = strongroom("audit", "search", *asked, "--until", newest["at"][:10], "--json").document["entries"]
    assert [each["number"] for each in found] == [number]
    assert strongroom("audit", "search", *asked, "--until", "2020-01-02", "--json").document["entries"] == []
    assert strongroom("audit", "search", "--since", "yesterday").code == 3
    proof = strongroom("audit", "prove", number, "--json").document
    assert json.loads(proof["entry"])["actor"] == "somebody"
    require_inclusion(
        leaf_hash(proof["entry"].encode()),
        proof["index"],
        proof["size"],
        [base64.b64decode(each) for each in proof["path"]],
        base64.b64decode(proof["root"]),
    )
    assert strongroom("audit", "prove", 10**9).code == 3
    told = strongroom("audit", "verify", "--json").document
    assert told["holds"]
    assert told["size"] >= number
