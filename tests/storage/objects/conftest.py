"""The stores that the suite runs on: the embedded one, once for the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.objects.s3 import S3Store
from tests.support.store import RunningStore, running_store


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A running embedded store that tests share; they use keys of their own."""
    with running_store(tmp_path_factory.mktemp("embedded") / "objects") as running:
        yield running


@pytest.fixture(scope="session", params=["embedded"])
def running(request: pytest.FixtureRequest) -> RunningStore:
    """Each store that keeps the port's promises, one after another."""
    found: RunningStore = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture
def store(running: RunningStore) -> S3Store:
    """The adapter under test."""
    return running.store


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A key that no other test uses."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower())
    return f"test/{name.strip('-')}"
