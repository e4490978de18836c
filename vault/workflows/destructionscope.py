"""What a destruction would take, and what stands against it: for the preview, and again inside its transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from vault.customers import Customer
from vault.destruction import Candidate, Scope, Targets, require_destroyable, require_living
from vault.disposition import Approval, Ground
from vault.errors import Conflict, InvalidInput, NotFound, Refused
from vault.holds import require_unheld
from vault.permissions import ALL_CLASSES, Action, Actor, require_on
from vault.shelves import Transaction
from vault.workflows.groups import everybody_acting
from vault.workflows.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """Why something may not die now; ``subject`` is its number."""

    subject: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a destruction would take, exactly. ``ciphertext_until`` is when the last lock on its sealed bytes lapses.

    ``blockers`` empty says that it may be done now. ``needs_two`` says that nobody orders it alone: two people could
    sign a disposal list.
    """

    needs_two: bool
    candidates: Sequence[Candidate]
    customers: Sequence[Customer]
    version_count: int
    size_bytes: int
    link_count: int
    ciphertext_until: datetime | None
    blockers: Sequence[Blocker]


def preview(vault: Vault, actor: Actor, targets: Targets, *, error: bool = False) -> Preview:
    """What would die, and what stands against it. Raises ``NotAllowed``, ``NotFound``, ``InvalidInput``."""
    actor.require(Action.DESTROY_RECORDS)
    require_some(targets)
    with vault.catalogue.read() as tx:
        require_theirs(tx, actor, targets)
        scope = scope_of(vault, tx, targets, for_update=False)
        two = two_could_sign(vault, tx)
    dying = list(dying_of(scope, targets))
    return Preview(
        needs_two=two and bool(dying),
        candidates=dying,
        customers=scope.customers,
        version_count=sum(each.version_count for each in dying),
        size_bytes=sum(each.size_bytes for each in dying),
        link_count=sum(each.link_count for each in dying),
        ciphertext_until=max((each.locked_until for each in dying), default=None),
        blockers=list(_blockers(scope, dying, vault.now(), approval_of(error=error))),
    )


def require_theirs(tx: Transaction, actor: Actor, targets: Targets) -> None:
    """That all of it is somebody's to destroy; a whole customer takes the right on every class.

    Raises ``NotFound``, ``NotAllowed``.
    """
    if targets.customers:
        actor.require(Action.DESTROY_RECORDS, ALL_CLASSES)
    for record in tx.records.many(list(targets.records)).values():
        require_on(actor, Action.DESTROY_RECORDS, record)


def two_could_sign(vault: Vault, tx: Transaction) -> bool:
    """Whether there are people enough for a disposal list: then nobody destroys a record alone."""
    everybody = everybody_acting(tx, vault.fonds.id)
    proposers = sum(person.may(Action.REVIEW_DISPOSAL) for person in everybody)
    approvers = sum(person.may(Action.SIGN_DISPOSAL) for person in everybody)
    return proposers >= 2 and approvers >= 1


def require_some(targets: Targets) -> None:
    """Raises ``InvalidInput`` where nothing is named."""
    if not targets:
        raise InvalidInput("nothing is named that is to be destroyed; name records or customers", field="records")


def approval_of(*, error: bool) -> Approval:
    """The word of one person alone: on which ground."""
    return Approval(ground=Ground.FILED_IN_ERROR if error else Ground.DUE)


def scope_of(vault: Vault, tx: Transaction, targets: Targets, *, for_update: bool) -> Scope:
    """What the targets name, as the catalogue has it now. Raises ``NotFound``."""
    scope = tx.batches.scope(vault.fonds, targets, for_update=for_update)
    found_records = {each.record.id for each in scope.candidates}
    found_customers = {each.id for each in scope.customers}
    if not targets.records <= found_records:
        raise NotFound("there is no such record; look it up in the list")
    if not targets.customers <= found_customers:
        raise NotFound("there is no such customer; look the number up in the list")
    return replace(scope, rules={each.code: each.rule for each in tx.schedules.governing()})


def dying_of(scope: Scope, targets: Targets) -> Iterator[Candidate]:
    """All candidates but those of whole customers that another batch has already."""
    return (each for each in scope.candidates if not each.is_dead or each.record.id in targets.records)


def require_all_destroyable(
    scope: Scope, targets: Targets, now: datetime, approval: Approval | None
) -> Sequence[Candidate]:
    """What dies. Raises what stands against it first."""
    dying = list(dying_of(scope, targets))
    for customer in scope.customers:
        _require_customer(scope, customer)
    for candidate in dying:
        require_destroyable(candidate, scope.rules.get(candidate.record.class_code), now=now, approval=approval)
    return dying


def _require_customer(scope: Scope, customer: Customer) -> None:
    require_living(customer)
    require_unheld(f"customer {customer.number}", scope.customer_matters.get(customer.id, ()))
    if customer.id in scope.busy_customers:
        raise Conflict(
            f"a file for customer {customer.number} is just being received; wait until it is done, or settled"
        )
    if scope.strangers:
        raise Conflict(
            f"record {scope.strangers[0]} belongs to somebody else and stands under the keys of customer "
            f"{customer.number}; correct it first"
        )


def _blockers(scope: Scope, dying: Iterable[Candidate], now: datetime, approval: Approval) -> Iterator[Blocker]:
    for customer in scope.customers:
        try:
            _require_customer(scope, customer)
        except Refused as refusal:
            yield Blocker(subject=customer.number, code=refusal.code, message=refusal.message)
    for candidate in dying:
        try:
            require_destroyable(candidate, scope.rules.get(candidate.record.class_code), now=now, approval=approval)
        except Refused as refusal:
            yield Blocker(subject=candidate.record.number, code=refusal.code, message=refusal.message)
