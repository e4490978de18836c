"""Writers at once: what is answered is durable, what fails fails alone, and nobody waits for ever."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.engine import make_url

from storage.catalogue import group_commit
from storage.catalogue.audit import audit_entries
from storage.catalogue.database import SqlCatalogue, migrate, open_catalogue
from storage.catalogue.sqlite import SqliteDatabase
from storage.catalogue.transaction import SqlTransaction
from tests.storage.catalogue.samples import NOW, Home, entry
from vault.errors import AlreadyExists, CatalogueBroken, CatalogueUnavailable
from vault.shelves import Transaction

CHILD = """
import sys, threading
from storage.catalogue.database import open_catalogue
from tests.storage.catalogue.samples import NOW
catalogue = open_catalogue(sys.argv[1])
mutex = threading.Lock()
def work(thread):
    for turn in range(1_000_000):
        with catalogue.write() as tx:
            tx.outbox.add(f"meta/{thread}/{turn}", b"sealed", at=NOW)
        with mutex:
            print(f"meta/{thread}/{turn}", flush=True)
for thread in range(6):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
threading.Event().wait()
"""


def test_sixteen_threads_lose_nothing_and_fail_alone(catalogue: SqlCatalogue, home: Home, url: str) -> None:
    taken, _ = home.keep()
    turns = 200 if url.startswith("sqlite") else 50

    def fail(tx: Transaction) -> None:
        tx.audit.append(entry("never"))
        tx.records.add(taken)

    def work(thread: int) -> list[str]:
        subjects = []
        for turn in range(turns):
            subject = f"{home.fonds.id}/{thread}/{turn}"
            if turn % 10 == 9:
                with pytest.raises(AlreadyExists), catalogue.write() as tx:
                    fail(tx)
                continue
            with catalogue.write() as tx:
                number = tx.audit.append_numbered(entry(subject))
            subjects.append(f"{number} {subject}")
        return subjects

    with ThreadPoolExecutor(16) as pool:
        answered = {line for lines in pool.map(work, range(16)) for line in lines}
    assert len(answered) == 16 * turns * 9 // 10
    with closing(open_catalogue(url)) as elsewhere, elsewhere.read() as tx:
        assert tx.audit.page(subject="never") == []
        kept = {f"{found.number} {found.entry.subject}" for found in tx.audit.page(limit=100_000)}
    assert answered <= kept


def test_an_entry_that_the_database_refuses_with_the_commit_undoes_everything(
    catalogue: SqlCatalogue, home: Home
) -> None:
    """On PostgreSQL entries travel with the commit: one that fails there has to fail all that it was to commit."""

    def refused(tx: Transaction) -> None:
        tx.outbox.add(f"meta/{home.fonds.id}/refused", b"sealed", at=NOW)
        tx.audit.append(entry("refused"))
        assert isinstance(tx, SqlTransaction)
        values = {"at": NOW, "actor": "a", "event": "drill-run", "subject": "refused", "detail": "{}"}
        tx.audit._rows.run_at_end(insert(audit_entries).values(number=0).inline(), values)

    for _ in range(30):  # more often than there are connections: none is left broken
        with pytest.raises(CatalogueBroken), catalogue.write() as tx:
            refused(tx)
    with catalogue.read() as tx:
        assert tx.audit.page(subject="refused") == []
        assert tx.outbox.waiting(f"meta/{home.fonds.id}/refused") is None
        newest = tx.audit.newest()
    with catalogue.write() as tx:
        tx.audit.append(entry(home.fonds.id))
        tx.audit.append(entry(home.fonds.id))
    with catalogue.read() as tx:
        numbers = [each.number for each in tx.audit.page(subject=home.fonds.id, limit=2)]
        assert numbers == [newest + 2, newest + 1], "no number was lost"


def test_entries_are_seen_in_their_own_transaction(catalogue: SqlCatalogue, home: Home) -> None:
    with catalogue.write() as tx:
        before = tx.audit.newest()
        tx.audit.append(entry(home.fonds.id))
        assert tx.audit.newest() == before + 1
        tx.audit.append(entry(home.fonds.id))
        assert tx.audit.append_numbered(entry(home.fonds.id)) == before + 3
        tx.audit.append(entry(home.fonds.id))
        assert len(tx.audit.between(before + 1, before + 9)) == 4


def test_what_write_returned_from_is_seen_from_elsewhere(catalogue: SqlCatalogue, home: Home, url: str) -> None:
    with closing(open_catalogue(url)) as elsewhere:
        for _ in range(20):
            record, _ = home.keep()
            with elsewhere.read() as tx:
                assert tx.records.get(record.id) == record


@pytest.mark.faults
def test_a_killed_process_loses_nothing_that_was_answered(fresh_url: str) -> None:
    migrate(fresh_url)
    answered: list[str] = []
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", CHILD, fresh_url], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline().strip() for _ in range(150)]
            child.send_signal(signal.SIGKILL)
            lines += [line.strip() for line in child.stdout if line.endswith("\n")]
        answered += lines
        with closing(open_catalogue(fresh_url)) as catalogue, catalogue.write() as tx:
            kept = {key for _, key, _ in tx.outbox.pending(limit=1_000_000)}
            assert set(lines) <= kept
            for number, _, _ in tx.outbox.pending(limit=1_000_000):
                tx.outbox.sent(number)
    assert len(answered) >= 300


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    """A migrated SQLite file, opened below the catalogue so that its transactions can be counted."""
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    migrate(url)
    return SqliteDatabase(make_url(url))


def _commands(database: SqliteDatabase) -> list[str]:
    """Every command that the writing connection is given from now on."""
    seen: list[str] = []

    @event.listens_for(database._writer_engine, "connect")
    def watch(driver: object, _record: object) -> None:
        driver.set_trace_callback(seen.append)  # type: ignore[attr-defined]  # sqlite3.Connection

    return seen


def test_writers_that_wait_share_a_commit(database: SqliteDatabase) -> None:
    commands = _commands(database)
    with closing(SqlCatalogue(database)) as catalogue:
        together = threading.Barrier(8)

        def work(thread: int) -> None:
            together.wait()
            for turn in range(20):
                with catalogue.write() as tx:
                    tx.outbox.add(f"{thread}/{turn}", b"", at=NOW)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        commits = commands.count("COMMIT")
        assert commands.count("RELEASE writer") == 160
        assert commands.count("BEGIN IMMEDIATE") == commits < 100
        with catalogue.read() as tx:
            assert tx.outbox.lag()[0] == 160


def _await_in_line(database: SqliteDatabase, waiting: int, last: Future[None]) -> None:
    """Until so many wait for their turn, or the last of them has given up."""
    while len(database._writers._queue) < waiting and not last.done():
        time.sleep(0.002)


def _while_one_holds_the_turn(
    database: SqliteDatabase, catalogue: SqlCatalogue, count: int
) -> tuple[threading.Event, list[Future[None]]]:
    """A writer that stays inside until the event, and ``count`` more that queue behind it in order."""
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with catalogue.write() as tx:
            tx.outbox.add("first", b"", at=NOW)
            inside.set()
            leave.wait(120)

    def follow(number: int) -> None:
        with catalogue.write() as tx:
            tx.outbox.add(f"follower {number}", b"", at=NOW)

    pool = ThreadPoolExecutor(count + 1)
    futures = [pool.submit(hold)]
    inside.wait(120)
    for number in range(count):
        futures.append(pool.submit(follow, number))
        _await_in_line(database, number + 1, futures[-1])
    pool.shutdown(wait=False)
    return leave, futures


def test_nobody_is_answered_before_the_shared_commit_and_turns_go_in_order(database: SqliteDatabase) -> None:
    database._writers._group_window_s = 60.0
    with closing(SqlCatalogue(database)) as catalogue:
        leave, futures = _while_one_holds_the_turn(database, catalogue, 5)
        assert not any(future.done() for future in futures)
        with catalogue.read() as tx:
            assert tx.outbox.lag()[0] == 0
        leave.set()
        for future in futures:
            future.result(120)
        with catalogue.read() as tx:
            keys = [key for _, key, _ in tx.outbox.pending()]
        assert keys == ["first", *(f"follower {number}" for number in range(5))]


def test_a_commit_that_fails_fails_everybody_in_it(database: SqliteDatabase) -> None:
    database._writers._group_window_s = 60.0
    with closing(SqlCatalogue(database)) as catalogue:
        leave, futures = _while_one_holds_the_turn(database, catalogue, 4)

        def break_the_commit() -> None:
            # A reference to nobody that SQLite looks at no earlier than at COMMIT.
            with database.writing() as rows:
                rows.run(text("PRAGMA defer_foreign_keys=ON"))
                rows.run(text("INSERT INTO uses VALUES ('u', 'no link', zeroblob(32), '', '', 1, 0)"))

        with ThreadPoolExecutor(1) as pool:
            futures.append(pool.submit(break_the_commit))
            _await_in_line(database, 5, futures[-1])
            leave.set()
            for future in futures:
                with pytest.raises(CatalogueUnavailable, match="FOREIGN KEY"):
                    future.result(120)
        with catalogue.write() as tx:
            assert tx.outbox.lag()[0] == 0
            tx.outbox.add("after", b"", at=NOW)
        with catalogue.read() as tx:
            assert tx.outbox.lag()[0] == 1


def test_an_interrupted_writer_passes_its_turn_on(database: SqliteDatabase) -> None:
    with closing(SqlCatalogue(database)) as catalogue:

        def interrupted() -> None:
            with catalogue.write() as tx:
                tx.outbox.add("interrupted", b"", at=NOW)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        with catalogue.write() as tx:
            assert tx.outbox.lag()[0] == 0


def test_a_write_does_not_nest(catalogue: SqlCatalogue, url: str) -> None:
    if url.startswith("postgresql"):
        return  # there, a nested one is a transaction of its own

    def nest() -> None:
        with catalogue.write(), catalogue.write():
            pass

    with pytest.raises(RuntimeError, match="does not nest"):
        nest()
    with catalogue.write() as tx:
        tx.records.count()


def test_a_writer_gives_up_when_another_process_keeps_the_file_locked(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LOCK_LIMIT_S", 0.05)
    with closing(SqlCatalogue(database)) as catalogue, closing(open_catalogue(f"sqlite:///{database.path}")) as other:
        with other.write() as tx:
            tx.outbox.add("other", b"", at=NOW)
            with pytest.raises(CatalogueUnavailable, match="locked"), catalogue.write():
                pass
        with catalogue.write() as tx:
            assert tx.outbox.lag()[0] == 1


def test_a_writer_whose_turn_does_not_come_leaves_the_queue(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "WAIT_LIMIT_S", 0.05)
    with closing(SqlCatalogue(database)) as catalogue:
        leave, futures = _while_one_holds_the_turn(database, catalogue, 1)
        with pytest.raises(CatalogueUnavailable):
            futures[1].result(120)
        leave.set()
        futures[0].result(120)
        with catalogue.write() as tx:
            assert tx.outbox.lag()[0] == 1
