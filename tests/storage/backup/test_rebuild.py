"""The catalogue, made again from store and root alone, is the one that was lost."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from storage.backup.rebuild import RebuildOutcome, rebuild
from storage.machine import SystemClock, SystemRandomness
from storage.objects.s3 import S3Store
from tests.support.backups import Site, Sites, add_customer, add_for, destroy
from tests.support.people import somebody
from tests.support.vault import random_content, read_bytes, staff
from tests.vault.samples import NOW, a_class
from vault.classes import Trigger
from vault.customers import CustomerState
from vault.errors import Conflict, KeyDestroyed, NotAllowed, NotFound
from vault.ids import RecordId
from vault.records import Description, RecordState
from vault.schedule import RuleVersion
from vault.shelves import RecordFilter
from vault.statutes import FIRST_SET, SHIPPED
from vault.workflows import backups, effect, fonds, holding, intake, outbox, people, retrieval, schedules, upkeep
from vault.workflows.customers import list_customers
from vault.workflows.filingreports import list_reports
from vault.workflows.vault import Vault

MIB = 1 << 20
ONE = somebody("person-one")
TWO = somebody("person-two")


def rebuilt(site: Site) -> RebuildOutcome:
    with closing(S3Store(site.bucket)) as store:
        return rebuild(
            store,
            site.keeper(),
            site.home,
            site.database_url,
            now=SystemClock().now(),
            randomness=SystemRandomness(),
        )


def fill(vault: Vault) -> list[RecordId]:
    """Records in every state of their lives: received, filed, corrected in words and in bytes, small and in parts."""
    actor = staff(vault)
    customer = add_customer(vault, actor, "Somebody")
    records = [add_for(vault, customer.id if size else None, random_content(size)) for size in (0, 1000, 9 * MIB)]
    holding.file_record(vault, actor, records[1], trigger_on=date(2026, 1, 1))
    revised = Description.checked(title="Another title", reason="it was wrong", note="n" * 3000)
    intake.revise_description(vault, actor, records[0], revised)
    corrected = intake.begin_correction(
        vault, actor, records[2], Description.checked(title="Corrected", reason="another scan"), "new.bin"
    )
    with corrected as receiving:
        content = random_content(2000)
        intake.receive_from(vault, receiving, _source(content))
    return records


def _source(content: bytes) -> Any:
    import io

    return io.BytesIO(content).readinto


def told(vault: Vault) -> dict[str, Any]:
    """Everything that a rebuilt catalogue has to have as it was, opened: sealed bytes may have been sealed again."""
    actor = staff(vault)
    found: dict[str, Any] = {}
    for view in list_customers(vault, actor, limit=500):
        found[view.customer.id] = (replace(view.customer, sealed_profile=b"", change=0), view.profile)
    with vault.catalogue.read() as tx:
        records = list(tx.records.page(RecordFilter(), limit=500))
    for record in records:
        story = retrieval.show(vault, actor, record.id) if record.state is not RecordState.DESTROYED else None
        with vault.catalogue.read() as tx:
            versions = [replace(each, sealed_content=b"") for each in tx.records.versions(record.id)]
            revisions = [replace(each, sealed=b"") for each in tx.records.descriptions(record.id)]
        opened = (
            ([each.content for each in story.versions], [each.description for each in story.revisions])
            if story is not None
            else ()
        )
        reports = [each.report for each in list_reports(vault, actor, record.id)]
        found[record.id] = (replace(record, change=0), versions, revisions, opened, reports)
    return found


def change_rules(vault: Vault) -> None:
    """One rule changed by two people, one class retired, one proposal that waits, one that was withdrawn."""
    for rule in (
        a_class(code="contract", period_years=12, trigger=Trigger.CONTRACT_ENDED),
        a_class(code="short-lived"),
    ):
        schedules.propose(vault, ONE, rule, "the law changed")
        schedules.approve(vault, TWO, rule.code)
    schedules.retire(vault, ONE, "short-lived")
    schedules.propose(vault, ONE, a_class(code="house"), "perhaps")
    schedules.withdraw(vault, ONE, "house")
    schedules.propose(vault, TWO, a_class(code="house"), "after all")


def rules_of(vault: Vault) -> dict[tuple[str, int], tuple[RuleVersion, str]]:
    """Every version of every rule, with its reason opened."""
    codes = {each.code for each in schedules.list_rules(vault, staff(vault))}
    views = [view for code in codes for view in schedules.show_class(vault, staff(vault), code)]
    # What ships came with the tables, at another time.
    kept = [replace(view.rule, proposed_at=NOW) if view.rule.shipped else view.rule for view in views]
    return {(rule.code, rule.version): (rule, view.reason) for rule, view in zip(kept, views, strict=True)}


def test_a_rebuilt_catalogue_is_the_one_that_was_lost(both_sites: Sites) -> None:
    sites = both_sites
    site = sites.new()
    with site.open() as vault:
        records = fill(vault)
        change_rules(vault)
        gone = add_customer(vault, staff(vault), "Leaving")
        theirs = add_for(vault, gone.id, b"theirs")
        upkeep.send_outbox(vault)
        destroy(vault, records[0])
        destroy(vault, customer_ids=frozenset({gone.id}))
        upkeep.renew_locks(vault)
        outbox_job(vault)
        # What the company is called is told of, though nothing else has changed since.
        fonds.name_fonds(vault, people.machine_operator(), "Beta 公司")
        upkeep.send_outbox(vault)
        before, rules_before = told(vault), rules_of(vault)
        leaves = {each.object.leaf for each in every_version(vault)}
    back = sites.new(like=site, same_store=True)
    outcome = rebuilt(back)
    assert outcome.recollected.damaged == []
    assert outcome.recollected.renumbered == []
    assert (outcome.records_destroyed, outcome.customers_destroyed) == (2, 1)
    with back.open() as vault:
        effect.resume(vault)
        assert told(vault) == before
        assert rules_of(vault) == rules_before
        assert fonds.name_of(vault) == "Beta 公司"
        assert len(rules_before) == len(SHIPPED[FIRST_SET]) + 4
        with vault.catalogue.read() as tx:
            customer = tx.customers.get(gone.id)
            dead = [version for each in (records[0], theirs) for version in tx.records.versions(each)]
        assert customer is not None
        assert customer.state is CustomerState.DESTROYED
        for version in dead:
            with pytest.raises(KeyDestroyed):
                vault.leaf_keys(version.object.leaf)
        newer = add_for(vault, None, b"newer")
        assert read_bytes(vault, staff(vault), newer) == b"newer"
        with vault.catalogue.read() as tx:
            issued = tx.records.version(newer, 1)
            number = tx.records.get(newer)
        assert issued is not None
        assert issued.object.leaf not in leaves
        assert number is not None
        assert number.number not in {
            before[each][0].number for each in before if isinstance(before[each][0].number, str)
        }


def test_what_no_register_tells_comes_back_from_its_own_object(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        records = fill(vault)
        outbox.send_pending(vault)  # customers, filings and corrections; no register
        before = told(vault)
    back = sites.new(like=site, same_store=True)
    outcome = rebuilt(back)
    assert outcome.recollected.damaged == []
    assert outcome.recollected.from_objects == 4
    assert len(outcome.recollected.renumbered) == 2  # the filed one's number went by the outbox
    with back.open() as vault:
        after = told(vault)
    assert set(after) == set(before)
    for record_id in records:
        was, has = before[record_id], after[record_id]
        assert replace(has[0], number="", fonds_id=was[0].fonds_id) == replace(was[0], number="")
        assert has[3] == was[3]
        for old, new in zip(was[1], has[1], strict=True):
            assert replace(new, lock=old.lock) == old


def test_nothing_is_destroyed_after_a_rebuild_until_two_people_confirmed_the_holds(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        record_id = add_for(vault, None, b"x")
        outbox_job(vault)
    back = sites.new(like=site, same_store=True)
    rebuilt(back)
    with pytest.raises(Conflict):
        rebuilt(back)
    first, second = (somebody(name) for name in ("one", "two"))
    with back.open() as vault:
        for _ in range(2):
            with pytest.raises(Conflict, match="confirmed the holds"):
                destroy(vault, record_id)
            if _ == 0:
                backups.confirm_holds(vault, first)
                with pytest.raises(NotAllowed):
                    backups.confirm_holds(vault, first)
        backups.confirm_holds(vault, second)
        destroy(vault, record_id)
        with pytest.raises(NotFound):
            backups.confirm_holds(vault, second)


def outbox_job(vault: Vault) -> None:
    """What upkeep does every fifteen seconds."""
    upkeep.send_outbox(vault)


def every_version(vault: Vault) -> list[Any]:
    with vault.catalogue.read() as tx:
        return [
            version
            for record in tx.records.page(RecordFilter(), limit=500)
            for version in tx.records.versions(record.id)
        ]
