"""Restricted records are stored and nothing else; unsettled ones outlive their period where their class says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.support.holding import officer, place
from tests.support.people import everything
from tests.support.vault import add_bytes, read_bytes
from vault.audit import Event
from vault.classes import RecordClass
from vault.destruction import Targets
from vault.disposition import Standing
from vault.errors import CatalogueBroken, Conflict, LinkRevoked, NotAllowed, NotDue, NotFound
from vault.ids import PersonId, RecordId
from vault.permissions import Actor, Role
from vault.records import Description, Record
from vault.shelves import RecordFilter
from vault.workflows import destruction, finding, holding, intake, logdetails, restricting, retrieval, sharing
from vault.workflows.vault import Vault

ONE, TWO = officer("one"), officer("two")
STAFF = Actor(person_id=PersonId("clerk"), roles=frozenset({Role.RECORDS}))
READER = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER}))
WHY = "the customer asked for it"


def restricted(vault: Vault, title: str = "Sealed away") -> Record:
    record_id = add_bytes(vault, ONE, b"kept", title=title).record_id
    return restricting.restrict_record(vault, ONE, record_id, WHY)


def listed(vault: Vault, actor: Actor) -> set[RecordId]:
    return {view.record.id for view in retrieval.list_records(vault, actor, RecordFilter(), limit=500)}


def test_a_restricted_record_does_not_exist_for_staff_and_readers(vault: Vault) -> None:
    record = restricted(vault)
    for actor in (STAFF, READER):
        with pytest.raises(NotFound):
            retrieval.find_record(vault, actor, record.number)
        with pytest.raises(NotFound):
            retrieval.show(vault, actor, record.id)
        with pytest.raises(NotFound):
            read_bytes(vault, actor, record.id)
        assert record.id not in listed(vault, actor)
    with pytest.raises(NotFound):
        sharing.make_link(vault, STAFF, record.id, lifetime=timedelta(days=1), uses_max=1, pass_code=None)


def test_officers_see_that_it_is_restricted_and_open_nothing(vault: Vault) -> None:
    record = restricted(vault)
    assert record.id in listed(vault, TWO)
    story = retrieval.show(vault, TWO, record.id)
    assert story.verdict.standing is Standing.RESTRICTED
    assert story.verdict.reasons[0].code == "restricted"
    for refused in (
        lambda: read_bytes(vault, TWO, record.id),
        lambda: retrieval.export_sealed(vault, TWO, record.id),
        lambda: sharing.make_link(vault, TWO, record.id, lifetime=timedelta(days=1), uses_max=1, pass_code=None),
        lambda: intake.revise_description(vault, TWO, record.id, Description.checked(title="x", reason="y")),
        lambda: holding.file_record(vault, TWO, record.id),
    ):
        with pytest.raises(Conflict, match="may only be stored"):
            refused()


def test_a_restricted_record_is_found_by_nobody_and_again_once_lifted(vault: Vault) -> None:
    others = {add_bytes(vault, ONE, b"x", title=f"Lighthouse {number}").record_id for number in range(3)}
    record = restricted(vault, title="Lighthouse keeper")
    for actor in (ONE, STAFF):
        found = finding.find(vault, actor, "lighthouse", limit=3)
        assert {view.record.id for view in found.views} == others
    restricting.lift_restriction(vault, TWO, record.id, "it was settled")
    assert record.id in {view.record.id for view in finding.find(vault, STAFF, "lighthouse keeper").views}
    assert read_bytes(vault, STAFF, record.id) == b"kept"


def test_words_of_a_matter_hold_restricted_records_too(vault: Vault) -> None:
    record = restricted(vault, title="Breakwater contract")
    matter = place(vault, ONE, queries=("breakwater",)).matter
    with vault.catalogue.read() as tx:
        assert [each.id for each in tx.holds.of_records([record.id])[record.id]] == [matter.id]


def test_a_link_of_before_leads_nowhere_while_restricted(vault: Vault) -> None:
    record_id = add_bytes(vault, ONE, b"shared").record_id
    _, token = sharing.make_link(vault, ONE, record_id, lifetime=timedelta(days=1), uses_max=2, pass_code=None)
    use = sharing.take_use(vault, token, pass_code=None, origin="127.0.0.1")
    restricting.restrict_record(vault, ONE, record_id, WHY)
    with pytest.raises(LinkRevoked):
        sharing.take_use(vault, token, pass_code=None, origin="127.0.0.1")
    with pytest.raises(LinkRevoked):
        sharing.open_use(vault, token, use)
    restricting.lift_restriction(vault, TWO, record_id, WHY)
    assert b"".join(sharing.open_use(vault, token, use).stream()) == b"shared"


def test_whoever_restricted_a_record_does_not_lift_that(vault: Vault) -> None:
    record = restricted(vault)
    with pytest.raises(NotAllowed, match="second person"):
        restricting.lift_restriction(vault, ONE, record.id, WHY)
    with pytest.raises(NotAllowed):
        restricting.lift_restriction(vault, STAFF, record.id, WHY)
    with pytest.raises(CatalogueBroken, match="two_people"), vault.catalogue.write() as tx:
        tx.records.update(replace(record, restriction_lifted_by=ONE.person_id, change=tx.records.next_change()))
    with pytest.raises(Conflict, match="already"):
        restricting.restrict_record(vault, TWO, record.id, WHY)
    lifted = restricting.lift_restriction(vault, TWO, record.id, WHY)
    with pytest.raises(Conflict, match="not restricted"):
        restricting.lift_restriction(vault, ONE, lifted.id, WHY)
    assert restricting.restrict_record(vault, TWO, record.id, WHY).is_restricted


def test_reasons_are_sealed_and_die_with_the_record(vault: Vault) -> None:
    record = restricted(vault)
    with vault.catalogue.read() as tx:
        (entry,) = tx.audit.page(subject=record.id, event=Event.RECORD_RESTRICTED)
    assert WHY not in str(entry)
    assert logdetails.read_sealed(vault, everything(), entry.number) == {"reason": WHY}


def unsettled(vault: Vault, rule: RecordClass) -> Record:
    """A due record of the class, marked by staff."""
    record_id = add_bytes(vault, ONE, b"debts", class_code=rule.code).record_id
    holding.file_record(vault, ONE, record_id, trigger_on=date(1980, 1, 1))
    return restricting.mark_unsettled(vault, STAFF, record_id, "the loan is not paid back")


def test_unsettled_debts_keep_an_accounting_file_beyond_its_period(vault: Vault) -> None:
    with vault.catalogue.read() as tx:
        keeps = next(each.rule for each in tx.schedules.in_force() if each.rule.unsettled_keeps)
        passes = tx.schedules.rule("contract")
    assert passes is not None
    record = unsettled(vault, keeps)
    targets = Targets(records=frozenset({record.id}))
    with pytest.raises(NotDue, match="not settled"):
        destruction.destroy(vault, ONE, targets, alone=True)
    assert retrieval.show(vault, ONE, record.id).verdict.standing is Standing.KEEP
    with pytest.raises(Conflict, match="already"):
        restricting.mark_unsettled(vault, STAFF, record.id, WHY)
    restricting.mark_settled(vault, STAFF, record.id, "it was paid back")
    with pytest.raises(Conflict, match="not marked"):
        restricting.mark_settled(vault, STAFF, record.id, WHY)
    assert retrieval.show(vault, ONE, record.id).verdict.standing is Standing.DUE
    assert retrieval.show(vault, ONE, unsettled(vault, passes.rule).id).verdict.standing is Standing.DUE
    with pytest.raises(NotAllowed):
        restricting.mark_unsettled(vault, READER, record.id, WHY)


def test_nothing_is_decided_on_a_destroyed_record(vault: Vault) -> None:
    record = restricted(vault)
    destruction.destroy(vault, ONE, Targets(records=frozenset({record.id})), alone=True, error=True)
    with pytest.raises(Conflict, match="destroyed"):
        restricting.lift_restriction(vault, TWO, record.id, WHY)
