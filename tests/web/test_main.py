"""The pages as a process: it announces where it is, lets the first administrator in, and stops cleanly."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from storage.assembly import open_vault
from storage.fondshomes import make_home
from storage.objects.provision import ensure_bucket
from tests.support.server import free_port
from tests.support.store import RunningStore
from tests.support.vault import settings_over
from tests.web.visitors import LOGIN, PASSWORD, stored_id
from vault.ids import FondsCode
from vault.workflows import upkeep
from vault.workflows.upkeep import PROVE_LOCK, Job
from vault.workflows.vault import LockVerdict, Vault
from web.tending import tended

ROOT = Path(__file__).parents[2]
PROGRAM = "from storage.settings import load_settings; from web.main import serve; serve(load_settings())"


def environment(store: RunningStore, home: Path, **more: str) -> dict[str, str]:
    settings = store.settings
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "STRONGROOM_HOME": str(home),
        "STRONGROOM_LISTEN": "127.0.0.1:0",
        "STRONGROOM_S3_ENDPOINT": settings.endpoint_url,
        "STRONGROOM_S3_BUCKET": settings.bucket,
        "STRONGROOM_S3_ACCESS_KEY": settings.access_key,
        "STRONGROOM_S3_SECRET_KEY": settings.secret_key,
        **more,
    }


@contextmanager
def process(
    store: RunningStore, home: Path, log: Path, **more: str
) -> Iterator[tuple[subprocess.Popen[str], str, str | None]]:
    """The serving process, its address, and the first administrator's link."""
    with (
        log.open("a", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env=environment(store, home, **more),
            cwd=home.parent,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as serving,
    ):
        try:
            assert serving.stdout is not None
            address = serving.stdout.readline().strip().rpartition(" ")[2]
            welcome = serving.stdout.readline().strip().rpartition(" ")[2] if not (home / "seen").exists() else None
            yield serving, address, welcome
        finally:
            serving.kill()


def test_first_start_first_administrator_clean_stop_and_on_where_it_was(
    shared_store: RunningStore, tmp_path: Path
) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    with process(shared_store, home, log) as (serving, address, welcome):
        assert welcome is not None
        with httpx.Client(base_url=address, timeout=120) as client:
            form = {"login": LOGIN, "name": "张三", "password": PASSWORD}
            assert client.post(welcome, data=form).status_code == 303
            session = client.post("/api/v1/sessions", json={"login": LOGIN, "password": PASSWORD}).json()
            client.headers["Authorization"] = f"Bearer {session['token']}"
            record_id = stored_id(client, b"kept", title="Marked title")
        serving.send_signal(signal.SIGINT)
        assert serving.wait(timeout=120) == 0
    (home / "seen").touch()
    its = make_home(settings_over(shared_store.endpoint.operator, home), FondsCode("bco"))
    ensure_bucket(replace(shared_store.endpoint.operator, bucket=its.s3_bucket))
    with open_vault(its, create=True):
        pass
    with process(shared_store, home, log) as (serving, address, _):
        assert httpx.get(f"{address}/fonds/bco/healthz", timeout=120).status_code == 200
        with httpx.Client(base_url=address, timeout=120) as client:
            client.headers["Authorization"] = f"Bearer {session['token']}"
            answer = client.get(f"/api/v1/records/{record_id}/content", params={"purpose": "business"})
            assert answer.content == b"kept"
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(timeout=120) == 0
    told = log.read_text(encoding="utf-8")
    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    for code in (None, "bco"):
        assert {"request", "upkeep"} <= {event["event"] for event in events if event.get("fonds") == code}
    assert not re.search(f"Traceback|Marked title|张三|{LOGIN}|{welcome.rpartition('/')[2]}|{session['token']}", told)


def test_a_second_start_finds_the_one_that_runs_and_another_address_is_served_beside_it(
    shared_store: RunningStore, tmp_path: Path
) -> None:
    home, listen = tmp_path / "home", f"127.0.0.1:{free_port()}"

    def again() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=environment(shared_store, home, STRONGROOM_LISTEN=listen),
            capture_output=True,
            text=True,
            check=False,
        )

    with process(shared_store, home, tmp_path / "log", STRONGROOM_LISTEN=listen) as (first, address, _):
        found = again()
        assert (found.returncode, found.stdout) == (0, f"Strongroom is at {address}\n")
        assert f"it runs already, as process {first.pid}" in found.stderr
        with process(shared_store, home, tmp_path / "log") as (_, beside, _):
            assert beside != address
            assert httpx.get(f"{beside}/healthz").status_code == 200
        assert httpx.get(f"{address}/healthz").status_code == 200
        first.kill()
        first.wait()
        # Whoever was killed serves no more.
        with process(shared_store, home, tmp_path / "log", STRONGROOM_LISTEN=listen) as (second, anew, _):
            assert (anew, second.pid != first.pid) == (address, True)
            assert httpx.get(f"{anew}/healthz").status_code == 200


def test_an_address_that_is_taken_is_told_with_the_way_out(
    served_port: int, shared_store: RunningStore, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment(shared_store, tmp_path / "home", STRONGROOM_LISTEN=f"127.0.0.1:{served_port}"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "name another by STRONGROOM_LISTEN" in done.stderr


@pytest.fixture
def served_port() -> Iterator[int]:
    """A port that somebody listens on."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield int(taken.getsockname()[1])


def test_every_start_proves_the_lock_and_no_duty_waits_for_one_that_lasts(fresh_vault: Vault) -> None:
    upkeep.run_due(fresh_vault, only={PROVE_LOCK})
    proved, rung, ended = threading.Event(), threading.Event(), threading.Event()

    def prove() -> LockVerdict:
        proved.set()
        return LockVerdict(tried=1, held=1)

    def last(vault: Vault) -> str:
        ended.wait(60)
        return "it lasted"

    def answer(vault: Vault) -> str:
        rung.set()
        return "it answered"

    duties = (
        Job(name="lasting", every=timedelta(days=1), run=last, aside=True),
        Job(name="answering", every=timedelta(days=1), run=answer, aside=True),
    )
    vault = replace(fresh_vault, prove_lock=prove, duties=duties)
    upkeep.run_due(vault, only={"answering"})
    rung.clear()
    with tended(vault) as tending:
        assert proved.wait(60)
        vault.bell.ring("answering")
        assert rung.wait(60)
        tending.tell()  # waits for none of those that last
        assert not ended.is_set()
        ended.set()
