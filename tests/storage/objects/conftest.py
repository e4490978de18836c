"""The stores that the suite runs on: the embedded one, and the one that the environment names, if any."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.objects.s3 import S3Store
from tests.support.store import JudgedStore, RunningStore, is_named, named_store, running_store


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A running embedded store that tests share; they use keys of their own."""
    with running_store(tmp_path_factory.mktemp("embedded") / "objects") as running:
        yield running


@pytest.fixture(scope="session")
def named_server() -> Iterator[JudgedStore]:
    """The server that the environment names (storage/objects/README.md)."""
    with named_store() as judged:
        yield judged


@pytest.fixture(scope="session", params=["embedded_store", *(["named_server"] if is_named() else [])])
def running(request: pytest.FixtureRequest) -> JudgedStore:
    """Each store that keeps the port's promises, one after another."""
    found: JudgedStore = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def store(running: JudgedStore) -> S3Store:
    """The adapter under test."""
    return running.store


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """A key that no other test uses."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower())
    return f"test/{name.strip('-')}"
