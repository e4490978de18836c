"""Permission reviews: who reviews what until when, and what became of each item.

Rule 1: whoever decides is a reviewer of the review, and not whose membership it is (CHECK, foreign key), nor a member
of the group whose grant it is (trigger).
Rule 2: an item moves along ``vault.accessreviews.Ruling``, and what it speaks of never changes; a review is closed
once, and not while an item is pending. Triggers keep this rule.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)

from storage.catalogue.audit import audit_entries
from storage.catalogue.counters import next_value
from storage.catalogue.fonds import fonds_column
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.records import records
from storage.catalogue.rows import Rows
from vault.accessreviews import ItemKind, Review, ReviewItem, Ruling, Use
from vault.audit import Event
from vault.errors import NotFound
from vault.ids import FondsId, PersonId
from vault.permissions import ABOUT_RECORDS, ADMINISTRATIONS, Role

_OPEN = "closed_at IS NULL"

reviews = Table(
    "reviews",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("number", Text, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    UniqueConstraint("fonds_id", "number"),
    CheckConstraint("ends_at > started_at", name="ends_at"),
    Index("ix_reviews_ends_at", "ends_at", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
)

reviewers = Table(
    "reviewers",
    metadata,
    Column("review_id", Text, ForeignKey("reviews.id"), primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), primary_key=True),
)

review_items = Table(
    "review_items",
    metadata,
    Column("review_id", Text, ForeignKey("reviews.id"), primary_key=True),
    Column("ordinal", Counted, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("group_code", Text, ForeignKey("groups.code"), nullable=False),
    fonds_column(),
    Column("person_id", Text, ForeignKey("people.id")),
    Column("role", Text),
    Column("class_code", Text),
    Column("given_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("ruling", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    ForeignKeyConstraint(["review_id", "decided_by"], ["reviewers.review_id", "reviewers.person_id"]),
    one_of("kind", ItemKind),
    one_of("ruling", Ruling),
    one_of("role", sorted(ADMINISTRATIONS | ABOUT_RECORDS)),
    CheckConstraint(
        "(kind = 'membership' AND person_id IS NOT NULL AND role IS NULL AND class_code IS NULL)"
        " OR (kind = 'grant' AND person_id IS NULL AND role IS NOT NULL AND class_code IS NOT NULL)",
        name="named",
    ),
    CheckConstraint("decided_by IS NULL OR decided_by <> person_id", name="two_people"),
    CheckConstraint(
        "(decided_at IS NULL) = (ruling = 'pending') AND (decided_by IS NOT NULL) = (ruling IN ('kept', 'revoked'))",
        name="decided",
    ),
)

_ADD = insert(reviews)
_ADD_REVIEWER = insert(reviewers)
_ADD_ITEM = insert(review_items)
_BY_NUMBER = select(reviews).where(
    reviews.c.fonds_id == bindparam("its_fonds"), reviews.c.number == bindparam("its_number")
)
_BY_NUMBER_FOR_UPDATE = _BY_NUMBER.with_for_update()
_OF_FONDS = select(reviews).where(reviews.c.fonds_id == bindparam("its_fonds"))
_ALL = _OF_FONDS.order_by(reviews.c.started_at.desc(), reviews.c.id.desc()).limit(bindparam("at_most"))
_ALL_OF = _ALL.where(
    reviews.c.id.in_(select(reviewers.c.review_id).where(reviewers.c.person_id == bindparam("its_person")))
)
_ALL_OPEN = _OF_FONDS.where(reviews.c.closed_at.is_(None)).order_by(reviews.c.ends_at, reviews.c.id)
_REVIEWERS = select(reviewers.c.person_id).where(reviewers.c.review_id == bindparam("its_review"))
_ITEMS = (
    select(review_items)
    .where(review_items.c.review_id == bindparam("its_review"))
    .order_by(review_items.c.ordinal)
)  # fmt: skip
_DECIDE = (
    update(review_items)
    .where(review_items.c.review_id == bindparam("its_review"), review_items.c.ordinal == bindparam("its_ordinal"))
    .values({name: bindparam(name) for name in ("ruling", "decided_by", "decided_at")})
)
_CLOSE = update(reviews).where(reviews.c.id == bindparam("its_review")).values(closed_at=bindparam("closed_at"))
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_COUNTS = (
    select(review_items.c.review_id, review_items.c.ruling, func.count().label("items"))
    .where(review_items.c.review_id.in_(_ids))
    .group_by(review_items.c.review_id, review_items.c.ruling)
)
_TAKEN_BACK = (
    select(review_items.c.group_code, func.max(review_items.c.decided_at).label("at"))
    .where(
        review_items.c.person_id == bindparam("its_person"),
        review_items.c.ruling.in_([Ruling.REVOKED.value, Ruling.LAPSED.value]),
    )
    .group_by(review_items.c.group_code)
)
_events: BindParameter[Any] = bindparam("events", expanding=True)
_LAST_USES = (
    select(audit_entries.c.actor, audit_entries.c.event, records.c.class_code, func.max(audit_entries.c.at).label("at"))
    .select_from(audit_entries.outerjoin(records, records.c.id == audit_entries.c.subject))
    .where(
        audit_entries.c.event.in_(_events),
        audit_entries.c.at >= bindparam("since", type_=UtcDateTime),
        audit_entries.c.subject != audit_entries.c.actor,
    )
    .group_by(audit_entries.c.actor, audit_entries.c.event, records.c.class_code)
)


class SqlReviewShelf:
    """``vault.shelves.ReviewShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def next_number(self, fonds_id: FondsId, year: int) -> str:
        return f"R-{year:04d}-{next_value(self._rows, f'review/{fonds_id}/{year:04d}'):04d}"

    def add(self, review: Review, reviewers: Collection[PersonId], items: Sequence[ReviewItem]) -> None:
        self._rows.run(
            _ADD,
            {
                "id": review.id,
                "fonds_id": review.fonds_id,
                "number": review.number,
                "started_by": review.started_by,
                "started_at": review.started_at,
                "ends_at": review.ends_at,
                "closed_at": None,
            },
        )
        named = [{"review_id": review.id, "person_id": each} for each in sorted(reviewers)]
        self._rows.run_many(_ADD_REVIEWER, named)
        self._rows.run_many(
            _ADD_ITEM,
            [
                {
                    "review_id": each.review_id,
                    "ordinal": each.ordinal,
                    "kind": each.kind.value,
                    "group_code": each.group,
                    "fonds_id": each.fonds_id,
                    "person_id": each.person_id,
                    "role": None if each.role is None else each.role.value,
                    "class_code": each.class_code,
                    "given_at": each.given_at,
                    "last_used_at": each.last_used_at,
                    "ruling": each.ruling.value,
                }
                for each in items
            ],
        )

    def by_number(self, fonds_id: FondsId, number: str, *, for_update: bool = False) -> Review | None:
        statement = _BY_NUMBER_FOR_UPDATE if for_update else _BY_NUMBER
        row = self._rows.first(statement, {"its_fonds": fonds_id, "its_number": number})
        return None if row is None else _review_of(row)

    def all(self, fonds_id: FondsId, *, of: PersonId | None, limit: int = 100) -> Sequence[Review]:
        values: dict[str, object] = {"its_fonds": fonds_id, "at_most": limit}
        found = self._rows.all(_ALL, values) if of is None else self._rows.all(_ALL_OF, {**values, "its_person": of})
        return [_review_of(row) for row in found]

    def open(self, fonds_id: FondsId) -> Sequence[Review]:
        return [_review_of(row) for row in self._rows.all(_ALL_OPEN, {"its_fonds": fonds_id})]

    def reviewers(self, review_id: str) -> frozenset[PersonId]:
        return frozenset(PersonId(row.person_id) for row in self._rows.all(_REVIEWERS, {"its_review": review_id}))

    def items(self, review_id: str) -> Sequence[ReviewItem]:
        return [_item_of(row) for row in self._rows.all(_ITEMS, {"its_review": review_id})]

    def decide(self, item: ReviewItem) -> None:
        values = {
            "its_review": item.review_id,
            "its_ordinal": item.ordinal,
            "ruling": item.ruling.value,
            "decided_by": item.decided_by,
            "decided_at": item.decided_at,
        }
        if self._rows.run(_DECIDE, values) != 1:
            raise NotFound("that item of the review is not in the catalogue")

    def close(self, review: Review) -> None:
        if self._rows.run(_CLOSE, {"its_review": review.id, "closed_at": review.closed_at}) != 1:
            raise NotFound(f"review {review.number} is not in the catalogue")

    def counts(self, review_ids: Collection[str]) -> Mapping[str, Mapping[Ruling, int]]:
        found: dict[str, dict[Ruling, int]] = {each: {} for each in review_ids}
        for row in self._rows.all(_COUNTS, {"ids": sorted(review_ids)}) if review_ids else ():
            found[row.review_id][Ruling(row.ruling)] = int(row.items)
        return found

    def taken_back(self, person_id: PersonId) -> Mapping[str, datetime]:
        return {row.group_code: row.at for row in self._rows.all(_TAKEN_BACK, {"its_person": person_id})}

    def last_uses(self, events: Collection[Event], since: datetime) -> Sequence[Use]:
        rows = self._rows.all(_LAST_USES, {"events": sorted(each.value for each in events), "since": since})
        return [
            Use(person_id=PersonId(row.actor), event=Event(row.event), class_code=row.class_code, at=row.at)
            for row in rows
        ]


def _review_of(row: Row[Any]) -> Review:
    return Review(
        id=row.id,
        fonds_id=FondsId(row.fonds_id),
        number=row.number,
        started_by=PersonId(row.started_by),
        started_at=row.started_at,
        ends_at=row.ends_at,
        closed_at=row.closed_at,
    )


def _item_of(row: Row[Any]) -> ReviewItem:
    return ReviewItem(
        review_id=row.review_id,
        ordinal=row.ordinal,
        kind=ItemKind(row.kind),
        group=row.group_code,
        fonds_id=FondsId(row.fonds_id),
        given_at=row.given_at,
        person_id=None if row.person_id is None else PersonId(row.person_id),
        role=None if row.role is None else Role(row.role),
        class_code=row.class_code,
        last_used_at=row.last_used_at,
        ruling=Ruling(row.ruling),
        decided_by=None if row.decided_by is None else PersonId(row.decided_by),
        decided_at=row.decided_at,
    )
