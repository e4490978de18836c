"""Keeping the search index up to the catalogue: filled newest first, then followed by change number.

Rule 1: one thread of one process of a machine does it; others answer from what is there.
Rule 2: what changes while the index fills is followed in between: it shows at once.
Rule 3: keys are asked for many leaves at once, and not kept: reading all of the vault must not push out what is in use.
Rule 4: texts of files follow what was derived from them, once everything else is there and what was destroyed is gone.
Nobody waits for them: holds do not look there.
Rule 5: only texts by which somebody may find are here: of classes without gates, of what is not restricted.
Rule 6: what was destroyed leaves the index when its change is followed, and the memory under it as soon as the index
is rewritten, which begins at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import count
from threading import Event
from typing import Final

from vault.classes import RecordClass
from vault.customers import Customer
from vault.derived import TEXT_FIELDS
from vault.errors import KeyDestroyed, Overloaded, SealBroken, StrongroomError
from vault.findable import Findable, findable
from vault.gates import GATES
from vault.ids import CustomerId, RecordId
from vault.ports import IndexStanding
from vault.quality import flaws_of
from vault.records import RecordState
from vault.seal.fields import open_fields
from vault.seal.keytree import LeafAddress, LeafKeys
from vault.searchwords import fold
from vault.shelves import Transaction
from vault.shelves.records import Described
from vault.workflows.schedules import rule_of
from vault.workflows.vault import Vault

BATCH: Final = 1000
CAUGHT_UP_WITH: Final = 200
NAMES_KEPT: Final = 100_000
LOOK_EVERY_S: Final = 0.05
CHANGES_EVERY: Final = 3
"""Batches: some tenths of a second."""
TEXTS_AT_ONCE: Final = 50
LIVING: Final = (RecordState.RECEIVED, RecordState.FILED)


@dataclass(frozen=True, slots=True)
class _SealedText:
    """The text of a record's current version, as it is kept."""

    leaf: LeafAddress
    sealed: bytes
    ordinal: int


Keys = Mapping[LeafAddress, LeafKeys | StrongroomError]
Rules = Mapping[str, RecordClass]


@dataclass(slots=True)
class _Names:
    """Numbers and names of customers, opened once while the index fills."""

    known: dict[CustomerId, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records as the catalogue has them, their customers, and the keys of both."""

    rows: Sequence[Described]
    customers: Mapping[CustomerId, Customer]
    keys: Keys
    rules: Rules


def follow(vault: Vault, *, wait_s: float = 60.0) -> bool:
    """Brings the index up to the catalogue; True when nothing is missing.

    Where another process leads, it waits for that one, at most so long.
    """
    waiting = Event()
    for _ in range(max(1, round(wait_s / LOOK_EVERY_S))):
        if vault.search.lead():
            with vault.indexing:
                while not is_followed(vault) and _step(vault, _stays):
                    pass
            return is_followed(vault)
        if is_followed(vault):
            return True
        if vault.search.standing().is_full:
            return False
        waiting.wait(LOOK_EVERY_S)
    return False


def follow_texts(vault: Vault) -> None:
    """Brings what is found by the words in files up to date too, where this process leads: nobody waits for that."""
    if vault.search.lead():
        with vault.indexing:
            while _step(vault, _stays):
                pass


def require_followed(vault: Vault) -> None:
    """``follow``, for whoever must not miss a record. Raises ``Overloaded``."""
    if not follow(vault):
        if vault.search.standing().is_full:
            raise Overloaded(
                "the search index has no room for more records; have the system administration give it more, then try "
                "again",
                retry_after_s=3600,
            )
        raise Overloaded("the search index is still filling; try again in a minute", retry_after_s=60)


def keep_following(vault: Vault, is_left: Callable[[float], bool], *, every_s: float) -> None:
    """Follows until ``is_left`` (which waits so long) says so. Raises what reading the catalogue raises."""
    while True:
        while not is_left(0.0) and vault.search.lead():
            # A turn each step, so that whoever waits for the index comes in between.
            with vault.indexing:
                if not _step(vault, is_left):
                    break
        if is_left(every_s):
            return


def catch_up(vault: Vault) -> None:
    """Follows the latest changes if they are few and nobody else does just now: so people find what they just did."""
    if not vault.indexing.acquire(blocking=False):
        return
    try:
        if not vault.search.lead():
            return
        standing = vault.search.standing()
        if not standing.position and not standing.is_filled:
            standing = _begin(vault)
        standing = _follow_changes(vault, standing, CAUGHT_UP_WITH)
        if not standing.is_filled and standing.expected <= CAUGHT_UP_WITH:
            _fill(vault, standing, _stays)
    finally:
        vault.indexing.release()


def is_followed(vault: Vault) -> bool:
    """Whether nothing is missing from the index."""
    standing = vault.search.standing()
    if not standing.is_filled or standing.is_full:
        return False
    with vault.catalogue.read() as tx:
        return tx.records.newest_change() <= standing.position


def _stays(seconds: float) -> bool:
    return False


def _step(vault: Vault, is_left: Callable[[float], bool]) -> bool:
    """Follows changes, fills, rewrites; False when nothing is left to do."""
    standing = vault.search.standing()
    if standing.is_full:
        return False
    if not standing.position and not standing.is_filled:
        standing = _begin(vault)
    followed = _follow_changes(vault, standing, BATCH)
    if followed is not standing:
        return True
    if not standing.is_filled:
        _fill(vault, standing, is_left)
        return True
    return vault.search.cleanse() or _follow_texts(vault, standing)


def _begin(vault: Vault) -> IndexStanding:
    with vault.catalogue.read() as tx:
        standing = IndexStanding(position=tx.records.newest_change(), expected=tx.records.count())
    if not standing.position:
        standing = replace(standing, is_filled=True)
    vault.search.keep((), (), standing)
    return standing


def _follow_changes(vault: Vault, standing: IndexStanding, limit: int) -> IndexStanding:
    """Follows one batch of changes; the same standing where there are none."""
    with vault.catalogue.read() as tx:
        rows = tx.records.described_since(standing.position, limit=limit)
        customers, rules = _customers_of(tx, rows, _Names()), _rules_of(tx, rows)
    if not rows:
        return standing
    entries, gone = _entries(_with_keys(vault, rows, customers, rules), _Names())
    followed = replace(standing, position=rows[-1].change)
    vault.search.keep(entries, gone, followed)
    if standing.text_position and entries:
        # Its class, or whether it is more than stored, may be another one now.
        with vault.catalogue.read() as tx:
            sealed = _sealed_texts(tx, [RecordId(each.record_id) for each in entries])
        vault.search.keep_texts(_opened_texts(vault, sealed), followed)
    return followed


def _follow_texts(vault: Vault, standing: IndexStanding) -> bool:
    """Follows one batch of what was derived from files; False where there is none, no room, or changes come first."""
    if standing.is_full_of_texts:
        return False
    with vault.catalogue.read() as tx:
        rows = tx.derived.since(standing.text_position, limit=TEXTS_AT_ONCE)
        if not rows or tx.records.newest_change() > standing.position:
            return False
        sealed = _sealed_texts(tx, list(dict.fromkeys(record_id for _, record_id, _ in rows)))
    texts = _opened_texts(vault, sealed)
    vault.search.keep_texts(texts, replace(standing, text_position=rows[-1][0]))
    return True


def _sealed_texts(tx: Transaction, record_ids: Sequence[RecordId]) -> Mapping[RecordId, _SealedText | None]:
    """What was derived from current versions; None where nothing was, or nobody may find by it (rule 5)."""
    found: dict[RecordId, _SealedText | None] = {}
    for record in tx.records.many(record_ids).values():
        found[record.id] = None
        usable = record.state in LIVING and not record.is_restricted
        if not usable or GATES[rule_of(tx, record.class_code).sensitivity]:
            continue
        kept, version = tx.derived.get(record.id, record.current_ordinal), None
        if kept is not None and kept.sealed_text is not None:
            version = tx.records.version(record.id, record.current_ordinal)
        if kept is not None and kept.sealed_text is not None and version is not None:
            found[record.id] = _SealedText(version.object.leaf, kept.sealed_text, record.current_ordinal)
    return found


def _opened_texts(vault: Vault, sealed: Mapping[RecordId, _SealedText | None]) -> dict[str, str]:
    """The texts, folded; "" takes away what stood there."""
    leaves = [each.leaf for each in sealed.values() if each is not None]
    keys = dict(zip(leaves, vault.keys.many_leaf_keys(leaves, keep=False), strict=True))
    texts: dict[str, str] = {}
    for record_id, each in sealed.items():
        said = ""
        if each is not None:
            try:
                said = _opened(each.leaf, each.sealed, keys, record_id, TEXT_FIELDS, each.ordinal)["text"]
            except (KeyDestroyed, SealBroken, KeyError):
                said = ""
        # A mark that parts columns is no word of any text.
        texts[record_id] = fold(said.replace("\x1e", " "))
    return texts


def _fill(vault: Vault, standing: IndexStanding, is_left: Callable[[float], bool]) -> None:
    """Fills, newest first: while one batch is opened, the next is read and the one before is written, each in a thread
    of its own."""
    names = _Names()
    writing: Future[None] | None = None
    reading = vault.pool.submit(_read, vault, standing.filled_down_to, names)
    for turn in count(1):
        batch = reading.result()
        if not batch.rows or is_left(0.0):
            break
        last = (batch.rows[-1].received_at, batch.rows[-1].record_id)
        reading = vault.pool.submit(_read, vault, last, names)
        entries, _ = _entries(batch, names)
        if writing is not None:
            writing.result()
        if turn % CHANGES_EVERY == 0:
            standing = _follow_changes(vault, standing, BATCH)
        standing = replace(standing, filled_down_to=last)
        writing = vault.pool.submit(vault.search.keep, entries, (), standing)
    if writing is not None:
        writing.result()
    if not batch.rows:
        vault.search.keep((), (), replace(standing, is_filled=True))


def _read(vault: Vault, before: tuple[datetime, RecordId] | None, names: _Names) -> _Batch:
    with vault.catalogue.read() as tx:
        rows = tx.records.described_before(before, limit=BATCH)
        customers, rules = _customers_of(tx, rows, names), _rules_of(tx, rows)
    return _with_keys(vault, rows, customers, rules)


def _customers_of(tx: Transaction, rows: Sequence[Described], names: _Names) -> Mapping[CustomerId, Customer]:
    wanted = {row.customer_id for row in rows if row.customer_id is not None and row.customer_id not in names.known}
    return tx.customers.many(sorted(wanted)) if wanted else {}


def _rules_of(tx: Transaction, rows: Sequence[Described]) -> Rules:
    """What governs the classes of a batch."""
    return {each.code: each.rule for each in tx.schedules.governing()} if rows else {}


def _with_keys(
    vault: Vault, rows: Sequence[Described], customers: Mapping[CustomerId, Customer], rules: Rules
) -> _Batch:
    leaves = {leaf for row in rows if row.state in LIVING for leaf in (row.leaf, row.content_leaf) if leaf is not None}
    wanted = [*leaves, *(customer.profile_leaf for customer in customers.values())]
    told = vault.keys.many_leaf_keys(wanted, keep=False)
    return _Batch(rows, customers, dict(zip(wanted, told, strict=True)), rules)


def _entries(batch: _Batch, names: _Names) -> tuple[list[Findable], list[str]]:
    """What is to be found of a batch, and what is not any more: it is destroyed, or it does not open.

    What cannot be read cannot be found by words; the record's own page says what is wrong.
    """
    if len(names.known) > NAMES_KEPT:
        names.known.clear()
    for customer in batch.customers.values():
        names.known[customer.id] = _name_of(customer, batch.keys)
    entries, gone = list[Findable](), list[str]()
    for row in batch.rows:
        entry = _entry(row, batch, names) if row.state in LIVING else None
        if entry is not None:
            entries.append(entry)
        else:
            gone.append(row.record_id)
    return entries, gone


def _entry(row: Described, batch: _Batch, names: _Names) -> Findable | None:
    if row.sealed is None or row.leaf is None:
        return None
    keys = batch.keys
    try:
        said = _opened(row.leaf, row.sealed, keys, row.record_id, "description", row.revision)
        content = {}
        if row.sealed_content is not None and row.content_leaf is not None:
            content = _opened(row.content_leaf, row.sealed_content, keys, row.record_id, "content", row.ordinal)
        dated_on = date.fromisoformat(said["dated_on"]) if said["dated_on"] else None
        flaws = flaws_of(
            batch.rules.get(row.class_code),
            has_customer=row.customer_id is not None,
            dated_on=dated_on,
            received_at=row.received_at,
            trigger_on=row.trigger_on,
            filed_at=row.filed_at,
        )
        return findable(
            record_id=row.record_id,
            received_at=row.received_at,
            class_code=row.class_code,
            state=row.state.value,
            restricted=row.restricted,
            number=row.number,
            title=said["title"],
            place=said["place"],
            note=said["note"],
            dated_on=dated_on,
            file_name=content.get("file_name"),
            customer=names.known.get(row.customer_id) if row.customer_id is not None else None,
            customer_id=row.customer_id,
            sha256=content.get("sha256"),
            flaws=tuple(each.value for each in flaws),
        )
    except (KeyDestroyed, SealBroken, KeyError, TypeError, ValueError):
        return None


def _name_of(customer: Customer, keys: Keys) -> tuple[str, str]:
    try:
        profile = _opened(
            customer.profile_leaf, customer.sealed_profile, keys, customer.id, "customer", customer.revision
        )
        return customer.number, str(profile.get("name", ""))
    except (KeyDestroyed, SealBroken):
        return customer.number, ""


def _opened(
    leaf: LeafAddress, sealed: bytes, keys: Keys, subject: RecordId | CustomerId, field_set: str, revision: int
) -> dict[str, str]:
    found = keys[leaf]
    if isinstance(found, StrongroomError):
        raise found
    return open_fields(found.metadata_key, sealed, subject_id=subject, field_set=field_set, revision=revision)  # type: ignore[return-value]  # texts
