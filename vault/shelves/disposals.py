"""The shelf of disposal lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from vault.disposal import Decision, DisposalItem, DisposalList, ListState, Signature
from vault.ids import BatchId, FondsId, ListId, RecordId
from vault.records import Record


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
        self,
        fonds_id: FondsId,
        *,
        state: ListState | None = None,
        classes: frozenset[str] | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[DisposalList]:
        """Newest first, by number; ``before`` is the number of the last one of the page before, ``classes`` None is
        every class."""
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

    def extended_in(self, class_code: str) -> Mapping[RecordId, date]:
        """The same of every filed record of a class."""
        ...

    def to_transfer(
        self, fonds_id: FondsId, *, classes: frozenset[str] | None = None, after: str = "", limit: int = 500
    ) -> Sequence[Record]:
        """Living records of these classes (None: all) of which the newest decision is to hand them over, by id."""
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
