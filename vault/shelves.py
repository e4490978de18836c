"""The catalogue as the vault sees it: one shelf a noun, all reached through one transaction.

    with catalogue.write() as tx:      # one durable transaction; commits when the block ends, rolls back on an error
        tx.records.add(record)
        tx.audit.append(entry)
    with catalogue.read() as tx:       # a consistent snapshot; writing through it is an error
        ...

Rule 1: when ``write()`` has been left without an error, everything in it is durable.
Rule 2: shelves raise only errors of ``vault.errors``: ``CatalogueUnavailable`` when the database does not answer, is
full or stays locked; ``AlreadyExists`` where a uniqueness rule is broken; ``CatalogueBroken`` where another rule is.
Rule 3: lists page by key. ``after`` is the last key of the page before; a page holds at most ``limit``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from vault.audit import Entry, Event, NumberedEntry
from vault.certificates import Certificate
from vault.customers import Customer
from vault.destruction import Batch, Scope, Targets, TreeState
from vault.disposal import Decision, DisposalItem, DisposalList, ListState, Pause, Signature
from vault.fonds import Extent, Fonds, Rebuild
from vault.holds import Coverage, Matter, MatterRef, MirrorStep, ScopeItem
from vault.ids import (
    BatchId,
    CertificateId,
    CustomerId,
    FondsId,
    IntentId,
    LinkId,
    ListId,
    MatterId,
    ObjectId,
    PauseId,
    PersonId,
    ProcessId,
    RecordId,
    UseId,
)
from vault.links import Link, Use
from vault.objects import Lock
from vault.paper import Paper
from vault.people import Invitation, Person, Session
from vault.records import DescriptionRevision, Intent, IntentState, Record, RecordState, SealedObject, Version
from vault.schedule import RuleVersion
from vault.seal.keytree import LeafAddress
from vault.seal.pages import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter:
    """Which records a list shows; None leaves a column open."""

    class_code: str | None = None
    customer_id: CustomerId | None = None
    state: RecordState | None = None
    hides_restricted: bool = False


class FondsShelf(Protocol):
    def add(self, fonds: Fonds) -> None: ...

    def first(self) -> Fonds | None:
        """The only fonds, until several are supported."""
        ...


class ExtentShelf(Protocol):
    """Extents and the blocks that they are taken from. Both calls take row locks, so that no leaf is issued twice."""

    def issue_leaf(self, fonds_id: FondsId, owner: str) -> tuple[int, int] | None:
        """Takes the next leaf of the owner's newest extent: (extent number, leaf 0..63); None when all are issued."""
        ...

    def add_extent(self, fonds_id: FondsId, owner: str) -> tuple[int, int] | None:
        """Takes the next extent of the newest reserved block for the owner and issues its leaf 0; None when no block
        has an extent left (then reserve one and try again)."""
        ...

    def add_block(self, fonds_id: FondsId, block: int, *, first_extent: int, extent_count: int) -> None:
        """Records a block that was reserved in the store. Raises ``AlreadyExists``."""
        ...

    def newest_block(self, fonds_id: FondsId) -> int | None:
        """The highest block number recorded."""
        ...

    def retire_all(self, fonds_id: FondsId) -> None:
        """No further leaf of any extent, and no extent of any block, is taken: of a catalogue that was restored."""
        ...

    def retire(self, fonds_id: FondsId, number: int, owner: str) -> None:
        """Takes down an extent that was found in use, all leaves of it as issued."""
        ...

    def of_owner(self, fonds_id: FondsId, owner: str) -> Sequence[Extent]: ...


class IntentShelf(Protocol):
    def add(self, intent: Intent) -> None:
        """Raises ``AlreadyExists`` when a live (not aborted) intent has the same ``idempotency_key_hash``."""
        ...

    def get(self, intent_id: IntentId, *, for_update: bool = False) -> Intent | None: ...

    def by_idempotency_key(self, key_hash: bytes) -> Intent | None:
        """The live (not aborted) intent of a key."""
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


class RecordShelf(Protocol):
    def next_number(self, fonds_id: FondsId, year: int) -> str:
        """A file number ``2026-000001``, never given twice."""
        ...

    def next_change(self) -> int:
        """The next change number, above every one before it."""
        ...

    def add(self, record: Record) -> None: ...

    def get(self, record_id: RecordId, *, for_update: bool = False) -> Record | None: ...

    def many(self, record_ids: Sequence[RecordId]) -> Mapping[RecordId, Record]:
        """Records by their ids; those that are not there are left out."""
        ...

    def current(self, record_ids: Sequence[RecordId]) -> Mapping[RecordId, tuple[Version, DescriptionRevision]]:
        """The current version and description of records that have both, by record."""
        ...

    def by_number(self, fonds_id: FondsId, number: str) -> Record | None: ...

    def update(self, record: Record) -> None:
        """Replaces the row of ``record.id``; the database refuses a transition that is not in ``TRANSITIONS``."""
        ...

    def page(
        self, filter: RecordFilter, *, before: tuple[datetime, RecordId] | None = None, limit: int = 50
    ) -> Sequence[Record]:
        """Newest first, by (received_at, id); ``before`` is the key of the last row of the page before."""
        ...

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[Record]:
        """Records whose change number is above ``change``, by change number."""
        ...

    def due(
        self, class_code: str, today: date, *, after: tuple[date, RecordId] | None = None, limit: int = 500
    ) -> Sequence[Record]:
        """Filed records of a class whose period is over on that day, by (due_on, id)."""
        ...

    def behind_rule(
        self, class_code: str, version: int, *, limit: int = 500, for_update: bool = False
    ) -> Sequence[Record]:
        """Filed records of a class whose due date was computed under an earlier version of its rule, in any order.

        ``for_update`` leaves out those that somebody else is just changing.
        """
        ...

    def due_dates(self, class_code: str) -> Sequence[tuple[date | None, date | None, int]]:
        """(trigger date, due date, how many filed records of the class have both), in any order."""
        ...

    def with_dates(
        self, class_code: str, trigger_on: date | None, due_on: date | None, *, limit: int = 10
    ) -> Sequence[Record]:
        """Filed records of a class with exactly these dates, by id."""
        ...

    def count_of_class(self, class_code: str) -> int:
        """How many living records have the class."""
        ...

    def add_version(self, version: Version) -> None: ...

    def version(self, record_id: RecordId, ordinal: int) -> Version | None: ...

    def versions(self, record_id: RecordId) -> Sequence[Version]:
        """All versions of a record, oldest first."""
        ...

    def version_of_object(self, object_id: ObjectId) -> Version | None: ...

    def set_lock(self, record_id: RecordId, ordinal: int, lock: Lock) -> None: ...

    def locks_to_renew(self, *, lapsing_before: datetime, limit: int = 500) -> Sequence[Version]:
        """Versions of ``received`` records, and of filed ones without a due date, whose lock lapses before then."""
        ...

    def locks_to_extend(self, *, limit: int = 500) -> Sequence[tuple[Version, date]]:
        """Versions of filed records whose lock ends before the record's due date, with that date."""
        ...

    def add_description(self, revision: DescriptionRevision) -> None: ...

    def description(self, record_id: RecordId, revision: int) -> DescriptionRevision | None: ...

    def descriptions(self, record_id: RecordId) -> Sequence[DescriptionRevision]: ...

    def all_versions(self) -> Iterator[Version]:
        """Every version of every record that is not destroyed, for comparing with the store."""
        ...

    def count(self) -> int: ...


class CustomerShelf(Protocol):
    def next_number(self, fonds_id: FondsId) -> str:
        """``K-000001``, never given twice."""
        ...

    def add(self, customer: Customer) -> None: ...

    def get(self, customer_id: CustomerId, *, shared: bool = False) -> Customer | None:
        """``shared`` keeps a destruction of the customer waiting until this transaction has ended."""
        ...

    def many(self, customer_ids: Sequence[CustomerId]) -> Mapping[CustomerId, Customer]:
        """Customers by their ids; those that are not there are left out."""
        ...

    def by_number(self, fonds_id: FondsId, number: str) -> Customer | None: ...

    def page(self, *, after: str | None = None, limit: int = 50) -> Sequence[Customer]:
        """By number; ``after`` is the last number of the page before."""
        ...

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[Customer]: ...


class PersonShelf(Protocol):
    def any(self) -> bool: ...

    def add(self, person: Person) -> None:
        """Raises ``AlreadyExists`` when the sign-in name is taken."""
        ...

    def get(self, person_id: PersonId) -> Person | None: ...

    def by_login_index(self, login_index: bytes) -> Person | None: ...

    def all(self) -> Sequence[Person]: ...

    def add_invitation(self, invitation: Invitation) -> None: ...

    def invitation(self, token_sha256: bytes) -> Invitation | None: ...

    def use_invitation(self, token_sha256: bytes, *, now: datetime) -> bool:
        """Marks an unused, unexpired invitation as used; False when it is neither."""
        ...

    def withdraw_invitations(self, *, now: datetime) -> None:
        """Marks every unused invitation as used."""
        ...

    def add_session(self, session: Session) -> None: ...

    def session(self, token_sha256: bytes) -> Session | None: ...

    def touch_session(self, token_sha256: bytes, *, seen_at: datetime) -> None: ...

    def end_session(self, token_sha256: bytes) -> None: ...

    def end_expired_sessions(self, *, now: datetime) -> int: ...


class LinkShelf(Protocol):
    def add(self, link: Link) -> None: ...

    def get(self, link_id: LinkId) -> Link | None: ...

    def page(
        self, *, record_id: RecordId | None = None, before: tuple[datetime, LinkId] | None = None, limit: int = 50
    ) -> Sequence[Link]:
        """Newest first, by (created_at, id)."""
        ...

    def revoke(self, link_id: LinkId, *, now: datetime) -> bool:
        """False when it was revoked before."""
        ...

    def take_use(self, link_id: LinkId, *, now: datetime) -> bool:
        """One more use, atomically: only while not revoked, not expired, and below ``uses_max``."""
        ...

    def add_use(self, use: Use) -> None: ...

    def use(self, token_sha256: bytes) -> Use | None: ...

    def reserve_bytes(self, use_id: UseId, count: int) -> bool:
        """Adds to ``bytes_sent`` unless that would pass ``bytes_max``; False then."""
        ...

    def release_bytes(self, use_id: UseId, count: int) -> None:
        """Gives back what was reserved and provably never left."""
        ...

    def return_use(self, use_id: UseId) -> bool:
        """Gives the use back to its link and ends it, if nothing is reserved under it; False otherwise."""
        ...


class AttemptShelf(Protocol):
    """Counts guesses of secrets, by opaque subject (a keyed digest of link and address, or of a sign-in name)."""

    def add(self, subject: bytes, *, at: datetime) -> None: ...

    def count(self, subject: bytes, *, since: datetime) -> int: ...

    def take_back(self, subject: bytes, *, at: datetime) -> None:
        """Forgets one attempt of that time: it was none."""
        ...

    def forget(self, subject: bytes) -> None: ...

    def forget_before(self, before: datetime) -> None: ...

    def forget_after(self, after: datetime) -> None: ...


class OpeningShelf(Protocol):
    def recent(
        self,
        person_id: PersonId,
        record_id: RecordId,
        ordinal: int,
        purpose: str,
        *,
        since: datetime,
        until: datetime,
    ) -> bool:
        """Whether an opening of this kind is on record between then and then (both included)."""
        ...

    def add(self, person_id: PersonId, record_id: RecordId, ordinal: int, purpose: str, *, at: datetime) -> None: ...


class OutboxShelf(Protocol):
    """Sealed metadata objects that still have to reach the store, oldest first."""

    def add(self, key: str, body: bytes, *, at: datetime) -> None: ...

    def pending(self, *, limit: int = 100) -> Sequence[tuple[int, str, bytes]]:
        """(number, object key, sealed bytes)."""
        ...

    def sent(self, number: int) -> None: ...

    def waiting(self, key: str) -> bytes | None:
        """What waits to be sent under a key; None where nothing does (any more)."""
        ...

    def registered(self) -> int:
        """The newest change number that a register covers."""
        ...

    def register(self, key: str, body: bytes, *, since: int, to: int, at: datetime) -> bool:
        """Adds the register of changes ``since`` to ``to``; False when another one was added meanwhile."""
        ...

    def lag(self) -> tuple[int, datetime | None]:
        """How many wait, and since when the oldest does."""
        ...


class ProcessShelf(Protocol):
    """Processes that may own intents; one that has not been seen for long is dead."""

    def beat(self, process_id: ProcessId, *, description: str, now: datetime, generation: int = 0) -> None:
        """Registers the process, or says that it is alive. ``description`` says where it runs, for liveness checks;
        ``generation`` is the oldest root from which it may have keys."""
        ...

    def behind(self, generation: int) -> Sequence[tuple[ProcessId, str, datetime]]:
        """Those that have not confirmed this generation: (id, description, seen at)."""
        ...

    def all(self) -> Sequence[tuple[ProcessId, str, datetime]]:
        """(id, description, seen at)."""
        ...

    def end(self, process_id: ProcessId) -> None: ...


class JobShelf(Protocol):
    def ran(self, job: str, *, at: datetime, outcome: str) -> None: ...

    def last_runs(self) -> Sequence[tuple[str, datetime, str]]:
        """(job, when it last ran, outcome)."""
        ...


class AuditShelf(Protocol):
    def append(self, entry: Entry) -> int:
        """The entry's number: one above the highest, without gaps. Raises ``InvalidInput`` for what no log takes."""
        ...

    def page(
        self,
        *,
        subject: str | None = None,
        before: int | None = None,
        limit: int = 50,
        actor: str | None = None,
        event: Event | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[NumberedEntry]:
        """Newest first; ``since`` and ``until`` are both included."""
        ...

    def newest(self) -> int:
        """The highest number; 0 when there is no entry."""
        ...

    def between(self, first: int, last: int) -> Sequence[NumberedEntry]:
        """The entries with these numbers (both included) that are there, oldest first.

        Raises ``CatalogueBroken`` when a row is no entry.
        """
        ...

    def take_back(self, entries: Sequence[NumberedEntry]) -> None:
        """Entries that the published log has and this catalogue, which is being restored, has not."""
        ...


class TreeShelf(Protocol):
    """Where each key tree stands, and its pages."""

    def add(self, fonds_id: FondsId, state: TreeState) -> None: ...

    def get(self, fonds_id: FondsId, *, for_update: bool = False) -> TreeState | None:
        """``for_update`` makes batches, and whatever else asks so, follow one another."""
        ...

    def advance(self, fonds_id: FondsId, state: TreeState) -> None:
        """Moves a tree on by one generation, to that of a batch on the shelf. Raises ``Conflict``."""
        ...

    def page(self, fonds_id: FondsId, level: int, number: int) -> bytes | None:
        """The sealed page of a node, or None where it has none."""
        ...

    def pages(self, fonds_id: FondsId) -> Iterator[tuple[Place, bytes]]:
        """Every page, by place."""
        ...

    def pages_of_generation(self, fonds_id: FondsId, generation: int) -> dict[Place, bytes]:
        """The pages that a generation wrote and none has replaced since."""
        ...

    def page_count(self, fonds_id: FondsId) -> int: ...

    def write_pages(
        self, fonds_id: FondsId, generation: int, pages: Mapping[Place, bytes], removed: Iterable[Place]
    ) -> None:
        """What a batch of this generation, which is on the shelf and ``erasing``, does to the pages."""
        ...


class BatchShelf(Protocol):
    """Destruction batches. A record, and a customer, is in one at most."""

    def scope(self, fonds: Fonds, targets: Targets, *, for_update: bool = False) -> Scope:
        """Everything that belongs to the targets. ``for_update`` locks customers, extents and records, in this order.

        Records that a batch has already are among the candidates; what does not exist is left out.
        """
        ...

    def add(self, batch: Batch, *, record_ids: Sequence[RecordId], customer_ids: Iterable[CustomerId]) -> None:
        """Raises ``AlreadyExists`` when the generation, or one of the records or customers, has a batch."""
        ...

    def get(self, batch_id: BatchId) -> Batch | None: ...

    def of_record(self, record_id: RecordId) -> Batch | None: ...

    def page(self, fonds_id: FondsId, *, before: int | None = None, limit: int = 50) -> Sequence[Batch]:
        """Newest first, by generation; ``before`` is the generation of the last one of the page before."""
        ...

    def unfinished(self, fonds_id: FondsId) -> Sequence[Batch]:
        """Batches that are not effective, oldest first."""
        ...

    def records(self, batch_id: BatchId, *, after: int = 0, limit: int = 500) -> Sequence[tuple[int, RecordId]]:
        """(position from 1, record), by position."""
        ...

    def customers(self, batch_id: BatchId) -> Sequence[CustomerId]: ...

    def erase(self, batch: Batch) -> None:
        """Its records and customers -> ``erasing``; no further leaf is issued in the customers' extents.

        Raises ``CatalogueBroken`` when one of them makes no such transition.
        """
        ...

    def promote(self, batch_id: BatchId) -> bool:
        """``erasing`` -> ``promoted``; False when it was not ``erasing``."""
        ...

    def finish(self, batch: Batch, *, at: datetime) -> bool:
        """``promoted`` -> ``effective``, its records and customers -> ``destroyed``; False when it was not."""
        ...

    def ciphertext_due(self, *, now: datetime, after: str = "", limit: int = 200) -> Sequence[RecordId]:
        """Destroyed records whose locks have lapsed and whose sealed bytes may still be in the store, by id."""
        ...

    def objects_of(self, record_id: RecordId) -> Sequence[tuple[ObjectId, str]]:
        """Every object that a record has, or had an upload for: (object id, key)."""
        ...

    def ciphertext_deleted(self, record_id: RecordId, *, at: datetime) -> None: ...


class CertificateShelf(Protocol):
    """Certificates of destruction. A generation of the keys has one at most."""

    def next_number(self, fonds_id: FondsId, year: int) -> str:
        """``C-2026-0001``, never given twice."""
        ...

    def add(self, certificate: Certificate) -> None:
        """Raises ``AlreadyExists`` when its generation has one."""
        ...

    def complete(self, certificate: Certificate) -> bool:
        """Replaces a pending one by the same with the log's proof; False when it is not pending (any more)."""
        ...

    def get(self, certificate_id: CertificateId) -> Certificate | None: ...

    def by_number(self, fonds_id: FondsId, number: str) -> Certificate | None: ...

    def of_batch(self, batch: Batch) -> Certificate | None: ...

    def page(
        self, fonds_id: FondsId, *, before: tuple[datetime, str] | None = None, limit: int = 50
    ) -> Sequence[Certificate]:
        """Newest first, by (issued_at, id); ``before`` is the key of the last one of the page before."""
        ...

    def pending(self, fonds_id: FondsId, *, limit: int = 50) -> Sequence[Certificate]:
        """Those that wait for the log's proof, oldest first."""
        ...

    def due(self, fonds_id: FondsId, *, after: int = 0, limit: int = 50) -> Sequence[Batch]:
        """Effective batches that destroyed something and have none, by generation, from behind ``after``."""
        ...

    def count_due(self, fonds_id: FondsId) -> int:
        """How many ``due`` would give without a limit."""
        ...

    def keep_titles(self, fonds_id: FondsId, leaf: LeafAddress, sealed: Mapping[RecordId, bytes]) -> None:
        """Titles of records that are being destroyed, sealed under the register's leaf."""
        ...

    def titles(self, record_ids: Sequence[RecordId]) -> Mapping[RecordId, tuple[LeafAddress, bytes]]:
        """What ``keep_titles`` kept, by record."""
        ...


class PaperShelf(Protocol):
    """Paper originals. A record has one at most."""

    def add(self, paper: Paper) -> None:
        """Raises ``AlreadyExists`` when its record has one."""
        ...

    def update(self, paper: Paper) -> None:
        """Replaces what of it may change; the database refuses any change of one that was destroyed."""
        ...

    def of_record(self, record_id: RecordId) -> Paper | None: ...

    def of_records(self, record_ids: Sequence[RecordId]) -> Mapping[RecordId, Paper]:
        """By record; those without paper are left out."""
        ...

    def in_box(self, fonds_id: FondsId, box: str, *, after: str = "", limit: int = 500) -> Sequence[Paper]:
        """What is, or was, in a box, by id."""
        ...


class HoldShelf(Protocol):
    """Matters and what they hold. A matter holds until it is released."""

    def next_number(self, fonds_id: FondsId, year: int) -> str:
        """``H-2026-0001``, never given twice."""
        ...

    def add(self, matter: Matter) -> None: ...

    def update(self, matter: Matter) -> None:
        """Replaces what of a matter may change; the database refuses one person for both steps of a release."""
        ...

    def get(self, matter_id: MatterId, *, for_update: bool = False) -> Matter | None: ...

    def by_number(self, fonds_id: FondsId, number: str) -> Matter | None: ...

    def page(self, fonds_id: FondsId, *, before: str | None = None, limit: int = 50) -> Sequence[Matter]:
        """Newest first, by number; ``before`` is the number of the last one of the page before."""
        ...

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[Matter]: ...

    def add_items(self, items: Iterable[ScopeItem]) -> None:
        """Adds to scopes; what a matter names already stays as it is."""
        ...

    def scope_of(
        self, matter_id: MatterId, *, after: tuple[str, str] | None = None, limit: int = 500
    ) -> Sequence[ScopeItem]:
        """By (kind, subject); ``after`` is the key of the last one of the page before."""
        ...

    def items_between(self, since: int, to: int) -> Sequence[ScopeItem]:
        """What was added to any scope after change number ``since``, up to ``to``."""
        ...

    def of_records(self, record_ids: Iterable[RecordId]) -> Mapping[RecordId, Sequence[MatterRef]]:
        """The matters that hold these records, by number; records that nothing holds are left out."""
        ...

    def of_customers(self, customer_ids: Iterable[CustomerId]) -> Mapping[CustomerId, Sequence[MatterRef]]:
        """The matters that name these customers, in the same way."""
        ...

    def queries_in_force(self, fonds_id: FondsId) -> Sequence[tuple[Matter, ScopeItem]]:
        """The queries of matters that hold, by number."""
        ...

    def coverage(self, matter_id: MatterId) -> Coverage:
        """What is in a matter's scope, counted."""
        ...

    def to_mirror(self, *, limit: int = 10_000) -> Sequence[MirrorStep]:
        """Versions whose legal hold in the store is not what it should be; those that are to be held first."""
        ...

    def mirror_lag(self) -> int:
        """How many versions ``to_mirror`` would give without a limit."""
        ...

    def mirrored(self, steps: Sequence[MirrorStep]) -> None:
        """Keeps what the store confirmed; where somebody else kept something meanwhile, it is not known any more."""
        ...

    def doubt_mirror(self) -> None:
        """No legal hold in the store counts as confirmed: of a catalogue, or a store, that was restored."""
        ...


class RebuildShelf(Protocol):
    """Catalogues made again from the store: until two people have confirmed the holds, nothing is destroyed."""

    def add(self, fonds_id: FondsId, *, at: datetime) -> None: ...

    def unconfirmed(self, fonds_id: FondsId, *, for_update: bool = False) -> Rebuild | None:
        """The oldest one whose holds are not confirmed by two people."""
        ...

    def confirm(self, rebuild: Rebuild) -> None:
        """Keeps who confirmed. The database refuses the same person twice."""
        ...


class ScheduleShelf(Protocol):
    """Versions of rules. One of a class governs (in force, or retired), and one proposal of it waits, at most."""

    def add(self, rule: RuleVersion) -> None:
        """Raises ``AlreadyExists`` when the class has a proposal that waits, or this version."""
        ...

    def rule(self, code: str, *, for_update: bool = False) -> RuleVersion | None:
        """The version that governs a class. Cheap: it is asked for each file that comes in."""
        ...

    def governing(self) -> Sequence[RuleVersion]:
        """Every version that governs, by code; of a retired class, too."""
        ...

    def in_force(self) -> Sequence[RuleVersion]:
        """Every version that new records may take, by code."""
        ...

    def proposal(self, code: str, *, for_update: bool = False) -> RuleVersion | None: ...

    def proposals(self) -> Sequence[RuleVersion]:
        """What waits, by code."""
        ...

    def versions(self, code: str) -> Sequence[RuleVersion]:
        """Newest first."""
        ...

    def newest(self, code: str) -> int:
        """The highest version number of a class; 0 when it has none."""
        ...

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[RuleVersion]: ...

    def decide(self, rule: RuleVersion) -> None:
        """Keeps where a version stands and who decided. The database refuses its proposer as its approver."""
        ...


class DisposalShelf(Protocol):
    """Disposal lists, what stands on them, and who signed. A record stands on one open list at most."""

    def next_number(self, fonds_id: FondsId, year: int) -> str:
        """``D-2026-0001``, never given twice."""
        ...

    def add(self, disposal: DisposalList) -> None:
        """A list begins as proposed."""
        ...

    def update(self, disposal: DisposalList) -> None:
        """Replaces what of a list may change; the database refuses a step that not all have signed for."""
        ...

    def get(self, list_id: ListId, *, for_update: bool = False) -> DisposalList | None: ...

    def by_number(self, fonds_id: FondsId, number: str) -> DisposalList | None: ...

    def page(
        self, fonds_id: FondsId, *, state: ListState | None = None, before: str | None = None, limit: int = 50
    ) -> Sequence[DisposalList]:
        """Newest first, by number; ``before`` is the number of the last one of the page before."""
        ...

    def automatic_open(self, fonds_id: FondsId) -> Sequence[DisposalList]:
        """Automatic lists that wait for their execution, by number."""
        ...

    def of_batch(self, batch_id: BatchId) -> DisposalList | None:
        """The list that a destruction carried out."""
        ...

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[DisposalList]: ...

    def add_items(self, items: Iterable[DisposalItem]) -> None:
        """Raises ``AlreadyExists`` when one of the records stands on an open list."""
        ...

    def update_item(self, item: DisposalItem) -> None: ...

    def close_items(self, list_id: ListId, *, change: int) -> None:
        """None of its records stands on the list any more: it is done or cancelled."""
        ...

    def items(self, list_id: ListId, *, after: str = "", limit: int = 1000) -> Sequence[DisposalItem]:
        """By record id; ``after`` is that of the last one of the page before."""
        ...

    def item(self, list_id: ListId, record_id: RecordId) -> DisposalItem | None: ...

    def of_record(self, record_id: RecordId) -> Sequence[DisposalItem]:
        """What was decided on a record, newest first."""
        ...

    def counts(self, list_id: ListId) -> Mapping[Decision, int]: ...

    def items_between(self, since: int, to: int) -> Sequence[DisposalItem]:
        """What changed after change number ``since``, up to ``to``."""
        ...

    def extended(self, record_ids: Iterable[RecordId]) -> Mapping[RecordId, date]:
        """The day until which reviewers extended these records; those that were not are left out."""
        ...

    def to_list(
        self,
        class_code: str,
        *,
        due_by: date,
        today: date,
        after: tuple[date, RecordId] | None = None,
        limit: int = 1000,
    ) -> Sequence[Record]:
        """Filed records of a class that are due by then, stand on no open list, and that no decision leaves alone
        today, by (due_on, id)."""
        ...

    def sign(self, signature: Signature) -> None:
        """Raises ``AlreadyExists`` when this person, or somebody else in this part and step, has signed."""
        ...

    def signatures(self, list_id: ListId) -> Sequence[Signature]:
        """In the order of signing."""
        ...

    def signatures_between(self, since: int, to: int) -> Sequence[Signature]: ...


class PauseShelf(Protocol):
    """Where automatic destruction stands."""

    def add(self, pause: Pause) -> None:
        """Raises ``AlreadyExists`` when one is open."""
        ...

    def open(self, fonds_id: FondsId, *, for_update: bool = False) -> Pause | None: ...

    def newest(self, fonds_id: FondsId) -> Pause | None: ...

    def resume(self, pause_id: PauseId, *, by: PersonId, at: datetime) -> bool:
        """False when it was resumed already."""
        ...

    def ran(self, fonds_id: FondsId, *, at: datetime) -> None:
        """Keeps when it last ran, by the clock of this machine."""
        ...

    def last_run(self, fonds_id: FondsId) -> datetime | None: ...

    def taken_since(self, fonds_id: FondsId, *, since: datetime) -> int:
        """How many records automatic lists took after then."""
        ...

    def living(self, fonds_id: FondsId) -> int:
        """How many records are neither destroyed nor about to be."""
        ...


class Transaction(Protocol):
    """All shelves of one transaction."""

    @property
    def fonds(self) -> FondsShelf: ...
    @property
    def extents(self) -> ExtentShelf: ...
    @property
    def intents(self) -> IntentShelf: ...
    @property
    def records(self) -> RecordShelf: ...
    @property
    def customers(self) -> CustomerShelf: ...
    @property
    def people(self) -> PersonShelf: ...
    @property
    def links(self) -> LinkShelf: ...
    @property
    def attempts(self) -> AttemptShelf: ...
    @property
    def openings(self) -> OpeningShelf: ...
    @property
    def outbox(self) -> OutboxShelf: ...
    @property
    def processes(self) -> ProcessShelf: ...
    @property
    def jobs(self) -> JobShelf: ...
    @property
    def audit(self) -> AuditShelf: ...
    @property
    def rebuilds(self) -> RebuildShelf: ...
    @property
    def trees(self) -> TreeShelf: ...
    @property
    def batches(self) -> BatchShelf: ...
    @property
    def holds(self) -> HoldShelf: ...
    @property
    def certificates(self) -> CertificateShelf: ...
    @property
    def papers(self) -> PaperShelf: ...
    @property
    def schedules(self) -> ScheduleShelf: ...
    @property
    def disposals(self) -> DisposalShelf: ...
    @property
    def pauses(self) -> PauseShelf: ...


class Catalogue(Protocol):
    """The database. Every method may be called from any thread."""

    def write(self) -> AbstractContextManager[Transaction]:
        """One durable transaction (rule 1)."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """One consistent snapshot."""
        ...
