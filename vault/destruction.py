"""Destruction: what is to die, whether it may, and the batch that carries it out (DESIGN 5).

Rule 1: a batch goes ``erasing`` (committed: there is no way back) -> ``promoted`` (its key pages are in the object
store and its root is in force) -> ``effective`` (no keeper and no process has an older root any more).
Rule 2: ``require_destroyable`` is the one place that says whether a record may die; whatever is to forbid it later
(holds, periods, approvals) is asked there.
Rule 3: what stays of a record is its stub: number, class, dates and the batch. Its ciphertext stays until its lock
lapses, and opens with nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from vault.customers import Customer, CustomerState
from vault.errors import Conflict, StillLocked
from vault.ids import BatchId, CustomerId, FondsId, PersonId, RecordId
from vault.records import Record, RecordState
from vault.seal.destruction import Doomed
from vault.seal.increments import ChainHead
from vault.seal.pages import Place

UNKNOWN_ATTEMPT = bytes(16)
"""Stands for the attempt of a tree's first root where the catalogue never learnt it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeState:
    """Where the key tree of a fonds stands: its generation, the attempt that made it, its last increment's digest."""

    tree_id: bytes
    generation: int
    attempt: bytes
    digest: bytes

    @classmethod
    def first(cls, tree_id: bytes, attempt: bytes) -> TreeState:
        """A tree that never destroyed anything."""
        head = ChainHead.first(tree_id)
        return cls(tree_id=tree_id, generation=head.generation, attempt=attempt, digest=head.digest)

    @property
    def head(self) -> ChainHead:
        """The head of its chain of increments."""
        return ChainHead(tree_id=self.tree_id, generation=self.generation, digest=self.digest)


class BatchState(StrEnum):
    """Where a batch is (rule 1)."""

    ERASING = "erasing"
    PROMOTED = "promoted"
    EFFECTIVE = "effective"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One destruction batch. ``generation``, ``attempt``, ``digest`` and ``predecessor`` are its increment's.

    ``alone`` says that one person ordered it without a second one's approval.
    """

    id: BatchId
    fonds_id: FondsId
    generation: int
    attempt: bytes
    digest: bytes
    predecessor: bytes
    removed: frozenset[Place] = field(repr=False)
    state: BatchState
    requested_by: PersonId
    alone: bool
    record_count: int
    customer_count: int
    created_at: datetime
    effective_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What somebody wants destroyed: records, and customers with everything that is theirs."""

    records: frozenset[RecordId] = frozenset()
    customers: frozenset[CustomerId] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.records or self.customers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A record that may have to die, with what decides whether it may. ``locked_until`` is its versions' latest."""

    record: Record
    version_count: int
    size_bytes: int
    sealed_size_bytes: int
    locked_until: datetime
    link_count: int
    has_open_intent: bool

    @property
    def is_dead(self) -> bool:
        """Whether a batch has it already."""
        return self.record.state in (RecordState.ERASING, RecordState.DESTROYED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything that a batch would destroy, as the catalogue has it in one moment.

    ``strangers`` are file numbers of living records of others in these customers' extents; ``busy_customers`` have a
    file that is just coming in.
    """

    candidates: Sequence[Candidate]
    customers: Sequence[Customer]
    doomed: Doomed
    strangers: Sequence[str]
    busy_customers: AbstractSet[CustomerId]


def require_destroyable(candidate: Candidate, *, now: datetime) -> None:
    """Raises ``Conflict`` (destroyed already, or a file for it is just coming in), ``StillLocked`` naming the date."""
    record = candidate.record
    if candidate.is_dead:
        raise Conflict(f"record {record.number} is {record.state.value} already; leave it out")
    if candidate.has_open_intent:
        raise Conflict(f"a file for record {record.number} is just being received; wait until it is done, or settled")
    if candidate.locked_until > now:
        raise StillLocked(
            f"record {record.number} is locked until {candidate.locked_until.date().isoformat()}; "
            "destroy it from that day on"
        )


def require_living(customer: Customer) -> None:
    """Raises ``Conflict`` for a customer whom a batch has already."""
    if customer.state is not CustomerState.LIVE:
        raise Conflict(f"customer {customer.number} is {customer.state.value}; nothing can be kept for them any more")
