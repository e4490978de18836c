"""The audit log, openings, the outbox, processes and jobs; and what every transaction promises."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from storage.catalogue.audit import _page
from storage.catalogue.database import SqlCatalogue
from tests.storage.catalogue.samples import NOW, Home, an_id, entry
from vault.audit import Entry, Event
from vault.errors import AlreadyExists, CatalogueBroken, InvalidInput
from vault.ids import PersonId, ProcessId
from vault.records import Record
from vault.shelves import Catalogue, Transaction


def _add_and_fail(tx: Transaction, record: Record) -> None:
    tx.records.add(record)
    raise InvalidInput("a workflow changed its mind")


def _append_and_fail(tx: Transaction, appended: Entry) -> None:
    tx.audit.append(appended)
    raise InvalidInput("a workflow changed its mind")


def test_the_catalogue_keeps_the_vaults_promises(catalogue: SqlCatalogue) -> None:
    promised: Catalogue = catalogue
    with promised.read() as tx:
        shelves: Transaction = tx
    assert shelves is tx


def test_audit_entries_are_numbered_and_page_newest_first(fresh_catalogue: SqlCatalogue) -> None:
    mine, other = an_id(), an_id()
    with fresh_catalogue.write() as tx:
        numbers = [tx.audit.append_numbered(entry(mine if turn % 2 else other)) for turn in range(6)]
    with pytest.raises(InvalidInput), fresh_catalogue.write() as tx:
        _append_and_fail(tx, entry(mine))
    with fresh_catalogue.write() as tx:
        last = tx.audit.append_numbered(entry(mine, event=Event.RECORD_OPENED))
    assert [*numbers, last] == [1, 2, 3, 4, 5, 6, 7]
    with fresh_catalogue.read() as tx:
        page = tx.audit.page(limit=3)
        assert [numbered.number for numbered in page] == [7, 6, 5]
        assert page[0].entry == entry(mine, event=Event.RECORD_OPENED)
        assert [numbered.number for numbered in tx.audit.page(before=5)] == [4, 3, 2, 1]
        assert [numbered.number for numbered in tx.audit.page(subject=mine, before=6)] == [4, 2]
        assert [numbered.number for numbered in tx.audit.page(subject=other)] == [5, 3, 1]


def test_an_opening_is_recent_for_its_person_version_and_purpose(catalogue: SqlCatalogue, home: Home) -> None:
    record, _ = home.keep()
    person = PersonId(an_id())
    with catalogue.write() as tx:
        assert not tx.openings.recent(person, record.id, 1, "reading", since=NOW, until=NOW)
        tx.openings.add(person, record.id, 1, "reading", at=NOW)
        assert tx.openings.recent(person, record.id, 1, "reading", since=NOW, until=NOW)
        assert not tx.openings.recent(
            person, record.id, 1, "reading", since=NOW + timedelta(microseconds=1), until=NOW + timedelta(days=1)
        )
        assert not tx.openings.recent(person, record.id, 1, "copying", since=NOW, until=NOW)
        assert not tx.openings.recent(person, record.id, 2, "reading", since=NOW, until=NOW)
        assert not tx.openings.recent(PersonId("operator"), record.id, 1, "reading", since=NOW, until=NOW)
    with pytest.raises(InvalidInput), catalogue.write() as tx:
        tx.openings.add(person, record.id, 1, "for Mrs. Zhang's lawyer", at=NOW)


def test_the_outbox_gives_the_oldest_first(fresh_catalogue: SqlCatalogue) -> None:
    with fresh_catalogue.write() as tx:
        assert tx.outbox.lag() == (0, None)
        for number in range(3):
            tx.outbox.add(f"meta/a/{number}", bytes([number]), at=NOW + timedelta(seconds=number))
    with pytest.raises(AlreadyExists), fresh_catalogue.write() as tx:
        tx.outbox.add("meta/a/1", b"", at=NOW)
    with fresh_catalogue.write() as tx:
        pending = tx.outbox.pending(limit=2)
        assert [(key, body) for _, key, body in pending] == [("meta/a/0", b"\0"), ("meta/a/1", b"\1")]
        tx.outbox.sent(pending[0][0])
        assert tx.outbox.lag() == (2, NOW + timedelta(seconds=1))


def test_processes_beat_and_end(fresh_catalogue: SqlCatalogue) -> None:
    first, second = sorted([ProcessId(an_id()), ProcessId(an_id())])
    with fresh_catalogue.write() as tx:
        tx.processes.beat(second, description="host:2:9", now=NOW)
        tx.processes.beat(first, description="host:1:9", now=NOW)
        tx.processes.beat(first, description="host:1:9", now=NOW + timedelta(seconds=5))
        assert tx.processes.all() == [
            (first, "host:1:9", NOW + timedelta(seconds=5)),
            (second, "host:2:9", NOW),
        ]
        tx.processes.end(first)
        assert [found for found, _, _ in tx.processes.all()] == [second]


def test_a_job_keeps_its_last_run(fresh_catalogue: SqlCatalogue) -> None:
    with fresh_catalogue.write() as tx:
        tx.jobs.ran("renew", at=NOW, outcome="ok")
        tx.jobs.ran("outbox", at=NOW, outcome="ok")
        tx.jobs.ran("renew", at=NOW + timedelta(hours=1), outcome="failed")
    with fresh_catalogue.read() as tx:
        assert tx.jobs.last_runs() == [("outbox", NOW, "ok"), ("renew", NOW + timedelta(hours=1), "failed")]


def test_an_error_rolls_everything_back(catalogue: SqlCatalogue, home: Home) -> None:
    with catalogue.write() as tx:
        record = home.record(tx)
    with pytest.raises(InvalidInput), catalogue.write() as tx:
        _add_and_fail(tx, record)
    with catalogue.read() as tx:
        assert tx.records.get(record.id) is None


def test_a_reader_sees_one_snapshot(catalogue: SqlCatalogue, home: Home) -> None:
    with catalogue.read() as tx:
        before = tx.records.count()
        home.keep()
        assert tx.records.count() == before
    with catalogue.read() as tx:
        assert tx.records.count() == before + 1


def test_writing_through_a_reader_is_an_error(catalogue: SqlCatalogue) -> None:
    with pytest.raises(CatalogueBroken, match="cannot be written here"), catalogue.read() as tx:
        tx.jobs.ran("renew", at=NOW, outcome="ok")


def test_after_a_failed_statement_nothing_of_the_transaction_is_kept(catalogue: SqlCatalogue, home: Home) -> None:
    record, _ = home.keep()

    with catalogue.write() as tx:
        other = home.record(tx)

    def swallow(tx: Transaction, *, then_ask: bool) -> None:
        tx.records.add(other)
        with pytest.raises(AlreadyExists):
            tx.records.add(record)
        if then_ask:
            tx.records.count()

    for then_ask in (False, True):
        with pytest.raises(CatalogueBroken, match="has failed"), catalogue.write() as tx:
            swallow(tx, then_ask=then_ask)
    with catalogue.read() as tx:
        assert tx.records.get(other.id) is None


def test_a_transaction_that_has_ended_runs_nothing(catalogue: SqlCatalogue) -> None:
    with catalogue.write() as written:
        pass
    with catalogue.read() as read:
        pass
    for tx in (written, read):
        with pytest.raises(CatalogueBroken, match="ended"):
            tx.records.count()


def test_what_is_rare_in_the_log_is_found_without_reading_it_through(url: str) -> None:
    asked = _page(frozenset({"event", "since"}), rare=True)
    engine = create_engine(url)
    with engine.begin() as connection:
        if url.startswith("postgresql"):
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN" if url.startswith("postgresql") else "EXPLAIN QUERY PLAN"
        plan = connection.execute(
            text(f"{explain} {asked}"),
            {"its_event": Event.GLASS_BROKEN.value, "since": NOW.isoformat(), "at_most": 20},
        ).all()
    engine.dispose()
    assert "ix_audit_entries_rare" in str(plan)
