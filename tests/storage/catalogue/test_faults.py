"""A database that is full, away or strange: errors of the vault come out, without a value of any row."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from storage.catalogue.database import SqlCatalogue, migrate, open_catalogue
from storage.catalogue.sqlite import SqliteDatabase
from tests.storage.catalogue.samples import NOW, Home
from tests.support.postgres import PostgresCluster, postgres_cluster
from vault.errors import AlreadyExists, CatalogueBroken, CatalogueUnavailable


def test_no_value_of_a_row_is_in_an_error_or_its_causes(catalogue: SqlCatalogue, home: Home) -> None:
    mark = "".join(["MAR", "KED"])  # in no line of source that a traceback shows
    with catalogue.write() as tx:
        person = home.person(tx, password_hash=mark)
        tx.people.add(person)
    with pytest.raises(AlreadyExists) as taken, catalogue.write() as tx:
        tx.people.add(person)
    with pytest.raises(CatalogueBroken) as broken, catalogue.write() as tx:
        tx.people.add(home.person(tx, login_index=mark.encode(), password_hash=mark))
    for caught in (taken, broken):
        shown = "".join(traceback.format_exception(caught.value))
        assert caught.value.__cause__ is not None
        assert mark not in shown
        assert person.id not in shown
        assert mark.encode().hex() not in shown


def test_a_full_disk_is_told_and_healed_of(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    migrate(url)
    database = SqliteDatabase(make_url(url))
    small = True

    @event.listens_for(database._writer_engine, "connect")
    def limit(driver: sqlite3.Connection, _record: object) -> None:
        pages = driver.execute("PRAGMA page_count").fetchone()[0]
        driver.execute(f"PRAGMA max_page_count={pages + 2 if small else 1_000_000}")

    def fill(tx_count: int) -> None:
        for number in range(tx_count):
            with catalogue.write() as tx:
                tx.outbox.add(f"meta/{number}", bytes(50_000), at=NOW)

    with closing(SqlCatalogue(database)) as catalogue:
        with pytest.raises(CatalogueUnavailable, match=r"disk .* is full.*free some space"):
            fill(10)
        with catalogue.read() as tx:
            assert tx.outbox.lag()[0] == 0
        small = False
        database._writers._disconnect()
        fill(10)


def test_a_damaged_file_is_told_from_one_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "catalogue.db").write_bytes(b"this is no database" * 500)
    with closing(open_catalogue(f"sqlite:///{tmp_path / 'catalogue.db'}")) as catalogue:
        for access in (catalogue.read, catalogue.write):
            with pytest.raises(CatalogueBroken, match="damaged"), access() as tx:
                tx.records.count()


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresCluster]:
    """A server that a test may stop."""
    with postgres_cluster() as cluster:
        yield cluster


@pytest.mark.faults
def test_a_server_that_was_away_is_found_again(own_postgres: PostgresCluster) -> None:
    with own_postgres.fresh_database() as url:
        migrate(url)
        with closing(open_catalogue(url)) as catalogue:
            Home.make(catalogue)
            own_postgres.stop()
            for access in (catalogue.read, catalogue.write):
                with pytest.raises(CatalogueUnavailable, match="does not answer"), access() as tx:
                    tx.records.count()
            own_postgres.start()
            for access in (catalogue.read, catalogue.write):
                with access() as tx:
                    assert tx.records.count() == 0


@pytest.mark.parametrize("wrong", [{"database": "vault_nobody_made"}, {"username": "nobody_known"}])
def test_a_server_that_refuses_is_told_from_one_that_is_away(postgres: PostgresCluster, wrong: dict[str, str]) -> None:
    def read(url: str) -> None:
        with closing(open_catalogue(url)) as catalogue, catalogue.read() as tx:
            tx.records.count()

    url = make_url(postgres.url()).set(**wrong).render_as_string(hide_password=False)  # type: ignore[arg-type]
    for ask in (migrate, read):
        with pytest.raises(CatalogueUnavailable, match="see that the database is there, that user and") as refused:
            ask(url)
        assert not any(value in refused.value.message for value in wrong.values())


@pytest.mark.faults
def test_a_connection_that_breaks_inside_a_transaction_ends_it(own_postgres: PostgresCluster) -> None:
    def break_inside(catalogue: SqlCatalogue) -> None:
        with catalogue.write() as tx:
            tx.outbox.add("meta/lost", b"", at=NOW)
            own_postgres.stop(cleanly=False)
            own_postgres.start()

    with own_postgres.fresh_database() as url:
        migrate(url)
        with closing(open_catalogue(url)) as catalogue:
            with pytest.raises(CatalogueUnavailable):
                break_inside(catalogue)
            with catalogue.write() as tx:
                assert tx.outbox.lag() == (0, None)
