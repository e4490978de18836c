"""The register of destruction (销毁清册): leaves of its own, and the titles that a statute wants in it.

Rule 1: titles enter the register for classes that are destroyed under supervision, and for no other: the statute that
wants supervisors wants the files named, too (会计档案管理办法 art. 18).
Rule 2: a title is sealed anew, under the register's leaf, in the transaction that destroys the record's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from vault.classes import RecordClass
from vault.destruction import Candidate
from vault.errors import KeyDestroyed, SealBroken
from vault.fonds import REGISTER_OWNER
from vault.ids import RecordId
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows import allocation, descriptions
from vault.workflows.vault import Vault

FIELD_SET: Final = "register-title"


def register_leaf(vault: Vault) -> LeafAddress:
    """Leaf 0 of the register's first extent: one metadata key seals far fewer values than it may."""
    with vault.catalogue.read() as tx:
        extents = tx.extents.of_owner(vault.fonds.id, REGISTER_OWNER)
    if extents:
        return LeafAddress(tree_id=vault.fonds.tree_id, extent=extents[0].number, leaf=0)
    while True:
        with vault.catalogue.write() as tx:
            leaf = allocation.issue_leaf(vault, tx, REGISTER_OWNER)
        if leaf is not None:
            return LeafAddress(tree_id=leaf.tree_id, extent=leaf.extent, leaf=0)
        allocation.with_block(vault)


def names_titles(candidates: Sequence[Candidate], rules: Mapping[str, RecordClass]) -> bool:
    """Whether the register names one of these records by its title (rule 1)."""
    return any(_named(each, rules) for each in candidates)


def keep_titles(
    vault: Vault,
    tx: Transaction,
    leaf: LeafAddress,
    candidates: Sequence[Candidate],
    rules: Mapping[str, RecordClass],
) -> None:
    """Seals the titles of those that the register names. One that cannot be read any more does not keep its record."""
    record_ids = [each.record.id for each in candidates if _named(each, rules)]
    current = tx.records.current(record_ids)
    vault.keys.many_leaf_keys([revision.leaf for _, revision in current.values()])
    sealed: dict[RecordId, bytes] = {}
    for record_id, (_, revision) in current.items():
        with suppress(KeyDestroyed, SealBroken):
            said = descriptions.open_description(
                vault, revision.leaf, revision.sealed, record_id=record_id, revision=revision.revision
            )
            sealed[record_id] = descriptions.seal(
                vault, leaf, {"title": said.title}, subject=record_id, field_set=FIELD_SET, revision=1
            )
    tx.certificates.keep_titles(vault.fonds.id, leaf, sealed)


def titles_of(vault: Vault, tx: Transaction, record_ids: Sequence[RecordId]) -> Mapping[RecordId, str]:
    """The titles that the register has. Raises ``SealBroken``."""
    return {
        record_id: str(
            descriptions.unseal(vault, leaf, sealed, subject=record_id, field_set=FIELD_SET, revision=1)["title"]
        )
        for record_id, (leaf, sealed) in tx.certificates.titles(record_ids).items()
    }


def _named(candidate: Candidate, rules: Mapping[str, RecordClass]) -> bool:
    rule = rules.get(candidate.record.class_code)
    return rule is not None and rule.supervised
