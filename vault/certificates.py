"""Certificates of destruction: what was destroyed, by whose word, and where an outsider finds the proof of it.

    pending -> complete   once the log's proof, and a checkpoint that covers it, are in it

A certificate is one document of canonical JSON (``vault/seal/FORMAT.md`` 8): a statement, its signature, the keys that
signed it, and the log's proof of three entries: the destruction's beginning, its effect, and the certificate itself.

Rule 1: a statement is written once. Completing a certificate adds the log's proof and signs the same statement again.
Rule 2: it names people by opaque ids, and commits to their names; a name is opened one by one, with its nonce.
Rule 3: it says what it does not prove: keepers that were out of reach, what stays and until when.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from vault.errors import InvalidInput, SealBroken
from vault.ids import BatchId, CertificateId, FondsId
from vault.seal import labels
from vault.seal.canonical import canonical_json
from vault.seal.keytree import LeafAddress
from vault.seal.merkle import HASH_LENGTH, leaf_hash, require_inclusion
from vault.seal.notes import Checkpoint, SignerKey, VerifierKey, open_note, sign_note

FORMAT: Final = "strongroom/certificate/v1"
PENDING: Final = "pending"
_PARTS: Final = frozenset({"format", "keys", "log", "signature", "statement"})


class CertificateState(StrEnum):
    """Whether the log's proof is in it."""

    PENDING = "pending"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate as the catalogue keeps it. ``sealed`` opens to its document, under the destruction register's leaf.

    ``generation`` is that of its batch: one generation of the keys has one certificate at most, also in a catalogue
    that was made again. ``statement_sha256`` is what the log says of it.
    """

    id: CertificateId
    fonds_id: FondsId
    number: str
    batch_id: BatchId
    generation: int
    state: CertificateState
    statement_sha256: bytes
    leaf: LeafAddress
    sealed: bytes = field(repr=False)
    issued_at: datetime

    @property
    def revision(self) -> int:
        """Which writing of the document is sealed here."""
        return 1 if self.state is CertificateState.PENDING else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenEntry:
    """An entry of the log, its place (from 0), and the path to the checkpoint's root."""

    entry: bytes
    index: int
    path: Sequence[bytes]


def statement_digest(statement: Mapping[str, Any]) -> bytes:
    """SHA-256 of the statement's one spelling."""
    return hashlib.sha256(canonical_json(statement)).digest()


def sign_statement(statement: Mapping[str, Any], signers: Sequence[SignerKey]) -> bytes:
    """The signed note over a statement's digest.

    The keys are the log's, which also sign checkpoints; no text is both: a checkpoint's first line is the log's name
    alone, and its second a number (FORMAT.md 8).
    """
    return sign_note(_signed_text(statement), signers)


def document_of(
    statement: Mapping[str, Any],
    signature: bytes,
    keys: Sequence[VerifierKey],
    *,
    checkpoint: bytes | None = None,
    entries: Sequence[ProvenEntry] = (),
) -> bytes:
    """The bytes of a certificate; pending without a checkpoint."""
    log: Any = PENDING
    if checkpoint is not None:
        log = {
            "checkpoint": checkpoint.decode(),
            "entries": [
                {"entry": each.entry.decode(), "index": each.index, "path": [_base64(step) for step in each.path]}
                for each in entries
            ],
        }
    return canonical_json(
        {
            "format": FORMAT,
            "keys": [key.text for key in keys],
            "log": log,
            "signature": signature.decode(),
            "statement": statement,
        }
    )


def name_commitment(nonce: bytes, name: str) -> str:
    """What a certificate says of a person's name: it tells nothing without the nonce."""
    return hashlib.sha256(labels.CERTIFICATE_NAME + nonce + name.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A certificate that holds. ``checkpoint`` is None while it is pending."""

    statement: Mapping[str, Any]
    keys: Sequence[VerifierKey]
    checkpoint: Checkpoint | None


def require_valid(document: bytes) -> Checked:
    """Checks everything that a certificate says of itself: spelling, signature, the log's proof, and that both agree.

    Whether the keys are the vault's, the caller has to know. Raises ``SealBroken`` saying what is wrong.
    """
    try:
        said = json.loads(document)
        spelt = canonical_json(said)
    except (ValueError, RecursionError, InvalidInput) as exc:
        raise SealBroken("the certificate is no JSON of the kind that certificates are") from exc
    if spelt != document or not isinstance(said, dict) or set(said) != _PARTS or said["format"] != FORMAT:
        raise SealBroken("the certificate has another spelling or other parts than it was issued with")
    try:
        return _checked(said)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise SealBroken("the certificate has another shape than a certificate") from exc


def _checked(said: Mapping[str, Any]) -> Checked:
    statement, log = said["statement"], said["log"]
    keys = [VerifierKey.parse(text) for text in said["keys"]]
    text, signed = open_note(said["signature"].encode(), keys)
    if text != _signed_text(statement):
        raise SealBroken("the signature is of another statement")
    origin = f"strongroom/{statement['vault']}"
    if signed != keys or len(set(keys)) != len(keys) or any(key.name != origin for key in keys):
        raise SealBroken("the certificate is not signed by exactly the keys that it names")
    _require_different_people(statement)
    if log == PENDING:
        return Checked(statement=statement, keys=keys, checkpoint=None)
    if set(log) != {"checkpoint", "entries"}:
        raise SealBroken("the log's part of the certificate has other parts than it was issued with")
    checkpoint = Checkpoint.parse(open_note(log["checkpoint"].encode(), keys)[0])
    if checkpoint.origin != origin:
        raise SealBroken("the checkpoint is another log's")
    told: dict[str, Mapping[str, Any]] = {}
    for each in log["entries"]:
        if set(each) != {"entry", "index", "path"}:
            raise SealBroken("a proven entry has other parts than it was issued with")
        entry = each["entry"].encode()
        path = [base64.b64decode(step, validate=True) for step in each["path"]]
        if [_base64(step) for step in path] != each["path"] or any(len(step) != HASH_LENGTH for step in path):
            raise SealBroken("a step of a proof is no hash")
        require_inclusion(leaf_hash(entry), each["index"], checkpoint.size, path, checkpoint.root)
        content = json.loads(entry)
        if content["number"] != each["index"] + 1:
            raise SealBroken("an entry stands at another place than it says")
        if content["event"] in told:
            raise SealBroken("an entry is proven twice")
        told[content["event"]] = content
    require_agreement(statement, told)
    return Checked(statement=statement, keys=keys, checkpoint=checkpoint)


def require_agreement(statement: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises ``SealBroken`` unless the log's entries, by event, say what the statement says."""
    if set(entries) != {"destruction-begun", "destruction-effective", "certificate-issued"}:
        raise SealBroken("the certificate proves other entries of the log than it has to")
    begun, effective, issued = (
        entries[event] for event in ("destruction-begun", "destruction-effective", "certificate-issued")
    )
    ids = sorted(record["id"] for record in statement["records"])
    agreements = {
        "the destruction": begun["subject"] == effective["subject"] == statement["batch"],
        "who ordered it": begun["actor"] == statement["ordered_by"],
        "when it began": begun["at"] == statement["begun_at"],
        "when it took effect": effective["at"] == statement["effective_at"],
        "its ground": begun["detail"]["ground"] == statement["ground"],
        "whether it was ordered alone": begun["detail"]["alone"] is statement["alone"],
        "its records": begun["detail"]["records"] == len(ids) == len(set(ids)),
        "the ids of its records": begun["detail"]["records_sha256"]
        == hashlib.sha256("\n".join(ids).encode("ascii")).hexdigest(),
        "its customers": begun["detail"]["customers"] == len(statement["customers"]),
        "the key pages": begun["detail"]["increment"] == statement["keys"]["increment"],
        "the generation": begun["detail"]["generation"] == statement["keys"]["generation"],
        "the certificate": issued["subject"] == statement["id"] and issued["detail"]["number"] == statement["number"],
        "the statement": issued["detail"]["sha256"] == statement_digest(statement).hex(),
    }
    for what, agrees in agreements.items():
        if not agrees:
            raise SealBroken(f"the log and the certificate say different things of {what}")


def _require_different_people(statement: Mapping[str, Any]) -> None:
    signed = [each["person"] for each in (statement["list"] or {}).get("signatures", ())]
    if len(signed) != len(set(signed)):
        raise SealBroken("one person signed the disposal list twice")
    if any(not rule["shipped"] and rule["approved_by"] == rule["proposed_by"] for rule in statement["rules"]):
        raise SealBroken("one person made a rule alone")


def _signed_text(statement: Mapping[str, Any]) -> str:
    return (
        f"strongroom/{statement['vault']}/certificate\n{statement['number']}\n{_base64(statement_digest(statement))}\n"
    )


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
