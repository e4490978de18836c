"""Queries of matters: which records they match, when the matter is placed and whenever a record says something new.

Rule 1: a record that a query found is named by the matter from then on, whatever is said of it later.
Rule 2: nothing falls between. Placing takes a change number before it looks at what changed last, a record looks for
queries after it took its own: change numbers follow the order of commits, so one of both sees the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vault.audit import Event
from vault.errors import InvalidInput, KeyDestroyed, SealBroken
from vault.findable import EVERYTHING, Findable, findable, matches
from vault.holds import Matter, ScopeItem, ScopeKind
from vault.ids import RecordId
from vault.people import CLOCK_ID
from vault.queries import Query, read_query, read_words
from vault.records import Record, RecordState
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.classnames import classes_named
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
    entry = findable_in(vault, tx, record)
    found: dict[str, tuple[Matter, ScopeItem]] = {}
    for matter, query in queries:
        if matter.id not in found and entry is not None:
            wanted, classes = _wanted(tx, _words_of_query(vault, matter, query))
            if matches(wanted, entry, classes):
                found[matter.id] = (matter, query)
    held = tx.holds.of_records([record.id]).get(record.id, ()) if found else ()
    named = {each.id for each in held}
    for matter, query in found.values():
        tx.holds.add_items([named_by(matter, query, record.id, change=record.change, vault=vault)])
        if matter.id not in named:
            tx.audit.append(vault.entry(CLOCK_ID, Event.RECORD_HELD, record.id, {"matter": matter.number}))


def matching(vault: Vault, words: str) -> tuple[set[RecordId], int]:
    """What a query finds in the index, and the change number that the index had come to before."""
    standing = vault.search.standing()
    with vault.catalogue.read() as tx:
        query, classes = _wanted(tx, words)
    found = vault.search.find(query, classes, EVERYTHING, limit=max(1, standing.records))
    return {RecordId(each) for each in found}, standing.position


def still_matching(
    vault: Vault, tx: Transaction, queries: Mapping[str, str], found: Mapping[str, set[RecordId]], *, since: int
) -> dict[str, set[RecordId]]:
    """What the index found before the transaction, brought up to it: by query's id, living records only."""
    seen = {query_id: set(records) for query_id, records in found.items()}
    wanted = {query_id: _wanted(tx, words) for query_id, words in queries.items()}
    for record in _changed_since(tx, since):
        alive = record.state in (RecordState.RECEIVED, RecordState.FILED)
        entry = findable_in(vault, tx, record) if alive else None
        for query_id, (query, classes) in wanted.items():
            if entry is not None and matches(query, entry, classes):
                seen[query_id].add(record.id)
            elif not alive:
                seen[query_id].discard(record.id)
    return seen


def findable_in(vault: Vault, tx: Transaction, record: Record) -> Findable | None:
    """A record as the index would have it, from the transaction; None of one that cannot be read."""
    revision = tx.records.description(record.id, record.current_revision)
    version = tx.records.version(record.id, record.current_ordinal)
    customer = tx.customers.get(record.customer_id) if record.customer_id is not None else None
    if revision is None or version is None:
        return None
    try:
        said = descriptions.open_description(
            vault, revision.leaf, revision.sealed, record_id=record.id, revision=revision.revision
        )
        content = descriptions.open_content(
            vault, version.object.leaf, version.sealed_content, record_id=record.id, ordinal=version.ordinal
        )
        view = customer_view(vault, customer) if customer is not None else None
    except (KeyDestroyed, SealBroken):
        return None
    return findable(
        record_id=record.id,
        received_at=record.received_at,
        class_code=record.class_code,
        state=record.state.value,
        restricted=record.is_restricted,
        number=record.number,
        title=said.title,
        place=said.place,
        note=said.note,
        dated_on=said.dated_on,
        file_name=content.file_name,
        customer=(view.customer.number, view.profile.name) if view is not None else None,
        customer_id=record.customer_id,
        sha256=content.sha256.hex(),
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


def _wanted(tx: Transaction, words: str) -> tuple[Query, frozenset[str] | None]:
    """The query, and the classes that it names.

    Where a filter of it says nothing (any more: a class was called otherwise then), its words are looked for without
    it: that holds too much rather than too little.
    """
    try:
        query = read_query(words)
        return query, classes_named(tx, query)
    except InvalidInput:
        return read_words(words), None


def _words_of_query(vault: Vault, matter: Matter, query: ScopeItem) -> str:
    return descriptions.open_query(vault, matter.leaf, query.sealed or b"", query_id=query.subject)


def _changed_since(tx: Transaction, change: int) -> Iterator[Record]:
    while page := tx.records.changed_since(change, limit=PAGE):
        yield from page
        change = page[-1].change
