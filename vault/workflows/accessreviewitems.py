"""What a permission review speaks of: every membership and grant of some groups, with its last use by the log.

Rule 1: an item stands while exactly what was given then is there: what was given anew since is something else.
Rule 2: a grant is whoever's own in whose group it is, a membership its person's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from vault.accessreviews import ItemKind, Review, ReviewItem, Use
from vault.groups import Grant, Membership
from vault.ids import FondsId, PersonId
from vault.shelves import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What groups give, and who is in them, in one transaction."""

    grants: Sequence[Grant]
    memberships: Sequence[Membership]
    members: frozenset[tuple[str, PersonId]]

    @classmethod
    def read(cls, tx: Transaction, fonds_id: FondsId) -> Given:
        """As it is now."""
        memberships = tx.groups.memberships()
        return cls(
            grants=tx.groups.grants(fonds_id),
            memberships=memberships,
            members=frozenset((each.group, each.person_id) for each in memberships),
        )

    def stands(self, item: ReviewItem) -> bool:
        """Rule 1."""
        if item.kind is ItemKind.MEMBERSHIP:
            wanted = (item.group, item.person_id, item.given_at)
            return any((each.group, each.person_id, each.added_at) == wanted for each in self.memberships)
        granted = (item.group, item.role, item.class_code, item.given_at)
        return any((each.group, each.role, each.class_code, each.granted_at) == granted for each in self.grants)

    def is_own(self, item: ReviewItem, person_id: PersonId) -> bool:
        """Rule 2."""
        if item.kind is ItemKind.MEMBERSHIP:
            return item.person_id == person_id
        return (item.group, person_id) in self.members


def items_of(
    review: Review, given: Given, codes: Collection[str], administrations: Collection[str], uses: Iterable[Use]
) -> Sequence[ReviewItem]:
    """Every membership of these groups, and every grant but what an administration is: that ends with its members."""
    by_person: dict[PersonId, list[Use]] = {}
    for use in uses:
        by_person.setdefault(use.person_id, []).append(use)
    grants = [each for each in given.grants if each.group in codes]
    members = [each for each in given.memberships if each.group in codes]
    found = []
    for membership in members:
        rights = [(each.role, each.class_code) for each in grants if each.group == membership.group]
        theirs = by_person.get(membership.person_id, ())
        used = (use for use in theirs if any(use.is_of(role, code) for role, code in rights))
        found.append(_of_membership(review, membership, _newest(used)))
    for grant in grants:
        if grant.group not in administrations:
            inside = [use for each in members if each.group == grant.group for use in by_person.get(each.person_id, ())]
            used = (use for use in inside if use.is_of(grant.role, grant.class_code))
            found.append(_of_grant(review, grant, _newest(used)))
    return [replace(each, ordinal=number) for number, each in enumerate(found, start=1)]


def _of_membership(review: Review, membership: Membership, last_used_at: datetime | None) -> ReviewItem:
    return ReviewItem(
        review_id=review.id,
        ordinal=0,
        kind=ItemKind.MEMBERSHIP,
        group=membership.group,
        fonds_id=review.fonds_id,
        given_at=membership.added_at,
        person_id=membership.person_id,
        last_used_at=last_used_at,
    )


def _of_grant(review: Review, grant: Grant, last_used_at: datetime | None) -> ReviewItem:
    return ReviewItem(
        review_id=review.id,
        ordinal=0,
        kind=ItemKind.GRANT,
        group=grant.group,
        fonds_id=grant.fonds_id,
        given_at=grant.granted_at,
        role=grant.role,
        class_code=grant.class_code,
        last_used_at=last_used_at,
    )


def _newest(uses: Iterable[Use]) -> datetime | None:
    return max((use.at for use in uses), default=None)
