"""What every test may ask for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.checks import pytest_terminal_summary
from tests.support.postgres import PostgresCluster, postgres_cluster
from tests.support.skips import pytest_make_collect_report, pytest_runtest_makereport
from tests.support.store import RunningStore, running_store
from tests.support.vault import running_vault
from vault.workflows.vault import Vault

TESTS = Path(__file__).parent

# A run that a shell started in its background inherits that Ctrl-C is ignored, and so would every process under test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is no property of what is tested.
settings.register_profile("strongroom", deadline=None)
settings.load_profile("strongroom")

# Files that start servers and kill them take longest, whatever their number of tests: they come first, so that no
# worker is left alone with one at the end (``--no-loadscope-reorder``).
LONGEST_FIRST = ("faults", "storage/keeper", "storage/backup", "journeys", "storage/objects", "vault/cli", "storage")

__all__ = [
    "postgres",
    "postgres_url",
    "pytest_make_collect_report",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders files by how long their kind takes; the order within a file stays."""

    def rank(item: pytest.Item) -> int:
        where = f"{item.path.relative_to(TESTS).parent.as_posix()}/"
        places = (place for place, kind in enumerate(LONGEST_FIRST) if where.startswith(f"{kind}/"))
        return next(places, len(LONGEST_FIRST))

    items.sort(key=rank)


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


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """One embedded store for the whole run; vaults over it have catalogues of their own."""
    with running_store(tmp_path_factory.mktemp("shared-store") / "store") as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def vault(
    request: pytest.FixtureRequest, shared_store: RunningStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vault]:
    """A new vault, one for each test module and database; nobody is a person in it yet."""
    home: Path = tmp_path_factory.mktemp("vault") / "home"
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            cluster: PostgresCluster = request.getfixturevalue("postgres")
            url = stack.enter_context(cluster.fresh_database(migrated=True))
        yield stack.enter_context(running_vault(shared_store.settings, home, catalogue_url=url))


@pytest.fixture
def fresh_vault(shared_store: RunningStore, tmp_path: Path) -> Iterator[Vault]:
    """A new vault on SQLite for one test."""
    with running_vault(shared_store.settings, tmp_path / "home") as opened:
        yield opened
