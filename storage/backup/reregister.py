"""Customers, matters, rules and records from the registers, as the catalogue had them.

Rule 1: the higher change number is the newer word.
Rule 2: where an object lies, and how long it is locked, the store says, not the register.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from storage.backup.memory import ALIVE, Memory, Recollected, lock_of, retire_leaf
from vault.customers import Customer, CustomerState
from vault.holds import Matter
from vault.records import RecordState, Version
from vault.schedule import RuleState, RuleVersion
from vault.shelves import Transaction
from vault.workflows.register import RegisteredRecord


def take_customer(tx: Transaction, customer: Customer, told: Recollected) -> None:
    """A customer, with the extents that are theirs; one that is known already stays."""
    told.newest_change = max(told.newest_change, customer.change)
    if tx.customers.get(customer.id) is not None:
        return
    tx.extents.retire(customer.fonds_id, customer.profile_leaf.extent, customer.id)
    # Whether its keys live, the key pages say.
    tx.customers.add(replace(customer, state=CustomerState.LIVE))
    told.customers += 1


def take_matter(tx: Transaction, matter: Matter, told: Recollected) -> None:
    """A matter, or the newer word on one."""
    told.newest_change = max(told.newest_change, matter.change)
    existing = tx.holds.get(matter.id)
    if existing is None:
        tx.extents.retire(matter.fonds_id, matter.leaf.extent, matter.id)
        tx.holds.add(matter)
        told.matters += 1
    elif existing.change < matter.change:
        tx.holds.update(matter)


def take_rules(tx: Transaction, rules: Collection[RuleVersion], told: Recollected) -> None:
    """The newest word on each version; those that neither govern nor wait first, for of the others there is one."""
    for rule in sorted(rules, key=lambda each: (each.governs or each.state is RuleState.PROPOSED, each.change)):
        told.newest_change = max(told.newest_change, rule.change)
        existing = next((each for each in tx.schedules.versions(rule.code) if each.version == rule.version), None)
        if existing is None:
            tx.schedules.add(rule)
        elif existing.change < rule.change:
            tx.schedules.decide(rule)


def take_record(tx: Transaction, memory: Memory, registered: RegisteredRecord, told: Recollected) -> None:
    """A record with its versions and descriptions; of one that is known, what is missing."""
    record = registered.record
    told.newest_change = max(told.newest_change, record.change)
    existing = tx.records.get(record.id, for_update=True)
    if existing is not None and existing.change >= record.change:
        return
    if record.state not in ALIVE:
        record = replace(record, state=RecordState.FILED if record.filed_at else RecordState.RECEIVED)
    if existing is None:
        tx.records.add(record)
        told.records += 1
    had = {version.ordinal for version in tx.records.versions(record.id)}
    for version in registered.versions:
        if version.ordinal not in had:
            retire_leaf(tx, record, version.object.leaf)
            tx.records.add_version(_as_stored(memory, version))
    said = {revision.revision for revision in tx.records.descriptions(record.id)}
    for revision in registered.descriptions:
        if revision.revision not in said:
            tx.records.add_description(revision)
    if existing is not None and existing.state in ALIVE:
        tx.records.update(record)


def _as_stored(memory: Memory, version: Version) -> Version:
    facts = memory.store.head(version.object.key)
    if facts is None:
        return version
    return replace(version, version_id=facts.version_id, lock=lock_of(facts, memory.now), legal_hold=facts.legal_hold)
