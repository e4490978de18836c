"""Permission reviews (权限复核): a campaign in which named people say of each membership and grant whether it stays.

Rule 1: nobody reviews what is their own: their membership, or what a group grants in which they are.
Rule 2: silence revokes: what nobody decided on until the last day is taken back then.
Rule 3: what was kept stays, what was taken back is gone at once; a review that is closed says so for ever.
Rule 4: a review speaks of what was there when it began: what was given anew since is not touched by its silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from vault.audit import Event
from vault.errors import InvalidInput
from vault.ids import FondsId, PersonId
from vault.permissions import ALL_CLASSES, Role

DAYS_MAX: Final = 90
DAYS_USUAL: Final = 14


class Ruling(StrEnum):
    """What became of an item: ``pending`` -> one of the others; ``kept`` -> ``revoked`` while the review is open."""

    PENDING = "pending"
    KEPT = "kept"
    REVOKED = "revoked"
    """A reviewer took it back."""
    LAPSED = "lapsed"
    """Nobody decided until the last day: it was taken back."""
    GONE = "gone"
    """It had been taken back otherwise before anybody decided."""
    LEFT = "left"
    """Nobody decided, and it stays all the same: nobody would be left who lets people in."""


class ItemKind(StrEnum):
    """What is reviewed."""

    MEMBERSHIP = "membership"
    """That a person is in a group."""
    GRANT = "grant"
    """That a group gives a role on a class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A campaign; it ends at ``ends_at``, or earlier once everything is decided."""

    id: str
    fonds_id: FondsId
    number: str
    started_by: PersonId
    started_at: datetime
    ends_at: datetime
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is decided on."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """One membership (``person_id``) or grant (``role``, ``class_code``) of a group, as it stood at the beginning.

    ``last_used_at`` is when it was last used then, by the log; None where the log knows of no use.
    """

    review_id: str
    ordinal: int
    kind: ItemKind
    group: str
    fonds_id: FondsId
    given_at: datetime
    person_id: PersonId | None = None
    role: Role | None = None
    class_code: str | None = None
    last_used_at: datetime | None = None
    ruling: Ruling = Ruling.PENDING
    decided_by: PersonId | None = None
    decided_at: datetime | None = None


_READER: Final = frozenset(
    {Event.RECORD_OPENED, Event.LOAN_REQUESTED, Event.LOAN_WITHDRAWN, Event.LOAN_RETURNED},
)
_LISTS: Final = frozenset({Event.LIST_PROPOSED, Event.LIST_REVIEWED, Event.LIST_SIGNED, Event.NOTICE_TOLD})
_MARKS: Final = frozenset({Event.RECORD_UNSETTLED, Event.RECORD_SETTLED})

USES: Final[Mapping[Role, frozenset[Event]]] = {
    Role.READER: _READER,
    Role.RECORDS: _READER
    | _LISTS
    | _MARKS
    | {
        Event.RECORD_RECEIVED,
        Event.RECORD_CORRECTED,
        Event.RECORD_FILED,
        Event.UPLOAD_BEGUN,
        Event.CUSTOMER_ADDED,
        Event.LINK_MADE,
        Event.LINK_REVOKED,
        Event.PAPER_KEPT,
    },
    Role.OFFICER: _READER
    | _LISTS
    | _MARKS
    | {
        Event.RECORD_EXPORTED,
        Event.LOAN_GRANTED,
        Event.LOAN_REFUSED,
        Event.RECORD_RESTRICTED,
        Event.RESTRICTION_LIFTED,
        Event.RULE_PROPOSED,
        Event.RULE_APPROVED,
        Event.RULE_WITHDRAWN,
        Event.CLASS_RETIRED,
        Event.LIST_APPROVED,
        Event.LIST_EXECUTED,
        Event.LIST_CANCELLED,
        Event.LIST_OBJECTED,
        Event.HOLD_PLACED,
        Event.HOLD_SCOPE_ADDED,
        Event.HOLD_RELEASE_PROPOSED,
        Event.HOLD_RELEASE_WITHDRAWN,
        Event.HOLD_RELEASED,
        Event.HOLDS_CONFIRMED,
        Event.DESTRUCTION_BEGUN,
        Event.PAPER_DESTROYED,
        Event.EXPIRY_RESUMED,
        Event.LINK_REVOKED,
        Event.REVIEW_DECIDED,
    },
    Role.SECURITY: frozenset(
        {
            Event.PERSON_INVITED,
            Event.PERSON_DEACTIVATED,
            Event.PERSON_REACTIVATED,
            Event.PASSWORD_RESET_OFFERED,
            Event.SESSION_ENDED,
            Event.IDENTITY_BOUND,
            Event.IDENTITY_UNBOUND,
            Event.GROUP_MAPPED,
            Event.GROUP_UNMAPPED,
            Event.GROUP_ADDED,
            Event.ROLE_GRANTED,
            Event.ROLE_REVOKED,
            Event.MEMBER_ADDED,
            Event.MEMBER_REMOVED,
            Event.AGREEMENT_PUBLISHED,
            Event.COURSE_PUBLISHED,
            Event.ALARM_SETTLED,
            Event.ACCESS_SUSPENDED,
            Event.SUSPENSION_LIFTED,
            Event.WATCH_SET,
            Event.REVIEW_STARTED,
            Event.REVIEW_DECIDED,
        }
    ),
    Role.SYSTEM: frozenset(
        {
            Event.FONDS_ADDED,
            Event.FONDS_NAMED,
            Event.KEEPER_ADDED,
            Event.KEEPER_REMOVED,
            Event.KEEPER_SHARED,
            Event.KEEPER_RECOVERED,
            Event.LOG_KEY_CHANGED,
            Event.BACKUP_TAKEN,
            Event.DRILL_RUN,
            Event.WEBHOOK_ADDED,
            Event.WEBHOOK_ENDED,
            Event.WEBHOOK_TESTED,
            Event.WEBHOOK_RESENT,
        }
    ),
    # Whoever reads the log leaves no entry in it, but for a check.
    Role.AUDIT: frozenset({Event.LOG_CHECK_ASKED}),
}
"""By which entries of the log somebody uses a role. What somebody does to themselves is no use (``ReviewShelf``)."""

NO_USES: Final = frozenset(
    {
        # What everybody does about themselves, or what is refused to them.
        Event.PERSON_ADDED,
        Event.PROFILE_CHANGED,
        Event.SIGNED_IN,
        Event.SIGN_IN_REFUSED,
        Event.SIGNED_OUT,
        Event.STEPPED_UP,
        Event.STEP_UP_REFUSED,
        Event.PASSWORD_CHANGED,
        Event.PASSWORD_RESET,
        Event.AUTHENTICATOR_ADDED,
        Event.AUTHENTICATOR_REMOVED,
        Event.RECOVERY_CODES_MADE,
        Event.RECOVERY_CODE_USED,
        Event.PASSKEY_ADDED,
        Event.PASSKEY_RENAMED,
        Event.PASSKEY_REMOVED,
        Event.TOKEN_MADE,
        Event.TOKEN_REVOKED,
        Event.AGREEMENT_SIGNED,
        Event.TEST_TAKEN,
        Event.RECORD_REFUSED,
        # What the clock, the machine or its operator does, or somebody without an account.
        Event.VAULT_CREATED,
        Event.GLASS_BROKEN,
        Event.RECORD_RECOVERED,
        Event.INTENT_ABORTED,
        Event.UPLOAD_ENDED,
        Event.LOCK_EXTENDED,
        Event.LOCK_PROVED,
        Event.ALARM_RAISED,
        Event.REVIEW_CLOSED,
        Event.LINK_REFUSED,
        Event.LINK_USED,
        Event.LINK_READ,
        Event.LINK_USE_RETURNED,
        Event.DESTRUCTION_EFFECTIVE,
        Event.CIPHERTEXT_DELETED,
        Event.CERTIFICATE_ISSUED,
        Event.BACKUP_RESTORED,
        Event.CATALOGUE_REBUILT,
        Event.HOLDS_MIRRORED,
        Event.RECORD_HELD,
        Event.RULE_FOLLOWED,
        Event.LOG_CHECKED,
        Event.WEBHOOK_GIVEN_UP,
        Event.LIST_DONE,
        Event.LIST_ANNOUNCED,
        Event.EXPIRY_PAUSED,
    }
)
"""Entries that tell of no use of a role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """When somebody last did something, by event and, where its subject is a record, by that record's class."""

    person_id: PersonId
    event: Event
    class_code: str | None
    at: datetime

    def is_of(self, role: Role, class_code: str) -> bool:
        """Whether it is a use of a role on a class."""
        return self.event in USES[role] and class_code in (ALL_CLASSES, self.class_code)


def checked_days(days: int) -> int:
    """For how many days a review is open. Raises ``InvalidInput``."""
    if not 1 <= days <= DAYS_MAX:
        raise InvalidInput(f"a review is open for 1 to {DAYS_MAX} days", field="days")
    return days
