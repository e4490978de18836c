"""The published log judged by what we did not write: Go's golang.org/x/mod/sumdb, and pymerkle."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

from storage.catalogue.database import SqlCatalogue
from tests.support.vault import staff
from vault.audit import Detail, Event
from vault.people import CLOCK_ID
from vault.seal.merkle import split_entries, tile_path, tiles_of
from vault.workflows import log, logstore
from vault.workflows.vault import Vault

ENTRIES = int(os.environ.get("STRONGROOM_TEST_LOG_ENTRIES", "7000"))
JUDGE = Path(__file__).parents[1] / "support" / "sumdb" / "judge.go"


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go's verifier, built of Debian's packages alone."""
    folder = tmp_path_factory.mktemp("judge")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOPATH": "/usr/share/gocode",
        "GO111MODULE": "off",
        "GOCACHE": str(folder / "cache"),
        "CGO_ENABLED": "0",
    }
    built = folder / "judge"
    done = subprocess.run(
        ["go", "build", "-o", str(built), str(JUDGE)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    return built


def _base64(path: Any) -> list[str]:
    return [base64.b64encode(each).decode() for each in path]


def test_gos_sumdb_and_pymerkle_agree_with_the_log(fresh_vault: Vault, judge: Path, tmp_path: Path) -> None:
    vault = fresh_vault
    assert isinstance(vault.catalogue, SqlCatalogue)
    older: list[logstore.LogHead] = []
    for share in (1, 250, ENTRIES // 3, 256, ENTRIES):
        with vault.catalogue.write() as tx:
            for number in range(share):
                detail: Detail = {"tried": number, "held": True, "words": "档案 ünd 😀\u2028"}
                tx.audit.append(vault.entry(CLOCK_ID, Event.LOCK_PROVED, vault.vault_id, detail))
        head = log.publish(vault)
        assert head is not None
        older.append(head)
    head = older[-1]
    folder = tmp_path / "log"
    for name, body in log.export(vault, staff(vault)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    tree = logstore.published_tree(vault, head.size)
    chosen = sorted({0, 1, 255, 256, head.size // 2, head.size - 2, head.size - 1, *range(7, head.size, 499)})
    proofs: dict[str, Any] = {
        "Inclusion": [{"Index": index, "Path": _base64(tree.prove_inclusion(index))} for index in chosen],
        "Consistency": [
            {"Older": each.note.decode(), "Path": _base64(tree.prove_consistency(each.size))} for each in older[:-1]
        ],
    }
    given = tmp_path / "proofs"
    key = logstore.verifier_keys(vault)[0].text

    def judged() -> subprocess.CompletedProcess[str]:
        given.write_text(json.dumps(proofs))
        return subprocess.run(
            [str(judge), str(folder), key, str(given)], capture_output=True, text=True, check=False, timeout=100
        )

    done = judged()
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout
        == f"judged: {head.size} entries, {len(chosen)} inclusion proofs, {len(older) - 1} consistency proofs\n"
    )
    entries: list[bytes] = []
    for level, number, width in tiles_of(head.size):
        if level == 0:
            entries += split_entries((folder / tile_path("entries", number, width)).read_bytes())
    theirs = InmemoryTree(algorithm="sha256")
    for entry in entries:
        theirs.append_entry(entry)
    assert theirs.get_root() == head.checkpoint.root
    for each in older:
        assert theirs.get_root(each.size) == each.checkpoint.root
    for index in chosen[:20]:
        proof = theirs.prove_inclusion(index + 1, head.size)
        verify_inclusion(theirs.get_leaf(index + 1), head.checkpoint.root, proof)
    for each in older[:-1]:
        verify_consistency(each.checkpoint.root, head.checkpoint.root, theirs.prove_consistency(each.size, head.size))

    # The judge is one: what is wrong, it refuses.
    proofs["Inclusion"][3]["Index"] += 1
    assert "inclusion" in judged().stderr
    proofs["Inclusion"] = []
    proofs["Consistency"][0]["Path"] = proofs["Consistency"][1]["Path"]
    assert "consistency" in judged().stderr
    checkpoint = folder / "checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes().replace(str(head.size).encode(), str(head.size - 1).encode(), 1))
    assert "signature" in judged().stderr
