"""The vault's nouns as JSON: ids, codes, numbers, ISO dates, digests in hexadecimal."""

from __future__ import annotations

from typing import Any

from vault.classes import RecordClass
from vault.disposition import Verdict, explain
from vault.filingreports import FilingReport
from vault.findings import document_of
from vault.workflows.customers import CustomerView
from vault.workflows.intake import Receipt
from vault.workflows.people import PersonView
from vault.workflows.retrieval import RecordStory, RecordView, RevisionView, VersionView
from vault.workflows.sessions import Introduced, SessionView
from vault.workflows.sharing import LinkView
from vault.workflows.tokens import TokenView

JSON = dict[str, Any]


def record_json(view: RecordView) -> JSON:
    """A record as lists show it; what is sealed is null once its key is gone."""
    record, said, content = view.record, view.description, view.content
    return {
        "id": record.id,
        "number": record.number,
        "class": record.class_code,
        "state": record.state.value,
        "customer": None if view.customer is None else customer_json(view.customer),
        "title": None if said is None else said.title,
        "dated_on": None if said is None or said.dated_on is None else said.dated_on.isoformat(),
        "place": None if said is None else said.place,
        "note": None if said is None else said.note,
        "file_name": None if content is None else content.file_name,
        "media_type": None if content is None else content.media_type,
        "size_bytes": None if content is None else content.size_bytes,
        "sha256": None if content is None else content.sha256.hex(),
        "version": record.current_ordinal,
        "received_at": record.received_at.isoformat(),
        "filed_at": None if record.filed_at is None else record.filed_at.isoformat(),
        "trigger_on": None if record.trigger_on is None else record.trigger_on.isoformat(),
        "due_on": None if record.due_on is None else record.due_on.isoformat(),
    }


def story_json(story: RecordStory) -> JSON:
    """A record with its versions, descriptions and log entries."""
    return {
        **record_json(story.view),
        "verdict": verdict_json(story.verdict),
        "versions": [version_json(version) for version in story.versions],
        "descriptions": [_revision_json(revision) for revision in story.revisions],
        "entries": [
            {
                "number": numbered.number,
                "at": numbered.entry.at.isoformat(),
                "actor": str(numbered.entry.actor),
                "event": numbered.entry.event.value,
                "detail": dict(numbered.entry.detail),
            }
            for numbered in story.entries
        ],
    }


def verdict_json(verdict: Verdict) -> JSON:
    """What may happen to a record, and why: codes with their values, and each in English."""
    return {
        "standing": verdict.standing.value,
        "keep_until": None if verdict.keep_until is None else verdict.keep_until.isoformat(),
        "may_destroy": verdict.may_destroy,
        "reasons": [
            {"code": each.code, "values": dict(each.values), "text": explain(each)} for each in verdict.reasons
        ],
    }


def version_json(view: VersionView) -> JSON:
    """One version of a record's bytes."""
    version, content = view.version, view.content
    return {
        "version": version.ordinal,
        "file_name": content.file_name,
        "media_type": content.media_type,
        "size_bytes": content.size_bytes,
        "sha256": content.sha256.hex(),
        "created_at": version.created_at.isoformat(),
        "created_by": version.created_by,
        "lock": {"mode": version.lock.mode.value, "retain_until": version.lock.retain_until.isoformat()},
    }


def _revision_json(view: RevisionView) -> JSON:
    said = view.description
    return {
        "revision": view.revision.revision,
        "version": view.revision.ordinal,
        "title": said.title,
        "dated_on": None if said.dated_on is None else said.dated_on.isoformat(),
        "place": said.place,
        "note": said.note,
        "reason": said.reason,
        "created_at": view.revision.created_at.isoformat(),
        "created_by": view.revision.created_by,
    }


def filing_report_json(report: FilingReport) -> JSON:
    """What was found when a record was filed, by whom, when and from where."""
    return {
        "number": report.number,
        "filed_by": report.filed_by,
        "filed_at": report.filed_at.isoformat(),
        "way": report.way.value,
        "address": report.address,
        "reason": report.reason,
        **document_of(report.examination),
    }


def receipt_json(receipt: Receipt) -> JSON:
    """The acknowledgement of an upload."""
    return {
        "id": receipt.record_id,
        "number": receipt.number,
        "version": receipt.ordinal,
        "size_bytes": receipt.size_bytes,
        "sha256": receipt.sha256.hex(),
        "replayed": receipt.replayed,
    }


def customer_json(view: CustomerView) -> JSON:
    """A customer."""
    return {
        "id": view.customer.id,
        "number": view.customer.number,
        "name": view.profile.name,
        "note": view.profile.note,
        "created_at": view.customer.created_at.isoformat(),
    }


def class_json(record_class: RecordClass) -> JSON:
    """A record class."""
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
        "lock_mode": record_class.lock_mode.value,
        "mandate": record_class.mandate,
    }


def link_json(view: LinkView) -> JSON:
    """A link, without its address."""
    link = view.link
    return {
        "id": link.id,
        "record_id": link.record_id,
        "record_number": view.record_number,
        "version": link.ordinal,
        "state": view.state,
        "note": view.note,
        "expires_at": link.expires_at.isoformat(),
        "uses_max": link.uses_max,
        "uses_taken": link.uses_taken,
        "pass_code": link.pass_code_hash != "",
        "created_at": link.created_at.isoformat(),
        "revoked_at": None if link.revoked_at is None else link.revoked_at.isoformat(),
    }


def session_json(token: str, signed_in: Introduced) -> JSON:
    """A session that was just begun, with its token."""
    return {
        "token": token,
        "expires_at": signed_in.expires_at.isoformat(),
        "person": {
            "id": signed_in.actor.person_id,
            "name": signed_in.profile.name,
            "roles": signed_in.actor.role_names,
        },
    }


def session_view_json(view: SessionView) -> JSON:
    """A session as its person sees it."""
    return {
        "id": view.session.id,
        "kind": view.session.kind.value,
        "address": view.client.address,
        "agent": view.client.agent,
        "created_at": view.session.created_at.isoformat(),
        "seen_at": view.session.seen_at.isoformat(),
        "expires_at": view.session.expires_at.isoformat(),
        "current": view.current,
    }


def token_json(view: TokenView) -> JSON:
    """An API token as its person sees it, without the token."""
    token = view.token
    return {
        "id": token.id,
        "name": view.name,
        "scopes": sorted(action.value for action in token.scopes),
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat(),
        "last_used_at": None if token.last_used_at is None else token.last_used_at.isoformat(),
        "live": view.live,
    }


def person_json(view: PersonView) -> JSON:
    """A person as administrators see them."""
    return {
        "id": view.person.id,
        "login": view.profile.login,
        "name": view.profile.name,
        "roles": list(view.roles),
        "active": view.person.active,
        "second_factor": view.second_factor,
        "sessions": view.sessions,
        "created_at": view.person.created_at.isoformat(),
    }
