"""Matters: what is in scope cannot be destroyed, what comes into it neither, and two people release it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from tests.support.holding import PROFILE, officer, place, race_hold_against_destruction, release
from tests.support.vault import add_bytes, read_bytes, staff
from tests.vault.workflows.faults import Died, faulty
from vault.audit import Event
from vault.customers import Profile
from vault.destruction import Targets
from vault.errors import Conflict, InvalidInput, NotAllowed, NotFound
from vault.holds import HoldScope, MatterProfile, MatterState, ScopeKind
from vault.ids import CustomerId, MatterId, RecordId
from vault.permissions import Actor, Role
from vault.records import Description
from vault.workflows import customers, destruction, destructionscope, indexing, intake, matters, placing
from vault.workflows.vault import Vault


def add(vault: Vault, actor: Actor, title: str = "A record", customer_id: CustomerId | None = None) -> RecordId:
    filing = intake.Filing(
        class_code="contract",
        customer_id=customer_id,
        description=Description.checked(title=title),
        file_name="file.bin",
    )
    with intake.begin(vault, actor, filing) as receiving:
        return intake.receive_from(vault, receiving, io.BytesIO(b"content").readinto).record_id


def destroy(vault: Vault, actor: Actor, *records: RecordId, customers: frozenset[CustomerId] = frozenset()) -> None:
    targets = Targets(records=frozenset(records), customers=customers)
    destruction.destroy(vault, actor, targets, alone=True, error=True)


def held(vault: Vault, *records: RecordId) -> list[list[str]]:
    with vault.catalogue.read() as tx:
        found = tx.holds.of_records(records)
    return [[each.number for each in found.get(record_id, ())] for record_id in records]


def correct(vault: Vault, actor: Actor, record_id: RecordId, title: str, content: bytes | None = None) -> None:
    said = Description.checked(title=title, reason="it was wrong")
    if content is None:
        intake.revise_description(vault, actor, record_id, said)
        return
    with intake.begin_correction(vault, actor, record_id, said, "file.bin") as receiving:
        intake.receive_from(vault, receiving, io.BytesIO(content).readinto)


def test_a_held_record_is_not_destroyed_until_two_people_released_it(vault: Vault, actor: Actor) -> None:
    record_id = add(vault, actor)
    first, second = place(vault, actor, record_id), place(vault, actor, record_id)
    assert (first.profile, first.coverage.records) == (PROFILE, 1)
    numbers = f"{first.matter.number} and {second.matter.number}"
    with pytest.raises(Conflict, match=f"is held by matter {numbers}; release the hold first"):
        destroy(vault, actor, record_id)
    seen = destructionscope.preview(vault, actor, Targets(records=frozenset({record_id})), error=True)
    assert [each.code for each in seen.blockers] == ["conflict"]
    matters.propose_release(vault, officer("one"), second.matter.id, "it was settled")
    release(vault, first.matter.id)
    with pytest.raises(Conflict, match=f"is held by matter {second.matter.number};"):
        destroy(vault, actor, record_id)
    released = matters.release_hold(vault, officer("two"), second.matter.id)
    assert released.matter.state is MatterState.RELEASED
    assert released.profile.release_reason == "it was settled"
    destroy(vault, actor, record_id)


def test_who_proposed_a_release_does_not_confirm_it_and_a_proposal_can_be_taken_back(
    vault: Vault, actor: Actor
) -> None:
    record_id = add(vault, actor)
    matter = place(vault, actor, record_id).matter
    with pytest.raises(Conflict, match="is not proposed; propose it first"):
        matters.release_hold(vault, officer("two"), matter.id)
    matters.propose_release(vault, officer("one"), matter.id, "settled")
    with pytest.raises(NotAllowed, match="a second person"):
        matters.release_hold(vault, officer("one"), matter.id)
    with pytest.raises(Conflict, match="release-proposed already"):
        matters.propose_release(vault, officer("two"), matter.id, "again")
    with pytest.raises(Conflict, match="withdraw the proposal first"):
        placing.add_to_hold(vault, actor, matter.id, HoldScope(classes=frozenset({"house"})))
    assert matters.withdraw_release(vault, officer("two"), matter.id).profile.release_reason == ""
    assert held(vault, record_id) == [[matter.number]]
    tried = matters.propose_release(vault, officer("one"), matter.id, "settled after all")
    assert matters.release_hold(vault, officer("two"), matter.id, dry_run=True).matter.released_by == "two"
    assert matters.find_matter(vault, actor, matter.number) == tried.matter
    matters.release_hold(vault, officer("two"), matter.id)
    three = officer("three")
    with pytest.raises(Conflict, match="released already; that is final"):
        matters.release_hold(vault, three, matter.id)
    with pytest.raises(Conflict, match="released already; that is final"):
        matters.withdraw_release(vault, three, matter.id)
    with pytest.raises(Conflict, match="is released already"):
        matters.propose_release(vault, three, matter.id, "x")
    with pytest.raises(Conflict, match="place a new one"):
        placing.add_to_hold(vault, three, matter.id, HoldScope(classes=frozenset({"house"})))


def test_a_customer_in_scope_is_held_whole_with_what_comes_later(vault: Vault, actor: Actor) -> None:
    customer = customers.add_customer(vault, actor, Profile(name="Wei")).customer
    empty = customers.add_customer(vault, actor, Profile(name="Nobody's files")).customer
    early = add(vault, actor, customer_id=customer.id)
    matter = place(vault, actor, customers=frozenset({customer.id, empty.id})).matter
    later = add(vault, actor, customer_id=customer.id)
    assert held(vault, early, later) == [[matter.number]] * 2
    with pytest.raises(Conflict, match=f"customer {empty.number} is held by matter {matter.number}"):
        destroy(vault, actor, customers=frozenset({empty.id}))
    with pytest.raises(Conflict, match="is held by matter"):
        destroy(vault, actor, customers=frozenset({customer.id}))
    other = place(vault, actor, later).matter
    release(vault, matter.id)
    with pytest.raises(Conflict, match=f"record .* is held by matter {other.number}"):
        destroy(vault, actor, customers=frozenset({customer.id}))
    destroy(vault, actor, early, customers=frozenset({empty.id}))


def test_words_hold_what_they_match_and_whatever_comes_to_match(vault: Vault, actor: Actor) -> None:
    before = add(vault, actor, "Lease of the Harbour warehouse")
    other, revised, corrected = (add(vault, actor, f"Something else {number}") for number in range(3))
    indexing.follow(vault)
    unindexed = add(vault, actor, "HARBOUR dues and the lease")
    matter = place(vault, actor, queries=("harbour lease",)).matter
    assert held(vault, before, other, revised, corrected, unindexed) == [[matter.number], [], [], [], [matter.number]]
    later = add(vault, actor, "Another lease, harbour side")
    correct(vault, actor, revised, "The harbour lease, renamed")
    correct(vault, actor, corrected, "Lease at the harbour", b"another scan")
    assert held(vault, later, revised, corrected, other) == [[matter.number]] * 3 + [[]]
    correct(vault, actor, before, "It matches no more")
    assert held(vault, before) == [[matter.number]]
    story = matters.show_matter(vault, actor, matter.id)
    labels = [each.label for each in story.items if each.item.kind is ScopeKind.QUERY]
    assert labels == ["harbour lease"]
    assert story.view.coverage.records == 5
    assert sum(each.item.origin is not None for each in story.items) == 5
    with vault.catalogue.read() as tx:
        told = [each.entry.event for each in tx.audit.page(subject=later)]
        assert Event.RECORD_HELD in told
    release(vault, matter.id)
    assert held(vault, add(vault, actor, "A third harbour lease"), later) == [[], []]


def test_a_record_that_is_recovered_after_a_crash_is_held_as_one_that_arrived(vault: Vault, actor: Actor) -> None:
    from vault.workflows import recovery

    matter = place(vault, actor, queries=("shipwreck",)).matter
    mortal = faulty(replace(vault, underway=set()), "after:put", Died)
    with pytest.raises(Died):
        add(mortal, actor, "Shipwreck papers")
    with vault.catalogue.read() as tx:
        (intent,) = tx.intents.unsettled()
    recovery.settle(vault, intent)
    assert held(vault, intent.record_id) == [[matter.number]]


def test_a_hold_that_comes_too_late_is_refused_by_name_or_counted(vault: Vault, actor: Actor) -> None:
    customer = customers.add_customer(vault, actor, Profile(name="Gone")).customer
    dead, alive = add(vault, actor, "Doomed paper"), add(vault, actor, "Doomed paper")
    destroy(vault, actor, dead, customers=frozenset({customer.id}))
    with pytest.raises(Conflict, match="is destroyed already: a hold comes too late"):
        place(vault, actor, dead, alive)
    with pytest.raises(Conflict, match=r"customer .* is destroyed"):
        place(vault, actor, customers=frozenset({customer.id}))
    assert held(vault, alive) == [[]]
    view = place(vault, actor, alive, classes=frozenset({"contract"}), queries=("doomed paper",))
    assert view.coverage.destroyed >= 1
    assert held(vault, alive) == [[view.matter.number]]
    release(vault, view.matter.id)


def test_what_does_not_exist_or_says_nothing_is_refused(vault: Vault, actor: Actor) -> None:
    with pytest.raises(InvalidInput, match="nothing is named"):
        place(vault, actor)
    for scope in (
        {"records": frozenset({"x"})},
        {"customers": frozenset({"x"})},
        {"classes": frozenset({"x"})},
    ):
        with pytest.raises(NotFound):
            placing.place_hold(vault, actor, PROFILE, HoldScope(**scope))  # type: ignore[arg-type]
    for words in ("", "   ", "a\nb", "x" * 201):
        with pytest.raises(InvalidInput, match="query"):
            place(vault, actor, queries=(words,))
    for field in ("title", "reason", "issuer"):
        with pytest.raises(InvalidInput, match=field):
            MatterProfile.checked(**({"title": "t", "reason": "r", "issuer": "i"} | {field: " "}))
    with pytest.raises(NotFound):
        matters.find_matter(vault, actor, "H-1999-0001")
    for act in (
        lambda: matters.propose_release(vault, actor, MatterId("x"), "r"),
        lambda: matters.show_matter(vault, actor, MatterId("x")),
    ):
        with pytest.raises(NotFound):
            act()


def test_holds_are_for_those_who_may(vault: Vault, actor: Actor) -> None:
    record_id = add(vault, actor)
    matter = place(vault, actor, record_id).matter
    clerk = Actor(person_id=officer("clerk").person_id, roles=frozenset({Role.RECORDS, Role.READER}))
    for act in (
        lambda: place(vault, clerk, record_id),
        lambda: placing.add_to_hold(vault, clerk, matter.id, HoldScope(records=frozenset({record_id}))),
        lambda: matters.propose_release(vault, clerk, matter.id, "r"),
        lambda: matters.withdraw_release(vault, clerk, matter.id),
        lambda: matters.release_hold(vault, clerk, matter.id),
        lambda: matters.list_matters(vault, clerk),
        lambda: matters.show_matter(vault, clerk, matter.id),
        lambda: matters.find_matter(vault, clerk, matter.number),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_a_dry_run_tells_all_and_keeps_nothing(vault: Vault, actor: Actor) -> None:
    record_id = add(vault, actor, "A paper about dry docks")
    other = add(vault, actor)
    newest = next(iter(matters.list_matters(vault, actor, limit=1)), None)
    scope = HoldScope(records=frozenset({other}), queries=("dry docks",))
    tried = placing.place_hold(vault, actor, PROFILE, scope, dry_run=True)
    assert (tried.coverage.records, held(vault, record_id, other)) == (2, [[], []])
    assert next(iter(matters.list_matters(vault, actor, limit=1)), None) == newest
    matter = place(vault, actor, other).matter
    added = placing.add_to_hold(vault, actor, matter.id, HoldScope(queries=("dry docks",)), dry_run=True)
    assert (added.coverage.records, held(vault, record_id)) == (2, [[]])
    placing.add_to_hold(vault, actor, matter.id, HoldScope(queries=("dry docks",)))
    assert held(vault, record_id, other) == [[matter.number]] * 2
    assert [found.number for found, _ in matters.list_matters(vault, actor, before=None, limit=1)] == [matter.number]


def test_what_the_log_says_of_a_matter_is_counts_and_numbers(vault: Vault, actor: Actor) -> None:
    record_id = add(vault, actor, "Sekret words")
    matter = place(vault, actor, record_id, queries=("sekret",)).matter
    release(vault, matter.id)
    with vault.catalogue.read() as tx:
        entries = [each.entry for each in reversed(tx.audit.page(subject=matter.id))]
    assert [entry.event for entry in entries] == [
        Event.HOLD_PLACED,
        Event.HOLD_RELEASE_PROPOSED,
        Event.HOLD_RELEASED,
    ]
    assert entries[0].detail == {
        "number": matter.number,
        "records": 1,
        "customers": 0,
        "classes": 0,
        "queries": 1,
        "matched": 1,
    }
    assert b"Case 7" not in matter.sealed


def test_a_hold_against_a_destruction_at_the_same_moment_is_one_or_the_other(vault: Vault, actor: Actor) -> None:
    told = race_hold_against_destruction(vault, actor, 20)
    assert told.broken == 0
    assert told.held + told.destroyed == 20
    assert read_bytes(vault, staff(vault), add_bytes(vault, actor, b"x").record_id) == b"x"
