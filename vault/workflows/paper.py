"""Paper originals at work: kept in a box, moved, destroyed after their record.

Rule 1: paper is destroyed after its record, whose approval it shares: the same list, the same certificate.
Rule 2: places, vendors and witnesses are sealed under the house's leaf, for they outlive the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vault.audit import Detail, Event
from vault.errors import Conflict, NotFound
from vault.ids import PaperId, RecordId
from vault.paper import (
    Paper,
    PaperMethod,
    PaperState,
    PaperWords,
    checked_box,
    checked_weight,
    checked_witnesses,
    checked_words,
)
from vault.permissions import Action, Actor, hides, require_on
from vault.records import RecordState
from vault.shelves import Transaction
from vault.workflows import descriptions, outbox
from vault.workflows.freshness import require_fresh
from vault.workflows.vault import Vault

FIELD_SET = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperView:
    """A paper original with what is said of it; ``record_number`` names its record."""

    paper: Paper
    words: PaperWords
    record_number: str


def keep_paper(vault: Vault, actor: Actor, record_id: RecordId, *, box: str, place: str = "") -> PaperView:
    """Says in which box a record's paper original is, or that it was moved to another one.

    Raises ``NotAllowed``, ``NotFound``, ``Conflict`` (destroyed), ``InvalidInput``.
    """
    actor.require(Action.KEEP_PAPER)
    words = PaperWords(place=checked_words(place, field="place"))
    clean_box = checked_box(box)
    with vault.catalogue.write() as tx:
        record = require_on(actor, Action.KEEP_PAPER, tx.records.get(record_id))
        existing = tx.papers.of_record(record_id)
        if existing is not None and existing.state is PaperState.DESTROYED:
            raise Conflict(f"the paper of record {record.number} was destroyed")
        if existing is None and record.state in (RecordState.ERASING, RecordState.DESTROYED):
            raise Conflict(f"record {record.number} is {record.state.value}; its paper had to be named before")
        paper = existing or Paper(
            id=PaperId(vault.new_id()),
            fonds_id=vault.fonds.id,
            record_id=record_id,
            box=clean_box,
            state=PaperState.KEPT,
            leaf=vault.house,
            sealed=b"",
            revision=0,
            added_by=actor.person_id,
            added_at=vault.now(),
            method=None,
            weight_grams=None,
            destroyed_by=None,
            destroyed_at=None,
            change=0,
        )
        kept = _sealed(vault, tx, replace(paper, box=clean_box), words)
        (tx.papers.add if existing is None else tx.papers.update)(kept)
        outbox.put_paper(vault, tx, kept, words)
        tx.audit.append(vault.entry(actor.person_id, Event.PAPER_KEPT, record_id, {"box": clean_box}))
    return PaperView(paper=kept, words=words, record_number=record.number)


def destroy_paper(
    vault: Vault,
    actor: Actor,
    record_id: RecordId,
    *,
    method: PaperMethod,
    weight_grams: int,
    vendor: str,
    witnesses: Sequence[str],
    dry_run: bool = False,
) -> PaperView:
    """Says how a destroyed record's paper was destroyed. A dry run checks, and changes nothing.

    Raises ``NotAllowed``, ``NotFound``, ``Conflict`` (its record lives, or it was destroyed before), ``InvalidInput``.
    """
    actor.require(Action.DESTROY_RECORDS)
    if not dry_run:
        require_fresh(vault, actor)
    weight = checked_weight(weight_grams)
    clean_vendor, seen_by = checked_words(vendor, field="vendor", required=True), checked_witnesses(witnesses)
    with vault.catalogue.write() as tx:
        record = require_on(actor, Action.DESTROY_RECORDS, tx.records.get(record_id))
        paper = tx.papers.of_record(record_id)
        if paper is None:
            raise NotFound(f"record {record.number} has no paper original here; say in which box it is first")
        if paper.state is PaperState.DESTROYED:
            raise Conflict(f"the paper of record {record.number} was destroyed before")
        if record.state not in (RecordState.ERASING, RecordState.DESTROYED):
            raise Conflict(f"record {record.number} lives; its paper is destroyed after it, under the same approval")
        words = replace(open_words(vault, paper), vendor=clean_vendor, witnesses=seen_by)
        gone = replace(
            paper,
            state=PaperState.DESTROYED,
            method=method,
            weight_grams=weight,
            destroyed_by=actor.person_id,
            destroyed_at=vault.now(),
        )
        if dry_run:
            return PaperView(paper=gone, words=words, record_number=record.number)
        gone = _sealed(vault, tx, gone, words)
        tx.papers.update(gone)
        outbox.put_paper(vault, tx, gone, words)
        detail: Detail = {"method": method.value, "weight_grams": weight, "witnesses": len(words.witnesses)}
        tx.audit.append(vault.entry(actor.person_id, Event.PAPER_DESTROYED, record_id, detail))
    return PaperView(paper=gone, words=words, record_number=record.number)


def show_paper(vault: Vault, actor: Actor, record_id: RecordId) -> PaperView | None:
    """A record's paper original; None where it has none. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        record = require_on(actor, Action.LIST_RECORDS, tx.records.get(record_id))
        paper = tx.papers.of_record(record_id)
    if paper is None:
        return None
    return PaperView(paper=paper, words=open_words(vault, paper), record_number=record.number)


def list_box(vault: Vault, actor: Actor, box: str) -> Sequence[PaperView]:
    """What is, or was, in a box, by record. Raises ``NotAllowed``, ``InvalidInput``."""
    actor.require(Action.LIST_RECORDS)
    found: list[Paper] = []
    with vault.catalogue.read() as tx:
        while page := tx.papers.in_box(vault.fonds.id, checked_box(box), after=found[-1].id if found else ""):
            found += page
        records = tx.records.many([paper.record_id for paper in found])
    shown = [(paper, records[paper.record_id]) for paper in found]
    views = [
        PaperView(paper=paper, words=open_words(vault, paper), record_number=record.number)
        for paper, record in shown
        if not hides(actor, record)
    ]
    return sorted(views, key=lambda view: view.record_number)


def open_words(vault: Vault, paper: Paper) -> PaperWords:
    """What is said of a paper original. Raises ``SealBroken``."""
    values = descriptions.unseal(
        vault, paper.leaf, paper.sealed, subject=paper.id, field_set=FIELD_SET, revision=paper.revision
    )
    return PaperWords(
        place=str(values.get("place", "")),
        vendor=str(values.get("vendor", "")),
        witnesses=tuple(map(str, values.get("witnesses", ()))),
    )


def _sealed(vault: Vault, tx: Transaction, paper: Paper, words: PaperWords) -> Paper:
    revision = paper.revision + 1
    values = {"place": words.place, "vendor": words.vendor, "witnesses": list(words.witnesses)}
    sealed = descriptions.seal(vault, paper.leaf, values, subject=paper.id, field_set=FIELD_SET, revision=revision)
    return replace(paper, sealed=sealed, revision=revision, change=tx.records.next_change())
