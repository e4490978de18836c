"""What the first page shows: how much waits, and what is kept.

Rule 1: a count stops at ``COUNTED_MAX``: the page is as quick with ten million records as with ten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vault import schedule
from vault.errors import KeyDestroyed
from vault.permissions import Action, Actor
from vault.records import RecordState
from vault.workflows import descriptions
from vault.workflows.vault import Vault

COUNTED_MAX: Final = 1000
TOLD_NAMES: Final = (Action.LIST_RECORDS, Action.READ_LOG, Action.SEE_GROUPS)
"""Who is told what people are called: whoever sees records, the log, or the people themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Counts; ``COUNTED_MAX`` stands for that many or more, None for what whoever asks may not see."""

    unfiled: int
    due: int | None
    matters: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one class takes up."""

    class_code: str
    versions: int
    size_bytes: int


def show_overview(vault: Vault, actor: Actor) -> Overview:
    """The counts of the first page. Raises ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    today = schedule.today(vault.now())
    due = matters = None
    with vault.catalogue.read() as tx:
        unfiled = tx.figures.records_in(
            RecordState.RECEIVED, classes=actor.reach(Action.LIST_RECORDS), limit=COUNTED_MAX
        )
        if actor.may(Action.SEE_DISPOSALS):
            codes = [each.code for each in tx.schedules.governing() if actor.may(Action.SEE_DISPOSALS, each.code)]
            due = tx.figures.records_due(codes, today, limit=COUNTED_MAX)
        if actor.may(Action.SEE_HOLDS):
            matters = sum(each.holds for each in tx.holds.page(vault.fonds.id, limit=COUNTED_MAX))
    return Overview(unfiled=unfiled, due=due, matters=matters)


def kept_by_class(vault: Vault, actor: Actor) -> Sequence[Kept]:
    """What each class takes up, the largest first. It looks at every version, so ask seldom. Raises ``NotAllowed``."""
    actor.require(Action.SEE_STATE)
    with vault.catalogue.read() as tx:
        found = tx.figures.kept_by_class(vault.fonds.id)
    kept = [Kept(class_code=code, versions=versions, size_bytes=size) for code, versions, size in found]
    return sorted(kept, key=lambda each: (-each.size_bytes, each.class_code))


def names_of(vault: Vault, actor: Actor) -> Mapping[str, str]:
    """What the people of the vault are called, by id, for whoever works in it. Raises ``NotAllowed``."""
    if not any(map(actor.may, TOLD_NAMES)):
        actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        people = tx.people.all()
    names = {}
    for each in people:
        try:
            profile = descriptions.open_person(vault, each.profile_leaf, each.sealed_profile, person_id=each.id)
        except KeyDestroyed:
            continue
        names[str(each.id)] = profile.name
    return names
