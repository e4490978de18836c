"""Sites on each database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.backups import Sites
from tests.support.postgres import PostgresCluster
from tests.support.store import RunningStore


@pytest.fixture(params=["sqlite", "postgresql"])
def sites(request: pytest.FixtureRequest, shared_store: RunningStore, tmp_path: Path) -> Iterator[Sites]:
    """Sites whose catalogues are on this database."""
    cluster: PostgresCluster | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    with ExitStack() as stack:
        yield Sites(shared_store, tmp_path, cluster, stack)
