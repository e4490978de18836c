"""Fonds: another company is announced here before it is made, and each says what its company is called.

Rule 1: each fonds has a home of its own, with a catalogue, a key tree, people and a log of its own (storage/README.md):
nothing that is asked of one can answer about another. What is made where is the wiring's (``storage.assembly``).
"""

from __future__ import annotations

from vault.audit import Event
from vault.errors import CatalogueBroken
from vault.fonds import checked_name
from vault.ids import FondsCode
from vault.permissions import Action, Actor
from vault.workflows import descriptions
from vault.workflows.vault import Vault

FIELD_SET = "fonds"


def announce_fonds(vault: Vault, actor: Actor, code: FondsCode) -> None:
    """Lets another fonds be made under a code: it is in the log of the first before anything of it is there.

    Raises ``NotAllowed``.
    """
    actor.require(Action.TEND_FONDS)
    with vault.catalogue.write() as tx:
        tx.audit.append(vault.entry(actor.person_id, Event.FONDS_ADDED, code))


def name_fonds(vault: Vault, actor: Actor, name: str) -> str:
    """Says what the company of this fonds is called; gives the name as it is kept. Raises ``NotAllowed``,
    ``InvalidInput``."""
    actor.require(Action.TEND_FONDS)
    clean = checked_name(name)
    sealed = descriptions.seal(
        vault, vault.house, {"name": clean}, subject=vault.fonds.id, field_set=FIELD_SET, revision=1
    )
    with vault.catalogue.write() as tx:
        tx.fonds.name(vault.fonds.id, sealed)
        tx.audit.append(vault.entry(actor.person_id, Event.FONDS_NAMED, vault.fonds.id))
    return clean


def name_of(vault: Vault) -> str | None:
    """What the company of this fonds is called, for whoever is let in; None while nobody has said it."""
    with vault.catalogue.read() as tx:
        fonds = tx.fonds.first()
    if fonds is None:
        raise CatalogueBroken("the catalogue has no fonds; restore it from a backup")
    if fonds.sealed_name is None:
        return None
    values = descriptions.unseal(
        vault, vault.house, fonds.sealed_name, subject=fonds.id, field_set=FIELD_SET, revision=1
    )
    return str(values["name"])
