"""What a certificate of destruction states, gathered from the catalogue and from the keepers (FORMAT.md 8.1).

Rule 1: what the log proves is taken from the log's own entries, so that both say the same.
Rule 2: a keeper that answers and has nothing older is proven; one that was removed while it was out of reach is named
as not proven, for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from vault.audit import Entry, Event
from vault.destruction import Batch
from vault.disposal import DisposalList, Signature
from vault.ids import CertificateId, PersonId, VaultId
from vault.notices import Notice
from vault.paper import CERTIFICATE_WAITS, Paper, PaperState
from vault.records import Record, Version
from vault.schedule import RuleState, RuleVersion
from vault.shelves import Transaction
from vault.workflows.destructionregister import titles_of
from vault.workflows.lists import open_profile
from vault.workflows.paper import open_words
from vault.workflows.processes import unconfirmed
from vault.workflows.vault import Vault

PAGE: Final = 500
STUB: Final = ("number", "class", "dates", "certificate")
_RULED: Final = frozenset({RuleState.IN_FORCE, RuleState.RETIRED, RuleState.SUPERSEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything but what a number is given to. ``people`` are those whom the statement names by id."""

    values: Mapping[str, Any]
    people: frozenset[PersonId]

    def statement(
        self,
        *,
        certificate_id: CertificateId,
        number: str,
        issued_at: datetime,
        origin: VaultId,
        names: Sequence[Mapping[str, Any]],
    ) -> dict[str, Any]:
        """The whole statement."""
        return {
            **self.values,
            "id": certificate_id,
            "number": number,
            "issued_at": moment(issued_at),
            "vault": origin,
            "names": list(names),
        }


def waits_for_paper(vault: Vault, batch: Batch) -> bool:
    """Whether paper of its records is still to be destroyed, and it is not a month ago."""
    if batch.effective_at is None or vault.now() >= batch.effective_at + CERTIFICATE_WAITS:
        return False
    with vault.catalogue.read() as tx:
        papers = tx.papers.of_records([record.id for record in _records(tx, batch)])
    return any(paper.state is PaperState.KEPT for paper in papers.values())


def gather(vault: Vault, batch: Batch) -> Facts | None:
    """The facts of an effective batch; None when the log does not tell who ordered it. Raises ``KeeperUnavailable``."""
    with vault.catalogue.read() as tx:
        begun = _entry(tx, batch.id, Event.DESTRUCTION_BEGUN)
        effective = _entry(tx, batch.id, Event.DESTRUCTION_EFFECTIVE)
        if begun is None or effective is None:
            return None
        records = list(_records(tx, batch))
        versions = {record.id: tx.records.versions(record.id) for record in records}
        papers = tx.papers.of_records([record.id for record in records])
        titles = titles_of(vault, tx, [record.id for record in records])
        customers = [tx.customers.get(customer_id) for customer_id in tx.batches.customers(batch.id)]
        rules = [_rule_at(tx, code, batch.created_at) for code in sorted({record.class_code for record in records})]
        disposal = tx.disposals.of_batch(batch.id)
        signatures = tx.disposals.signatures(disposal.id) if disposal is not None else ()
        notices = tx.notices.of_list(disposal.id) if disposal is not None else ()
        removed = tx.audit.page(subject=vault.vault_id, event=Event.KEEPER_REMOVED, limit=PAGE)
    locked_until = max((version.lock.retain_until for each in versions.values() for version in each), default=None)
    known = [rule for rule in rules if rule is not None]
    values = {
        "alone": batch.alone,
        "batch": batch.id,
        "begun_at": moment(begun.at),
        "customers": [{"id": each.id, "number": each.number} for each in customers if each is not None],
        "effective_at": moment(effective.at),
        "fonds": vault.fonds.id,
        "ground": begun.detail.get("ground"),
        "keys": {
            "generation": batch.generation,
            "generation_before": batch.generation - 1,
            "increment": batch.digest.hex(),
            "keepers": _keepers(vault, [each.entry for each in removed]),
            "processes_unconfirmed": len(unconfirmed(vault, batch.generation)),
            "tree": vault.fonds.tree_id.hex(),
        },
        "list": _list_values(vault, disposal, signatures, notices) if disposal is not None else None,
        "ordered_by": str(begun.actor),
        "records": [
            {
                **_record_values(record, versions[record.id]),
                **_title(titles.get(record.id)),
                "paper": _paper_values(vault, papers.get(record.id)),
            }
            for record in records
        ],
        "remains": {"sealed_bytes_until": moment(locked_until) if locked_until else None, "stub": list(STUB)},
        "rules": [_rule_values(rule) for rule in known],
    }
    people = {PersonId(str(begun.actor)), *(each.person_id for each in signatures)}
    people |= {each.told_by for each in notices if each.told_by is not None}
    people |= {paper.destroyed_by for paper in papers.values() if paper.destroyed_by is not None}
    people |= {person for rule in known for person in (rule.proposed_by, rule.decided_by) if person is not None}
    return Facts(values=values, people=frozenset(people))


def moment(at: datetime) -> str:
    """A time as entries of the log spell it (FORMAT.md 7.1)."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _entry(tx: Transaction, subject: str, event: Event) -> Entry | None:
    return next((each.entry for each in tx.audit.page(subject=subject, event=event, limit=1)), None)


def _records(tx: Transaction, batch: Batch) -> Iterator[Record]:
    after = 0
    while page := tx.batches.records(batch.id, after=after, limit=PAGE):
        found = tx.records.many([record_id for _, record_id in page])
        yield from (found[record_id] for _, record_id in page)
        after = page[-1][0]


def _rule_at(tx: Transaction, code: str, at: datetime) -> RuleVersion | None:
    """The version that governed a class then."""
    for rule in tx.schedules.versions(code):
        since = rule.decided_at or rule.proposed_at
        if rule.state in _RULED and (rule.shipped or since <= at):
            return rule
    return None


def _keepers(vault: Vault, removed: Sequence[Entry]) -> list[dict[str, Any]]:
    told = [{"name": each.name, "proven": each.is_proven, "removed": False} for each in vault.keys.standing()]
    there = {each["name"] for each in told}
    lost = {str(each.detail.get("keeper")) for each in removed if each.detail.get("lost") is True}
    return told + [{"name": name, "proven": False, "removed": True} for name in sorted(lost - there)]


def _record_values(record: Record, versions: Sequence[Version]) -> dict[str, Any]:
    return {
        "class": record.class_code,
        "due_on": _day(record.due_on),
        "filed_at": moment(record.filed_at) if record.filed_at else None,
        "id": record.id,
        "number": record.number,
        "received_at": moment(record.received_at),
        "trigger_on": _day(record.trigger_on),
        "versions": [
            {
                "bytes": version.object.sealed_size_bytes,
                "locked_until": moment(version.lock.retain_until),
                "object": version.object.object_id,
                "ordinal": version.ordinal,
                "parts": version.object.part_count,
                "sha256": version.object.sealed_sha256.hex(),
            }
            for version in versions
        ],
    }


def _rule_values(rule: RuleVersion) -> dict[str, Any]:
    said = rule.rule
    return {
        "action": said.action.value,
        "approved_at": moment(rule.decided_at) if rule.decided_at else None,
        "approved_by": rule.decided_by,
        "automatic": said.automatic,
        "class": rule.code,
        "mandate": said.mandate,
        "months": said.period_months,
        "proposed_at": moment(rule.proposed_at),
        "proposed_by": rule.proposed_by,
        "shipped": rule.shipped,
        "supervised": said.supervised,
        "title_en": said.title_en,
        "title_zh": said.title_zh,
        "trigger": said.trigger.value,
        "version": rule.version,
        "years": said.period_years,
    }


def _title(title: str | None) -> dict[str, Any]:
    return {} if title is None else {"title": title}


def _paper_values(vault: Vault, paper: Paper | None) -> list[dict[str, Any]]:
    """A record's paper: how it was destroyed, or in which box it still is."""
    if paper is None:
        return []
    if paper.state is PaperState.KEPT:
        return [{"box": paper.box, "state": paper.state.value}]
    words = open_words(vault, paper)
    line = {
        "box": paper.box,
        "destroyed_at": moment(paper.destroyed_at) if paper.destroyed_at else None,
        "destroyed_by": paper.destroyed_by,
        "method": paper.method.value if paper.method else None,
        "state": paper.state.value,
        "vendor": words.vendor,
        "weight_grams": paper.weight_grams,
        "witnesses": list(words.witnesses),
    }
    return [line]


def _list_values(
    vault: Vault, disposal: DisposalList, signatures: Sequence[Signature], notices: Sequence[Notice]
) -> dict[str, Any]:
    """The list, who signed it, and what was said of its execution; nobody signs an automatic one."""
    said = open_profile(vault, disposal)
    return {
        "approved_at": moment(disposal.approved_at) if disposal.approved_at else None,
        "automatic": disposal.automatic,
        "class": disposal.class_code,
        "executed_at": moment(disposal.executed_at) if disposal.executed_at else None,
        "method": said.method,
        "notices": [_notice_values(each) for each in notices],
        "number": disposal.number,
        "opinion": said.opinion or None,
        "place": said.place,
        "proposed_at": moment(disposal.proposed_at),
        "proposed_by": disposal.proposed_by,
        "remarks": said.remarks,
        "rule_version": disposal.rule_version,
        "signatures": [
            {"at": moment(each.at), "part": each.part.value, "person": each.person_id, "step": each.step}
            for each in signatures
        ],
        "window_until": moment(disposal.window_until) if disposal.window_until else None,
    }


def _notice_values(notice: Notice) -> dict[str, Any]:
    return {
        "audience": notice.audience.value,
        "channel": notice.channel.value if notice.channel else None,
        "customer": notice.customer_id,
        "records": notice.record_count,
        "state": notice.state.value,
        "told_at": moment(notice.told_at) if notice.told_at else None,
        "told_by": notice.told_by,
    }


def _day(on: date | None) -> str | None:
    return on.isoformat() if on is not None else None
