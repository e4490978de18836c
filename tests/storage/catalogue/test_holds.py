"""Matters in the catalogue: what they hold is a join, the database keeps their rules, and the mirror its state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from storage.catalogue.database import SqlCatalogue
from tests.storage.catalogue.samples import NOW, Home, an_id
from tests.storage.catalogue.test_rules import raw
from tests.storage.catalogue.test_trees import LAPSED, carry_out, first_state
from vault.destruction import Targets
from vault.errors import AlreadyExists, CatalogueBroken
from vault.holds import Coverage, Matter, MatterState, MirrorStep, ScopeItem, ScopeKind
from vault.ids import CustomerId, MatterId, PersonId, RecordId
from vault.records import Record, RecordState
from vault.shelves import Transaction

FIRST, SECOND = PersonId("first"), PersonId("second")


def matter_on(home: Home, tx: Transaction, **changes: Any) -> Matter:
    """A matter that is not on the shelf yet."""
    matter_id = MatterId(an_id())
    matter = Matter(
        id=matter_id,
        fonds_id=home.fonds.id,
        number=tx.holds.next_number(home.fonds.id, 2026),
        state=MatterState.IN_FORCE,
        leaf=home.leaf(tx, matter_id),
        sealed=b"sealed matter",
        revision=1,
        placed_by=FIRST,
        placed_at=NOW,
        release_proposed_by=None,
        release_proposed_at=None,
        released_by=None,
        released_at=None,
        change=tx.records.next_change(),
    )
    return replace(matter, **changes)


def item(matter: Matter, kind: ScopeKind, subject: str, **changes: Any) -> ScopeItem:
    made = ScopeItem(
        matter_id=matter.id,
        kind=kind,
        subject=subject,
        sealed=b"sealed words" if kind is ScopeKind.QUERY else None,
        origin=None,
        added_by=FIRST,
        added_at=NOW,
        change=matter.change,
    )
    return replace(made, **changes)


def keep_matter(home: Home, *named: tuple[ScopeKind, str]) -> Matter:
    """A matter on the shelf with these things in its scope."""
    with home.catalogue.write() as tx:
        matter = matter_on(home, tx)
        tx.holds.add(matter)
        tx.holds.add_items(item(matter, kind, subject) for kind, subject in named)
    return matter


def change(home: Home, matter: Matter, **changes: Any) -> Matter:
    with home.catalogue.write() as tx:
        changed = replace(matter, change=tx.records.next_change(), **changes)
        tx.holds.update(changed)
    return changed


def release(home: Home, matter: Matter) -> Matter:
    proposed = change(
        home, matter, state=MatterState.RELEASE_PROPOSED, release_proposed_by=FIRST, release_proposed_at=NOW
    )
    return change(home, proposed, state=MatterState.RELEASED, released_by=SECOND, released_at=NOW)


def held(home: Home, *records: Record) -> list[list[str]]:
    with home.catalogue.read() as tx:
        found = tx.holds.of_records(each.id for each in records)
    return [[ref.number for ref in found.get(each.id, ())] for each in records]


def steps_of(home: Home, *records: Record) -> list[MirrorStep]:
    wanted = {each.id for each in records}
    with home.catalogue.read() as tx:
        return [step for step in tx.holds.to_mirror() if step.record_id in wanted]


def test_a_matter_holds_by_record_customer_and_class_what_is_there_and_what_comes(home: Home) -> None:
    record, other = home.keep(class_code="house", customer_id=None)[0], home.keep(class_code="invoice")[0]
    first = keep_matter(home, (ScopeKind.RECORD, record.id))
    second = keep_matter(home, (ScopeKind.CUSTOMER, home.customer_id), (ScopeKind.RECORD, record.id))
    third = keep_matter(home, (ScopeKind.CLASS, "invoice"), (ScopeKind.QUERY, an_id()))
    assert (first.number, second.number) == ("H-2026-0001", "H-2026-0002")
    assert held(home, record, other) == [[first.number, second.number], [second.number, third.number]]
    later = home.keep(class_code="invoice", customer_id=None)[0]
    assert held(home, later) == [[third.number]]
    with home.catalogue.read() as tx:
        named = tx.holds.of_customers([home.customer_id, CustomerId(an_id())])
        assert [each.number for each in named[home.customer_id]] == [second.number]
        assert list(named) == [home.customer_id]
        assert tx.holds.of_records([]) == {}
    release(home, second)
    assert held(home, record, other, later) == [[first.number], [third.number], [third.number]]


def test_a_class_in_scope_is_that_of_its_own_fonds(home: Home, catalogue: SqlCatalogue) -> None:
    elsewhere = Home.make(catalogue)
    record = elsewhere.keep(class_code="invoice")[0]
    keep_matter(home, (ScopeKind.CLASS, "invoice"))
    assert held(elsewhere, record) == [[]]


def test_candidates_of_a_destruction_carry_the_matters_that_hold_them(home: Home) -> None:
    record = home.keep(lock=LAPSED)[0]
    matter = keep_matter(home, (ScopeKind.RECORD, record.id), (ScopeKind.CUSTOMER, home.customer_id))
    with home.catalogue.read() as tx:
        targets = Targets(records=frozenset({record.id}), customers=frozenset({home.customer_id}))
        scope = tx.batches.scope(home.fonds, targets)
    assert [each.matters for each in scope.candidates] == [(matter.ref,)]
    assert scope.customer_matters == {home.customer_id: [matter.ref]}


def test_matters_are_found_by_id_number_page_and_change(home: Home) -> None:
    matters = [keep_matter(home) for _ in range(3)]
    with home.catalogue.read() as tx:
        assert tx.holds.get(matters[1].id) == matters[1]
        assert tx.holds.by_number(home.fonds.id, matters[2].number) == matters[2]
        assert tx.holds.get(MatterId("nothing")) is None
        assert tx.holds.page(home.fonds.id, limit=2) == matters[:0:-1]
        assert tx.holds.page(home.fonds.id, before=matters[1].number) == matters[:1]
        assert tx.holds.changed_since(matters[0].change, limit=1) == [matters[1]]


def test_a_scope_is_paged_and_what_it_names_twice_stays_as_it_was(home: Home) -> None:
    matter = keep_matter(home, (ScopeKind.CLASS, "house"), (ScopeKind.CLASS, "invoice"), (ScopeKind.QUERY, "q"))
    with home.catalogue.write() as tx:
        tx.holds.add_items([item(matter, ScopeKind.CLASS, "house", added_by=SECOND, change=matter.change + 1)])
    with home.catalogue.read() as tx:
        first = tx.holds.scope_of(matter.id, limit=2)
        rest = tx.holds.scope_of(matter.id, after=(first[-1].kind.value, first[-1].subject))
        assert [(each.kind, each.subject, each.added_by) for each in (*first, *rest)] == [
            (ScopeKind.CLASS, "house", FIRST),
            (ScopeKind.CLASS, "invoice", FIRST),
            (ScopeKind.QUERY, "q", FIRST),
        ]
        between = tx.holds.items_between(matter.change - 1, matter.change)
        assert [each.subject for each in between] == ["house", "invoice", "q"]
        assert tx.holds.items_between(matter.change, matter.change + 1) == []
        assert [(one.id, query.subject) for one, query in tx.holds.queries_in_force(home.fonds.id)] == [
            (matter.id, "q")
        ]
    release(home, matter)
    with home.catalogue.read() as tx:
        assert tx.holds.queries_in_force(home.fonds.id) == []


def test_one_person_cannot_do_both_steps_of_a_release(home: Home) -> None:
    matter = keep_matter(home)
    proposed = change(
        home, matter, state=MatterState.RELEASE_PROPOSED, release_proposed_by=FIRST, release_proposed_at=NOW
    )
    with pytest.raises(CatalogueBroken, match="two_people"):
        change(home, proposed, state=MatterState.RELEASED, released_by=FIRST, released_at=NOW)
    with pytest.raises(CatalogueBroken):
        change(home, matter, state=MatterState.RELEASED, released_by=SECOND, released_at=NOW)
    change(home, proposed, state=MatterState.IN_FORCE, release_proposed_by=None, release_proposed_at=None)


def test_a_released_matter_is_released_for_ever(home: Home) -> None:
    matter = release(home, keep_matter(home))
    for changes in (
        {"state": MatterState.IN_FORCE, "release_proposed_by": None, "release_proposed_at": None},
        {"state": MatterState.RELEASE_PROPOSED},
        {"released_by": PersonId("third")},
    ):
        gone = {"released_by": None, "released_at": None} if "state" in changes else {}
        with pytest.raises(CatalogueBroken, match="a release is final"):
            change(home, matter, **(gone | changes))
    with pytest.raises(CatalogueBroken, match="takes nothing more"), home.catalogue.write() as tx:
        tx.holds.add_items([item(matter, ScopeKind.CLASS, "house")])


@pytest.mark.parametrize(
    "attempt",
    [
        "DELETE FROM matters",
        "DELETE FROM matter_scopes",
        "UPDATE matter_scopes SET subject = 'another'",
        "UPDATE matters SET number = 'H-2026-9999'",
        "UPDATE matters SET placed_by = 'another'",
        "UPDATE matters SET state = 'released', released_by = 'b', released_at = placed_at",
    ],
)
def test_the_database_keeps_matters_as_they_were_placed(url: str, home: Home, attempt: str) -> None:
    keep_matter(home, (ScopeKind.CLASS, "house"))
    with pytest.raises(IntegrityError), raw(url) as connection:
        connection.execute(text(attempt))


def test_a_leaf_of_another_and_a_number_twice_are_refused(home: Home) -> None:
    record, version = home.keep()
    assert record.id == version.record_id
    for changes, error in (
        ({"leaf": version.object.leaf}, CatalogueBroken),
        ({"number": keep_matter(home).number}, AlreadyExists),
    ):
        with pytest.raises(error), home.catalogue.write() as tx:
            tx.holds.add(matter_on(home, tx, **changes))


def test_the_mirror_is_told_what_differs_until_the_store_has_confirmed_it(home: Home) -> None:
    records = [home.keep(class_code="mirrored", customer_id=None)[0] for _ in range(3)]
    assert steps_of(home, *records) == []
    matter = keep_matter(home, (ScopeKind.CLASS, "mirrored"), (ScopeKind.RECORD, records[0].id))
    steps = sorted(steps_of(home, *records), key=lambda step: step.record_id != records[0].id)
    assert [(step.held, step.turn) for step in steps] == [(True, 0)] * 3
    assert {step.version_id for step in steps} == {"v-1"}
    with home.catalogue.write() as tx:
        lag = tx.holds.mirror_lag()
        tx.holds.mirrored(steps[:2])
        assert tx.holds.mirror_lag() == lag - 2
        assert tx.holds.coverage(matter.id) == Coverage(records=3, destroyed=0, versions=3, versions_held=2)
    assert steps_of(home, *records) == steps[2:]
    other = keep_matter(home, (ScopeKind.RECORD, records[0].id))
    release(home, matter)
    freed = steps_of(home, *records)
    assert [(step.record_id, step.held) for step in freed] == [(steps[1].record_id, False)]
    assert held(home, records[0]) == [[other.number]]


def test_two_mirrors_that_meet_at_one_version_leave_it_to_be_set_again(home: Home) -> None:
    record = home.keep()[0]
    keep_matter(home, (ScopeKind.RECORD, record.id))
    stale = steps_of(home, record)
    with home.catalogue.write() as tx:
        tx.holds.mirrored(stale)
    assert steps_of(home, record) == []
    with home.catalogue.write() as tx:
        tx.holds.mirrored([replace(stale[0], held=False)])
    again = steps_of(home, record)
    assert [(step.held, step.turn) for step in again] == [(True, 2)]
    with home.catalogue.read() as tx:
        version = tx.records.version(record.id, 1)
    assert version is not None
    assert version.legal_hold is None
    with home.catalogue.write() as tx:
        tx.holds.mirrored(again)
        tx.holds.doubt_mirror()
    assert [step.turn for step in steps_of(home, record)] == [4]


def test_bytes_are_left_alone_while_the_store_may_hold_them(home: Home) -> None:
    with home.catalogue.write() as tx:
        state = first_state(home)
        tx.trees.add(home.fonds.id, state)
    record = home.keep(lock=LAPSED)[0]
    matter = keep_matter(home, (ScopeKind.RECORD, record.id))
    with home.catalogue.write() as tx:
        tx.holds.mirrored(steps_of(home, record))
    release(home, matter)
    batch = carry_out(home, state, records=(record.id,))
    with home.catalogue.write() as tx:
        tx.batches.promote(batch.id)
        tx.batches.finish(batch, at=NOW)
        due = tx.batches.ciphertext_due(now=NOW, limit=10_000)
        assert record.id not in due
    freeing = steps_of(home, record)
    assert [step.held for step in freeing] == [False]
    with home.catalogue.write() as tx:
        tx.holds.mirrored(freeing)
        assert record.id in tx.batches.ciphertext_due(now=NOW, limit=10_000)
        assert tx.records.get(RecordId(record.id)) is not None
    with home.catalogue.read() as tx:
        stub = tx.records.get(record.id)
    assert stub is not None
    assert stub.state is RecordState.DESTROYED
    keep_matter(home, (ScopeKind.CUSTOMER, home.customer_id))
    assert steps_of(home, record) == []
