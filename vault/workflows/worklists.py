"""Work lists of data quality: records with something missing, left lying, or contradicting itself, and twins.

Rule 1: they are found in the memory of the search index, by what is sealed, and looked at again before they are shown.
Rule 2: what is not somebody's is in no list of theirs; a twin is told only to those for whom it exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vault.errors import InvalidInput
from vault.findable import Sight
from vault.ids import RecordId
from vault.permissions import Action, Actor, hides
from vault.quality import DAYS_MAX, LISTED, STALE_AFTER_DAYS, Flaw, WorkList, flaws_of
from vault.queries import Query
from vault.records import Record
from vault.workflows import duplicates, indexing
from vault.workflows.retrieval import RecordView, views_of
from vault.workflows.schedules import rule_of
from vault.workflows.vault import Vault

ROUNDS_MAX: Final = 20
"""Pages of the index that are looked at for one page of a list: what is there no more is passed over."""
LOOKED_AT: Final = 50
"""How many at least are looked at in each further round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One record of a list, with its flaws of the list's kind; of a twin, the others."""

    view: RecordView
    flaws: tuple[Flaw, ...]
    twins: Sequence[Record] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPage:
    """A page, newest first; ``following`` is where the next one begins. ``complete`` is False while the index fills."""

    rows: Sequence[Work]
    following: RecordId | None
    complete: bool


def list_work(
    vault: Vault,
    actor: Actor,
    work: WorkList,
    *,
    flaw: Flaw | None = None,
    class_code: str | None = None,
    days: int = STALE_AFTER_DAYS,
    before: RecordId | None = None,
    limit: int = 50,
) -> WorkPage:
    """A page of a list, behind ``before``: of one flaw, of one class. What lies is told once it was received so many
    days ago. Raises ``NotAllowed``, ``InvalidInput`` (also where ``before`` does not exist for whoever asks)."""
    actor.require(Action.LIST_RECORDS)
    if flaw is not None and flaw not in LISTED[work]:
        raise InvalidInput(f"'{flaw.value}' is no flaw of the list '{work.value}'", field="flaw")
    if not 0 <= days <= DAYS_MAX:
        raise InvalidInput(f"days must be a whole number from 0 to {DAYS_MAX}", field="days")
    indexing.catch_up(vault)
    rows: list[Work] = []
    position, step = _beginning(vault, work, days) if before is None else _behind(vault, actor, before), limit
    for _ in range(ROUNDS_MAX):
        found = _found(vault, actor, work, flaw, class_code, position, step + 1)
        for row in _looked_at(vault, actor, work, flaw, found[:step]):
            if len(rows) == limit:
                return _page(vault, rows, rows[-1].view.record.id)
            rows.append(row)
        if len(found) <= step:
            return _page(vault, rows, None)
        last = found[step - 1]
        position, step = _behind(vault, None, last), max(limit, LOOKED_AT)
    return _page(vault, rows, last)


def lists_with_work(vault: Vault, actor: Actor) -> Sequence[WorkList]:
    """The lists that are not empty, as far as one look goes. Raises ``NotAllowed``."""
    return [each for each in WorkList if list_work(vault, actor, each, limit=1).rows]


def _page(vault: Vault, rows: Sequence[Work], following: RecordId | None) -> WorkPage:
    return WorkPage(rows=rows, following=following, complete=indexing.is_followed(vault))


def _beginning(vault: Vault, work: WorkList, days: int) -> tuple[datetime, RecordId] | None:
    is_bounded = work is WorkList.STALE and days > 0
    return (vault.now() - timedelta(days=days), RecordId("")) if is_bounded else None


def _behind(vault: Vault, actor: Actor | None, record_id: RecordId) -> tuple[datetime, RecordId]:
    """Where a page begins behind a record, also once the index has it no more. Raises ``InvalidInput``."""
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
    if record is None or (actor is not None and hides(actor, record)):
        raise InvalidInput("this is no place in a list; begin at its first page", field="before")
    return record.received_at, record.id


def _found(
    vault: Vault,
    actor: Actor,
    work: WorkList,
    flaw: Flaw | None,
    class_code: str | None,
    before: tuple[datetime, RecordId] | None,
    limit: int,
) -> Sequence[RecordId]:
    flaws = frozenset(each.value for each in (LISTED[work] if flaw is None else (flaw,)))
    reach = actor.reach(Action.LIST_RECORDS)
    classes = None if class_code is None else frozenset({class_code})
    query, sight = Query(flaws=flaws), Sight(classes=reach)
    return [RecordId(each) for each in vault.search.find(query, classes, sight, before=before, limit=limit)]


def _looked_at(
    vault: Vault, actor: Actor, work: WorkList, flaw: Flaw | None, record_ids: Sequence[RecordId]
) -> Iterator[Work]:
    """Those of them that exist for whoever asks and have the flaw now."""
    with vault.catalogue.read() as tx:
        listed = tx.records.listed(record_ids, actor.reach(Action.LIST_RECORDS))
        rules = {each.class_code: rule_of(tx, each.class_code) for each in tx.records.many(listed).values()}
    twins = duplicates.twins_found(vault, actor, listed) if work is WorkList.TWINS else {}
    for view in views_of(vault, listed):
        record = view.record
        if view.description is None:
            continue
        if work is WorkList.TWINS:
            if record.id in twins:
                yield Work(view=view, flaws=(Flaw.TWIN,), twins=twins[record.id])
            continue
        has = flaws_of(
            rules.get(record.class_code),
            has_customer=record.customer_id is not None,
            dated_on=view.description.dated_on,
            received_at=record.received_at,
            trigger_on=record.trigger_on,
            filed_at=record.filed_at,
        )
        flaws = tuple(each for each in has if each in LISTED[work])
        if flaws and (flaw is None or flaw in flaws):
            yield Work(view=view, flaws=flaws)
