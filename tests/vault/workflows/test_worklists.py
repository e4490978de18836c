"""Work lists of data quality: what is on each, page by page, and for whom."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from tests.support.people import everything
from tests.support.vault import staff
from tests.vault.workflows.faults import with_clock
from vault.customers import Profile
from vault.destruction import Targets
from vault.errors import InvalidInput, NotAllowed
from vault.ids import CustomerId, PersonId, RecordId
from vault.permissions import Actor, Role
from vault.quality import Flaw, WorkList
from vault.records import Description
from vault.workflows import customers, duplicates, holding, indexing, intake, worklists
from vault.workflows.destruction import destroy
from vault.workflows.intake import Filing
from vault.workflows.vault import Vault

LONG_AGO = date(2020, 1, 2)


def stored(
    vault: Vault,
    content: bytes,
    *,
    class_code: str = "house",
    dated_on: date | None = LONG_AGO,
    customer: CustomerId | None = None,
) -> RecordId:
    filing = Filing(
        class_code=class_code,
        customer_id=customer,
        description=Description.checked(title="T", dated_on=dated_on),
        file_name="a.txt",
    )
    with intake.begin(vault, staff(vault), filing) as receiving:
        return intake.receive_from(vault, receiving, io.BytesIO(content).readinto).record_id


def listed(vault: Vault, work: WorkList, actor: Actor | None = None, **asked: object) -> dict[RecordId, list[str]]:
    """The records of a whole list with their flaws, a page of two at a time."""
    found: dict[RecordId, list[str]] = {}
    before: RecordId | None = None
    while True:
        page = worklists.list_work(vault, actor or staff(vault), work, before=before, limit=2, **asked)  # type: ignore[arg-type]  # by name
        assert len(page.rows) <= 2
        assert not found.keys() & {each.view.record.id for each in page.rows}
        found |= {each.view.record.id: [flaw.value for flaw in each.flaws] for each in page.rows}
        before = page.following
        if before is None:
            return found


def reader_of(class_code: str) -> Actor:
    """Somebody for whom the records of one class exist, and no others."""
    scoped = frozenset({(Role.READER, class_code)})
    return Actor(person_id=PersonId("reader"), roles=frozenset(), class_roles=scoped)


def only(found: dict[RecordId, list[str]], wanted: Sequence[RecordId]) -> dict[RecordId, list[str]]:
    """Of a list what a test made: others have records here, too."""
    return {record: flaws for record, flaws in found.items() if record in wanted}


def test_what_is_missing_is_listed_until_it_is_said(vault: Vault) -> None:
    owner = customers.add_customer(vault, staff(vault), Profile.checked(name="owner")).customer.id
    whole = stored(vault, b"1", class_code="contract", customer=owner)
    undated = stored(vault, b"2", dated_on=None)
    nobodys = stored(vault, b"3", class_code="contract", dated_on=None)
    made = [whole, undated, nobodys]
    assert only(listed(vault, WorkList.MISSING), made) == {undated: ["no-date"], nobodys: ["no-date", "no-customer"]}
    assert only(listed(vault, WorkList.MISSING, flaw=Flaw.NO_CUSTOMER), made).keys() == {nobodys}
    assert only(listed(vault, WorkList.MISSING, class_code="house"), made).keys() == {undated}
    said = Description.checked(title="T", dated_on=LONG_AGO, reason="found in the file")
    intake.revise_description(vault, staff(vault), undated, said)
    destroy(vault, everything(), Targets(records=frozenset({nobodys})), alone=True, error=True)
    assert only(listed(vault, WorkList.MISSING), made) == {}


def test_what_was_left_lying_is_listed_after_so_many_days(vault: Vault) -> None:
    vault, clock = with_clock(vault)
    unfiled, waiting, filed = (stored(vault, each) for each in (b"4", b"5", b"6"))
    contract = stored(vault, b"7", class_code="contract")
    holding.file_record(vault, staff(vault), contract)
    holding.file_record(vault, staff(vault), filed)
    holding.file_record(vault, staff(vault), waiting, class_code="contract", trigger_on=LONG_AGO)
    made = [unfiled, waiting, filed, contract]
    assert only(listed(vault, WorkList.STALE), made) == {}
    assert only(listed(vault, WorkList.STALE, days=0), made) == {unfiled: ["unfiled"], contract: ["no-trigger"]}
    clock.at += timedelta(days=31)
    assert only(listed(vault, WorkList.STALE), made) == {unfiled: ["unfiled"], contract: ["no-trigger"]}
    assert only(listed(vault, WorkList.STALE, flaw=Flaw.NO_TRIGGER), made).keys() == {contract}
    assert WorkList.STALE in worklists.lists_with_work(vault, staff(vault))


def test_dates_that_contradict_each_other_are_listed(vault: Vault) -> None:
    today = vault.now().date()
    late = stored(vault, b"8", dated_on=today + timedelta(days=5))
    early = stored(vault, b"9", class_code="contract")
    ahead = stored(vault, b"10", class_code="contract")
    holding.file_record(vault, staff(vault), early, trigger_on=LONG_AGO - timedelta(days=1))
    holding.file_record(vault, staff(vault), ahead, trigger_on=today + timedelta(days=400))
    assert only(listed(vault, WorkList.DATES), [late, early, ahead]) == {
        late: ["dated-late"],
        early: ["ended-early"],
        ahead: ["ended-ahead"],
    }


def test_the_same_bytes_are_listed_for_those_who_may_see_both(vault: Vault) -> None:
    owner = customers.add_customer(vault, staff(vault), Profile.checked(name="twins")).customer.id
    first = stored(vault, b"the very same", class_code="contract", customer=owner)
    second = stored(vault, b"the very same", class_code="voucher", customer=owner)
    third = stored(vault, b"the very same", class_code="contract", customer=owner)
    other = stored(vault, b"not the same", class_code="contract", customer=owner)
    found = only(listed(vault, WorkList.TWINS), [first, second, third, other])
    assert len(found) >= 2
    assert other not in found
    named = duplicates.twins_of_many(vault, staff(vault), [first, other, "z" * 26])
    assert {record: {each.id for each in twins} for record, twins in named.items()} == {first: {second, third}}
    narrow = reader_of("voucher")
    assert only(listed(vault, WorkList.TWINS, narrow), [first, second, third]) == {}
    assert only(listed(vault, WorkList.STALE, narrow, days=0), [first, second, third]).keys() == {second}
    assert duplicates.twins_of_many(vault, narrow, [first, second]) == {}
    destroy(vault, everything(), Targets(records=frozenset({first, third})), alone=True, error=True)
    assert only(listed(vault, WorkList.TWINS), [first, second, third]) == {}


def test_what_is_no_flaw_any_more_hides_nothing_behind_it(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worklists, "ROUNDS_MAX", 2)
    pairs = [[stored(vault, f"pair {number}".encode()) for _ in "12"] for number in range(4)]
    assert WorkList.TWINS in worklists.lists_with_work(vault, staff(vault))
    destroy(vault, everything(), Targets(records=frozenset(pair[0] for pair in pairs[1:])), alone=True, error=True)
    assert WorkList.TWINS in worklists.lists_with_work(vault, staff(vault))


def test_a_list_goes_on_behind_a_record_that_was_destroyed_meanwhile(vault: Vault) -> None:
    older, newer = (stored(vault, each, dated_on=None) for each in (b"older", b"newer"))
    destroy(vault, everything(), Targets(records=frozenset({newer})), alone=True, error=True)
    page = worklists.list_work(vault, staff(vault), WorkList.MISSING, before=newer, limit=1)
    assert [each.view.record.id for each in page.rows] == [older]
    with pytest.raises(InvalidInput):
        worklists.list_work(vault, staff(vault), WorkList.MISSING, before=RecordId("z" * 26))


def test_what_is_somebody_elses_takes_no_room_and_is_no_place_in_a_list(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = stored(vault, b"theirs", class_code="voucher", dated_on=None)
    others = [stored(vault, f"another's {number}".encode(), dated_on=None) for number in range(3)]
    reader = reader_of("voucher")
    monkeypatch.setattr(worklists, "ROUNDS_MAX", 1)
    page = worklists.list_work(vault, reader, WorkList.MISSING, limit=1)
    assert [each.view.record.id for each in page.rows] == [theirs]
    assert worklists.list_work(vault, staff(vault), WorkList.MISSING, before=others[0], limit=1).rows
    with pytest.raises(InvalidInput, match="no place in a list"):
        worklists.list_work(vault, reader, WorkList.MISSING, before=others[0])


def test_what_became_somebody_elses_is_in_no_list_though_the_index_does_not_know_yet(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = stored(vault, b"moved", class_code="voucher", dated_on=None)
    reader = reader_of("voucher")
    assert moved in listed(vault, WorkList.MISSING, reader)
    monkeypatch.setattr(indexing, "catch_up", lambda _: None)
    holding.file_record(vault, staff(vault), moved, class_code="contract", trigger_on=LONG_AGO)
    assert moved in listed(vault, WorkList.MISSING)
    assert moved not in listed(vault, WorkList.MISSING, reader)


def test_nobody_without_the_right_sees_a_list_and_what_is_no_flaw_of_it_is_refused(vault: Vault) -> None:
    with pytest.raises(NotAllowed):
        worklists.list_work(vault, Actor(person_id=PersonId("x"), roles=frozenset()), WorkList.MISSING)
    with pytest.raises(InvalidInput):
        worklists.list_work(vault, staff(vault), WorkList.MISSING, flaw=Flaw.TWIN)
    with pytest.raises(InvalidInput):
        worklists.list_work(vault, staff(vault), WorkList.STALE, days=-1)
