"""Certificates of destruction: issued by upkeep once a batch is effective, completed once the log proves it.

    1. What the catalogue and the keepers tell of the batch is gathered (``certificatefacts``).
    2. One transaction numbers the statement, keeps it, signed and sealed under the destruction register's own leaf,
       sends it to the store by the outbox, and enters its digest in the log.
    3. Once that entry is published, the proof of all three entries is added, and the same statement signed again.

Rule 1: a batch that the catalogue knows from its key pages only (it was made again since) gets none: nobody knows who
ordered it. Its certificate, if it had one, came back from the store.
Rule 2: issuing again changes nothing: a generation has one certificate.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from vault.audit import Detail, Event
from vault.certificates import (
    Certificate,
    CertificateState,
    Checked,
    ProvenEntry,
    document_of,
    name_commitment,
    require_valid,
    sign_statement,
    statement_digest,
)
from vault.destruction import Batch
from vault.errors import AlreadyExists, NotFound, SealBroken
from vault.ids import CertificateId, PersonId, could_be_key
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.permissions import ALL_CLASSES, Action, Actor
from vault.seal import labels
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows import descriptions, log, outbox
from vault.workflows.certificatefacts import Facts, gather, waits_for_paper
from vault.workflows.destructionregister import register_leaf
from vault.workflows.logstore import signing_keys, verifier_keys
from vault.workflows.vault import Vault

FIELD_SET: Final = "certificate"
AT_ONCE: Final = 20
NONCE_LENGTH: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """A certificate with its document's bytes, checked."""

    certificate: Certificate
    document: bytes
    checked: Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPerson:
    """A person whom a certificate names by id, and what opens its commitment to the name."""

    person_id: PersonId
    name: str
    nonce: bytes


def issue_certificates(vault: Vault, *, without_paper: bool = False) -> Outcome:
    """The duty of upkeep: issues what is due, and completes what waits for the log.

    One whose records had paper waits a month for its destruction, unless it is to be ``without_paper``.

    Raises ``StoreUnavailable``, ``KeeperUnavailable``, ``CatalogueUnavailable``; what was issued stays.
    """
    issued = completed = after = 0
    while True:
        with vault.catalogue.read() as tx:
            due = tx.certificates.due(vault.fonds.id, after=after, limit=AT_ONCE)
        if not due:
            break
        after = due[-1].generation
        issued += sum(issue(vault, batch) for batch in due if without_paper or not waits_for_paper(vault, batch))
    with vault.catalogue.read() as tx:
        pending = tx.certificates.pending(vault.fonds.id, limit=AT_ONCE)
    completed = sum(_complete(vault, certificate) for certificate in pending)
    with vault.catalogue.read() as tx:
        left = tx.certificates.count_due(vault.fonds.id) + len(tx.certificates.pending(vault.fonds.id))
    return Outcome.of("certificates-issued", issued=issued, completed=completed, left=left)


def issue(vault: Vault, batch: Batch) -> bool:
    """Issues the certificate of an effective batch; False when it has one, or nobody knows any more who ordered it."""
    facts = gather(vault, batch)
    if facts is None:
        return False
    leaf = register_leaf(vault)
    signer = signing_keys(vault)[-1]
    certificate_id = CertificateId(vault.new_id())
    commitments = _commitments(vault, leaf, certificate_id, facts)
    now = vault.now()
    with suppress(AlreadyExists), vault.catalogue.write() as tx:
        number = tx.certificates.next_number(vault.fonds.id, now.year)
        statement = facts.statement(
            certificate_id=certificate_id, number=number, issued_at=now, origin=vault.vault_id, names=commitments
        )
        document = document_of(statement, sign_statement(statement, [signer]), [signer.verifier])
        certificate = _sealed(
            vault,
            Certificate(
                id=certificate_id,
                fonds_id=vault.fonds.id,
                number=number,
                batch_id=batch.id,
                generation=batch.generation,
                state=CertificateState.PENDING,
                statement_sha256=statement_digest(statement),
                leaf=leaf,
                sealed=b"",
                issued_at=now,
            ),
            document,
        )
        tx.certificates.add(certificate)
        outbox.put_certificate(vault, tx, certificate, document, tx.records.next_change())
        detail: Detail = {
            "number": number,
            "batch": batch.id,
            "generation": batch.generation,
            "sha256": certificate.statement_sha256.hex(),
        }
        tx.audit.append(vault.entry(CLOCK_ID, Event.CERTIFICATE_ISSUED, certificate.id, detail))
        return True
    return False


def certificate_of(vault: Vault, actor: Actor, batch: Batch) -> Certificate | None:
    """The certificate of a batch, if it has one already. Raises ``NotAllowed``."""
    actor.require(Action.SEE_DESTRUCTIONS)
    with vault.catalogue.read() as tx:
        return tx.certificates.of_batch(batch)


def list_certificates(
    vault: Vault, actor: Actor, *, before: CertificateId | None = None, limit: int = 50
) -> Sequence[Certificate]:
    """A page of certificates, newest first. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_DESTRUCTIONS)
    with vault.catalogue.read() as tx:
        last = tx.certificates.get(before) if before is not None else None
        if before is not None and last is None:
            raise NotFound("there is no such certificate; begin with the first page")
        key = (last.issued_at, str(last.id)) if last is not None else None
        return tx.certificates.page(vault.fonds.id, before=key, limit=limit)


def show_certificate(vault: Vault, actor: Actor, key: str) -> CertificateView:
    """A certificate by number or id, checked as an outsider would.

    Raises ``NotAllowed``, ``NotFound``, ``SealBroken``.
    """
    actor.require(Action.SEE_DESTRUCTIONS)
    certificate = _found(vault, key)
    document = _document(vault, certificate)
    checked = require_valid(document)
    if statement_digest(checked.statement) != certificate.statement_sha256:
        raise SealBroken(f"certificate {certificate.number} is not what the catalogue says; restore it from a backup")
    return CertificateView(certificate=certificate, document=document, checked=checked)


def named_people(vault: Vault, actor: Actor, key: str) -> Sequence[NamedPerson]:
    """The names behind a certificate's ids, each with the nonce that proves it. Raises as ``show_certificate``."""
    view = show_certificate(vault, actor, key)
    names = []
    for commitment in view.checked.statement["names"]:
        person_id = PersonId(commitment["person"])
        nonce = _nonce(vault, view.certificate.leaf, view.certificate.id, person_id)
        with vault.catalogue.read() as tx:
            name = _name(vault, tx, person_id)
        if name is not None and name_commitment(nonce, name) == commitment["commitment"]:
            names.append(NamedPerson(person_id=person_id, name=name, nonce=nonce))
    return names


def print_certificate(vault: Vault, actor: Actor, key: str, *, languages: Sequence[str]) -> bytes:
    """A certificate as PDF, with the register as a table; names are printed where they open. Raises as
    ``show_certificate``."""
    view = show_certificate(vault, actor, key)
    names = {str(each.person_id): each.name for each in named_people(vault, actor, key)}
    return vault.print_certificate(view.checked, names, languages)


def issue_now(vault: Vault, actor: Actor, *, without_paper: bool = False) -> Outcome:
    """``issue_certificates`` by a person. Raises ``NotAllowed``, and as it does."""
    actor.require(Action.DESTROY_RECORDS, ALL_CLASSES)
    return issue_certificates(vault, without_paper=without_paper)


def verify_certificate(vault: Vault, actor: Actor, document: bytes) -> Checked:
    """Checks a document as an outsider would, with the log's own keys.

    Raises ``NotAllowed``; ``SealBroken`` when it does not hold, or this vault did not sign it.
    """
    actor.require(Action.SEE_DESTRUCTIONS)
    checked = require_valid(document)
    if not set(checked.keys) <= set(verifier_keys(vault)):
        raise SealBroken("the certificate is signed by keys that are not this vault's")
    return checked


def _found(vault: Vault, key: str) -> Certificate:
    certificate = None
    if could_be_key(key):
        with vault.catalogue.read() as tx:
            certificate = tx.certificates.by_number(vault.fonds.id, key.upper()) or tx.certificates.get(
                CertificateId(key)
            )
    if certificate is None:
        raise NotFound("there is no such certificate; look the number up in the list")
    return certificate


def _complete(vault: Vault, certificate: Certificate) -> bool:
    checked = require_valid(_document(vault, certificate))
    numbers = [
        _entry_number(vault, subject, event)
        for subject, event in (
            (certificate.batch_id, Event.DESTRUCTION_BEGUN),
            (certificate.batch_id, Event.DESTRUCTION_EFFECTIVE),
            (certificate.id, Event.CERTIFICATE_ISSUED),
        )
    ]
    proofs = log.prove_all(vault, numbers)
    keys = signing_keys(vault)
    # Signed again by whoever signed the checkpoint, and all keys since: one key that somebody kept checks both.
    signers = keys[min(each for each, key in enumerate(keys) if key.verifier in proofs[0].keys) :]
    document = document_of(
        checked.statement,
        sign_statement(checked.statement, signers),
        [key.verifier for key in signers],
        checkpoint=proofs[0].note,
        entries=[ProvenEntry(entry=each.entry, index=each.index, path=each.path) for each in proofs],
    )
    require_valid(document)
    complete = _sealed(vault, replace(certificate, state=CertificateState.COMPLETE), document)
    with vault.catalogue.write() as tx:
        if not tx.certificates.complete(complete):
            return False
        outbox.put_certificate(vault, tx, complete, document, tx.records.next_change())
    return True


def _entry_number(vault: Vault, subject: str, event: Event) -> int:
    with vault.catalogue.read() as tx:
        entries = tx.audit.page(subject=subject, event=event, limit=1)
    if not entries:
        raise NotFound(f"the log has no entry {event.value} of {subject}; run `strongroom audit verify`")
    return entries[0].number


def _sealed(vault: Vault, certificate: Certificate, document: bytes) -> Certificate:
    sealed = descriptions.seal(
        vault,
        certificate.leaf,
        {"document": document.decode()},
        subject=certificate.id,
        field_set=FIELD_SET,
        revision=certificate.revision,
    )
    return replace(certificate, sealed=sealed)


def _document(vault: Vault, certificate: Certificate) -> bytes:
    values = descriptions.unseal(
        vault,
        certificate.leaf,
        certificate.sealed,
        subject=certificate.id,
        field_set=FIELD_SET,
        revision=certificate.revision,
    )
    return str(values.get("document", "")).encode()


def _commitments(
    vault: Vault, leaf: LeafAddress, certificate_id: CertificateId, facts: Facts
) -> Sequence[Mapping[str, Any]]:
    told = []
    for person_id in sorted(facts.people):
        with vault.catalogue.read() as tx:
            name = _name(vault, tx, person_id)
        if name is not None:
            commitment = name_commitment(_nonce(vault, leaf, certificate_id, person_id), name)
            told.append({"person": person_id, "commitment": commitment})
    return told


def _name(vault: Vault, tx: Transaction, person_id: PersonId) -> str | None:
    person = tx.people.get(person_id)
    if person is None:
        return None
    return descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id).name


def _nonce(vault: Vault, leaf: LeafAddress, certificate_id: CertificateId, person_id: PersonId) -> bytes:
    # Nobody without the register's key can make it, so equal names on two certificates look different.
    message = labels.CERTIFICATE_NONCE + f"|{certificate_id}|{person_id}".encode()
    key = vault.leaf_keys(leaf).blinding_key
    return hmac.digest(key.expose(), message, "sha256")[:NONCE_LENGTH]
