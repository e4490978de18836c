"""Sites for vaults that are backed up, lost and restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.backups import Sites
from tests.support.postgres import PostgresCluster
from tests.support.store import RunningStore


@pytest.fixture
def sites(shared_store: RunningStore, tmp_path: Path) -> Iterator[Sites]:
    """Sites whose catalogues are files: for what has nothing to do with the database."""
    with ExitStack() as stack:
        yield Sites(shared_store, tmp_path, None, stack)


@pytest.fixture(params=["sqlite", "postgresql"])
def both_sites(request: pytest.FixtureRequest, shared_store: RunningStore, tmp_path: Path) -> Iterator[Sites]:
    """Sites whose catalogues are on this database."""
    cluster: PostgresCluster | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    with ExitStack() as stack:
        yield Sites(shared_store, tmp_path, cluster, stack)
