"""The certificate of FORMAT.md 8, written once and read by two programs that share nothing; and what they refuse."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from vault.certificates import (
    ProvenEntry,
    document_of,
    name_commitment,
    require_valid,
    sign_statement,
    statement_digest,
)
from vault.errors import SealBroken
from vault.seal.canonical import canonical_json
from vault.seal.merkle import TILE_WIDTH, Growth, Tree, leaf_hash
from vault.seal.notes import Checkpoint, SignerKey, sign_note
from vault.seal.secrets import Secret

ROOT = Path(__file__).parents[2]
VAULT = "example"
SIGNER = SignerKey(name=f"strongroom/{VAULT}", seed=Secret(bytes(range(32))))
NONCE = bytes(range(16))
STATEMENT: dict[str, Any] = {
    "alone": True,
    "batch": "bbbb",
    "begun_at": "2026-01-02T03:04:05.000000Z",
    "customers": [],
    "effective_at": "2026-01-02T03:04:06.000000Z",
    "fonds": "ffff",
    "ground": "filed-in-error",
    "id": "cccc",
    "issued_at": "2026-01-02T03:04:07.000000Z",
    "keys": {
        "generation": 2,
        "generation_before": 1,
        "increment": "11" * 32,
        "keepers": [{"name": "file", "proven": True, "removed": False}],
        "processes_unconfirmed": 0,
        "tree": "00" * 16,
    },
    "list": None,
    "names": [{"commitment": name_commitment(NONCE, "张三"), "person": "pppp"}],
    "number": "C-2026-0001",
    "ordered_by": "pppp",
    "records": [],
    "remains": {"sealed_bytes_until": None, "stub": ["number", "class", "dates", "certificate"]},
    "rules": [],
    "vault": VAULT,
}


def entry(number: int, event: str, subject: str, at: str, actor: str = "clock", /, **detail: object) -> bytes:
    said = {"actor": actor, "at": at, "detail": detail, "event": event, "number": number, "subject": subject, "v": 1}
    return canonical_json(said)


def vector() -> bytes:
    """The certificate over a log of three entries."""
    entries = [
        entry(
            *(1, "destruction-begun", "bbbb", STATEMENT["begun_at"], "pppp"),
            alone=True,
            customers=0,
            generation=2,
            ground="filed-in-error",
            increment="11" * 32,
            records=0,
            records_sha256=hashlib.sha256(b"").hexdigest(),
        ),
        entry(2, "destruction-effective", "bbbb", STATEMENT["effective_at"], generation=2, records=0),
        entry(
            *(3, "certificate-issued", "cccc", STATEMENT["issued_at"]),
            batch="bbbb",
            generation=2,
            number="C-2026-0001",
            sha256=statement_digest(STATEMENT).hex(),
        ),
    ]
    growth = Growth()
    for each in entries:
        growth.add(leaf_hash(each))
    tiles = {(level, number): tile for level, number, tile in growth.partial_tiles()}
    tree = Tree(3, lambda level, number, width: tiles[level, number][: width * TILE_WIDTH])
    note = sign_note(Checkpoint(origin=SIGNER.name, size=3, root=growth.root()).text, [SIGNER])
    proven = [ProvenEntry(entry=each, index=at, path=tree.prove_inclusion(at)) for at, each in enumerate(entries)]
    signature = sign_statement(STATEMENT, [SIGNER])
    return document_of(STATEMENT, signature, [SIGNER.verifier], checkpoint=note, entries=proven)


def outsider() -> dict[str, Any]:
    """The stand-alone program's names."""
    path = ROOT / "scripts" / "verify_certificate"
    names: dict[str, Any] = {"__name__": "verify_certificate"}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)  # noqa: S102 - it has no suffix
    return names


def test_the_vector_of_format_md_is_what_the_vault_writes_and_both_programs_read() -> None:
    page = (ROOT / "vault" / "seal" / "FORMAT.md").read_text(encoding="utf-8")
    written = page.partition("```certificate-vector\n")[2].partition("\n```\n")[0].encode()
    assert written == vector()
    checked = require_valid(written)
    assert checked.checkpoint is not None
    assert (checked.statement, checked.checkpoint.size) == (STATEMENT, 3)
    said, keys, size = outsider()["verify"](written, SIGNER.verifier.text, [], [("pppp", "张三", NONCE.hex())])
    assert (said, keys, size) == (STATEMENT, [SIGNER.verifier.text], 3)


def test_every_byte_of_the_vector_counts() -> None:
    document, program = vector(), outsider()
    refusals = (program["NotVerified"], KeyError, TypeError, ValueError, AttributeError)
    for at in range(len(document)):
        flipped = bytearray(document)
        flipped[at] ^= 1 << at % 8
        with pytest.raises(SealBroken):
            require_valid(bytes(flipped))
        with pytest.raises(refusals):
            program["verify"](bytes(flipped), None, [], [])


def test_another_spelling_of_the_same_is_refused() -> None:
    said, program = json.loads(vector()), outsider()
    for wrong in (
        vector() + b"\n",
        json.dumps(said).encode(),
        vector()[:-1],
        canonical_json({**said, "more": 1}),
        canonical_json({**said, "log": {**said["log"], "more": 1}}),
        canonical_json({**said, "log": {**said["log"], "entries": said["log"]["entries"][:2]}}),
        canonical_json({**said, "log": {**said["log"], "entries": said["log"]["entries"][:1] * 3}}),
        canonical_json({**said, "log": {**said["log"], "entries": said["log"]["entries"] * 2}}),
        canonical_json({**said, "keys": []}),
        canonical_json({**said, "keys": said["keys"] * 2}),
        b"[]",
        b"1.5",
        b"",
        b"[" * 100_000,
    ):
        with pytest.raises(SealBroken):
            require_valid(wrong)
        with pytest.raises(program["NotVerified"]):
            program["verify"](wrong, None, [], [])


def test_a_checkpoint_is_no_certificate_and_a_certificate_no_checkpoint() -> None:
    """One key signs both; the text of one never reads as the other."""
    with pytest.raises(SealBroken):
        Checkpoint.parse(sign_statement(STATEMENT, [SIGNER]).decode().partition("\n\n")[0] + "\n")
    note = sign_note(Checkpoint(origin=SIGNER.name, size=3, root=statement_digest(STATEMENT)).text, [SIGNER])
    forged = document_of(STATEMENT, note, [SIGNER.verifier])
    with pytest.raises(SealBroken, match="another statement"):
        require_valid(forged)


def test_a_name_that_is_not_the_committed_one_is_refused() -> None:
    program = outsider()
    for name in (("pppp", "李四", NONCE.hex()), ("qqqq", "张三", NONCE.hex()), ("pppp", "张三", "00" * 16)):
        with pytest.raises(program["NotVerified"], match="another name"):
            program["verify"](vector(), None, [], [name])
