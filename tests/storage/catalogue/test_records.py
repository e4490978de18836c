"""Records, versions, descriptions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from storage.catalogue.database import SqlCatalogue, open_catalogue
from tests.storage.catalogue.samples import LOCK, NOW, Home, an_id
from vault.errors import AlreadyExists, CatalogueBroken, InvalidInput, NotFound
from vault.ids import ObjectId, PersonId, RecordId
from vault.objects import Lock, LockMode
from vault.records import TRANSITIONS, Record, RecordState
from vault.shelves import RecordFilter


def test_a_record_comes_back_as_it_was_kept(catalogue: SqlCatalogue, home: Home) -> None:
    record, version = home.keep(trigger_on=date(2024, 2, 29), due_on=date(2036, 2, 29))
    with catalogue.read() as tx:
        assert tx.records.get(record.id) == record
        assert tx.records.by_number(home.fonds.id, record.number) == record
        assert tx.records.version(record.id, 1) == version
        assert tx.records.versions(record.id) == [version]
        assert tx.records.version_of_object(version.object.object_id) == version
        assert tx.records.description(record.id, 1) == home.description(version)
        assert tx.records.descriptions(record.id) == [home.description(version)]
        assert tx.records.get(RecordId(an_id())) is None
        assert tx.records.by_number(home.fonds.id, "1999-000001") is None
        assert tx.records.version(record.id, 2) is None
        assert tx.records.version_of_object(ObjectId(an_id())) is None
        assert tx.records.description(record.id, 2) is None


def test_a_time_keeps_its_microseconds_and_comes_back_in_utc(catalogue: SqlCatalogue, home: Home) -> None:
    in_shanghai = datetime(2026, 3, 4, 7, 59, 59, 999999, tzinfo=timezone(timedelta(hours=8)))
    record, _ = home.keep(received_at=in_shanghai)
    with catalogue.read() as tx:
        kept = tx.records.get(record.id)
    assert kept is not None
    assert kept.received_at == in_shanghai
    assert kept.received_at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(home: Home) -> None:
    with pytest.raises(InvalidInput, match="time zone"):
        home.keep(received_at=datetime(2026, 3, 4))  # noqa: DTZ001 - that is the point


def test_numbers_are_given_in_order_for_each_year_and_fonds(catalogue: SqlCatalogue, home: Home) -> None:
    other = Home.make(catalogue)
    with catalogue.write() as tx:
        assert [tx.records.next_number(home.fonds.id, 2026) for _ in range(3)] == [
            "2026-000001",
            "2026-000002",
            "2026-000003",
        ]
        assert tx.records.next_number(home.fonds.id, 2027) == "2027-000001"
        assert tx.records.next_number(other.fonds.id, 2026) == "2026-000001"
        first, second = tx.records.next_change(), tx.records.next_change()
        assert second == first + 1


def test_a_record_number_is_unique_in_its_fonds(home: Home) -> None:
    record, _ = home.keep()
    with pytest.raises(AlreadyExists):
        home.keep(number=record.number)


@pytest.mark.parametrize("before", RecordState)
@pytest.mark.parametrize("after", RecordState)
def test_the_database_keeps_the_transitions(
    catalogue: SqlCatalogue, home: Home, before: RecordState, after: RecordState
) -> None:
    filed = {"filed_at": NOW, "filed_by": PersonId("operator")}
    record, _ = home.keep(state=before, **({} if before is RecordState.RECEIVED else filed))
    # A received record may be corrected and stay received.
    allowed = (before, after) in TRANSITIONS or (before, after) == (RecordState.RECEIVED, RecordState.RECEIVED)

    def move() -> None:
        with catalogue.write() as tx:
            unfiled = {"filed_at": None, "filed_by": None}
            facts = unfiled if after is RecordState.RECEIVED else filed
            tx.records.update(replace(record, state=after, change=tx.records.next_change(), **facts))

    if allowed:
        move()
    else:
        with pytest.raises(CatalogueBroken, match="transition"):
            move()
    with catalogue.read() as tx:
        kept = tx.records.get(record.id)
    assert kept is not None
    assert kept.state is (after if allowed else before)


def test_an_update_needs_a_record_a_new_change_and_the_same_identity(catalogue: SqlCatalogue, home: Home) -> None:
    record, _ = home.keep()
    with pytest.raises(NotFound), catalogue.write() as tx:
        tx.records.update(replace(record, id=RecordId(an_id()), change=tx.records.next_change()))
    with pytest.raises(CatalogueBroken, match="change number"), catalogue.write() as tx:
        tx.records.update(replace(record, class_code="house"))
    with pytest.raises(CatalogueBroken, match="identity"), catalogue.write() as tx:
        tx.records.update(replace(record, number="2026-999999", change=tx.records.next_change()))
    with catalogue.read() as tx:
        assert tx.records.get(record.id) == record


def test_the_list_pages_by_key_newest_first_whatever_it_filters_by(fresh_catalogue: SqlCatalogue) -> None:
    home = Home.make(fresh_catalogue)
    # Two at the same instant: the id decides between them.
    kept = [home.keep(received_at=NOW + timedelta(seconds=number // 2))[0] for number in range(7)]
    other, _ = home.keep(class_code="house", customer_id=None, received_at=NOW - timedelta(days=1))
    expected = sorted(kept, key=lambda record: (record.received_at, record.id), reverse=True)
    filters = [
        RecordFilter(class_code="contract"),
        RecordFilter(customer_id=home.customer_id),
        RecordFilter(class_code="contract", customer_id=home.customer_id, state=RecordState.RECEIVED),
    ]
    with fresh_catalogue.read() as tx:
        for wanted in filters:
            found: list[Record] = []
            before = None
            while page := tx.records.page(wanted, before=before, limit=3):
                assert len(page) <= 3
                found += page
                before = (page[-1].received_at, page[-1].id)
            assert found == expected
        assert tx.records.page(RecordFilter(), limit=100) == [*expected, other]
        assert tx.records.page(RecordFilter(state=RecordState.FILED)) == []
        assert tx.records.count() == 8


def test_changes_are_followed_by_number(catalogue: SqlCatalogue, home: Home) -> None:
    first, _ = home.keep()
    second, _ = home.keep()
    with catalogue.write() as tx:
        changed = replace(first, current_revision=2, change=tx.records.next_change())
        tx.records.update(changed)
        customer = home.customer(tx)
        tx.customers.add(customer)
    with catalogue.read() as tx:
        assert tx.records.changed_since(first.change - 1) == [second, changed]
        assert tx.records.changed_since(first.change - 1, limit=1) == [second]
        assert tx.records.changed_since(changed.change) == []
        assert tx.customers.changed_since(changed.change) == [customer]


def test_only_the_lock_of_a_version_may_be_set(catalogue: SqlCatalogue, home: Home) -> None:
    record, version = home.keep()
    longer = Lock(mode=LockMode.COMPLIANCE, retain_until=datetime(2056, 1, 1, tzinfo=UTC))
    with catalogue.write() as tx:
        tx.records.set_lock(record.id, 1, longer)
    with catalogue.read() as tx:
        assert tx.records.version(record.id, 1) == replace(version, lock=longer)
    with pytest.raises(NotFound), catalogue.write() as tx:
        tx.records.set_lock(record.id, 2, longer)


def test_locks_to_renew_and_to_extend(fresh_catalogue: SqlCatalogue) -> None:
    home = Home.make(fresh_catalogue)
    due = date(2030, 5, 6)
    at_midnight = Lock(mode=LockMode.GOVERNANCE, retain_until=datetime(2030, 5, 6, tzinfo=UTC))
    just_before = Lock(mode=LockMode.GOVERNANCE, retain_until=datetime(2030, 5, 5, 23, 59, 59, tzinfo=UTC))
    late = Lock(mode=LockMode.GOVERNANCE, retain_until=datetime(2026, 9, 1, tzinfo=UTC))
    received = home.keep()[1]
    home.keep(lock=late)
    permanent = home.keep_filed(due_on=None)[1]
    short = home.keep_filed(due_on=due)[1]
    almost = home.keep_filed(due_on=due, lock=just_before)[1]
    home.keep_filed(due_on=due, lock=at_midnight)
    home.keep(state=RecordState.ERASING)
    with fresh_catalogue.read() as tx:
        soon = LOCK.retain_until + timedelta(days=1)
        by_id = sorted([received, permanent], key=lambda version: version.record_id)
        assert tx.records.locks_to_renew(lapsing_before=soon) == by_id
        assert tx.records.locks_to_renew(lapsing_before=LOCK.retain_until) == []
        assert tx.records.locks_to_renew(lapsing_before=soon, limit=1) == by_id[:1]
        wanted = sorted([(short, due), (almost, due)], key=lambda each: each[0].record_id)
        assert tx.records.locks_to_extend() == wanted
        assert tx.records.locks_to_extend(limit=1) == wanted[:1]
        first = wanted[0][0]
        assert tx.records.locks_to_extend(after=(first.record_id, first.ordinal)) == wanted[1:]


def test_all_versions_leaves_out_the_destroyed(fresh_catalogue: SqlCatalogue) -> None:
    home = Home.make(fresh_catalogue)
    versions = [home.keep()[1] for _ in range(5)]
    home.keep(state=RecordState.DESTROYED)
    with fresh_catalogue.read() as tx:
        found = list(tx.records.all_versions())
    assert found == sorted(versions, key=lambda version: version.record_id)


def test_a_record_is_updated_without_a_look_at_the_others_of_its_fonds(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    steps: list[int] = []

    def count(connection: sqlite3.Connection, _: object) -> None:
        connection.set_progress_handler(lambda: steps.append(100), 100)

    event.listen(Engine, "connect", count)
    request.addfinalizer(lambda: event.remove(Engine, "connect", count))
    with closing(open_catalogue(f"sqlite:///{tmp_path / 'catalogue.db'}")) as catalogue:
        catalogue.migrate()
        home = Home.make(catalogue)
        record, _ = home.keep()

        def work() -> int:
            with catalogue.write() as tx:
                changed = replace(record, class_code="house", change=tx.records.next_change())
                steps.clear()
                tx.records.update(changed)
                return sum(steps)

        alone = work()
        for _ in range(200):
            home.keep()
        assert work() <= alone + 200
