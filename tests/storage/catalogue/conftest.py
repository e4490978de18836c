"""A migrated catalogue on each database: one that all share, or a fresh one for tests that count what is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from storage.catalogue.database import SqlCatalogue, open_catalogue
from tests.storage.catalogue.samples import Home
from tests.support.catalogues import NAME, lay_catalogue
from tests.support.postgres import PostgresCluster

DATABASES = ("sqlite", "postgres")


@contextmanager
def empty_url(database: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database without tables. The server is started only for those who ask for it."""
    if database == "sqlite":
        yield f"sqlite:///{folder / 'catalogue.db'}"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    with cluster.fresh_database() as url:
        yield url


@pytest.fixture(scope="session", params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a migrated database."""
    with empty_url(request.param, tmp_path_factory.mktemp("catalogue"), request) as found:
        with closing(open_catalogue(found)) as catalogue:
            catalogue.migrate()
        yield found


@pytest.fixture(scope="session")
def catalogue(url: str) -> Iterator[SqlCatalogue]:
    """A migrated catalogue that tests share."""
    with closing(open_catalogue(url)) as opened:
        yield opened


@pytest.fixture
def home(catalogue: SqlCatalogue) -> Home:
    """A fonds of the test's own."""
    return Home.make(catalogue)


@pytest.fixture(params=DATABASES)
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, for one test."""
    with empty_url(request.param, tmp_path, request) as found:
        yield found


@pytest.fixture(params=DATABASES)
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database, for one test."""
    if request.param == "sqlite":
        lay_catalogue(tmp_path)
        yield f"sqlite:///{tmp_path / NAME}"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    with cluster.fresh_database(migrated=True) as url:
        yield url


@pytest.fixture
def fresh_catalogue(migrated_url: str) -> Iterator[SqlCatalogue]:
    """A migrated catalogue for one test."""
    with closing(open_catalogue(migrated_url)) as opened:
        yield opened
