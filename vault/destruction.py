"""Destruction: what is to die, whether it may, and the batch that carries it out (DESIGN 5).

Rule 1: a batch goes ``erasing`` (committed: there is no way back) -> ``promoted`` (its key pages are in the object
store and its root is in force) -> ``effective`` (no keeper and no process has an older root any more).
Rule 2: ``require_destroyable`` is the one place that says whether a record may die. It asks the verdict
(``vault/disposition.py``): periods, holds and approvals. The lock of the bytes in the store does not decide about keys.
Rule 3: what stays of a record is its stub: number, class, dates and the batch. Its ciphertext stays until its lock
lapses, and opens with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from vault.classes import RecordClass
from vault.customers import Customer, CustomerState
from vault.disposition import Approval, Standing, Verdict, explain, verdict
from vault.errors import Conflict, NotDue
from vault.holds import MatterRef, require_unheld
from vault.ids import BatchId, CustomerId, FondsId, PersonId, RecordId
from vault.records import Record, RecordState
from vault.schedule import ungoverned
from vault.seal.destruction import Doomed
from vault.seal.increments import ChainHead, Increment
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

    @classmethod
    def after(cls, increment: Increment) -> TreeState:
        """Where a tree stands once an increment is written."""
        return cls(
            tree_id=increment.tree_id,
            generation=increment.generation,
            attempt=increment.attempt,
            digest=increment.digest,
        )

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
    effective_at: datetime | None = None

    @classmethod
    def begun(
        cls,
        increment: Increment,
        *,
        id: BatchId,
        fonds_id: FondsId,
        by: PersonId,
        alone: bool,
        record_count: int,
        customer_count: int,
        at: datetime,
    ) -> Batch:
        """The batch that an increment carries out, as it is committed."""
        return cls(
            id=id,
            fonds_id=fonds_id,
            generation=increment.generation,
            attempt=increment.attempt,
            digest=increment.digest,
            predecessor=increment.predecessor,
            removed=increment.removed,
            state=BatchState.ERASING,
            requested_by=by,
            alone=alone,
            record_count=record_count,
            customer_count=customer_count,
            created_at=at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What somebody wants destroyed: records, and customers with everything that is theirs."""

    records: frozenset[RecordId] = frozenset()
    customers: frozenset[CustomerId] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.records or self.customers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A record that may have to die, with what decides whether it may. ``locked_until`` is its versions' latest.

    ``matters`` are those that hold it, read in the same transaction.
    """

    record: Record
    version_count: int
    size_bytes: int
    sealed_size_bytes: int
    locked_until: datetime
    link_count: int
    has_open_intent: bool
    matters: Sequence[MatterRef] = ()

    @property
    def is_dead(self) -> bool:
        """Whether a batch has it already."""
        return self.record.state in (RecordState.ERASING, RecordState.DESTROYED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything that a batch would destroy, as the catalogue has it in one moment.

    ``strangers`` are file numbers of living records of others in these customers' extents; ``busy_customers`` have a
    file that is just coming in; ``customer_matters`` name these customers; ``rules`` govern the candidates' classes.
    """

    candidates: Sequence[Candidate]
    customers: Sequence[Customer]
    doomed: Doomed
    strangers: Sequence[str]
    busy_customers: AbstractSet[CustomerId]
    customer_matters: Mapping[CustomerId, Sequence[MatterRef]] = field(default_factory=lambda: MappingProxyType({}))
    rules: Mapping[str, RecordClass] = field(default_factory=lambda: MappingProxyType({}))


def verdict_on(
    candidate: Candidate, rule: RecordClass | None, *, now: datetime, approval: Approval | None = None
) -> Verdict:
    """What may happen to a candidate. ``rule`` governs its class; one that none governs is kept."""
    record = candidate.record
    return verdict(record, rule or ungoverned(record.class_code), candidate.matters, now, approval=approval)


def require_destroyable(
    candidate: Candidate, rule: RecordClass | None, *, now: datetime, approval: Approval | None = None
) -> None:
    """Raises ``Conflict`` (destroyed already, held, a file for it is just coming in), ``NotDue`` saying what keeps it.

    ``rule`` governs its class; one that none governs is kept.
    """
    record = candidate.record
    if candidate.is_dead:
        raise Conflict(f"record {record.number} is {record.state.value} already; leave it out")
    if candidate.has_open_intent:
        raise Conflict(f"a file for record {record.number} is just being received; wait until it is done, or settled")
    found = verdict_on(candidate, rule, now=now, approval=approval)
    if found.standing is Standing.HELD:
        require_unheld(f"record {record.number}", candidate.matters)
    if not found.may_destroy:
        raise NotDue(f"record {record.number} may not be destroyed: {explain(found.reasons[0])}")


def require_living(customer: Customer) -> None:
    """Raises ``Conflict`` for a customer whom a batch has already."""
    if customer.state is not CustomerState.LIVE:
        raise Conflict(f"customer {customer.number} is {customer.state.value}; nothing can be kept for them any more")
