"""Finding: records by words of their titles, numbers, customers, places, notes and file names, newest first.

Rule 1: what is found is looked up in the catalogue before it is shown: of a class of theirs, and more than stored
(封存). Restricted records, and those of other classes, stay in the index: holds find them there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from vault.findable import Sight
from vault.ids import RecordId
from vault.permissions import Action, Actor
from vault.queries import Query, read_query
from vault.workflows import indexing
from vault.workflows.classnames import classes_named
from vault.workflows.retrieval import RecordView, views_of
from vault.workflows.vault import Vault

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""For a record that was just found its place is known by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindResult:
    """What was found; ``complete`` is False while records are still missing from the index, which has ``indexed`` of
    ``expected``. ``has_more``: there is another page behind the last one shown."""

    query: Query
    views: Sequence[RecordView]
    complete: bool
    indexed: int
    expected: int
    has_more: bool


def find(
    vault: Vault, actor: Actor, text: str, *, before: tuple[datetime, RecordId] | None = None, limit: int = 50
) -> FindResult:
    """Records that a query finds, newest first, behind ``before``. Raises ``NotAllowed``, ``InvalidInput``."""
    actor.require(Action.LIST_RECORDS)
    query = read_query(text)
    indexing.catch_up(vault)
    found = _visible(vault, actor, query, before, limit + 1)
    standing = vault.search.standing()
    return FindResult(
        query=query,
        views=views_of(vault, found[:limit]),
        complete=indexing.is_followed(vault),
        indexed=standing.records,
        expected=max(standing.expected, standing.records),
        has_more=len(found) > limit,
    )


def _visible(
    vault: Vault, actor: Actor, query: Query, before: tuple[datetime, RecordId] | None, limit: int
) -> Sequence[RecordId]:
    """Rule 1."""
    reach = actor.reach(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        classes = classes_named(tx, query)
    visible: list[RecordId] = []
    while len(visible) < limit:
        ids = [
            RecordId(found)
            for found in vault.search.find(query, classes, Sight(classes=reach), before=before, limit=limit)
        ]
        with vault.catalogue.read() as tx:
            visible += tx.records.listed(ids, reach)
        if len(ids) < limit:
            break
        before = (_EVER, ids[-1])
    return visible[:limit]
