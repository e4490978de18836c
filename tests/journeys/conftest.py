"""A browser, and a vault that people work in already."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import chromium
from tests.support.server import Server, served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser. One for each module: while it runs, its event loop is in the way of other tests."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def new_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a new home."""
    with served(tmp_path_factory.mktemp("journey") / "home") as server:
        yield server
