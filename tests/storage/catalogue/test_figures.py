"""Saved views, recent searches, and figures of the first page, on each database."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from storage.catalogue.database import SqlCatalogue
from tests.storage.catalogue.samples import NOW, Home, an_id
from vault.errors import StrongroomError
from vault.ids import PersonId, ViewId
from vault.recentsearches import SealedSearches
from vault.records import RecordState
from vault.savedviews import SavedView
from vault.shelves import RecordFilter


def view_of(home: Home, person_id: PersonId, minutes: int = 0) -> SavedView:
    return SavedView(
        id=ViewId(an_id()),
        fonds_id=home.fonds.id,
        person_id=person_id,
        sealed=b"sealed",
        created_at=NOW + timedelta(minutes=minutes),
    )


def test_a_view_is_its_owners_alone_and_goes_when_they_say_so(catalogue: SqlCatalogue, home: Home) -> None:
    with catalogue.write() as tx:
        one, other = home.person(tx), home.person(tx)
        tx.people.add(one)
        tx.people.add(other)
        later, earlier = view_of(home, one.id, 5), view_of(home, one.id)
        tx.saved_views.add(later)
        tx.saved_views.add(earlier)
    with catalogue.read() as tx:
        assert tx.saved_views.of_person(one.id) == [earlier, later]
        assert tx.saved_views.of_person(other.id) == []
    with catalogue.write() as tx:
        assert not tx.saved_views.remove(other.id, earlier.id)
        assert tx.saved_views.remove(one.id, earlier.id)
        assert not tx.saved_views.remove(one.id, earlier.id)
    with catalogue.read() as tx:
        assert tx.saved_views.of_person(one.id) == [later]
    with pytest.raises(StrongroomError), catalogue.write() as tx:
        tx.saved_views.add(view_of(home, PersonId(an_id())))


def test_recent_searches_are_one_row_a_person_written_over(catalogue: SqlCatalogue, home: Home) -> None:
    with catalogue.write() as tx:
        one, other = home.person(tx), home.person(tx)
        tx.people.add(one)
        tx.people.add(other)
        for sealed in (b"first", b"second"):
            tx.recent_searches.put(SealedSearches(fonds_id=home.fonds.id, person_id=one.id, sealed=sealed))
    with catalogue.read() as tx:
        found = tx.recent_searches.of_person(one.id)
        assert found is not None
        assert found.sealed == b"second"
        assert tx.recent_searches.of_person(other.id) is None


def test_counts_stop_where_they_are_told_and_sizes_go_by_class(fresh_catalogue: SqlCatalogue) -> None:
    home = Home.make(fresh_catalogue)
    kept = [home.keep() for _ in range(3)]
    due, _ = home.keep_filed(due_on=date(2026, 1, 1))
    home.keep_filed(due_on=date(2100, 1, 1))
    with fresh_catalogue.read() as tx:
        figures = tx.figures
        assert figures.records_in(RecordState.RECEIVED, classes=None, limit=10) == 3
        assert figures.records_in(RecordState.RECEIVED, classes=None, limit=2) == 2
        assert figures.records_due([due.class_code], date(2026, 6, 1), limit=10) == 1
        assert figures.records_due([due.class_code, "other"], date(2100, 6, 1), limit=1) == 1
        assert figures.records_due(["other"], date(2100, 6, 1), limit=10) == 0
        assert figures.records_due([], date(2100, 6, 1), limit=10) == 0
        [(code, versions, size)] = figures.kept_by_class(home.fonds.id)
        assert (code, versions) == (due.class_code, 5)
        assert size == 5 * kept[0][1].object.size_bytes


def test_a_list_is_bounded_by_the_days_of_receipt(fresh_catalogue: SqlCatalogue) -> None:
    home = Home.make(fresh_catalogue)
    days = [home.keep(received_at=NOW + timedelta(days=day))[0] for day in range(4)]

    def found(**asked: object) -> list[str]:
        with fresh_catalogue.read() as tx:
            return [each.id for each in tx.records.page(RecordFilter(**asked))]  # type: ignore[arg-type]  # by name

    assert found(received_from=days[1].received_at, received_before=days[3].received_at) == [days[2].id, days[1].id]
    assert found(received_from=days[3].received_at) == [days[3].id]
    assert found(received_before=days[1].received_at, state=RecordState.RECEIVED) == [days[0].id]
    assert found(received_before=days[0].received_at) == []
