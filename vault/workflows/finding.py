"""Finding: records by words of their titles, numbers, customers, places, notes, file names and texts, newest first.

Rule 1: what is found is looked up in the catalogue before it is shown: of a class of theirs, and more than stored
(封存). Restricted records, and those of other classes, stay in the index: holds find them there.
Rule 2: by what is in its file a record is found only where somebody may open it with no gate before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from vault.findable import Sight
from vault.gates import GATES
from vault.ids import RecordId
from vault.permissions import Action, Actor
from vault.queries import Field, Phrase, Query, read_query
from vault.searchwords import fold, spelled
from vault.shelves import RecordFilter, Transaction
from vault.workflows import indexing
from vault.workflows.classnames import classes_named
from vault.workflows.retrieval import RecordView, views_of
from vault.workflows.vault import Vault
from vault.workflows.watching import is_suspended

EVERY_RECORD: Final = RecordFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindResult:
    """What was found; ``complete`` is False while records are still missing from the index, which has ``indexed`` of
    ``expected``; where it is ``full`` they stay missing. ``has_more``: there is another page behind the last one shown.
    """

    query: Query
    views: Sequence[RecordView]
    complete: bool
    indexed: int
    expected: int
    full: bool
    has_more: bool


def find(
    vault: Vault,
    actor: Actor,
    text: str,
    *,
    narrow: RecordFilter = EVERY_RECORD,
    before: tuple[datetime, RecordId] | None = None,
    limit: int = 50,
) -> FindResult:
    """Records that a query finds, newest first, behind ``before``; of those only what ``narrow`` lets through.

    Raises ``NotAllowed``, ``InvalidInput``.
    """
    actor.require(Action.LIST_RECORDS)
    query = read_query(text)
    indexing.catch_up(vault)
    found = _visible(vault, actor, query, narrow, before, limit + 1) if query else ()
    views = views_of(vault, found[:limit])
    # Behind the first one that is too old there are only older ones.
    since = narrow.received_from
    shown = [view for view in views if since is None or view.record.received_at >= since]
    standing = vault.search.standing()
    return FindResult(
        query=query,
        views=shown,
        complete=indexing.is_followed(vault),
        indexed=standing.records,
        expected=max(standing.expected, standing.records),
        full=standing.is_full,
        has_more=len(found) > limit and len(shown) == len(views),
    )


def _visible(
    vault: Vault,
    actor: Actor,
    query: Query,
    narrow: RecordFilter,
    before: tuple[datetime, RecordId] | None,
    limit: int,
) -> Sequence[RecordId]:
    """Rule 1."""
    reach = actor.reach(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        classes = classes_named(tx, query)
        customer = tx.customers.get(narrow.customer_id) if narrow.customer_id is not None else None
        sight = Sight(classes=reach, text_in=_text_in(tx, actor))
    if narrow.class_code is not None:
        classes = frozenset({narrow.class_code}) & (classes if classes is not None else {narrow.class_code})
    if narrow.state is not None:
        if query.states and narrow.state.value not in query.states:
            return ()
        query = replace(query, states=frozenset({narrow.state.value}))
    if customer is not None:
        number = Phrase(tuple(spelled(fold(customer.number))), open_end=False, field=Field.CUSTOMER)
        query = replace(query, phrases=(*query.phrases, number))
    if narrow.received_before is not None and (before is None or narrow.received_before < before[0]):
        before = (narrow.received_before, RecordId(""))
    visible: list[RecordId] = []
    while len(visible) < limit:
        ids = [RecordId(found) for found in vault.search.find(query, classes, sight, before=before, limit=limit)]
        with vault.catalogue.read() as tx:
            visible += tx.records.listed(ids, reach)
            last = tx.records.get(ids[-1]) if len(ids) == limit else None
        if last is None:
            break
        # Both: the index may have forgotten the record by now.
        before = (last.received_at, last.id)
    return visible[:limit]


def _text_in(tx: Transaction, actor: Actor) -> frozenset[str]:
    """The classes in which the text of files is searched for somebody: it would tell what opening tells."""
    if is_suspended(tx, actor.person_id):
        return frozenset()
    return frozenset(
        each.code
        for each in tx.schedules.governing()
        if not GATES[each.rule.sensitivity] and actor.may(Action.OPEN_RECORD, each.code)
    )
