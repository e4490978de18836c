"""Matters outlive the catalogue: rebuilt or restored, it holds what was held, and the store is brought to agree."""

from __future__ import annotations

import pytest

from tests.storage.backup.test_rebuild import rebuilt
from tests.support.backups import Site, Sites, add_customer, add_for, destroy
from tests.support.holding import officer, place, release
from vault.errors import Conflict
from vault.ids import MatterId, RecordId
from vault.permissions import Actor
from vault.workflows import backups, matters, mirror, upkeep
from vault.workflows.matters import MatterStory
from vault.workflows.vault import Vault


def held(vault: Vault, *records: RecordId) -> list[list[str]]:
    with vault.catalogue.read() as tx:
        found = tx.holds.of_records(records)
    return [[each.number for each in found.get(record_id, ())] for record_id in records]


def in_store(vault: Vault, record_id: RecordId) -> bool:
    with vault.catalogue.read() as tx:
        version = tx.records.version(record_id, 1)
    assert version is not None
    facts = vault.store.head(version.object.key)
    return facts is not None and facts.legal_hold


def story_of(vault: Vault, actor: Actor, matter_id: MatterId) -> tuple[object, ...]:
    story: MatterStory = matters.show_matter(vault, actor, matter_id)
    matter = story.view.matter
    people = (matter.number, matter.state, matter.release_proposed_by, matter.released_by, matter.placed_at)
    return (
        *people,
        story.view.profile,
        story.view.coverage.records,
        [(each.item.kind, each.label) for each in story.items],
    )


class Filled:
    """A vault with matters in every state."""

    def __init__(self, vault: Vault) -> None:
        self.actor = officer("one")
        customer = add_customer(vault, self.actor, "Somebody")
        self.theirs = add_for(vault, customer.id, b"theirs")
        self.named, self.let_go = add_for(vault, None, b"named"), add_for(vault, None, b"let go")
        self.first = place(vault, self.actor, self.named, customers=frozenset({customer.id})).matter
        self.second = place(vault, self.actor, self.let_go, queries=("harbour",)).matter
        self.found = add_for(vault, None, b"found", title="Harbour dues")
        upkeep.send_outbox(vault)
        mirror.mirror(vault)
        self.third = place(vault, self.actor, self.let_go).matter
        release(vault, self.third.id)
        matters.propose_release(vault, self.actor, self.second.id, "it was settled")
        upkeep.send_outbox(vault)
        self.stories = [story_of(vault, self.actor, each.id) for each in (self.first, self.second, self.third)]

    def is_as_it_was(self, vault: Vault) -> None:
        """Everything is held as before."""
        assert [story_of(vault, self.actor, each.id) for each in (self.first, self.second, self.third)] == self.stories
        assert held(vault, self.theirs, self.named, self.found) == [
            [self.first.number],
            [self.first.number],
            [self.second.number],
        ]

    def goes_on(self, vault: Vault) -> None:
        """New matters have new numbers and leaves, what matches is held, and the store follows."""
        numbers = {each.number for each in (self.first, self.second, self.third)}
        newer = place(vault, self.actor, self.named).matter
        assert newer.number not in numbers
        assert newer.leaf not in {each.leaf for each in (self.first, self.second, self.third)}
        matching = add_for(vault, None, b"x", title="The harbour again")
        assert held(vault, matching) == [[self.second.number]]
        mirror.mirror(vault)
        every = (self.theirs, self.named, self.let_go, self.found, matching)
        assert [in_store(vault, each) for each in every] == [True] * 5
        matters.release_hold(vault, officer("two"), self.second.id)
        mirror.mirror(vault)
        assert [in_store(vault, each) for each in every] == [True, True, False, False, False]


def lost(sites: Sites) -> tuple[Site, Filled]:
    site = sites.new()
    with site.open() as vault:
        return site, Filled(vault)


def test_a_rebuilt_catalogue_holds_what_was_held(both_sites: Sites) -> None:
    site, filled = lost(both_sites)
    back = both_sites.new(like=site, same_store=True)
    assert rebuilt(back).recollected.matters == 3
    with back.open() as vault:
        filled.is_as_it_was(vault)
        for name in ("one", "two"):
            backups.confirm_holds(vault, officer(name))
        with pytest.raises(Conflict, match=f"is held by matter {filled.first.number}"):
            destroy(vault, filled.named)
        filled.goes_on(vault)


def test_a_restored_catalogue_holds_what_was_placed_since_the_backup_too(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        add_for(vault, None, b"before")
        early = place(vault, officer("one"), classes=frozenset({"house"})).matter
        sites.take(site, vault)
        release(vault, early.id)
        filled = Filled(vault)
    back = sites.new(like=site, same_store=True)
    sites.restore(back)
    with back.open() as vault:
        filled.is_as_it_was(vault)
        assert matters.find_matter(vault, officer("one"), early.number).released_by == "two"
        filled.goes_on(vault)


def test_holds_are_set_anew_on_objects_that_were_put_back(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        filled = Filled(vault)
        sites.take(site, vault)
    back = sites.new(like=site)
    sites.restore(back)
    with back.open() as vault:
        assert not in_store(vault, filled.named)
        filled.is_as_it_was(vault)
        filled.goes_on(vault)
