"""The outbox: what changed in the catalogue and is not in a sealed object goes to ``meta/`` objects of its own.

An entry is written in the transaction that changes the catalogue, and sent afterwards by upkeep, oldest first, under a
key that is never overwritten; so the catalogue can be rebuilt from the store, but for what still waits (its lag is
shown). Bodies are sealed under the leaf that they speak of.

A body is ``leaf address (text) | LF | sealed fields``; the address is opaque and says with which key to open the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from vault.certificates import Certificate
from vault.customers import Customer
from vault.errors import AlreadyExists, Unavailable
from vault.filingreports import FilingReport, report_values
from vault.paper import Paper, PaperWords
from vault.records import Description, DescriptionRevision, Record
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.locks import metadata_lock
from vault.workflows.vault import Vault

REPORT: Final = "report"
"""The field set of filing reports, which no register repeats."""


def put_customer(vault: Vault, tx: Transaction, customer: Customer) -> None:
    """A customer and the extents that they own."""
    profile = descriptions.open_profile(
        vault,
        customer.profile_leaf,
        customer.sealed_profile,
        customer_id=customer.id,
        revision=customer.revision,
    )
    values = {
        "number": customer.number,
        "name": profile.name,
        "note": profile.note,
        "revision": customer.revision,
        "created_at": customer.created_at.isoformat(),
    }
    _put(vault, tx, customer.profile_leaf, customer.id, customer.change, "customer", values)


def put_record(vault: Vault, tx: Transaction, record: Record, leaf: LeafAddress) -> None:
    """A record's number, class, state and dates, as filing or a correction left them."""
    values = {
        "number": record.number,
        "class": record.class_code,
        "customer": record.customer_id,
        "state": record.state.value,
        "filed_at": record.filed_at.isoformat() if record.filed_at else None,
        "filed_by": record.filed_by,
        "trigger_on": record.trigger_on.isoformat() if record.trigger_on else None,
        "due_on": record.due_on.isoformat() if record.due_on else None,
        "current_ordinal": record.current_ordinal,
        "current_revision": record.current_revision,
        "rule_version": record.rule_version,
        "restricted_by": record.restricted_by,
        "restriction_lifted_by": record.restriction_lifted_by,
        "unsettled_by": record.unsettled_by,
    }
    _put(vault, tx, leaf, record.id, record.change, "record", values)


def put_report(vault: Vault, tx: Transaction, report: FilingReport, leaf: LeafAddress, change: int) -> None:
    """What was found when a record was filed."""
    values = {
        "number": report.number,
        "ordinal": report.examination.ordinal,
        "filed_by": report.filed_by,
        "filed_at": report.filed_at.isoformat(),
        "report": report_values(report),
    }
    _put(vault, tx, leaf, report.record_id, change, REPORT, values)


def put_description(
    vault: Vault, tx: Transaction, revision: DescriptionRevision, description: Description, change: int
) -> None:
    """A revision of a description that came without new bytes."""
    values = {
        "revision": revision.revision,
        "ordinal": revision.ordinal,
        "created_at": revision.created_at.isoformat(),
        "created_by": revision.created_by,
        "description": descriptions.description_values(description),
    }
    _put(vault, tx, revision.leaf, revision.record_id, change, "revision", values)


def put_certificate(vault: Vault, tx: Transaction, certificate: Certificate, document: bytes, change: int) -> None:
    """A certificate as it was issued, or completed."""
    values = {
        "number": certificate.number,
        "batch": certificate.batch_id,
        "generation": certificate.generation,
        "state": certificate.state.value,
        "statement_sha256": certificate.statement_sha256.hex(),
        "issued_at": certificate.issued_at.isoformat(),
        "document": document.decode(),
    }
    _put(vault, tx, certificate.leaf, certificate.id, change, "certificate", values)


def put_paper(vault: Vault, tx: Transaction, paper: Paper, words: PaperWords) -> None:
    """A paper original; kept apart from its record, whose own folder goes with its bytes."""
    values = {
        "record": paper.record_id,
        "box": paper.box,
        "state": paper.state.value,
        "revision": paper.revision,
        "added_by": paper.added_by,
        "added_at": paper.added_at.isoformat(),
        "method": paper.method.value if paper.method else None,
        "weight_grams": paper.weight_grams,
        "destroyed_by": paper.destroyed_by,
        "destroyed_at": paper.destroyed_at.isoformat() if paper.destroyed_at else None,
        "words": {"place": words.place, "vendor": words.vendor, "witnesses": list(words.witnesses)},
    }
    _put(vault, tx, paper.leaf, paper.id, paper.change, "paper", values)


def send_pending(vault: Vault) -> int:
    """Sends what waits, oldest first; gives how many went. Raises ``StoreUnavailable``; the rest waits on."""
    sent = 0
    while True:
        with vault.catalogue.read() as tx:
            waiting = tx.outbox.pending()
        if not waiting:
            return sent
        for number, key, body in waiting:
            # One that exists was sent before, and the answer or the row was lost: a key names one body.
            with suppress(AlreadyExists):
                _send(vault, key, body)
            with vault.catalogue.write() as tx:
                tx.outbox.sent(number)
            sent += 1


def send_customer(vault: Vault, customer: Customer) -> None:
    """Sends a new customer before their turn, which then finds them there.

    A catalogue that is restored from an older backup knows their records by it; without it these would wait for
    somebody to name the customer. What the store cannot take now goes with the others.
    """
    key = _key(vault, customer.id, customer.change, "customer")
    with vault.catalogue.read() as tx:
        body = tx.outbox.waiting(key)
    if body is not None:
        with suppress(AlreadyExists, Unavailable):
            _send(vault, key, body)


def _send(vault: Vault, key: str, body: bytes) -> None:
    lock = metadata_lock(vault.layout, key, vault.now())
    vault.store.put(key, body, sha256=hashlib.sha256(body).digest(), lock=lock)


def _key(vault: Vault, subject: str, change: int, field_set: str) -> str:
    return vault.layout.meta(subject, f"{change:012d}-{field_set}")


def _put(
    vault: Vault,
    tx: Transaction,
    leaf: LeafAddress,
    subject: str,
    change: int,
    field_set: str,
    values: Mapping[str, Any],
) -> None:
    sealed = descriptions.seal(vault, leaf, values, subject=subject, field_set=f"outbox-{field_set}", revision=change)
    key = _key(vault, subject, change, field_set)
    tx.outbox.add(key, leaf.text.encode("ascii") + b"\n" + sealed, at=vault.now())
