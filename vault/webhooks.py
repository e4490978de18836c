"""Webhooks: an address outside that is told, signed, when something happens. Messages follow Standard Webhooks.

    waiting -> sent            the receiver answered 2xx
            -> given-up        it did not for three days, or the webhook was ended

Rule 1: a message holds opaque ids, a code and a time; never who did it, and nothing of what is sealed.
Rule 2: the catalogue is the queue: a message is sent at least once, and again under the same id, which the receiver
drops if it knows it.
Rule 3: address and secret are sealed; the secret is shown once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from vault.audit import Event
from vault.errors import InvalidInput
from vault.ids import DeliveryId, PersonId, WebhookId
from vault.seal.canonical import canonical_json

WEBHOOKS_MAX: Final = 50
SECRET_BYTES: Final = 32
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # what they begin with
RETRY_AFTER: Final = tuple(timedelta(seconds=each) for each in (10, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600))
"""How long after each failed try in a row the next one comes; the last of them counts for all that follow."""
GIVEN_UP_AFTER: Final = timedelta(days=3)
"""How long a message waits: the first try that fails after that is its last."""
KEPT: Final = timedelta(days=30)
"""How long what came of a message is kept."""
TEST: Final = "test"

EVENTS: Final = frozenset(
    {
        Event.RECORD_RECEIVED,
        Event.RECORD_CORRECTED,
        Event.RECORD_FILED,
        Event.RECORD_OPENED,
        Event.RECORD_EXPORTED,
        Event.RECORD_RESTRICTED,
        Event.RESTRICTION_LIFTED,
        Event.CUSTOMER_ADDED,
        Event.LINK_MADE,
        Event.LINK_REVOKED,
        Event.LINK_USED,
        Event.HOLD_PLACED,
        Event.HOLD_SCOPE_ADDED,
        Event.HOLD_RELEASED,
        Event.RULE_PROPOSED,
        Event.RULE_APPROVED,
        Event.LIST_PROPOSED,
        Event.LIST_APPROVED,
        Event.LIST_ANNOUNCED,
        Event.LIST_EXECUTED,
        Event.LIST_CANCELLED,
        Event.EXPIRY_PAUSED,
        Event.DESTRUCTION_BEGUN,
        Event.DESTRUCTION_EFFECTIVE,
        Event.CERTIFICATE_ISSUED,
        Event.CIPHERTEXT_DELETED,
        Event.BACKUP_TAKEN,
        Event.DRILL_RUN,
        Event.LOCK_PROVED,
        Event.LOG_CHECKED,
        Event.LOG_KEY_CHANGED,
    }
)
"""What may be told outside: the life of records and of the vault. Who signed in or was refused is the log's alone."""


class DeliveryState(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One subscription. ``sealed`` opens to address and secret; what the log told up to ``queued_to`` is queued.

    ``failures`` are tries in a row that failed, whichever messages they were of.
    """

    id: WebhookId
    sealed: bytes
    events: frozenset[Event]
    created_by: PersonId
    created_at: datetime
    ended_at: datetime | None
    queued_to: int
    rests_until: datetime | None
    failures: int

    @property
    def is_live(self) -> bool:
        """Whether it is still told anything."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message. ``number`` is the log's entry, None for a test; ``failure`` a code, ``status`` the last answer's.

    It waits since it was queued, or sent again by hand.
    """

    id: DeliveryId
    webhook_id: WebhookId
    number: int | None
    event: str
    subject: str
    at: datetime
    state: DeliveryState
    tries: int
    next_try_at: datetime
    waits_since: datetime
    status: int | None = None
    failure: str | None = None
    ended_at: datetime | None = None

    @property
    def message_id(self) -> str:
        """The same at each try, and after a restore, which may give the entry's number to another one: not the same."""
        told = f"{self.number}\n{self.event}\n{self.subject}\n{self.at.astimezone(UTC).isoformat()}"
        which = hashlib.sha256(told.encode()).hexdigest()[:8]
        return f"msg_{self.webhook_id}_{self.id if self.number is None else f'{self.number}_{which}'}"

    def payload(self, vault_id: str) -> bytes:
        """The body of the message, the same at each try."""
        return canonical_json(
            {
                "data": {"number": self.number, "subject": self.subject, "vault": vault_id},
                "timestamp": self.at.isoformat(),
                "type": self.event,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSending:
    """How messages leave.

    ``check`` gives an address as it is kept; raises ``InvalidInput`` for one that is none, or is not to be reached.
    ``send`` posts a body and gives the status of the answer; raises ``InvalidInput`` for an address that is not to be
    reached any more, ``ReceiverUnavailable`` when nobody answers there.
    """

    check: Callable[[str], str]
    send: Callable[[str, Mapping[str, str], bytes], int]


def pause_after(failures: int) -> timedelta:
    """How long one waits after a failed try, where so many had failed before it."""
    return RETRY_AFTER[min(failures, len(RETRY_AFTER) - 1)]


def signed_headers(message_id: str, body: bytes, secret: str, *, at: datetime) -> dict[str, str]:
    """The headers of a message: HMAC-SHA256 over id, time and body (Standard Webhooks, symmetric signature v1)."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    timestamp = str(int(at.timestamp()))
    signature = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode('ascii')}",
    }


def checked_events(names: frozenset[str]) -> frozenset[Event]:
    """Events by their codes. Raises ``InvalidInput``."""
    chosen = frozenset(each for each in EVENTS if each.value in names)
    if len(chosen) != len(names):
        raise InvalidInput("there is no such event; choose of those that are offered", field="events")
    if not chosen:
        raise InvalidInput("a webhook is for one event at least; choose what it is told", field="events")
    return chosen
