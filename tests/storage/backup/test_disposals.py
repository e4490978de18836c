"""Disposal lists outlive the catalogue: rebuilt or restored, each is where it was, with who decided and who signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.storage.backup.test_rebuild import rebuilt
from tests.support.backups import Site, Sites, destroy
from tests.support.disposing import ANN, BEA, CAI, DAN, due_day, due_record, record_of, rule_in_force
from tests.support.vault import add_bytes
from vault.customers import Profile
from vault.disposal import Decision, ListState
from vault.errors import Conflict, NotAllowed, NotDue
from vault.ids import ListId, RecordId
from vault.notices import Channel
from vault.records import RecordState
from vault.workflows import (
    backups,
    customers,
    disposal,
    execution,
    expiry,
    holding,
    listing,
    notices,
    reviewing,
    upkeep,
)
from vault.workflows.reviewing import Choice
from vault.workflows.vault import Vault

KEEP = Choice(decision=Decision.KEEP, reason="of lasting value")
DESTROY = Choice(decision=Decision.DESTROY)


class Filled:
    """A vault with lists in every state."""

    def __init__(self, vault: Vault) -> None:
        self.rules = [rule_in_force(vault, **changes) for changes in ({}, {"supervised": True}, {}, {}, {})]
        automatic = rule_in_force(vault, automatic=True)
        for rule in (*self.rules, automatic):
            for _ in range(2):
                due_record(vault, ANN, rule.code)
        self.pending, self.attended, self.done, self.cancelled, self.kept = (
            listing.propose_class(vault, ANN, rule.code)[0].id for rule in self.rules
        )
        upkeep.send_outbox(vault)
        for each in (self.attended, self.done, self.kept):
            first = disposal.list_items(vault, ANN, each)[0].record.id
            reviewing.review(vault, ANN, each, KEEP, [first])
        reviewing.review(vault, ANN, self.kept, KEEP)
        for each in (self.attended, self.done):
            reviewing.review(vault, ANN, each, DESTROY)
            disposal.sign(vault, ANN, each)
            disposal.sign(vault, BEA, each)
        disposal.sign(vault, ANN, self.kept)
        disposal.sign(vault, CAI, self.attended)
        disposal.cancel(vault, ANN, self.cancelled, "not now")
        self.untold, self.told = (announced(vault) for _ in range(2))
        notices.tell(vault, ANN, self.told, Channel.POST, remark="RR 1")
        execution.execute(vault, ANN, self.done, remarks="nobody objected")
        expiry.expire(vault)
        upkeep.send_outbox(vault)
        with vault.catalogue.read() as tx:
            self.every = [each.id for each in tx.disposals.page(vault.fonds.id)]
        self.stories = [story_of(vault, each) for each in self.every]

    def is_as_it_was(self, vault: Vault) -> None:
        assert [story_of(vault, each) for each in self.every] == self.stories

    def goes_on(self, vault: Vault) -> None:
        """New lists have new numbers and leaves; what was approved and signed goes on where it was."""
        for each, why in ((self.untold, "have not been told"), (self.told, "objections")):
            with pytest.raises(NotDue, match=why):
                execution.execute(vault, ANN, each)
        notices.tell(vault, CAI, self.untold, Channel.PHONE)
        with pytest.raises(NotAllowed, match="as its supervisor"):
            disposal.sign(vault, CAI, self.attended)
        disposal.sign(vault, DAN, self.attended)
        done = execution.execute(vault, ANN, self.attended, place="room 3", method="keys destroyed")
        assert (done.disposal.state, done.left_out) == (ListState.DONE, {})
        again = listing.propose_class(vault, ANN, self.rules[3].code)[0]
        assert again.number not in {disposal.show_list(vault, ANN, each).disposal.number for each in self.every}
        assert again.leaf not in {disposal.show_list(vault, ANN, each).disposal.leaf for each in self.every}
        assert listing.propose_class(vault, ANN, self.rules[4].code) == []


def story_of(vault: Vault, list_id: ListId) -> tuple[object, ...]:
    view = disposal.show_list(vault, ANN, list_id)
    items = [(each.item, each.record.number, each.reason) for each in disposal.list_items(vault, ANN, list_id)]
    return view, items, notices.notices_of_list(vault, ANN, list_id)


def announced(vault: Vault) -> ListId:
    """An approved list of which a customer has to be told, with an objection window behind that."""
    rule = rule_in_force(vault, notify=True, objection_days=30)
    customer = customers.add_customer(vault, ANN, Profile(name="Hillside Bakery")).customer
    record_id = add_bytes(vault, ANN, b"x", class_code=rule.code, customer_id=customer.id).record_id
    holding.file_record(vault, ANN, record_id, trigger_on=due_day(vault))
    list_id = listing.propose_class(vault, ANN, rule.code)[0].id
    reviewing.review(vault, ANN, list_id, DESTROY)
    disposal.sign(vault, ANN, list_id)
    disposal.sign(vault, BEA, list_id)
    return list_id


def lost(sites: Sites) -> tuple[Site, Filled]:
    site = sites.new()
    with site.open() as vault:
        return site, Filled(vault)


def test_a_rebuilt_catalogue_has_every_list_where_it_was_and_goes_on(both_sites: Sites) -> None:
    site, filled = lost(both_sites)
    back = both_sites.new(like=site, same_store=True)
    rebuilt(back)
    with back.open() as vault:
        filled.is_as_it_was(vault)
        for each in (ANN, BEA):
            with pytest.raises(Conflict, match="confirmed the holds"):
                destroy(vault, due_record(vault, ANN, filled.rules[0].code))
            backups.confirm_holds(vault, each)
        filled.goes_on(vault)


def test_a_restored_catalogue_has_what_was_decided_and_signed_since_the_backup(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        rule = rule_in_force(vault)
        for _ in range(2):
            due_record(vault, ANN, rule.code)
        early = listing.propose_class(vault, ANN, rule.code)[0].id
        upkeep.send_outbox(vault)
        sites.take(site, vault)
        reviewing.review(vault, ANN, early, replace(KEEP, reason="since"), [first_of(vault, early)])
        reviewing.review(vault, ANN, early, DESTROY)
        disposal.sign(vault, ANN, early)
        disposal.sign(vault, BEA, early)
        execution.execute(vault, ANN, early)
        filled = Filled(vault)
        story = story_of(vault, early)
    back = sites.new(like=site, same_store=True)
    sites.restore(back)
    with back.open() as vault:
        filled.is_as_it_was(vault)
        assert story_of(vault, early) == story
        filled.goes_on(vault)


def test_what_went_on_with_open_lists_since_the_backup_goes_on_from_there(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        rule = rule_in_force(vault)
        moved, other = (due_record(vault, ANN, rule.code) for _ in range(2))
        before = listing.propose_class(vault, ANN, rule.code)[0].id
        waiting = announced(vault)
        upkeep.send_outbox(vault)
        sites.take(site, vault)
        notices.tell(vault, ANN, waiting, Channel.POST)
        reviewing.review(vault, ANN, before, KEEP, [moved])
        after = listing.propose_error(vault, ANN, [moved], "another person's paper")
        assert after is not None
        # The first list changes last.
        reviewing.review(vault, ANN, before, DESTROY, [other])
        disposal.sign(vault, ANN, before)
        upkeep.send_outbox(vault)
        every = (before, after.id, waiting)
        stories = [story_of(vault, each) for each in every]
    back = sites.new(like=site, same_store=True)
    sites.restore(back)
    with back.open() as vault:
        assert [story_of(vault, each) for each in every] == stories
        with pytest.raises(NotDue, match="objections"):
            execution.execute(vault, ANN, waiting)
        disposal.sign(vault, BEA, after.id)
        execution.execute(vault, ANN, after.id)
        assert record_of(vault, moved).state is RecordState.DESTROYED


def first_of(vault: Vault, list_id: ListId) -> RecordId:
    return disposal.list_items(vault, ANN, list_id)[0].record.id
