"""Filing reports kept and shown.

Rule 1: a twin that is named in a report is told only to those for whom it exists; for others it was not found.
Rule 2: from which address somebody filed is told to them, and to whoever may read the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vault.errors import NotFound
from vault.filingreports import FIELD_SET, Examination, FilingReport, KeptReport, report_of, report_values
from vault.ids import RecordId
from vault.permissions import Action, Actor, hides, require_on
from vault.records import Record
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows import descriptions, outbox
from vault.workflows.vault import Vault

TWIN = "twin"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """A report with the record that it speaks of."""

    record: Record
    report: FilingReport
    twins: Sequence[Record]


def keep_report(vault: Vault, tx: Transaction, report: FilingReport, leaf: LeafAddress, change: int) -> None:
    """Keeps a report, in the transaction that files."""
    sealed = descriptions.seal(
        vault, leaf, report_values(report), subject=report.record_id, field_set=FIELD_SET, revision=report.number
    )
    tx.filing_reports.add(
        KeptReport(
            record_id=report.record_id,
            number=report.number,
            ordinal=report.examination.ordinal,
            filed_by=report.filed_by,
            filed_at=report.filed_at,
            verdicts=report.examination.verdicts,
            sealed=sealed,
        )
    )
    outbox.put_report(vault, tx, report, leaf, change)


def list_reports(vault: Vault, actor: Actor, record_id: RecordId) -> Sequence[ReportView]:
    """The reports of a record, newest first. Raises ``NotFound``, ``NotAllowed``, ``KeyDestroyed``, ``SealBroken``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        record = require_on(actor, Action.LIST_RECORDS, tx.records.get(record_id))
        kept = tx.filing_reports.of_record(record.id)
        return [_view(vault, tx, actor, record, each) for each in kept]


def show_report(vault: Vault, actor: Actor, record_id: RecordId, number: int) -> ReportView:
    """One report. Raises as ``list_reports``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        record = require_on(actor, Action.LIST_RECORDS, tx.records.get(record_id))
        kept = tx.filing_reports.get(record.id, number)
        if kept is None:
            raise NotFound(f"record {record.number} has no filing report {number}; look at its list")
        return _view(vault, tx, actor, record, kept)


def twins_named(vault: Vault, actor: Actor, examination: Examination) -> Sequence[Record]:
    """The twins that an examination names, as far as they exist for whoever asks. Raises ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        return _twins(tx, actor, examination)


def _view(vault: Vault, tx: Transaction, actor: Actor, record: Record, kept: KeptReport) -> ReportView:
    version = tx.records.version(record.id, kept.ordinal)
    if version is None:
        raise NotFound(f"record {record.number} has no version {kept.ordinal}; run the doctor")
    values = descriptions.unseal(
        vault, version.object.leaf, kept.sealed, subject=record.id, field_set=FIELD_SET, revision=kept.number
    )
    report = report_of(kept, values)
    twins = _twins(tx, actor, report.examination)
    known = {each.id for each in twins}
    told = tuple(each for each in report.examination.findings if each.code != TWIN or each.facts.get("record") in known)
    is_told = report.filed_by == actor.person_id or actor.may(Action.READ_LOG)
    address = report.address if is_told else ""
    shown = replace(report, address=address, examination=replace(report.examination, findings=told))
    return ReportView(record=record, report=shown, twins=twins)


def _twins(tx: Transaction, actor: Actor, examination: Examination) -> Sequence[Record]:
    named = [RecordId(str(each.facts.get("record"))) for each in examination.findings if each.code == TWIN]
    found = tx.records.many(named)
    return [found[each] for each in named if each in found and not hides(actor, found[each])]
