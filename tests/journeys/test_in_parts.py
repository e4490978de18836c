"""The installation in several parts, as docker-compose.yml describes it, run as processes of this machine.

Command lines, settings and secrets are read from that file and from ``scripts/make_secrets``. Only what a container
gives is replaced: names of hosts, mounted folders, the published port; and PostgreSQL is reached by its socket.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.clients import Api, Command, digest_of
from tests.support.server import LOGIN, PASSWORD, Server, free_port

pytestmark = pytest.mark.journey

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """docker-compose.yml, read."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return read["services"]  # type: ignore[no-any-return]  # YAML


@dataclass(slots=True, kw_only=True)
class Store:
    """The object store's server, with the command line of the file."""

    command: list[str]
    secrets: Path
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it says that it is healthy, as the file does."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.secrets, stdout=log, stderr=log, env={"HOME": str(self.log.parent), "PATH": ""}
            )
        give_up_at = time.monotonic() + 60
        with httpx.Client(trust_env=False) as client:
            while True:
                try:
                    if client.get(f"http://{LOOPBACK}:{self.port}/healthz").status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                if self.process.poll() is not None or time.monotonic() > give_up_at:
                    raise RuntimeError(f"the store did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.05)

    def kill(self) -> None:
        """Ends it the hard way; asked to end, it takes a quarter of a minute."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait(60)


def store_command(compose: Mapping[str, Any], data: Path, secrets: Path, port: int) -> list[str]:
    """The store's command line of the file, with this machine's folders, address and ports."""
    service = compose["store"]
    weed = shutil.which(service["entrypoint"][0], path=str(Path(sys.executable).parent))
    assert weed is not None
    here = {
        "-dir=/data": f"-dir={data}",
        "-ip=store": f"-ip={LOOPBACK}",
        "-ip.bind=0.0.0.0": f"-ip.bind={LOOPBACK}",
        "-s3.port=8333": f"-s3.port={port}",
        "-s3.config=/run/strongroom/store.json": f"-s3.config={secrets / 'store.json'}",
    }
    named = service["command"]
    assert set(here) <= set(named)
    assert service["working_dir"] == "/run/strongroom"
    # Its other ports are the container's own there; here others may have the usual ones.
    parts = ("master.port", "volume.port", "filer.port")
    others = (*parts, *(f"{name}.grpc" for name in (*parts, "s3.port")))
    return [weed, *(here.get(each, each) for each in named), *(f"-{name}={free_port()}" for name in others)]


def application_environment(
    compose: Mapping[str, Any], *, secrets: Path, folder: Path, store_port: int, catalogue_url: str, public_url: str
) -> dict[str, str]:
    """The application's environment of the file, with this machine's folders and addresses."""
    environment = {}
    for name, value in compose["application"]["environment"].items():
        for there, here in (
            ("/run/strongroom", str(secrets)),
            ("/var/lib/strongroom-keeper", str(folder / "keeper")),
            ("/var/lib/strongroom", str(folder / "home")),
            ("http://store:8333", f"http://{LOOPBACK}:{store_port}"),
        ):
            value = value.replace(there, here)
        environment[name] = value
    return environment | {"STRONGROOM_CATALOGUE_URL": catalogue_url, "STRONGROOM_PUBLIC_URL": public_url}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A running store, and applications over it. They share the keeper's folder; each has a home of its own."""

    compose: Mapping[str, Any]
    folder: Path
    secrets: Path
    store: Store
    catalogue_url: str

    def environment(self, public_url: str) -> dict[str, str]:
        return application_environment(
            self.compose,
            secrets=self.secrets,
            folder=self.folder,
            store_port=self.store.port,
            catalogue_url=self.catalogue_url,
            public_url=public_url,
        )

    @contextmanager
    def application(self, name: str) -> Iterator[Server]:
        """A started application."""
        port = free_port()
        environment = self.environment(f"http://{LOOPBACK}:{port}")
        server = Server(home=self.folder / name, port=port, environment=environment)
        try:
            server.start()
            yield server
        finally:
            server.stop(signal.SIGTERM)


@pytest.fixture(scope="module")
def installation(
    compose: dict[str, Any], postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Secrets, PostgreSQL and the object store."""
    folder = tmp_path_factory.mktemp("parts")
    secrets, data = folder / "secrets", folder / "objects"
    data.mkdir()
    bucket = compose["prepare"]["environment"]
    subprocess.run([ROOT / "scripts" / "make_secrets", secrets], check=True, env={**os.environ, **bucket})
    port = free_port()
    store = Store(
        command=store_command(compose, data, secrets, port), secrets=secrets, port=port, log=folder / "store.log"
    )
    try:
        store.start()
        yield Installation(compose=compose, folder=folder, secrets=secrets, store=store, catalogue_url=postgres_url)
    finally:
        store.kill()


def make_papers(folder: Path, count: int) -> dict[Path, str]:
    """Files of random bytes, one of them sent in parts, and their digests."""
    folder.mkdir()
    papers = {}
    for number in range(count):
        path = folder / f"合同 {number}.bin"
        path.write_bytes(os.urandom(9 * MIB if number == 0 else 1000 * number))
        papers[path] = digest_of(path)
    return papers


def test_two_applications_share_one_catalogue_and_one_store(installation: Installation, tmp_path: Path) -> None:
    first_papers, second_papers = make_papers(tmp_path / "first", 8), make_papers(tmp_path / "second", 8)
    with ExitStack() as stack:
        first = stack.enter_context(installation.application("home"))
        token = first.sign_up()
        second = stack.enter_context(installation.application("second-home"))
        api, other = stack.enter_context(Api(first.url, token)), stack.enter_context(Api(second.url, token))
        with ThreadPoolExecutor(8) as clients:
            through_first = [clients.submit(api.add, path) for path in first_papers]
            through_second = [clients.submit(other.add, path) for path in second_papers]
        for path, filed in zip(first_papers, through_first, strict=True):
            assert filed.result()["sha256"] == first_papers[path]
            assert other.digest(filed.result()["id"]) == first_papers[path]
        for path, filed in zip(second_papers, through_second, strict=True):
            assert api.digest(filed.result()["id"]) == second_papers[path]
        numbers = {filed.result()["number"] for filed in through_first + through_second}
        assert len(numbers) == api.count() == other.count() == 16

    # The store is killed, everything is started again, and what was filed is there.
    installation.store.kill()
    installation.store.start()
    with installation.application("home") as first, Api(first.url, token) as api:
        for path, filed in zip(first_papers, through_first, strict=True):
            assert api.digest(filed.result()["id"]) == first_papers[path]
        command = Command(home=first.home, environment=installation.environment(first.url))
        command.login(LOGIN, PASSWORD)
        assert command.digest(through_second[0].result()["number"]) == next(iter(second_papers.values()))
        assert command.ails() == []
    # Neither home holds a catalogue, an object or a key: the parts do.
    for home in ("home", "second-home"):
        assert not list((installation.folder / home).rglob("*.sqlite*"))
        assert not (installation.folder / home / "store").exists()
    assert list((installation.folder / "keeper").iterdir())
