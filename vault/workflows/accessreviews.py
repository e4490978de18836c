"""Permission reviews at work: begun, decided on, ended by the clock (the rules stand in ``vault/accessreviews.py``).

Rule 1: whoever is named reviews; nobody what is their own, which the catalogue refuses, too. A review does not begin in
which nobody could decide on an item.
Rule 2: what is taken back is taken back in the transaction that decides, by a reviewer or by the clock; closing again
what is closed does nothing.
Rule 3: the security administration keeps its last member, whoever was silent.
Rule 4: silence is told by the clock within the guards of automatic expiry; where they stop, reviews stay open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from vault.accessreviews import USES, Review, ReviewItem, Ruling, checked_days
from vault.audit import Detail, Event
from vault.errors import Conflict, InvalidInput, NotAllowed, NotFound
from vault.ids import PersonId, could_be_key
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor
from vault.shelves import Transaction
from vault.workflows import expiry
from vault.workflows.accessreviewitems import Given, items_of
from vault.workflows.agreements import names_of
from vault.workflows.freshness import require_fresh
from vault.workflows.groups import end_grant, end_membership, everybody_acting, require_group
from vault.workflows.vault import Vault

LOOKED_BACK: Final = timedelta(days=3 * 365)
"""How far back the log is asked for the last use."""
_EVENTS: Final = frozenset().union(*USES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """An item with the name of its person; ``mine`` where whoever asks may still decide on it."""

    item: ReviewItem
    name: str
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewView:
    """A review with everything that is said of it. ``names`` are those of everybody in it, by id."""

    review: Review
    reviewers: Sequence[PersonId]
    items: Sequence[ItemView]
    names: Mapping[str, str]

    @property
    def counts(self) -> Mapping[Ruling, int]:
        """How many items came to what; what none came to is left out."""
        return {ruling: n for ruling in Ruling if (n := sum(each.item.ruling is ruling for each in self.items))}


def start_review(
    vault: Vault, actor: Actor, *, reviewers: Iterable[str], groups: Iterable[str] = (), days: int
) -> Review:
    """Begins a review of the memberships and grants of some groups, of all where none is named.

    Raises ``NotAllowed``, ``StepUpNeeded``, ``InvalidInput`` (days, no reviewer, one who may not review), ``NotFound``
    (person, group), ``Conflict`` (nothing to review, or nobody is named who may decide on something).
    """
    actor.require(Action.START_REVIEW)
    require_fresh(vault, actor)
    checked_days(days)
    named, wanted, now = frozenset(reviewers), frozenset(groups), vault.now()
    if not named:
        raise InvalidInput("name somebody who reviews", field="reviewers")
    with vault.catalogue.read() as tx:
        uses = tx.reviews.last_uses(_EVENTS, now - LOOKED_BACK)
    with vault.catalogue.write() as tx:
        people = _reviewers(vault, tx, named)
        groups_there = tx.groups.all()
        codes = {require_group(tx, each).code for each in sorted(wanted)} or {each.code for each in groups_there}
        given = Given.read(tx, vault.fonds.id)
        review = Review(
            id=vault.new_id(),
            fonds_id=vault.fonds.id,
            number=tx.reviews.next_number(vault.fonds.id, now.year),
            started_by=actor.person_id,
            started_at=now,
            ends_at=now + timedelta(days=days),
        )
        administrations = {each.code for each in groups_there if each.administration is not None}
        items = items_of(review, given, codes, administrations, uses)
        if not items:
            raise Conflict("there is nothing to review: nobody is in these groups, and they grant nothing")
        for item in items:
            if all(given.is_own(item, each) for each in people):
                raise Conflict(
                    f"nobody of those named may review what is given by group {item.group}: it is their own; "
                    "name somebody else, too"
                )
        tx.reviews.add(review, people, items)
        detail: Detail = {
            "items": len(items),
            "groups": ",".join(sorted(codes)),
            "reviewers": ",".join(sorted(people)),
            "ends_at": review.ends_at.isoformat(),
        }
        tx.audit.append(vault.entry(actor.person_id, Event.REVIEW_STARTED, review.number, detail))
    return review


def list_reviews(vault: Vault, actor: Actor) -> Sequence[tuple[Review, Mapping[Ruling, int]]]:
    """Reviews that the asker may see, the newest first, with how many items came to what. Raises ``NotAllowed``."""
    actor.require(Action.SEE_REVIEWS)
    with vault.catalogue.read() as tx:
        found = tx.reviews.all(vault.fonds.id, of=None if _sees_all(actor) else actor.person_id)
        counts = tx.reviews.counts([each.id for each in found])
    return [(each, counts[each.id]) for each in found]


def show_review(vault: Vault, actor: Actor, number: str) -> ReviewView:
    """One review. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_REVIEWS)
    with vault.catalogue.read() as tx:
        review = _found(vault, tx, actor, number)
        people = tx.reviews.reviewers(review.id)
        names, given = names_of(vault, tx), Given.read(tx, vault.fonds.id)
        deciding = review.is_open and actor.person_id in people and actor.may(Action.REVIEW_GRANTS)
        items = [
            ItemView(
                item=each,
                name=names.get(each.person_id, "") if each.person_id is not None else "",
                mine=deciding
                and each.ruling in (Ruling.PENDING, Ruling.KEPT)
                and not given.is_own(each, actor.person_id),
            )
            for each in tx.reviews.items(review.id)
        ]
    return ReviewView(
        review=review, reviewers=sorted(people), items=items, names={str(key): name for key, name in names.items()}
    )


def candidates(vault: Vault, actor: Actor) -> Mapping[PersonId, str]:
    """Who may be named as a reviewer, by name. Raises ``NotAllowed``."""
    actor.require(Action.START_REVIEW)
    with vault.catalogue.read() as tx:
        able = _able(vault, tx)
        return {each: name for each, name in names_of(vault, tx).items() if each in able}


def decide(vault: Vault, actor: Actor, number: str, *, keep: Iterable[int] = (), revoke: Iterable[int] = ()) -> Review:
    """Keeps items of a review and takes others back, at once, all or none of them. What was kept may still be taken
    back while it is open.

    With the last decision the review is closed.

    Raises ``NotAllowed`` (not named, or one's own), ``StepUpNeeded``, ``NotFound``, ``InvalidInput`` (none named, or
    one as both), ``Conflict`` (closed, taken back before, or the last security administrator).
    """
    actor.require(Action.REVIEW_GRANTS)
    require_fresh(vault, actor)
    kept, revoked = frozenset(keep), frozenset(revoke)
    if not kept | revoked:
        raise InvalidInput("nothing is chosen; choose what you decide on", field="items")
    if kept & revoked:
        raise InvalidInput("an item stays or is taken back, not both; choose one", field="items")
    with vault.catalogue.write() as tx:
        review = _found(vault, tx, actor, number, for_update=True)
        if actor.person_id not in tx.reviews.reviewers(review.id):
            raise NotAllowed(f"you are not named as a reviewer of {review.number}; ask one of those who are")
        if not review.is_open:
            raise Conflict(f"review {review.number} is closed; start another one")
        items = {each.ordinal: each for each in tx.reviews.items(review.id)}
        if not kept | revoked <= items.keys():
            raise NotFound(f"review {review.number} has no such item; look at it again")
        given = Given.read(tx, vault.fonds.id)
        for ordinal in sorted(kept | revoked):
            _decide(vault, tx, given, actor, review, items[ordinal], keep=ordinal in kept)
        closed = _close(vault, tx, review, actor.person_id)
    return closed or review


def close_due(vault: Vault) -> Outcome:
    """Upkeep: what nobody decided on until the last day of its review is taken back, and the review closed.

    Raises ``StoreUnavailable``.
    """
    now, closed, lapsed = vault.now(), 0, 0
    with vault.catalogue.read() as tx:
        due = [each for each in tx.reviews.open(vault.fonds.id) if each.ends_at <= now]
    stopped = expiry.stopped_clock(vault) if due else None
    if stopped is not None:
        return stopped
    for each in due:
        with vault.catalogue.write() as tx:
            review = tx.reviews.by_number(each.fonds_id, each.number, for_update=True)
            if review is None or not review.is_open:
                continue
            given = Given.read(tx, vault.fonds.id)
            for item in tx.reviews.items(review.id):
                if item.ruling is Ruling.PENDING:
                    ruling = _taken_back(vault, tx, given, review, item, CLOCK_ID)
                    tx.reviews.decide(replace(item, ruling=ruling, decided_at=now))
                    lapsed += ruling is Ruling.LAPSED
            _close(vault, tx, review, CLOCK_ID)
            closed += 1
    return Outcome.of("reviews-closed", closed=closed, lapsed=lapsed)


def pending_for(vault: Vault, actor: Actor, review: Review) -> int:
    """How many items of a review wait for somebody, who is named in it."""
    if not actor.may(Action.REVIEW_GRANTS):
        return 0
    with vault.catalogue.read() as tx:
        if actor.person_id not in tx.reviews.reviewers(review.id):
            return 0
        given, items = Given.read(tx, review.fonds_id), tx.reviews.items(review.id)
    pending = [each for each in items if each.ruling is Ruling.PENDING]
    return sum(not given.is_own(each, actor.person_id) for each in pending)


def _decide(
    vault: Vault, tx: Transaction, given: Given, actor: Actor, review: Review, item: ReviewItem, *, keep: bool
) -> None:
    if given.is_own(item, actor.person_id):
        raise NotAllowed("nobody reviews what is their own; another reviewer decides on it")
    if keep and item.ruling is Ruling.KEPT:
        return
    if item.ruling not in (Ruling.PENDING, Ruling.KEPT):
        raise Conflict("it was taken back already; give it anew where it is needed")
    if keep and given.stands(item):
        ruling = Ruling.KEPT
        detail: Detail = {"item": item.ordinal, "ruling": ruling.value}
        tx.audit.append(vault.entry(actor.person_id, Event.REVIEW_DECIDED, review.number, detail))
    elif keep:
        ruling = Ruling.GONE
    else:
        ruling = _taken_back(vault, tx, given, review, item, actor.person_id)
        if ruling is Ruling.LEFT:
            raise Conflict("nobody would be left who lets people in; add another security administrator first")
        if ruling is Ruling.GONE and item.ruling is Ruling.KEPT:
            return
    by = actor.person_id if ruling in (Ruling.KEPT, Ruling.REVOKED) else None
    tx.reviews.decide(replace(item, ruling=ruling, decided_by=by, decided_at=vault.now()))


def _taken_back(vault: Vault, tx: Transaction, given: Given, review: Review, item: ReviewItem, by: str) -> Ruling:
    """Takes an item back; what was taken back, or given anew, since the review began is left alone."""
    if not given.stands(item):
        return Ruling.GONE
    group = require_group(tx, item.group, for_update=True)
    detail: Detail = {"review": review.number}
    try:
        if item.person_id is not None:
            end_membership(vault, tx, by, group, item.person_id, detail=detail)
        elif item.role is not None and item.class_code is not None:
            end_grant(vault, tx, by, group, item.role, item.class_code, detail=detail)
    except Conflict:
        return Ruling.LEFT
    return Ruling.LAPSED if by == CLOCK_ID else Ruling.REVOKED


def _close(vault: Vault, tx: Transaction, review: Review, by: str) -> Review | None:
    counts = tx.reviews.counts([review.id])[review.id]
    if counts.get(Ruling.PENDING):
        return None
    closed = replace(review, closed_at=vault.now())
    tx.reviews.close(closed)
    detail: Detail = {ruling.value: counts.get(ruling, 0) for ruling in Ruling if ruling is not Ruling.PENDING}
    tx.audit.append(vault.entry(by, Event.REVIEW_CLOSED, review.number, detail))
    return closed


def _reviewers(vault: Vault, tx: Transaction, named: Iterable[str]) -> frozenset[PersonId]:
    able = _able(vault, tx)
    for key in sorted(named):
        if not could_be_key(key) or tx.people.get(PersonId(key)) is None:
            raise NotFound("there is no such person; look the id up in the list")
        if key not in able:
            raise InvalidInput(
                "whoever reviews is active, and a security administrator or an officer; name somebody else",
                field="reviewers",
            )
    return frozenset(PersonId(key) for key in named)


def _able(vault: Vault, tx: Transaction) -> frozenset[PersonId]:
    return frozenset(each.person_id for each in everybody_acting(tx, vault.fonds.id) if each.may(Action.REVIEW_GRANTS))


def _sees(tx: Transaction, actor: Actor, review: Review) -> bool:
    return _sees_all(actor) or actor.person_id in tx.reviews.reviewers(review.id)


def _sees_all(actor: Actor) -> bool:
    return actor.may(Action.START_REVIEW) or actor.may(Action.READ_LOG)


def _found(vault: Vault, tx: Transaction, actor: Actor, number: str, *, for_update: bool = False) -> Review:
    review = tx.reviews.by_number(vault.fonds.id, number, for_update=for_update) if could_be_key(number) else None
    if review is None or not _sees(tx, actor, review):
        raise NotFound("there is no such review; look it up in the list")
    return review
