"""What the store remembers, with the keys that open it; and what a recollection has taken in of it so far.

Rule 1: what cannot be opened is dead (its key was destroyed) or damaged; only the latter is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from storage.layout import META_PREFIX
from vault.errors import KeyDestroyed, ObjectMissing, SealBroken
from vault.fonds import HOUSE_OWNER
from vault.ids import RecordId
from vault.objects import Lock, ObjectFacts
from vault.ports import Layout, LeafKeySource, ObjectStore, Randomness
from vault.records import Record, RecordState
from vault.seal.fields import open_fields, seal_fields_with
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows.locks import receipt_lock
from vault.workflows.register import Register, open_register, split_body, subject_of

Progress = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Recollected:
    """What was taken in. ``renumbered`` records were in no register: they have new numbers. ``numbers`` are taken by
    records that are still to come; ``touched`` records have a new change number, and may have been filed before it.
    ``unnamed_customers`` and ``unnamed_objects`` died before any register told of them: their numbers died with them,
    and nobody may be given one of those."""

    records: int = 0
    customers: int = 0
    from_objects: int = 0
    renumbered: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    touched: set[RecordId] = field(default_factory=set)
    newest_change: int = 0
    registered: int = 0
    matters: int = 0
    unnamed_customers: set[str] = field(default_factory=set)
    unnamed_objects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The store with the keys that open what it remembers."""

    store: ObjectStore
    layout: Layout
    keys: LeafKeySource
    tree_id: bytes
    randomness: Randomness
    now: datetime
    progress: Progress = lambda text: None

    def registers(self) -> Iterator[int]:
        """Where each register ends, in order."""
        folder = f"{META_PREFIX}{subject_of(self.tree_id)}/"
        return iter(sorted(int(each.key.removeprefix(folder)) for each in self.store.versions(folder)))

    def register(self, to: int) -> Register:
        """One register. Raises ``SealBroken``, ``ObjectMissing``, ``StoreUnavailable``."""
        body = self._whole(self.layout.meta(subject_of(self.tree_id), f"{to:012d}"))
        return open_register(self.keys, body, tree_id=self.tree_id, to=to)

    def sent_after(self, change: int) -> Iterator[tuple[int, str, str, str]]:
        """What the outbox sent since: (change, field set, subject, key)."""
        for each in self.store.versions(META_PREFIX):
            subject, _, name = each.key.removeprefix(META_PREFIX).partition("/")
            number, _, field_set = name.partition("-")
            if number.isdigit() and field_set and int(number) > change:
                yield int(number), field_set, subject, each.key

    def all_sent(self, field_set: str) -> Iterator[tuple[int, str, str]]:
        """Everything of a kind that no register has, oldest first: (change, subject, key)."""
        sent = (each for each in self.sent_after(0) if each[1] == field_set)
        yield from sorted((change, subject, key) for change, _, subject, key in sent)

    def sent(self, key: str, subject: str, field_set: str, change: int) -> tuple[LeafAddress, dict[str, Any]]:
        """What one of them says, and the leaf that it is sealed under."""
        leaf, sealed = split_body(self._whole(key))
        return leaf, self.open(leaf, sealed, subject=subject, field_set=f"outbox-{field_set}", revision=change)

    def open(self, leaf: LeafAddress, sealed: bytes, *, subject: str, field_set: str, revision: int) -> dict[str, Any]:
        """Sealed fields. Raises ``KeyDestroyed``, ``SealBroken``."""
        key = self.keys.leaf_keys(leaf).metadata_key
        return open_fields(key, sealed, subject_id=subject, field_set=field_set, revision=revision)

    def seal(self, leaf: LeafAddress, values: Any, *, subject: str, field_set: str, revision: int) -> bytes:
        """Seals fields anew, as the catalogue keeps them."""
        return seal_fields_with(
            self.randomness.token_bytes,
            self.keys.leaf_keys(leaf).metadata_key,
            values,
            subject_id=subject,
            field_set=field_set,
            revision=revision,
        )

    def _whole(self, key: str) -> bytes:
        facts = self.store.head(key)
        if facts is None:
            raise ObjectMissing(f"{key} is not in the store; put it back from a backup")
        with self.store.read(key, facts.version_id) as chunks:
            return b"".join(chunks)


@contextmanager
def naming_damage(told: Recollected, key: str) -> Iterator[None]:
    """What is sealed under a dead leaf is passed over; what is damaged is named."""
    try:
        yield
    except KeyDestroyed:
        return
    except (SealBroken, ObjectMissing, KeyError, ValueError):
        told.damaged.append(key)


ALIVE: Final = frozenset({RecordState.RECEIVED, RecordState.FILED})


def lock_of(facts: ObjectFacts, now: datetime) -> Lock:
    """An object's lock, or that of a receipt where the store tells of none."""
    return facts.lock if facts.lock is not None else receipt_lock(now)


def retire_leaf(tx: Transaction, record: Record, leaf: LeafAddress) -> None:
    """Takes a leaf's extent down as in use, all of it as issued."""
    tx.extents.retire(record.fonds_id, leaf.extent, record.customer_id or HOUSE_OWNER)
