"""A vault of the run's store, served over HTTP on loopback the way the product serves it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from tests.support.people import everything
from tests.support.store import RunningStore
from tests.support.vault import running_vault
from tests.web.visitors import LOGIN, PASSWORD, Staff, sign_in
from vault.groups import FOUNDING
from vault.workflows import people
from vault.workflows.vault import Limits, Vault
from web.application import create_application
from web.listening import make_server
from web.texts import Texts

MIB = 1024 * 1024
UPLOAD_MAX = 40 * MIB
IDLE_S = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A vault and the address where it is served."""

    vault: Vault
    address: str

    @property
    def port(self) -> int:
        """The port on loopback."""
        return int(self.address.rpartition(":")[2])

    def client(self, **options: object) -> httpx.Client:
        """A visitor whom nobody knows."""
        return httpx.Client(base_url=self.address, timeout=60, trust_env=False, **options)  # type: ignore[arg-type]  # httpx's own


@cache
def loaded_texts() -> Texts:
    """What every page is made of, loaded once for all tests of a process."""
    return Texts.load()


@contextmanager
def serving(vault: Vault, *, public_url: str | None = None) -> Iterator[Served]:
    """Serves a vault for the duration of the block."""
    application = create_application(vault, public_url=public_url, client_idle_s=IDLE_S, texts=loaded_texts())
    with answering(application) as address:
        yield Served(vault=vault, address=address)


@contextmanager
def answering(application: ASGIApp) -> Iterator[str]:
    """Serves an application for the duration of the block; gives its address."""
    server = make_server(application)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listening]),), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def served(shared_store: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A vault with one administrator, served; files of at most 40 MiB, silence of at most 1.5 s."""
    home: Path = tmp_path_factory.mktemp("served") / "home"
    with running_vault(shared_store.settings, home) as opened:
        vault = replace(opened, limits=Limits(upload_bytes_max=UPLOAD_MAX, uploads_at_once=4))
        token = people.invite(vault, people.operator(vault), FOUNDING)
        people.accept_invitation(vault, token, login=LOGIN, name="张三", password=PASSWORD)
        with serving(vault) as running:
            yield running


@pytest.fixture
def visitor(served: Served) -> Iterator[httpx.Client]:
    """Somebody whom the site does not know."""
    with served.client() as client:
        yield client


@pytest.fixture(scope="module")
def staff(served: Served) -> Iterator[Staff]:
    """The administrator in a browser: cookie and form token."""
    with served.client() as client:
        yield sign_in(client)


@pytest.fixture(scope="module")
def second(served: Served) -> Iterator[Staff]:
    """Another administrator in a browser of their own."""
    token = people.invite(served.vault, everything(), FOUNDING)
    people.accept_invitation(served.vault, token, login="li", name="李四", password=PASSWORD)
    with served.client() as client:
        yield sign_in(client, "li")


@pytest.fixture(scope="module")
def reader(served: Served) -> Iterator[Staff]:
    """Somebody who may look at records and at nothing else."""
    token = people.invite(served.vault, everything(), {"readers"})
    people.accept_invitation(served.vault, token, login="wang", name="Wang", password=PASSWORD)
    with served.client() as client:
        yield sign_in(client, "wang")


@pytest.fixture(scope="module")
def auditor(served: Served) -> Iterator[Staff]:
    """Somebody who reads the log and nothing else."""
    token = people.invite(served.vault, everything(), {"audit"})
    people.accept_invitation(served.vault, token, login="sun", name="Sun", password=PASSWORD)
    with served.client() as client:
        yield sign_in(client, "sun")


@pytest.fixture(scope="module")
def program(served: Served) -> Iterator[httpx.Client]:
    """The administrator's program: a bearer token."""
    with served.client() as client:
        session = client.post("/api/v1/sessions", json={"login": LOGIN, "password": PASSWORD}).json()
        client.headers["Authorization"] = f"Bearer {session['token']}"
        yield client
