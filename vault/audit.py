"""Audit entries: what was done, by whom, to what, when; written in the same transaction as what they tell.

Rule 1: opaque ids, codes, counts, dates and keyed commitments only; never a name, a title, a file name or a reason.
Rule 2: append-only. The catalogue refuses to change or delete an entry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from vault.errors import InvalidInput, SealBroken
from vault.ids import PersonId
from vault.seal.canonical import MAX_INTEGER, canonical_json, canonical_text

ENTRY_VERSION: Final = 1
_TIME_LENGTH: Final = len("2026-01-01T00:00:00.000000")

Detail = Mapping[str, str | int | bool | None]


class Event(StrEnum):
    """What an entry tells."""

    VAULT_CREATED = "vault-created"
    FONDS_ADDED = "fonds-added"
    FONDS_NAMED = "fonds-named"
    RECORD_RECEIVED = "record-received"
    RECORD_CORRECTED = "record-corrected"
    RECORD_FILED = "record-filed"
    RECORD_OPENED = "record-opened"
    RECORD_EXPORTED = "record-exported"
    RECORD_RECOVERED = "record-recovered"
    INTENT_ABORTED = "intent-aborted"
    UPLOAD_BEGUN = "upload-begun"
    UPLOAD_ENDED = "upload-ended"
    LOCK_EXTENDED = "lock-extended"
    CUSTOMER_ADDED = "customer-added"
    PERSON_ADDED = "person-added"
    PERSON_INVITED = "person-invited"
    GROUP_ADDED = "group-added"
    ROLE_GRANTED = "role-granted"
    ROLE_REVOKED = "role-revoked"
    MEMBER_ADDED = "member-added"
    MEMBER_REMOVED = "member-removed"
    RECORD_REFUSED = "record-refused"
    ALARM_RAISED = "alarm-raised"
    ALARM_SETTLED = "alarm-settled"
    ACCESS_SUSPENDED = "access-suspended"
    SUSPENSION_LIFTED = "suspension-lifted"
    WATCH_SET = "watch-set"
    REVIEW_STARTED = "review-started"
    REVIEW_DECIDED = "review-decided"
    REVIEW_CLOSED = "review-closed"
    AGREEMENT_PUBLISHED = "agreement-published"
    AGREEMENT_SIGNED = "agreement-signed"
    COURSE_PUBLISHED = "course-published"
    TEST_TAKEN = "test-taken"
    LOAN_REQUESTED = "loan-requested"
    LOAN_GRANTED = "loan-granted"
    LOAN_REFUSED = "loan-refused"
    LOAN_RETURNED = "loan-returned"
    LOAN_WITHDRAWN = "loan-withdrawn"
    SIGNED_IN = "signed-in"
    SIGN_IN_REFUSED = "sign-in-refused"
    SIGNED_OUT = "signed-out"
    SESSION_ENDED = "session-ended"
    STEPPED_UP = "stepped-up"
    STEP_UP_REFUSED = "step-up-refused"
    PROFILE_CHANGED = "profile-changed"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  # what an entry tells, no password
    PASSWORD_RESET_OFFERED = "password-reset-offered"  # noqa: S105
    GLASS_BROKEN = "glass-broken"
    PASSWORD_RESET = "password-reset"  # noqa: S105
    PERSON_DEACTIVATED = "person-deactivated"
    PERSON_REACTIVATED = "person-reactivated"
    AUTHENTICATOR_ADDED = "authenticator-added"
    AUTHENTICATOR_REMOVED = "authenticator-removed"
    RECOVERY_CODES_MADE = "recovery-codes-made"
    RECOVERY_CODE_USED = "recovery-code-used"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_RENAMED = "passkey-renamed"
    PASSKEY_REMOVED = "passkey-removed"
    IDENTITY_BOUND = "identity-bound"
    IDENTITY_UNBOUND = "identity-unbound"
    GROUP_MAPPED = "group-mapped"
    GROUP_UNMAPPED = "group-unmapped"
    TOKEN_MADE = "token-made"  # noqa: S105
    TOKEN_REVOKED = "token-revoked"  # noqa: S105
    LINK_MADE = "link-made"
    LINK_REVOKED = "link-revoked"
    LINK_REFUSED = "link-refused"
    LINK_USED = "link-used"
    LINK_READ = "link-read"
    LINK_USE_RETURNED = "link-use-returned"
    LOCK_PROVED = "lock-proved"
    DESTRUCTION_BEGUN = "destruction-begun"
    DESTRUCTION_EFFECTIVE = "destruction-effective"
    CIPHERTEXT_DELETED = "ciphertext-deleted"
    CERTIFICATE_ISSUED = "certificate-issued"
    PAPER_KEPT = "paper-kept"
    PAPER_DESTROYED = "paper-destroyed"
    RECORD_RESTRICTED = "record-restricted"
    RESTRICTION_LIFTED = "restriction-lifted"
    RECORD_UNSETTLED = "record-unsettled"
    RECORD_SETTLED = "record-settled"
    BACKUP_TAKEN = "backup-taken"
    BACKUP_RESTORED = "backup-restored"
    CATALOGUE_REBUILT = "catalogue-rebuilt"
    HOLDS_CONFIRMED = "holds-confirmed"
    DRILL_RUN = "drill-run"
    HOLD_PLACED = "hold-placed"
    HOLD_SCOPE_ADDED = "hold-scope-added"
    HOLD_RELEASE_PROPOSED = "hold-release-proposed"
    HOLD_RELEASE_WITHDRAWN = "hold-release-withdrawn"
    HOLD_RELEASED = "hold-released"
    HOLDS_MIRRORED = "holds-mirrored"
    RECORD_HELD = "record-held"
    RULE_PROPOSED = "rule-proposed"
    RULE_APPROVED = "rule-approved"
    RULE_WITHDRAWN = "rule-withdrawn"
    RULE_FOLLOWED = "rule-followed"
    CLASS_RETIRED = "class-retired"
    KEEPER_ADDED = "keeper-added"
    KEEPER_REMOVED = "keeper-removed"
    KEEPER_SHARED = "keeper-shared"
    KEEPER_RECOVERED = "keeper-recovered"
    LOG_KEY_CHANGED = "log-key-changed"
    LOG_CHECK_ASKED = "log-check-asked"
    LOG_CHECKED = "log-checked"
    WEBHOOK_ADDED = "webhook-added"
    WEBHOOK_ENDED = "webhook-ended"
    WEBHOOK_TESTED = "webhook-tested"
    WEBHOOK_GIVEN_UP = "webhook-given-up"
    WEBHOOK_RESENT = "webhook-resent"
    LIST_PROPOSED = "list-proposed"
    LIST_REVIEWED = "list-reviewed"
    LIST_SIGNED = "list-signed"
    LIST_APPROVED = "list-approved"
    LIST_OBJECTED = "list-objected"
    LIST_EXECUTED = "list-executed"
    LIST_DONE = "list-done"
    LIST_ANNOUNCED = "list-announced"
    NOTICE_TOLD = "notice-told"
    LIST_CANCELLED = "list-cancelled"
    EXPIRY_PAUSED = "expiry-paused"
    EXPIRY_RESUMED = "expiry-resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry before the catalogue numbers it. ``subject`` is the opaque id of what was acted on."""

    at: datetime
    actor: PersonId | str
    event: Event
    subject: str
    detail: Detail = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedEntry:
    """An entry as the catalogue keeps it; ``number`` grows in commit order within one database."""

    number: int
    entry: Entry

    def to_bytes(self) -> bytes:
        """The entry as the log hashes and publishes it, for ever: canonical JSON (FORMAT.md 7.1)."""
        entry = self.entry
        at = entry.at if entry.at.tzinfo is UTC else entry.at.astimezone(UTC)
        detail = canonical_json({name: _within(value) for name, value in entry.detail.items()})
        # The names stand in their canonical order, and what an event and a time are spelled with needs no escapes.
        return b'{"actor":%b,"at":"%bZ","detail":%b,"event":"%b","number":%d,"subject":%b,"v":%d}' % (
            canonical_text(entry.actor),
            at.isoformat(timespec="microseconds")[:_TIME_LENGTH].encode(),
            detail,
            entry.event.encode(),
            self.number,
            canonical_text(entry.subject),
            ENTRY_VERSION,
        )

    @classmethod
    def from_bytes(cls, entry: bytes) -> NumberedEntry:
        """Reads ``to_bytes`` back. Raises ``SealBroken`` for anything else."""
        try:
            said = json.loads(entry)
            numbered = cls(
                number=said["number"],
                entry=Entry(
                    at=datetime.strptime(said["at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC),
                    actor=said["actor"],
                    event=Event(said["event"]),
                    subject=said["subject"],
                    detail=said["detail"],
                ),
            )
            if numbered.to_bytes() == entry:
                return numbered
        except (ValueError, KeyError, TypeError, AttributeError, InvalidInput) as exc:
            raise SealBroken("an entry of the log is not one, or of a newer version; use that one") from exc
        raise SealBroken("an entry of the log has another spelling than it was published with")


def _within(value: str | int | bool | None) -> str | int | bool | None:
    # Canonical JSON has no whole number beyond 2**53 - 1; one such stands there as text.
    return str(value) if type(value) is int and abs(value) > MAX_INTEGER else value
