"""What the store remembers of records, customers and matters, taken into a catalogue that does not (yet, or any more).

1. Registers (``vault.workflows.register``): rules, records, customers, matters and scopes as the catalogue had them.
2. What the outbox sent since the last register: customers, filings, corrections of descriptions.
3. Objects that no register names: each carries its own sealed intake facts. Their digests are made again by reading.

Rule 1: the higher change number is the newer word.
Rule 2: what cannot be opened is dead (its key was destroyed) or damaged; only the latter is named.
Rule 3: where an object lies, and how long it is locked, the store says, not the register.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

from storage.backup.relist import Lists, take_lists
from storage.layout import META_PREFIX, RECORDS_PREFIX, object_id_of
from vault.certificates import Certificate, CertificateState
from vault.customers import Customer, CustomerState
from vault.errors import KeyDestroyed, ObjectMissing, SealBroken
from vault.fonds import HOUSE_OWNER, REGISTER_OWNER, Fonds
from vault.holds import Matter
from vault.ids import BatchId, CertificateId, CustomerId, ObjectId, PaperId, PersonId, RecordId
from vault.objects import Lock, ObjectFacts
from vault.paper import Paper, PaperMethod, PaperState
from vault.ports import Layout, LeafKeySource, ObjectStore, Randomness
from vault.records import Description, DescriptionRevision, Record, RecordState, SealedObject, Version
from vault.schedule import RuleState, RuleVersion
from vault.seal import labels
from vault.seal.envelope import FRAME_LENGTH, object_context, open_header, open_stream, parse_header, take_header
from vault.seal.fields import open_fields, seal_fields_with
from vault.seal.keytree import LeafAddress
from vault.seal.sizes import FINAL_OVERHEAD, FRAME_OVERHEAD
from vault.shelves import Transaction
from vault.workflows.descriptions import description_of, description_values
from vault.workflows.digests import SealedDigest
from vault.workflows.locks import receipt_lock
from vault.workflows.reception import INTAKE_BESIDE, INTAKE_METADATA
from vault.workflows.register import Register, RegisteredRecord, open_register, split_body, subject_of

HEADER_BYTES: Final = 4096
PART_SIZE_BYTES: Final = 8 << 20
SEALED_PART_BYTES: Final = PART_SIZE_BYTES // FRAME_LENGTH * (FRAME_LENGTH + FRAME_OVERHEAD)
_ALIVE: Final = frozenset({RecordState.RECEIVED, RecordState.FILED})

Progress = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Recollected:
    """What was taken in. ``renumbered`` records were in no register: they have new numbers. ``numbers`` are taken by
    records that are still to come; ``touched`` records have a new change number, and may have been filed before it."""

    records: int = 0
    customers: int = 0
    from_objects: int = 0
    renumbered: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    touched: set[RecordId] = field(default_factory=set)
    newest_change: int = 0
    registered: int = 0
    matters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The store with the keys that open what it remembers."""

    store: ObjectStore
    layout: Layout
    keys: LeafKeySource
    tree_id: bytes
    randomness: Randomness
    now: datetime
    progress: Progress = lambda text: None

    def registers(self) -> Iterator[int]:
        """Where each register ends, in order."""
        folder = f"{META_PREFIX}{subject_of(self.tree_id)}/"
        return iter(sorted(int(each.key.removeprefix(folder)) for each in self.store.versions(folder)))

    def register(self, to: int) -> Register:
        """One register. Raises ``SealBroken``, ``ObjectMissing``, ``StoreUnavailable``."""
        body = self._whole(self.layout.meta(subject_of(self.tree_id), f"{to:012d}"))
        return open_register(self.keys, body, tree_id=self.tree_id, to=to)

    def sent_after(self, change: int) -> Iterator[tuple[int, str, str, str]]:
        """What the outbox sent since: (change, field set, subject, key)."""
        for each in self.store.versions(META_PREFIX):
            subject, _, name = each.key.removeprefix(META_PREFIX).partition("/")
            number, _, field_set = name.partition("-")
            if number.isdigit() and field_set and int(number) > change:
                yield int(number), field_set, subject, each.key

    def all_sent(self, field_set: str) -> Iterator[tuple[int, str, str]]:
        """Everything of a kind that no register has, oldest first: (change, subject, key)."""
        sent = (each for each in self.sent_after(0) if each[1] == field_set)
        yield from sorted((change, subject, key) for change, _, subject, key in sent)

    def sent(self, key: str, subject: str, field_set: str, change: int) -> tuple[LeafAddress, dict[str, Any]]:
        """What one of them says, and the leaf that it is sealed under."""
        leaf, sealed = split_body(self._whole(key))
        return leaf, self.open(leaf, sealed, subject=subject, field_set=f"outbox-{field_set}", revision=change)

    def open(self, leaf: LeafAddress, sealed: bytes, *, subject: str, field_set: str, revision: int) -> dict[str, Any]:
        """Sealed fields. Raises ``KeyDestroyed``, ``SealBroken``."""
        key = self.keys.leaf_keys(leaf).metadata_key
        return open_fields(key, sealed, subject_id=subject, field_set=field_set, revision=revision)

    def seal(self, leaf: LeafAddress, values: Any, *, subject: str, field_set: str, revision: int) -> bytes:
        """Seals fields anew, as the catalogue keeps them."""
        return seal_fields_with(
            self.randomness.token_bytes,
            self.keys.leaf_keys(leaf).metadata_key,
            values,
            subject_id=subject,
            field_set=field_set,
            revision=revision,
        )

    def _whole(self, key: str) -> bytes:
        facts = self.store.head(key)
        if facts is None:
            raise ObjectMissing(f"{key} is not in the store; put it back from a backup")
        with self.store.read(key, facts.version_id) as chunks:
            return b"".join(chunks)


def recollect(
    tx: Transaction, fonds: Fonds, memory: Memory, *, known_change: int, settle: Callable[[Recollected], None]
) -> Recollected:
    """Takes into the catalogue what the store knows beyond change number ``known_change``.

    ``settle`` raises the counters above what was found; it is called before any number is given anew.
    """
    told = Recollected(newest_change=known_change, registered=tx.outbox.registered())
    ends = [to for to in memory.registers() if to > known_change]
    sent = sorted(memory.sent_after(max([known_change, *ends])))
    rules: dict[tuple[str, int], RuleVersion] = {}
    lists = Lists()
    # Customers first: a record may name one that a later register tells of.
    for to in ends:
        register = memory.register(to)
        for customer in register.customers:
            _take_customer(tx, customer, told)
        for matter in register.matters:
            _take_matter(tx, matter, told)
        rules |= {(rule.code, rule.version): rule for rule in register.rules}
        lists.hear(register)
    _take_rules(tx, rules.values(), told)
    for change, field_set, subject, key in sent:
        told.newest_change = max(told.newest_change, change)
        if field_set == "customer":
            with _naming(told, key):
                _take_sent_customer(tx, fonds, memory, told, change, subject, key)
    for change, subject, key in memory.all_sent("certificate"):
        told.newest_change = max(told.newest_change, change)
        with _naming(told, key):
            _take_certificate(tx, fonds, memory, change, subject, key)
    for to in ends:
        register = memory.register(to)
        for registered in register.records:
            _take_record(tx, memory, registered, told)
        tx.holds.add_items(register.items)
        told.registered = max(told.registered, to)
        memory.progress(f"took in {told.records} records from the registers")
    told.newest_change = max(told.newest_change, take_lists(tx, lists, now=memory.now))
    numbers: dict[str, str] = {}
    for change, field_set, subject, key in sent:
        if field_set == "record":
            with _naming(told, key):
                numbers[subject] = memory.sent(key, subject, field_set, change)[1]["number"]
    told.numbers += numbers.values()
    settle(told)
    _take_objects(tx, fonds, memory, told, numbers)
    for change, field_set, subject, key in sent:
        if field_set in ("record", "revision"):
            with _naming(told, key):
                _take_sent(tx, memory, told, change, field_set, subject, key)
    for change, subject, key in memory.all_sent("paper"):
        told.newest_change = max(told.newest_change, change)
        with _naming(told, key):
            _take_paper(tx, fonds, memory, change, subject, key)
    settle(told)
    return told


@contextmanager
def _naming(told: Recollected, key: str) -> Iterator[None]:
    """What is sealed under a dead leaf is passed over; what is damaged is named."""
    try:
        yield
    except KeyDestroyed:
        return
    except (SealBroken, ObjectMissing, KeyError, ValueError):
        told.damaged.append(key)


# ---- registers -----------------------------------------------------------------------------------------------------


def _take_customer(tx: Transaction, customer: Customer, told: Recollected) -> None:
    told.newest_change = max(told.newest_change, customer.change)
    if tx.customers.get(customer.id) is not None:
        return
    tx.extents.retire(customer.fonds_id, customer.profile_leaf.extent, customer.id)
    # Whether its keys live, the key pages say.
    tx.customers.add(replace(customer, state=CustomerState.LIVE))
    told.customers += 1


def _take_matter(tx: Transaction, matter: Matter, told: Recollected) -> None:
    told.newest_change = max(told.newest_change, matter.change)
    existing = tx.holds.get(matter.id)
    if existing is None:
        tx.extents.retire(matter.fonds_id, matter.leaf.extent, matter.id)
        tx.holds.add(matter)
        told.matters += 1
    elif existing.change < matter.change:
        tx.holds.update(matter)


def _take_rules(tx: Transaction, rules: Collection[RuleVersion], told: Recollected) -> None:
    """The newest word on each version; those that neither govern nor wait first, for of the others there is one."""
    for rule in sorted(rules, key=lambda each: (each.governs or each.state is RuleState.PROPOSED, each.change)):
        told.newest_change = max(told.newest_change, rule.change)
        existing = next((each for each in tx.schedules.versions(rule.code) if each.version == rule.version), None)
        if existing is None:
            tx.schedules.add(rule)
        elif existing.change < rule.change:
            tx.schedules.decide(rule)


def _take_record(tx: Transaction, memory: Memory, registered: RegisteredRecord, told: Recollected) -> None:
    record = registered.record
    told.newest_change = max(told.newest_change, record.change)
    existing = tx.records.get(record.id, for_update=True)
    if existing is not None and existing.change >= record.change:
        return
    if record.state not in _ALIVE:
        record = replace(record, state=RecordState.FILED if record.filed_at else RecordState.RECEIVED)
    if existing is None:
        tx.records.add(record)
        told.records += 1
    had = {version.ordinal for version in tx.records.versions(record.id)}
    for version in registered.versions:
        if version.ordinal not in had:
            _retire(tx, record, version.object.leaf)
            tx.records.add_version(_as_stored(memory, version))
    said = {revision.revision for revision in tx.records.descriptions(record.id)}
    for revision in registered.descriptions:
        if revision.revision not in said:
            tx.records.add_description(revision)
    if existing is not None and existing.state in _ALIVE:
        tx.records.update(record)


def _as_stored(memory: Memory, version: Version) -> Version:
    facts = memory.store.head(version.object.key)
    if facts is None:
        return version
    return replace(version, version_id=facts.version_id, lock=_lock(facts, memory.now), legal_hold=facts.legal_hold)


def _lock(facts: ObjectFacts, now: datetime) -> Lock:
    return facts.lock if facts.lock is not None else receipt_lock(now)


def _retire(tx: Transaction, record: Record, leaf: LeafAddress) -> None:
    tx.extents.retire(record.fonds_id, leaf.extent, record.customer_id or HOUSE_OWNER)


# ---- what the outbox sent ------------------------------------------------------------------------------------------


def _take_sent_customer(
    tx: Transaction, fonds: Fonds, memory: Memory, told: Recollected, change: int, subject: str, key: str
) -> None:
    leaf, said = memory.sent(key, subject, "customer", change)
    profile = {"name": said["name"], "note": said["note"]}
    revision = int(said["revision"])
    customer = Customer(
        id=CustomerId(subject),
        fonds_id=fonds.id,
        number=said["number"],
        profile_leaf=leaf,
        sealed_profile=memory.seal(leaf, profile, subject=subject, field_set="customer", revision=revision),
        revision=revision,
        created_at=datetime.fromisoformat(said["created_at"]),
        change=change,
    )
    _take_customer(tx, customer, told)


def _take_paper(tx: Transaction, fonds: Fonds, memory: Memory, change: int, subject: str, key: str) -> None:
    leaf, said = memory.sent(key, subject, "paper", change)
    revision = int(said["revision"])
    paper = Paper(
        id=PaperId(subject),
        fonds_id=fonds.id,
        record_id=RecordId(said["record"]),
        box=said["box"],
        state=PaperState(said["state"]),
        leaf=leaf,
        sealed=memory.seal(leaf, said["words"], subject=subject, field_set="paper", revision=revision),
        revision=revision,
        added_by=PersonId(said["added_by"]),
        added_at=datetime.fromisoformat(said["added_at"]),
        method=PaperMethod(said["method"]) if said["method"] else None,
        weight_grams=said["weight_grams"],
        destroyed_by=PersonId(said["destroyed_by"]) if said["destroyed_by"] else None,
        destroyed_at=datetime.fromisoformat(said["destroyed_at"]) if said["destroyed_at"] else None,
        change=change,
    )
    existing = tx.papers.of_record(paper.record_id)
    if existing is None and tx.records.get(paper.record_id) is not None:
        tx.papers.add(paper)
    elif existing is not None and existing.change < change:
        tx.papers.update(paper)


def _take_certificate(tx: Transaction, fonds: Fonds, memory: Memory, change: int, subject: str, key: str) -> None:
    leaf, said = memory.sent(key, subject, "certificate", change)
    certificate = Certificate(
        id=CertificateId(subject),
        fonds_id=fonds.id,
        number=said["number"],
        batch_id=BatchId(said["batch"]),
        generation=int(said["generation"]),
        state=CertificateState(said["state"]),
        statement_sha256=bytes.fromhex(said["statement_sha256"]),
        leaf=leaf,
        sealed=b"",
        issued_at=datetime.fromisoformat(said["issued_at"]),
    )
    existing = tx.certificates.get(certificate.id)
    if existing is not None and existing.revision >= certificate.revision:
        return
    document = {"document": said["document"]}
    sealed = memory.seal(leaf, document, subject=subject, field_set="certificate", revision=certificate.revision)
    certificate = replace(certificate, sealed=sealed)
    if existing is not None:
        tx.certificates.complete(certificate)
        return
    tx.extents.retire(fonds.id, leaf.extent, REGISTER_OWNER)
    tx.certificates.add(certificate)


def _take_sent(
    tx: Transaction, memory: Memory, told: Recollected, change: int, field_set: str, subject: str, key: str
) -> None:
    record = tx.records.get(RecordId(subject), for_update=True)
    if record is None or record.state not in _ALIVE:
        return
    if field_set == "record" and record.change >= change and record.id not in told.touched:
        return
    leaf, said = memory.sent(key, subject, field_set, change)
    if field_set == "revision":
        revision = int(said["revision"])
        if tx.records.description(record.id, revision) is None:
            sealed = memory.seal(leaf, said["description"], subject=subject, field_set="description", revision=revision)
            tx.records.add_description(
                DescriptionRevision(
                    record_id=record.id,
                    revision=revision,
                    ordinal=int(said["ordinal"]),
                    leaf=leaf,
                    sealed=sealed,
                    created_at=datetime.fromisoformat(said["created_at"]),
                    created_by=PersonId(said["created_by"]),
                )
            )
        tx.records.update(
            replace(record, current_revision=max(record.current_revision, revision), change=max(record.change, change))
        )
        return
    tx.records.update(
        replace(
            record,
            class_code=said["class"],
            state=RecordState.FILED if said["filed_at"] else RecordState.RECEIVED,
            filed_at=datetime.fromisoformat(said["filed_at"]) if said["filed_at"] else None,
            filed_by=PersonId(said["filed_by"]) if said["filed_by"] else None,
            trigger_on=date.fromisoformat(said["trigger_on"]) if said["trigger_on"] else None,
            due_on=date.fromisoformat(said["due_on"]) if said["due_on"] else None,
            rule_version=said.get("rule_version", 1),
            restricted_by=said.get("restricted_by"),
            restriction_lifted_by=said.get("restriction_lifted_by"),
            unsettled_by=said.get("unsettled_by"),
            change=max(record.change, change),
        )
    )


# ---- objects that nothing else names -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    facts: ObjectFacts
    object_id: ObjectId
    leaf: LeafAddress
    header_length: int
    intake: dict[str, Any]


def _take_objects(tx: Transaction, fonds: Fonds, memory: Memory, told: Recollected, numbers: dict[str, str]) -> None:
    found: list[_Found] = []
    for listed in memory.store.versions(RECORDS_PREFIX):
        object_id = object_id_of(listed.key)
        if object_id is None or not listed.is_latest or listed.is_delete_marker:
            continue
        if tx.records.version_of_object(ObjectId(object_id)) is None:
            with _naming(told, listed.key):
                found.append(_find(memory, fonds, listed.key, ObjectId(object_id)))
    for each in sorted(found, key=lambda one: (one.intake["received_at"], one.intake["ordinal"])):
        with _naming(told, each.facts.key):
            _take_object(tx, fonds, memory, told, each, numbers)


def _find(memory: Memory, fonds: Fonds, key: str, object_id: ObjectId) -> _Found:
    facts = memory.store.head(key)
    if facts is None:
        raise ObjectMissing(f"{key} went away; begin again")
    with memory.store.read(key, facts.version_id, length=min(HEADER_BYTES, facts.size_bytes)) as chunks:
        header = parse_header(b"".join(chunks))
    if header.context.get(labels.CONTEXT_VAULT) != fonds.vault_id:
        raise SealBroken(f"{key} is another vault's; look who put it there")
    leaf = LeafAddress.parse(header.context[labels.CONTEXT_LEAF])
    text = facts.metadata[INTAKE_METADATA]
    if text == INTAKE_BESIDE:
        beside = memory.layout.meta(object_id, "intake")
        there = memory.store.head(beside)
        if there is None:
            raise ObjectMissing(f"{beside} is not in the store; put it back from a backup")
        with memory.store.read(beside, there.version_id) as chunks:
            sealed = b"".join(chunks)
    else:
        try:
            sealed = base64.b64decode(text, validate=True)
        except binascii.Error as exc:
            raise SealBroken(f"the intake facts of {key} are damaged; put it back from a backup") from exc
    intake = memory.open(leaf, sealed, subject=object_id, field_set="intake", revision=1)
    return _Found(facts=facts, object_id=object_id, leaf=leaf, header_length=header.length, intake=intake)


def _take_object(
    tx: Transaction,
    fonds: Fonds,
    memory: Memory,
    told: Recollected,
    found: _Found,
    numbers: dict[str, str],
) -> None:
    said = found.intake
    record_id, ordinal, revision = RecordId(said["record"]), int(said["ordinal"]), int(said["revision"])
    received_at, received_by = datetime.fromisoformat(said["received_at"]), PersonId(said["received_by"])
    record = tx.records.get(record_id, for_update=True)
    fresh = record is None and ordinal == 1
    if not fresh and (
        record is None or (record.current_ordinal, record.current_revision) != (ordinal - 1, revision - 1)
    ):
        return  # Overtaken by another correction, or given up: never acknowledged.
    sealed, sha256 = _read_again(memory, fonds, found)
    if record is None:
        number = numbers.get(record_id)
        if number is None:
            number = tx.records.next_number(fonds.id, received_at.year)
            told.renumbered.append(number)
        customer_id = CustomerId(said["customer"]) if said["customer"] else None
        if customer_id is not None and tx.customers.get(customer_id) is None:
            raise SealBroken(f"customer {customer_id} of {found.facts.key} is not known")
        record = Record(
            id=record_id,
            fonds_id=fonds.id,
            number=number,
            class_code=said["class"],
            customer_id=customer_id,
            state=RecordState.RECEIVED,
            received_at=received_at,
            received_by=received_by,
            filed_at=None,
            filed_by=None,
            trigger_on=None,
            due_on=None,
            current_ordinal=1,
            current_revision=revision,
            change=tx.records.next_change(),
        )
        tx.records.add(record)
    else:
        record = replace(record, current_ordinal=ordinal, current_revision=revision, change=tx.records.next_change())
    _retire(tx, record, found.leaf)
    tx.records.add_version(
        Version(
            record_id=record_id,
            ordinal=ordinal,
            object=sealed,
            version_id=found.facts.version_id,
            lock=_lock(found.facts, memory.now),
            sealed_content=_content(memory, found, sealed, sha256, record_id, ordinal),
            created_at=received_at,
            created_by=received_by,
            legal_hold=found.facts.legal_hold,
        )
    )
    description: Description = description_of(said["description"])
    tx.records.add_description(
        DescriptionRevision(
            record_id=record_id,
            revision=revision,
            ordinal=ordinal,
            leaf=found.leaf,
            sealed=memory.seal(
                found.leaf,
                description_values(description),
                subject=record_id,
                field_set="description",
                revision=revision,
            ),
            created_at=received_at,
            created_by=received_by,
        )
    )
    if not fresh:
        tx.records.update(record)
    told.from_objects += 1
    told.touched.add(record_id)
    told.newest_change = max(told.newest_change, record.change)


def _content(
    memory: Memory, found: _Found, sealed: SealedObject, sha256: bytes, record_id: RecordId, ordinal: int
) -> bytes:
    content = {
        "file_name": found.intake["file_name"],
        "media_type": found.intake["media_type"],
        "size_bytes": sealed.size_bytes,
        "sha256": sha256.hex(),
    }
    return memory.seal(found.leaf, content, subject=record_id, field_set="content", revision=ordinal)


def _read_again(memory: Memory, fonds: Fonds, found: _Found) -> tuple[SealedObject, bytes]:
    """An object's sizes and digests, made again by reading all of it; the plaintext's digest."""
    full, rest = divmod(found.facts.size_bytes - found.header_length - FINAL_OVERHEAD, FRAME_LENGTH + FRAME_OVERHEAD)
    if full < 0 or rest >= FRAME_LENGTH:
        raise SealBroken(f"{found.facts.key} has a length that no sealed file has; put it back from a backup")
    size_bytes = full * FRAME_LENGTH + rest
    sealed = SealedObject(
        object_id=found.object_id,
        key=found.facts.key,
        leaf=found.leaf,
        size_bytes=size_bytes,
        sealed_size_bytes=found.facts.size_bytes,
        sealed_sha256=bytes(32),
        part_count=_part_count(size_bytes),
        part_size_bytes=SEALED_PART_BYTES,
        header_length=found.header_length,
        frame_length=FRAME_LENGTH,
    )
    context = object_context(vault_id=fonds.vault_id, leaf=found.leaf, object_id=found.object_id)
    ciphertext, plaintext = SealedDigest(sealed), hashlib.sha256()
    with memory.store.read(found.facts.key, found.facts.version_id) as chunks:
        header, frames = take_header(_digested(chunks, ciphertext), found.header_length)
        opener = open_header(header, memory.keys.leaf_keys(found.leaf).kek, context)
        for block in open_stream(frames, opener, size_bytes):
            plaintext.update(block)
    return replace(sealed, sealed_sha256=ciphertext.digest()), plaintext.digest()


def _part_count(size_bytes: int) -> int:
    """As reception parts a file: one that fits into a part goes whole."""
    return 0 if size_bytes < PART_SIZE_BYTES else size_bytes // PART_SIZE_BYTES + 1


def _digested(chunks: Iterator[bytes], digest: SealedDigest) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
