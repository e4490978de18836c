"""The shelf of records, their versions and descriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from vault.ids import CustomerId, FondsId, ObjectId, RecordId
from vault.objects import Lock
from vault.records import DescriptionRevision, Record, RecordState, Version
from vault.seal.keytree import LeafAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter:
    """Which records a list shows; None leaves a column open.

    ``classes`` are those that exist for whoever looks, ``restricted_in`` those of which they see what may only be
    stored; None is every class.
    """

    class_code: str | None = None
    customer_id: CustomerId | None = None
    state: RecordState | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None
    classes: frozenset[str] | None = None
    restricted_in: frozenset[str] | None = None


class Described(NamedTuple):
    """A record with what is said of it now, sealed, None where nothing is any more.

    A tuple, because the search index reads all of them.
    """

    record_id: RecordId
    number: str
    class_code: str
    customer_id: CustomerId | None
    state: RecordState
    received_at: datetime
    change: int
    ordinal: int
    revision: int
    restricted: bool
    sealed_content: bytes | None
    content_leaf: LeafAddress | None
    sealed: bytes | None
    leaf: LeafAddress | None
    trigger_on: date | None
    filed_at: datetime | None


class RecordShelf(Protocol):
    def next_number(self, fonds_id: FondsId, year: int) -> str:
        """A file number ``2026-000001``, never given twice."""
        ...

    def next_number_and_change(self, fonds_id: FondsId, year: int) -> tuple[str, int]:
        """``next_number`` and ``next_change`` in one step."""
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

    def listed(self, record_ids: Sequence[RecordId], classes: frozenset[str] | None) -> Sequence[RecordId]:
        """Those of these records that have one of the classes and may be more than stored, in the same order."""
        ...

    def page(
        self, filter: RecordFilter, *, before: tuple[datetime, RecordId] | None = None, limit: int = 50
    ) -> Sequence[Record]:
        """Newest first, by (received_at, id); ``before`` is the key of the last row of the page before."""
        ...

    def changed_since(self, change: int, *, limit: int = 500) -> Sequence[Record]:
        """Records whose change number is above ``change``, by change number."""
        ...

    def newest_change(self) -> int:
        """The highest change number that a record has; 0 where there are none."""
        ...

    def described_since(self, change: int, *, limit: int) -> Sequence[Described]:
        """Records whose change number is above ``change``, by change number, whatever their state."""
        ...

    def described_before(self, before: tuple[datetime, RecordId] | None, *, limit: int) -> Sequence[Described]:
        """Records newest first, by (received_at, id), behind ``before``, whatever their state."""
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
        self,
        class_code: str,
        trigger_on: date | None,
        due_on: date | None,
        *,
        after: str = "",
        limit: int = 10,
    ) -> Sequence[Record]:
        """Filed records of a class with exactly these dates, by id, behind ``after``."""
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

    def locks_to_extend(self, *, after: tuple[str, int] = ("", 0), limit: int = 500) -> Sequence[tuple[Version, date]]:
        """Versions of filed records whose lock ends before the record's due date, with that date, by (record, ordinal).

        Some of them stay here: what people keep longer than a statute's floor is locked anew from time to time only.
        """
        ...

    def add_description(self, revision: DescriptionRevision) -> None: ...

    def description(self, record_id: RecordId, revision: int) -> DescriptionRevision | None: ...

    def descriptions(self, record_id: RecordId) -> Sequence[DescriptionRevision]: ...

    def all_versions(self) -> Iterator[Version]:
        """Every version of every record that is not destroyed, for comparing with the store."""
        ...

    def count(self) -> int: ...
