"""What ``--json`` says of each noun: one place for names, so that they stay the same in every command.

Rule 1: names are stable; times are ISO 8601 in UTC, dates ISO 8601, digests hexadecimal, sizes in bytes.
Rule 2: what is not known is null, never left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vault.cli.plain import iso, iso_date

if TYPE_CHECKING:
    from vault.audit import NumberedEntry
    from vault.classes import RecordClass
    from vault.cli.speech import JSON
    from vault.destruction import Batch
    from vault.disposition import Verdict
    from vault.holds import Coverage, Matter, MatterProfile
    from vault.records import ContentFacts, Record
    from vault.workflows.customers import CustomerView
    from vault.workflows.matters import ItemView
    from vault.workflows.retrieval import RecordStory, RecordView, RevisionView, VersionView
    from vault.workflows.sharing import LinkView


def content_document(content: ContentFacts | None) -> dict[str, JSON]:
    """A version's bytes."""
    if content is None:
        return {"file_name": None, "media_type": None, "size_bytes": None, "sha256": None}
    return {
        "file_name": content.file_name,
        "media_type": content.media_type,
        "size_bytes": content.size_bytes,
        "sha256": content.sha256.hex(),
    }


def bare_record_document(record: Record) -> dict[str, JSON]:
    """What the catalogue holds of a record in clear."""
    return {
        "id": record.id,
        "number": record.number,
        "class": record.class_code,
        "customer_id": record.customer_id,
        "state": record.state.value,
        "received_at": iso(record.received_at),
        "received_by": record.received_by,
        "filed_at": iso(record.filed_at),
        "filed_by": record.filed_by,
        "trigger_on": iso_date(record.trigger_on),
        "due_on": iso_date(record.due_on),
        "rule_version": record.rule_version,
        "version": record.current_ordinal,
        "revision": record.current_revision,
        "restricted": record.is_restricted,
        "unsettled": record.is_unsettled,
    }


def record_document(view: RecordView) -> dict[str, JSON]:
    """A record with its current description and content."""
    said = view.description
    return {
        **bare_record_document(view.record),
        "customer": None if view.customer is None else view.customer.customer.number,
        "title": None if said is None else said.title,
        "date": None if said is None else iso_date(said.dated_on),
        "place": None if said is None else said.place,
        "note": None if said is None else said.note,
        "destruction": None if view.batch is None else view.batch.id,
        **content_document(view.content),
    }


def story_document(story: RecordStory) -> dict[str, JSON]:
    """A record with everything that happened to it."""
    return {
        **record_document(story.view),
        "verdict": verdict_document(story.verdict),
        "versions": [_version_document(version) for version in story.versions],
        "revisions": [_revision_document(revision) for revision in story.revisions],
        "entries": [_entry_document(entry) for entry in story.entries],
    }


def verdict_document(verdict: Verdict) -> dict[str, JSON]:
    """What may happen to a record, and why."""
    from vault.disposition import explain

    return {
        "standing": verdict.standing.value,
        "keep_until": iso_date(verdict.keep_until),
        "may_destroy": verdict.may_destroy,
        "reasons": [
            {"code": each.code, "values": dict(each.values), "text": explain(each)} for each in verdict.reasons
        ],
    }


def _version_document(view: VersionView) -> dict[str, JSON]:
    return {
        "version": view.version.ordinal,
        "created_at": iso(view.version.created_at),
        "created_by": view.version.created_by,
        "lock_mode": view.version.lock.mode.value,
        "locked_until": iso(view.version.lock.retain_until),
        **content_document(view.content),
    }


def _revision_document(view: RevisionView) -> dict[str, JSON]:
    return {
        "revision": view.revision.revision,
        "version": view.revision.ordinal,
        "created_at": iso(view.revision.created_at),
        "created_by": view.revision.created_by,
        "title": view.description.title,
        "date": iso_date(view.description.dated_on),
        "place": view.description.place,
        "note": view.description.note,
        "reason": view.description.reason,
    }


def _entry_document(numbered: NumberedEntry) -> dict[str, JSON]:
    entry = numbered.entry
    return {
        "number": numbered.number,
        "at": iso(entry.at),
        "actor": entry.actor,
        "event": entry.event.value,
        "subject": entry.subject,
        "detail": dict(entry.detail),
    }


def customer_document(view: CustomerView) -> dict[str, JSON]:
    """A customer with name and note."""
    return {
        "id": view.customer.id,
        "number": view.customer.number,
        "name": view.profile.name,
        "note": view.profile.note,
        "created_at": iso(view.customer.created_at),
        "state": view.customer.state.value,
    }


def batch_document(batch: Batch) -> dict[str, JSON]:
    """A destruction."""
    return {
        "id": batch.id,
        "generation": batch.generation,
        "state": batch.state.value,
        "records": batch.record_count,
        "customers": batch.customer_count,
        "requested_by": batch.requested_by,
        "alone": batch.alone,
        "created_at": iso(batch.created_at),
        "effective_at": iso(batch.effective_at),
    }


def class_document(record_class: RecordClass) -> dict[str, JSON]:
    """A class with its rules."""
    return {
        "code": record_class.code,
        "title_zh": record_class.title_zh,
        "title_en": record_class.title_en,
        "nature": record_class.nature.value,
        "sensitivity": record_class.sensitivity.value,
        "trigger": record_class.trigger.value,
        "period_years": record_class.period_years,
        "period_months": record_class.period_months,
        "action": record_class.action.value,
        "automatic": record_class.automatic,
        "supervised": record_class.supervised,
        "lead_days": record_class.lead_days,
        "objection_days": record_class.objection_days,
        "notify": record_class.notify,
        "unsettled_keeps": record_class.unsettled_keeps,
        "signing": list(record_class.signing),
        "lock_mode": record_class.lock_mode.value,
        "mandate": record_class.mandate,
    }


def link_document(view: LinkView) -> dict[str, JSON]:
    """A link, without the secret in its address."""
    link = view.link
    return {
        "id": link.id,
        "record_id": link.record_id,
        "record_number": view.record_number,
        "version": link.ordinal,
        "state": view.state,
        "for": view.note,
        "expires_at": iso(link.expires_at),
        "uses_max": link.uses_max,
        "uses_taken": link.uses_taken,
        "pass_code": bool(link.pass_code_hash),
        "created_at": iso(link.created_at),
        "created_by": link.created_by,
        "revoked_at": iso(link.revoked_at),
    }


def matter_document(matter: Matter, profile: MatterProfile, coverage: Coverage | None = None) -> dict[str, JSON]:
    """A matter; what it holds where that was counted."""
    counted: dict[str, JSON] = {}
    if coverage is not None:
        counted = {
            "records": coverage.records,
            "destroyed_before": coverage.destroyed,
            "versions": coverage.versions,
            "versions_held_in_store": coverage.versions_held,
        }
    return {
        "id": matter.id,
        "number": matter.number,
        "state": matter.state.value,
        "title": profile.title,
        "reason": profile.reason,
        "issuer": profile.issuer,
        "placed_at": iso(matter.placed_at),
        "placed_by": matter.placed_by,
        "release_proposed_at": iso(matter.release_proposed_at),
        "release_proposed_by": matter.release_proposed_by,
        "release_reason": profile.release_reason,
        "released_at": iso(matter.released_at),
        "released_by": matter.released_by,
        **counted,
    }


def scope_document(view: ItemView) -> dict[str, JSON]:
    """One item of a matter's scope."""
    return {
        "kind": view.item.kind.value,
        "subject": view.item.subject,
        "label": view.label,
        "found_by_query": view.item.origin,
        "added_at": iso(view.item.added_at),
        "added_by": view.item.added_by,
    }
