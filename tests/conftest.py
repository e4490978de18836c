"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresCluster, postgres_cluster
from tests.support.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["postgres", "postgres_url", "pytest_make_collect_report", "pytest_runtest_makereport"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    """A real PostgreSQL server for the whole run."""
    with postgres_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def postgres_url(postgres: PostgresCluster) -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database, one for each test module."""
    with postgres.fresh_database() as url:
        yield url
