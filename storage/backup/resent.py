"""What the outbox sent, one object a change: customers, filings, corrections of descriptions, paper, certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from storage.backup.memory import ALIVE, Memory, Recollected
from storage.backup.reregister import take_customer
from vault.certificates import Certificate, CertificateState
from vault.customers import Customer
from vault.filingreports import FIELD_SET, KeptReport, report_of
from vault.fonds import REGISTER_OWNER, Fonds
from vault.ids import BatchId, CertificateId, CustomerId, PaperId, PersonId, RecordId
from vault.paper import Paper, PaperMethod, PaperState
from vault.records import DescriptionRevision, RecordState
from vault.shelves import Transaction
from vault.workflows.outbox import REPORT


def take_sent_customer(
    tx: Transaction, fonds: Fonds, memory: Memory, told: Recollected, change: int, subject: str, key: str
) -> None:
    """A customer of whom no register tells yet."""
    leaf, said = memory.sent(key, subject, "customer", change)
    profile = {"name": said["name"], "note": said["note"]}
    revision = int(said["revision"])
    customer = Customer(
        id=CustomerId(subject),
        fonds_id=fonds.id,
        number=said["number"],
        profile_leaf=leaf,
        sealed_profile=memory.seal(leaf, profile, subject=subject, field_set="customer", revision=revision),
        revision=revision,
        created_at=datetime.fromisoformat(said["created_at"]),
        change=change,
    )
    take_customer(tx, customer, told)


def take_paper(tx: Transaction, fonds: Fonds, memory: Memory, change: int, subject: str, key: str) -> None:
    """The paper of a record, or the newer word on it."""
    leaf, said = memory.sent(key, subject, "paper", change)
    revision = int(said["revision"])
    paper = Paper(
        id=PaperId(subject),
        fonds_id=fonds.id,
        record_id=RecordId(said["record"]),
        box=said["box"],
        state=PaperState(said["state"]),
        leaf=leaf,
        sealed=memory.seal(leaf, said["words"], subject=subject, field_set="paper", revision=revision),
        revision=revision,
        added_by=PersonId(said["added_by"]),
        added_at=datetime.fromisoformat(said["added_at"]),
        method=PaperMethod(said["method"]) if said["method"] else None,
        weight_grams=said["weight_grams"],
        destroyed_by=PersonId(said["destroyed_by"]) if said["destroyed_by"] else None,
        destroyed_at=datetime.fromisoformat(said["destroyed_at"]) if said["destroyed_at"] else None,
        change=change,
    )
    existing = tx.papers.of_record(paper.record_id)
    if existing is None and tx.records.get(paper.record_id) is not None:
        tx.papers.add(paper)
    elif existing is not None and existing.change < change:
        tx.papers.update(paper)


def take_certificate(tx: Transaction, fonds: Fonds, memory: Memory, change: int, subject: str, key: str) -> None:
    """A certificate, or its complete form in place of a pending one."""
    leaf, said = memory.sent(key, subject, "certificate", change)
    certificate = Certificate(
        id=CertificateId(subject),
        fonds_id=fonds.id,
        number=said["number"],
        batch_id=BatchId(said["batch"]),
        generation=int(said["generation"]),
        state=CertificateState(said["state"]),
        statement_sha256=bytes.fromhex(said["statement_sha256"]),
        leaf=leaf,
        sealed=b"",
        issued_at=datetime.fromisoformat(said["issued_at"]),
    )
    existing = tx.certificates.get(certificate.id)
    if existing is not None and existing.revision >= certificate.revision:
        return
    document = {"document": said["document"]}
    sealed = memory.seal(leaf, document, subject=subject, field_set="certificate", revision=certificate.revision)
    certificate = replace(certificate, sealed=sealed)
    if existing is not None:
        tx.certificates.complete(certificate)
        return
    tx.extents.retire(fonds.id, leaf.extent, REGISTER_OWNER)
    tx.certificates.add(certificate)


def take_report(tx: Transaction, memory: Memory, change: int, subject: str, key: str) -> None:
    """What was found when a record was filed that lives."""
    record = tx.records.get(RecordId(subject))
    if record is None or record.state not in ALIVE:
        return
    leaf, said = memory.sent(key, subject, REPORT, change)
    kept = KeptReport(
        record_id=record.id,
        number=int(said["number"]),
        ordinal=int(said["ordinal"]),
        filed_by=PersonId(said["filed_by"]),
        filed_at=datetime.fromisoformat(said["filed_at"]),
        verdicts={},
        sealed=memory.seal(leaf, said["report"], subject=subject, field_set=FIELD_SET, revision=int(said["number"])),
    )
    is_new = tx.filing_reports.get(record.id, kept.number) is None
    if is_new and tx.records.version(record.id, kept.ordinal) is not None:
        tx.filing_reports.add(replace(kept, verdicts=report_of(kept, said["report"]).examination.verdicts))


def take_sent(
    tx: Transaction, memory: Memory, told: Recollected, change: int, field_set: str, subject: str, key: str
) -> None:
    """A filing, or a description, of a record that lives."""
    record = tx.records.get(RecordId(subject), for_update=True)
    if record is None or record.state not in ALIVE:
        return
    if field_set == "record" and record.change >= change and record.id not in told.touched:
        return
    leaf, said = memory.sent(key, subject, field_set, change)
    if field_set == "revision":
        revision = int(said["revision"])
        if tx.records.description(record.id, revision) is None:
            sealed = memory.seal(leaf, said["description"], subject=subject, field_set="description", revision=revision)
            tx.records.add_description(
                DescriptionRevision(
                    record_id=record.id,
                    revision=revision,
                    ordinal=int(said["ordinal"]),
                    leaf=leaf,
                    sealed=sealed,
                    created_at=datetime.fromisoformat(said["created_at"]),
                    created_by=PersonId(said["created_by"]),
                )
            )
        tx.records.update(
            replace(record, current_revision=max(record.current_revision, revision), change=max(record.change, change))
        )
        return
    tx.records.update(
        replace(
            record,
            class_code=said["class"],
            state=RecordState.FILED if said["filed_at"] else RecordState.RECEIVED,
            filed_at=datetime.fromisoformat(said["filed_at"]) if said["filed_at"] else None,
            filed_by=PersonId(said["filed_by"]) if said["filed_by"] else None,
            trigger_on=date.fromisoformat(said["trigger_on"]) if said["trigger_on"] else None,
            due_on=date.fromisoformat(said["due_on"]) if said["due_on"] else None,
            rule_version=said.get("rule_version", 1),
            restricted_by=said.get("restricted_by"),
            restriction_lifted_by=said.get("restriction_lifted_by"),
            unsettled_by=said.get("unsettled_by"),
            change=max(record.change, change),
        )
    )
