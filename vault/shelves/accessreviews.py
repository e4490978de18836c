"""The shelf of permission reviews; the database lets nobody decide on what is their own, and closes none too early."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from vault.accessreviews import Review, ReviewItem, Ruling, Use
from vault.audit import Event
from vault.ids import FondsId, PersonId


class ReviewShelf(Protocol):
    def next_number(self, fonds_id: FondsId, year: int) -> str:
        """The next number of a year; it is never given again."""
        ...

    def add(self, review: Review, reviewers: Collection[PersonId], items: Sequence[ReviewItem]) -> None: ...

    def by_number(self, fonds_id: FondsId, number: str, *, for_update: bool = False) -> Review | None: ...

    def all(self, fonds_id: FondsId, *, of: PersonId | None, limit: int = 100) -> Sequence[Review]:
        """The newest first; ``of`` asks for those in which somebody reviews, None for all."""
        ...

    def open(self, fonds_id: FondsId) -> Sequence[Review]:
        """Those that are not closed, the first to end first."""
        ...

    def reviewers(self, review_id: str) -> frozenset[PersonId]: ...

    def items(self, review_id: str) -> Sequence[ReviewItem]:
        """In their order."""
        ...

    def decide(self, item: ReviewItem) -> None: ...

    def close(self, review: Review) -> None:
        """Raises ``CatalogueBroken`` while an item is pending."""
        ...

    def counts(self, review_ids: Collection[str]) -> Mapping[str, Mapping[Ruling, int]]: ...

    def taken_back(self, person_id: PersonId) -> Mapping[str, datetime]:
        """The groups whose membership some review took back from somebody, each with the last time."""
        ...

    def last_uses(self, events: Collection[Event], since: datetime) -> Sequence[Use]:
        """When each person last did each of these, by class, but to themselves. It looks at the whole log of that
        time: ask seldom."""
        ...
