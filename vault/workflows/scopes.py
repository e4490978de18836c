"""Queries of matters: which records they match, when the matter is placed and whenever a record says something new.

Rule 1: a record that a query found is named by the matter from then on, whatever is said of it later.
Rule 2: nothing falls between. Placing takes a change number before it looks at what changed last, a record looks for
queries after it took its own: change numbers follow the order of commits, so one of both sees the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vault.audit import Event
from vault.errors import KeyDestroyed, SealBroken
from vault.holds import Matter, ScopeItem, ScopeKind
from vault.ids import RecordId
from vault.people import CLOCK_ID
from vault.records import Record, RecordState
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.customers import customer_view
from vault.workflows.vault import Vault

PAGE = 500


def hold_what_matches(vault: Vault, tx: Transaction, record: Record) -> None:
    """Adds a record to the scopes of the matters whose queries match what is said of it now.

    Called in the transaction that received, corrected or described it, once its change number is taken.
    """
    queries = tx.holds.queries_in_force(record.fonds_id)
    if not queries:
        return
    words = words_in(vault, tx, record)
    found: dict[str, tuple[Matter, ScopeItem]] = {}
    for matter, query in queries:
        if matter.id not in found and vault.search.matches(_words_of_query(vault, matter, query), words):
            found[matter.id] = (matter, query)
    held = tx.holds.of_records([record.id]).get(record.id, ()) if found else ()
    named = {each.id for each in held}
    for matter, query in found.values():
        tx.holds.add_items([named_by(matter, query, record.id, change=record.change, vault=vault)])
        if matter.id not in named:
            tx.audit.append(vault.entry(CLOCK_ID, Event.RECORD_HELD, record.id, {"matter": matter.number}))


def matching(vault: Vault, words: str) -> tuple[set[RecordId], int]:
    """What a query finds in the index, and the change number that the index had come to before."""
    position = vault.search.position()
    return {RecordId(found) for found in vault.search.find(words, limit=max(1, vault.search.size()))}, position


def still_matching(
    vault: Vault, tx: Transaction, queries: Mapping[str, str], found: Mapping[str, set[RecordId]], *, since: int
) -> dict[str, set[RecordId]]:
    """What the index found before the transaction, brought up to it: by query's id, living records only."""
    seen = {query_id: set(records) for query_id, records in found.items()}
    for record in _changed_since(tx, since):
        alive = record.state in (RecordState.RECEIVED, RecordState.FILED)
        words = words_in(vault, tx, record) if alive else ""
        for query_id, wanted in queries.items():
            if alive and vault.search.matches(wanted, words):
                seen[query_id].add(record.id)
            elif not alive:
                seen[query_id].discard(record.id)
    return seen


def words_in(vault: Vault, tx: Transaction, record: Record) -> str:
    """The words of a record as the transaction has them; none of one that cannot be read."""
    revision = tx.records.description(record.id, record.current_revision)
    version = tx.records.version(record.id, record.current_ordinal)
    customer = tx.customers.get(record.customer_id) if record.customer_id is not None else None
    if revision is None or version is None:
        return ""
    try:
        said = descriptions.open_description(
            vault, revision.leaf, revision.sealed, record_id=record.id, revision=revision.revision
        )
        content = descriptions.open_content(
            vault, version.object.leaf, version.sealed_content, record_id=record.id, ordinal=version.ordinal
        )
        view = customer_view(vault, customer) if customer is not None else None
    except (KeyDestroyed, SealBroken):
        return ""
    return descriptions.words_of(
        record.number,
        said,
        file_name=content.file_name,
        customer=(view.customer.number, view.profile.name) if view is not None else None,
    )


def named_by(matter: Matter, query: ScopeItem, record_id: RecordId, *, change: int, vault: Vault) -> ScopeItem:
    """The item that names a record which a query found."""
    return ScopeItem(
        matter_id=matter.id,
        kind=ScopeKind.RECORD,
        subject=record_id,
        sealed=None,
        origin=query.subject,
        added_by=CLOCK_ID,
        added_at=vault.now(),
        change=change,
    )


def _words_of_query(vault: Vault, matter: Matter, query: ScopeItem) -> str:
    return descriptions.open_query(vault, matter.leaf, query.sealed or b"", query_id=query.subject)


def _changed_since(tx: Transaction, change: int) -> Iterator[Record]:
    while page := tx.records.changed_since(change, limit=PAGE):
        yield from page
        change = page[-1].change
