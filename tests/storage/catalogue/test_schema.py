"""Migrations: they make what the tables say, once, and refuse what they do not know."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from storage.catalogue.database import SqlCatalogue, migrate, open_catalogue
from storage.catalogue.schema import MIGRATIONS, REVISIONS, SchemaState
from storage.catalogue.tables import metadata
from tests.storage.catalogue.conftest import empty_url
from tests.storage.catalogue.samples import NOW
from vault.errors import CatalogueBroken, SettingsWrong


def test_migrations_make_what_the_tables_say(fresh_url: str) -> None:
    migrate(fresh_url)
    engine = create_engine(fresh_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_migrations_make_the_checks_that_the_tables_say(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = []
    for way in ("migrated", "created"):
        folder = tmp_path / way
        folder.mkdir()
        with empty_url(database, folder, request) as url:
            engine = create_engine(url)
            if way == "migrated":
                migrate(url)
            else:
                metadata.create_all(engine)
            inspector = inspect(engine)
            found.append(
                {
                    (table, check["name"], check["sqltext"])
                    for table in metadata.tables
                    for check in inspector.get_check_constraints(table)
                }
            )
            engine.dispose()
    assert found[0] == found[1]
    assert len(found[0]) >= 40


def test_the_program_knows_every_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert tuple(revision.revision for revision in reversed(list(script.walk_revisions()))) == REVISIONS


def test_a_database_is_empty_then_current(fresh_url: str) -> None:
    with closing(open_catalogue(fresh_url)) as catalogue:
        assert catalogue.check_schema() is SchemaState.EMPTY
        assert catalogue.migrate()
        assert catalogue.check_schema() is SchemaState.CURRENT
        assert not catalogue.migrate()


def test_two_that_start_at_once_migrate_once(fresh_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: migrate(fresh_url), range(4))) == 1


def test_a_newer_database_is_refused(fresh_catalogue: SqlCatalogue, migrated_url: str) -> None:
    engine = create_engine(migrated_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for look in (fresh_catalogue.check_schema, fresh_catalogue.migrate):
        with pytest.raises(CatalogueBroken, match=r"newer version .*9999.* start that version"):
            look()


def test_a_shelf_of_a_database_without_tables_says_so(fresh_url: str) -> None:
    with (
        closing(open_catalogue(fresh_url)) as catalogue,
        pytest.raises(CatalogueBroken, match="schema up to date"),
        catalogue.read() as tx,
    ):
        tx.records.count()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://here/catalogue", "not a url", "sqlite:////nowhere/at/all.db"]
)
def test_an_address_that_cannot_be_a_catalogue_is_refused(url: str) -> None:
    with pytest.raises(SettingsWrong):
        open_catalogue(url)


def test_the_file_and_its_log_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.touch(mode=0o644)
    with closing(open_catalogue(f"sqlite:///{path}")) as catalogue:
        catalogue.migrate()
        with catalogue.write() as tx:
            tx.jobs.ran("renew", at=NOW, outcome="ok")
        files = sorted(found.name for found in tmp_path.iterdir())
        assert files == ["catalogue.db", "catalogue.db-shm", "catalogue.db-wal"]
        assert {stat.S_IMODE(found.stat().st_mode) for found in tmp_path.iterdir()} == {0o600}


def test_sqlite_is_durable_private_and_strict(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    migrate(url)
    with closing(open_catalogue(url)) as catalogue:
        for access in (catalogue.write, catalogue.read):
            with access() as tx:
                rows = tx.records._rows  # type: ignore[attr-defined]  # the shelf's own way in
                found = {
                    name: rows.first(text(f"PRAGMA {name}"))[0]
                    for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "temp_store")
                }
            assert found == {
                "journal_mode": "wal",
                "synchronous": 2,
                "foreign_keys": 1,
                "secure_delete": 1,
                "temp_store": 2,
            }
