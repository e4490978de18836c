"""The register: what the catalogue says of its fonds, records, customers, matters, rules and lists, sent to the store.

So the catalogue can be made again from the store alone. A record's object carries what was known before its bytes came;
its number, digests, lock, state and dates are known only afterwards. They travel here, many records in one sealed
object: ``meta/register-<tree id>/<change number>``.

Rule 1: a register is sealed under the house's first leaf. Descriptions, content facts and profiles stand in it as they
stand in the catalogue: sealed under their own leaves. So they die with those, and the stub outlives them.
Rule 2: each says which change numbers it covers; one after the other, they cover all. How far they lag is the outbox's
lag, and what was changed since the last one.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from vault.customers import Customer, CustomerState
from vault.disposal import DisposalItem, DisposalList, Signature
from vault.errors import SealBroken
from vault.fonds import Fonds
from vault.holds import Matter, ScopeItem
from vault.ids import CustomerId, FondsId, ObjectId, PersonId, RecordId, VaultId
from vault.notices import Notice
from vault.objects import Lock, LockMode
from vault.ports import LeafKeySource
from vault.records import DescriptionRevision, Record, RecordState, SealedObject, Version
from vault.schedule import RuleVersion
from vault.seal.fields import open_fields
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows import descriptions, disposalvalues
from vault.workflows.disposalvalues import list_of, list_values, signature_of, signature_values
from vault.workflows.mattervalues import item_of, item_values, matter_of, matter_values
from vault.workflows.noticevalues import notice_of, notice_values
from vault.workflows.rulevalues import rule_from, rule_values
from vault.workflows.vault import Vault

FIELD_SET: Final = "register"
FORMAT: Final = 4
KNOWN: Final = frozenset({1, 2, 3, FORMAT})
"""Format 1 knew neither matters nor rules, format 2 no disposal lists, format 3 no notices."""
BATCH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredRecord:
    """A record with everything that the catalogue keeps of it."""

    record: Record
    versions: tuple[Version, ...]
    descriptions: tuple[DescriptionRevision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What changed after change number ``since``, up to ``to``."""

    fonds: Fonds
    since: int
    to: int
    records: Sequence[RegisteredRecord]
    customers: Sequence[Customer]
    matters: Sequence[Matter] = ()
    items: Sequence[ScopeItem] = ()
    rules: Sequence[RuleVersion] = ()
    lists: Sequence[DisposalList] = ()
    list_items: Sequence[DisposalItem] = ()
    signatures: Sequence[Signature] = ()
    notices: Sequence[Notice] = ()


def subject_of(tree_id: bytes) -> str:
    """What the registers of a fonds are kept under."""
    return f"register-{tree_id.hex()}"


def write_pending(vault: Vault, *, batches_max: int = 50) -> int:
    """Puts what changed since the last register into the outbox; gives how many changes that were."""
    changes = 0
    for _ in range(batches_max):
        with vault.catalogue.read() as tx:
            register = _next_register(vault, tx)
        if register is None:
            break
        body = seal_register(vault, register)
        key = vault.layout.meta(subject_of(vault.fonds.tree_id), f"{register.to:012d}")
        with vault.catalogue.write() as tx:
            # Another process may have written this one meanwhile; then its is as good.
            if tx.outbox.register(key, body, since=register.since, to=register.to, at=vault.now()):
                changes += len(register.records) + len(register.customers) + len(register.matters)
                changes += len(register.rules) + len(register.lists)
    return changes


def seal_register(vault: Vault, register: Register) -> bytes:
    """The object's bytes: the house's leaf in text, a line break, sealed fields."""
    values = {
        "format": FORMAT,
        "fonds": {
            "id": register.fonds.id,
            "vault": register.fonds.vault_id,
            "created_at": register.fonds.created_at.isoformat(),
            "sealed_name": register.fonds.sealed_name.hex() if register.fonds.sealed_name is not None else None,
        },
        "since": register.since,
        "to": register.to,
        "records": [_record_values(each) for each in register.records],
        "customers": [_customer_values(each) for each in register.customers],
        "matters": [matter_values(each) for each in register.matters],
        "scopes": [item_values(each) for each in register.items],
        "rules": [rule_values(each) for each in register.rules],
        "lists": [list_values(each) for each in register.lists],
        "list_items": [disposalvalues.item_values(each) for each in register.list_items],
        "signatures": [signature_values(each) for each in register.signatures],
        "notices": [notice_values(each) for each in register.notices],
    }
    subject = subject_of(vault.fonds.tree_id)
    sealed = descriptions.seal(vault, vault.house, values, subject=subject, field_set=FIELD_SET, revision=register.to)
    return vault.house.text.encode("ascii") + b"\n" + sealed


def open_register(keys: LeafKeySource, body: bytes, *, tree_id: bytes, to: int) -> Register:
    """Opens what ``seal_register`` made under the key that names ``to``. Raises ``SealBroken``."""
    leaf, sealed = split_body(body)
    if leaf.tree_id != tree_id:
        raise SealBroken("a register is another vault's; take another copy of the store")
    values = open_fields(
        keys.leaf_keys(leaf).metadata_key, sealed, subject_id=subject_of(tree_id), field_set=FIELD_SET, revision=to
    )
    try:
        if values["format"] not in KNOWN:
            raise SealBroken("a register was written by a newer version of Strongroom; use that one")
        said: Any = values
        fonds = Fonds(
            id=FondsId(said["fonds"]["id"]),
            vault_id=VaultId(said["fonds"]["vault"]),
            tree_id=tree_id,
            created_at=datetime.fromisoformat(said["fonds"]["created_at"]),
            sealed_name=bytes.fromhex(name) if (name := said["fonds"].get("sealed_name")) is not None else None,
        )
        return Register(
            fonds=fonds,
            since=said["since"],
            to=said["to"],
            records=[_record_of(each, fonds.id) for each in said["records"]],
            customers=[_customer_of(each, fonds.id) for each in said["customers"]],
            matters=[matter_of(each, fonds.id) for each in said.get("matters", ())],
            items=[item_of(each) for each in said.get("scopes", ())],
            rules=[rule_from(each) for each in said.get("rules", ())],
            lists=[list_of(each, fonds.id) for each in said.get("lists", ())],
            list_items=[disposalvalues.item_of(each) for each in said.get("list_items", ())],
            signatures=[signature_of(each) for each in said.get("signatures", ())],
            notices=[notice_of(each) for each in said.get("notices", ())],
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise SealBroken("a register has another shape than a register") from exc


def split_body(body: bytes) -> tuple[LeafAddress, bytes]:
    """The leaf that a ``meta/`` object is sealed under, and its sealed fields. Raises ``SealBroken``."""
    head, separator, sealed = body.partition(b"\n")
    if not separator or not head.isascii():
        raise SealBroken("a metadata object does not begin with its leaf; take another copy of the store")
    return LeafAddress.parse(head.decode("ascii")), sealed


def _next_register(vault: Vault, tx: Transaction) -> Register | None:
    since = tx.outbox.registered()
    records = tx.records.changed_since(since, limit=BATCH)
    customers = tx.customers.changed_since(since, limit=BATCH)
    matters = tx.holds.changed_since(since, limit=BATCH)
    rules = tx.schedules.changed_since(since, limit=BATCH)
    lists = tx.disposals.changed_since(since, limit=BATCH)
    ends = [page[-1].change for page in (records, customers, matters, rules, lists) if page]
    ends += [named for named in (tx.fonds.named(),) if named > since]
    if not ends:
        return None
    # A page that is full ends before what the other one may still have; an unfilled one has all there is.
    full = [page[-1].change for page in (records, customers, matters, rules, lists) if len(page) == BATCH]
    to = min(full) if full else max(ends)
    return Register(
        fonds=tx.fonds.first() or vault.fonds,
        since=since,
        to=to,
        records=[
            RegisteredRecord(
                record=each,
                versions=tuple(tx.records.versions(each.id)),
                descriptions=tuple(tx.records.descriptions(each.id)),
            )
            for each in records
            if each.change <= to
        ],
        customers=[each for each in customers if each.change <= to],
        matters=[each for each in matters if each.change <= to],
        # An item's change is that of the record or matter that it came with, and those only move on: all are covered.
        items=tx.holds.items_between(since, to),
        rules=[each for each in rules if each.change <= to],
        lists=[each for each in lists if each.change <= to],
        # What changes on a list, signs it, or tells of it, has the list's own change number of then.
        list_items=tx.disposals.items_between(since, to),
        signatures=tx.disposals.signatures_between(since, to),
        notices=tx.notices.between(since, to),
    )


def _record_values(registered: RegisteredRecord) -> dict[str, Any]:
    record = registered.record
    return {
        "id": record.id,
        "number": record.number,
        "class": record.class_code,
        "customer": record.customer_id,
        "state": record.state.value,
        "received_at": record.received_at.isoformat(),
        "received_by": record.received_by,
        "filed_at": record.filed_at.isoformat() if record.filed_at else None,
        "filed_by": record.filed_by,
        "trigger_on": record.trigger_on.isoformat() if record.trigger_on else None,
        "due_on": record.due_on.isoformat() if record.due_on else None,
        "ordinal": record.current_ordinal,
        "revision": record.current_revision,
        "change": record.change,
        "rule_version": record.rule_version,
        "restricted_by": record.restricted_by,
        "restriction_lifted_by": record.restriction_lifted_by,
        "unsettled_by": record.unsettled_by,
        "versions": [_version_values(each) for each in registered.versions],
        "descriptions": [
            {
                "revision": each.revision,
                "ordinal": each.ordinal,
                "leaf": each.leaf.text,
                "sealed": _text(each.sealed),
                "created_at": each.created_at.isoformat(),
                "created_by": each.created_by,
            }
            for each in registered.descriptions
        ],
    }


def _version_values(version: Version) -> dict[str, Any]:
    sealed = version.object
    return {
        "ordinal": version.ordinal,
        "object": sealed.object_id,
        "key": sealed.key,
        "leaf": sealed.leaf.text,
        "size": sealed.size_bytes,
        "sealed_size": sealed.sealed_size_bytes,
        "sealed_sha256": sealed.sealed_sha256.hex(),
        "parts": sealed.part_count,
        "part_size": sealed.part_size_bytes,
        "header": sealed.header_length,
        "frame": sealed.frame_length,
        "version": version.version_id,
        "lock_mode": version.lock.mode.value,
        "lock_until": version.lock.retain_until.isoformat(),
        "content": _text(version.sealed_content),
        "created_at": version.created_at.isoformat(),
        "created_by": version.created_by,
    }


def _record_of(values: Mapping[str, Any], fonds_id: FondsId) -> RegisteredRecord:
    record = Record(
        id=RecordId(values["id"]),
        fonds_id=fonds_id,
        number=values["number"],
        class_code=values["class"],
        customer_id=CustomerId(values["customer"]) if values["customer"] else None,
        state=RecordState(values["state"]),
        received_at=datetime.fromisoformat(values["received_at"]),
        received_by=PersonId(values["received_by"]),
        filed_at=datetime.fromisoformat(values["filed_at"]) if values["filed_at"] else None,
        filed_by=PersonId(values["filed_by"]) if values["filed_by"] else None,
        trigger_on=date.fromisoformat(values["trigger_on"]) if values["trigger_on"] else None,
        due_on=date.fromisoformat(values["due_on"]) if values["due_on"] else None,
        current_ordinal=values["ordinal"],
        current_revision=values["revision"],
        change=values["change"],
        rule_version=values.get("rule_version", 1),
        restricted_by=_person(values.get("restricted_by")),
        restriction_lifted_by=_person(values.get("restriction_lifted_by")),
        unsettled_by=_person(values.get("unsettled_by")),
    )
    return RegisteredRecord(
        record=record,
        versions=tuple(_version_of(each, record.id) for each in values["versions"]),
        descriptions=tuple(
            DescriptionRevision(
                record_id=record.id,
                revision=each["revision"],
                ordinal=each["ordinal"],
                leaf=LeafAddress.parse(each["leaf"]),
                sealed=base64.b64decode(each["sealed"]),
                created_at=datetime.fromisoformat(each["created_at"]),
                created_by=PersonId(each["created_by"]),
            )
            for each in values["descriptions"]
        ),
    )


def _version_of(values: Mapping[str, Any], record_id: RecordId) -> Version:
    return Version(
        record_id=record_id,
        ordinal=values["ordinal"],
        object=SealedObject(
            object_id=ObjectId(values["object"]),
            key=values["key"],
            leaf=LeafAddress.parse(values["leaf"]),
            size_bytes=values["size"],
            sealed_size_bytes=values["sealed_size"],
            sealed_sha256=bytes.fromhex(values["sealed_sha256"]),
            part_count=values["parts"],
            part_size_bytes=values["part_size"],
            header_length=values["header"],
            frame_length=values["frame"],
        ),
        version_id=values["version"],
        lock=Lock(mode=LockMode(values["lock_mode"]), retain_until=datetime.fromisoformat(values["lock_until"])),
        sealed_content=base64.b64decode(values["content"]),
        created_at=datetime.fromisoformat(values["created_at"]),
        created_by=PersonId(values["created_by"]),
    )


def _customer_values(customer: Customer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "number": customer.number,
        "leaf": customer.profile_leaf.text,
        "profile": _text(customer.sealed_profile),
        "revision": customer.revision,
        "created_at": customer.created_at.isoformat(),
        "change": customer.change,
        "state": customer.state.value,
    }


def _customer_of(values: Mapping[str, Any], fonds_id: FondsId) -> Customer:
    return Customer(
        id=CustomerId(values["id"]),
        fonds_id=fonds_id,
        number=values["number"],
        profile_leaf=LeafAddress.parse(values["leaf"]),
        sealed_profile=base64.b64decode(values["profile"]),
        revision=values["revision"],
        created_at=datetime.fromisoformat(values["created_at"]),
        change=values["change"],
        state=CustomerState(values["state"]),
    )


def _text(sealed: bytes) -> str:
    return base64.b64encode(sealed).decode("ascii")


def _person(text: str | None) -> PersonId | None:
    return PersonId(text) if text else None
