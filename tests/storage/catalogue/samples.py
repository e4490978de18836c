"""Nouns with made-up contents, each with ids of its own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from storage.catalogue.database import SqlCatalogue
from vault.audit import Entry, Event
from vault.customers import Customer
from vault.fonds import HOUSE_OWNER, Fonds
from vault.ids import (
    CustomerId,
    FondsId,
    IntentId,
    LinkId,
    ObjectId,
    PersonId,
    ProcessId,
    RecordId,
    UseId,
    VaultId,
    id_from_bytes,
)
from vault.links import Link, Use
from vault.objects import Lock, LockMode
from vault.people import Person
from vault.records import DescriptionRevision, Intent, IntentState, Record, RecordState, SealedObject, Version
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction

NOW = datetime(2026, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
LOCK = Lock(mode=LockMode.GOVERNANCE, retain_until=datetime(2026, 4, 3, tzinfo=UTC))


def an_id() -> str:
    """A fresh id."""
    return id_from_bytes(secrets.token_bytes(16))


def entry(subject: str, *, event: Event = Event.RECORD_RECEIVED) -> Entry:
    """An audit entry."""
    return Entry(at=NOW, actor="clock", event=event, subject=subject, detail={"ordinal": 1, "note": None, "ok": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A fonds with a block of extents, and the nouns in it."""

    catalogue: SqlCatalogue
    fonds: Fonds
    customer_id: CustomerId

    @classmethod
    def make(cls, catalogue: SqlCatalogue, *, extent_count: int = 1024) -> Home:
        """A new fonds with one block and one customer."""
        fonds = Fonds(
            id=FondsId(an_id()),
            vault_id=VaultId(an_id()),
            tree_id=secrets.token_bytes(16),
            created_at=NOW,
        )
        home = cls(catalogue=catalogue, fonds=fonds, customer_id=CustomerId(an_id()))
        with catalogue.write() as tx:
            tx.fonds.add(fonds)
            tx.extents.add_block(fonds.id, 0, first_extent=0, extent_count=extent_count)
            tx.customers.add(home.customer(tx, id=home.customer_id))
        return home

    def leaf(self, tx: Transaction, owner: str = HOUSE_OWNER) -> LeafAddress:
        """The next leaf of an owner."""
        place = tx.extents.issue_leaf(self.fonds.id, owner) or tx.extents.add_extent(self.fonds.id, owner)
        assert place is not None
        return LeafAddress(tree_id=self.fonds.tree_id, extent=place[0], leaf=place[1])

    def customer(self, tx: Transaction, **changes: Any) -> Customer:
        """A customer that is not on the shelf yet."""
        customer_id = changes.pop("id", CustomerId(an_id()))
        customer = Customer(
            id=customer_id,
            fonds_id=self.fonds.id,
            number=tx.customers.next_number(self.fonds.id),
            profile_leaf=self.leaf(tx, customer_id),
            sealed_profile=b"sealed profile",
            revision=1,
            created_at=NOW,
            change=tx.records.next_change(),
        )
        return replace(customer, **changes)

    def person(self, tx: Transaction, **changes: Any) -> Person:
        """A person who is not on the shelf yet."""
        person_id = PersonId(an_id())
        person = Person(
            id=person_id,
            login_index=secrets.token_bytes(32),
            profile_leaf=self.leaf(tx, person_id),
            sealed_profile=b"sealed person",
            password_hash="$argon2id$...",
            active=True,
            created_at=NOW,
        )
        return replace(person, **changes)

    def object(self, tx: Transaction) -> SealedObject:
        """A sealed object under a fresh leaf."""
        object_id = ObjectId(an_id())
        return SealedObject(
            object_id=object_id,
            key=f"records/{object_id}",
            leaf=self.leaf(tx),
            size_bytes=5_000_000_000,
            sealed_size_bytes=5_000_700_000,
            sealed_sha256=secrets.token_bytes(32),
            part_count=597,
            part_size_bytes=8 * 1024 * 1024,
            header_length=181,
            frame_length=262144,
        )

    def intent(self, tx: Transaction, **changes: Any) -> Intent:
        """An intent that is not on the shelf yet."""
        intent = Intent(
            id=IntentId(an_id()),
            state=IntentState.OPEN,
            fonds_id=self.fonds.id,
            record_id=RecordId(an_id()),
            ordinal=1,
            revision=1,
            class_code="contract",
            customer_id=self.customer_id,
            person_id=PersonId("operator"),
            process_id=ProcessId(an_id()),
            idempotency_key_hash=secrets.token_bytes(32),
            object=changes.pop("object", None) or self.object(tx),
            lock=LOCK,
            sealed_content=b"",
            sealed_description=b"sealed description",
            upload_id="",
            created_at=NOW,
        )
        return replace(intent, **changes)

    def record(self, tx: Transaction, **changes: Any) -> Record:
        """A record that is not on the shelf yet."""
        record = Record(
            id=RecordId(an_id()),
            fonds_id=self.fonds.id,
            number=tx.records.next_number(self.fonds.id, 2026),
            class_code="contract",
            customer_id=self.customer_id,
            state=RecordState.RECEIVED,
            received_at=NOW,
            received_by=PersonId("operator"),
            filed_at=None,
            filed_by=None,
            trigger_on=None,
            due_on=None,
            current_ordinal=1,
            current_revision=1,
            change=tx.records.next_change(),
        )
        return replace(record, **changes)

    def version(self, tx: Transaction, record: Record, **changes: Any) -> Version:
        """A version of a record that is not on the shelf yet."""
        version = Version(
            record_id=record.id,
            ordinal=1,
            object=changes.pop("object", None) or self.object(tx),
            version_id="v-1",
            lock=LOCK,
            sealed_content=b"sealed content",
            created_at=NOW,
            created_by=PersonId("operator"),
        )
        return replace(version, **changes)

    def description(self, version: Version, **changes: Any) -> DescriptionRevision:
        """A description under a version's leaf."""
        revision = DescriptionRevision(
            record_id=version.record_id,
            revision=1,
            ordinal=version.ordinal,
            leaf=version.object.leaf,
            sealed=b"sealed description",
            created_at=NOW,
            created_by=PersonId("operator"),
        )
        return replace(revision, **changes)

    def keep(self, **changes: Any) -> tuple[Record, Version]:
        """A record with one version and one description, on the shelf."""
        lock = changes.pop("lock", LOCK)
        with self.catalogue.write() as tx:
            record = self.record(tx, **changes)
            version = self.version(tx, record, lock=lock)
            tx.records.add(record)
            tx.records.add_version(version)
            tx.records.add_description(self.description(version))
        return record, version

    def keep_filed(self, *, due_on: date | None, lock: Lock = LOCK) -> tuple[Record, Version]:
        """A filed record."""
        return self.keep(state=RecordState.FILED, filed_at=NOW, filed_by=PersonId("operator"), due_on=due_on, lock=lock)

    def keep_link(self, **changes: Any) -> Link:
        """A link on the shelf, to a record of its own unless one is named."""
        record_id = changes.get("record_id")
        if record_id is None:
            record_id = self.keep()[0].id
        with self.catalogue.write() as tx:
            version = tx.records.version(record_id, 1)
            assert version is not None
            link = Link(
                id=LinkId(an_id()),
                record_id=record_id,
                ordinal=1,
                expires_at=NOW + timedelta(days=7),
                uses_max=1,
                uses_taken=0,
                pass_code_hash="",
                leaf=version.object.leaf,
                sealed_note=b"sealed note",
                created_at=NOW,
                created_by=PersonId("operator"),
                revoked_at=None,
            )
            link = replace(link, **changes)
            tx.links.add(link)
        return link


def use_of(link: Link, **changes: Any) -> Use:
    """A use of a link that is not on the shelf yet."""
    use = Use(
        id=UseId(an_id()),
        link_id=link.id,
        token_sha256=secrets.token_bytes(32),
        taken_at=NOW,
        expires_at=NOW + timedelta(hours=24),
        bytes_max=1000,
        bytes_sent=0,
    )
    return replace(use, **changes)
