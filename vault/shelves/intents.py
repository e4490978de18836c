"""The shelf of intents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vault.ids import FondsId, IntentId, ObjectId
from vault.records import Intent, IntentState, SealedObject
from vault.seal.keytree import LeafAddress


class IntentShelf(Protocol):
    def add(self, intent: Intent) -> None:
        """Raises ``AlreadyExists`` when a live (not aborted) intent has the same ``idempotency_key_hash``."""
        ...

    def get(self, intent_id: IntentId, *, for_update: bool = False) -> Intent | None: ...

    def by_idempotency_key(self, key_hash: bytes) -> Intent | None:
        """The live (not aborted) intent of a key."""
        ...

    def has_leaf(self, fonds_id: FondsId, leaf: LeafAddress) -> bool:
        """Whether an intent, settled or not, has this leaf: it is no other one's then."""
        ...

    def set_upload(self, intent_id: IntentId, upload_id: str) -> None: ...

    def seal(self, intent_id: IntentId, *, object: SealedObject, sealed_content: bytes) -> None:
        """``open`` -> ``sealed``, with final sizes, digests and content facts. Raises ``Conflict`` in another state."""
        ...

    def commit(self, intent_id: IntentId) -> bool:
        """``sealed`` -> ``committed``; False, and nothing changed, when it is in another state or not there."""
        ...

    def settle(self, intent_id: IntentId, state: IntentState) -> None:
        """-> ``committed`` or ``aborted``. Raises ``Conflict`` when it is settled already."""
        ...

    def unsettled(self, *, limit: int = 1000) -> Sequence[Intent]:
        """Intents neither committed nor aborted, oldest first."""
        ...

    def aborted_keys(self, *, since: datetime) -> Sequence[tuple[IntentId, str]]:
        """Object keys of intents created since then that were aborted: an object may still land there late."""
        ...

    def given_up(self, *, now: datetime, after: str = "", limit: int = 200) -> Sequence[tuple[IntentId, ObjectId, str]]:
        """Aborted intents behind one of them whose locks have lapsed, with object and key; none that were cleared."""
        ...

    def cleared(self, intent_id: IntentId, *, at: datetime) -> None:
        """Nothing of it is left in the store. Raises ``AlreadyExists`` when that is known."""
        ...
