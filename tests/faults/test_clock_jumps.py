"""The clock jumps, forward and back, under a served vault: sessions and links end by the clock, no lock gets shorter,
nothing acknowledged is lost.

The vault's own clock is set by hand; the store keeps the real one, as a store on another machine does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import botocore.auth
import httpx
import pytest

from storage.objects import wire
from tests.support.store import RunningStore
from tests.support.vault import running_vault
from tests.vault.workflows.faults import HandClock, with_clock
from tests.web.conftest import serving
from tests.web.visitors import LOGIN, PASSWORD, opened, store
from vault.audit import Event
from vault.errors import Unavailable
from vault.groups import FOUNDING
from vault.ids import RecordId
from vault.objects import Lock
from vault.workflows import people, upkeep
from vault.workflows.vault import Vault

pytestmark = pytest.mark.faults

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
JUMPS = {
    "a year ahead": 365 * DAY,
    "a month ahead": 31 * DAY,
    "an hour back": -timedelta(hours=1),
    "a year back": -365 * DAY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A served vault whose clock is in the hand."""

    vault: Vault
    clock: HandClock
    address: str

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """Somebody's program, signed in now."""
        with httpx.Client(base_url=self.address, timeout=60, trust_env=False) as client:
            answer = client.post("/api/v1/sessions", json={"login": LOGIN, "password": PASSWORD})
            assert answer.status_code == 201, answer.text
            client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
            yield client

    def lock_of(self, record_id: str) -> Lock:
        """The lock that the store has on a record's first version."""
        with self.vault.catalogue.read() as tx:
            version = tx.records.version(RecordId(record_id), 1)
        assert version is not None
        facts = self.vault.store.head(version.object.key, version.version_id)
        assert facts is not None
        assert facts.lock is not None
        return facts.lock

    def openings(self, record_id: str) -> int:
        """How often the log says that a record was opened."""
        with self.vault.catalogue.read() as tx:
            entries = tx.audit.page(subject=record_id, limit=500)
        return sum(each.entry.event is Event.RECORD_OPENED for each in entries)


@pytest.fixture(scope="module")
def served(shared_store: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Timed]:
    """A vault with one administrator, served."""
    home: Path = tmp_path_factory.mktemp("clock") / "home"
    with running_vault(shared_store.settings, home) as opened_vault:
        vault, clock = with_clock(opened_vault)
        token = people.invite(vault, people.operator(vault), FOUNDING)
        people.accept_invitation(vault, token, login=LOGIN, name="First", password=PASSWORD)
        with serving(vault) as running:
            yield Timed(vault=vault, clock=clock, address=running.address)


@pytest.fixture
def timed(served: Timed) -> Timed:
    """The vault, its clock set right."""
    served.clock.at = datetime.now(UTC)
    return served


@pytest.mark.parametrize("by", JUMPS.values(), ids=JUMPS)
def test_nothing_acknowledged_is_lost_and_no_lock_gets_shorter(timed: Timed, by: timedelta) -> None:
    contents = {}
    with timed.signed_in() as program:
        for size in (0, 3_000, 9 * 1024 * 1024):
            content = os.urandom(size)
            contents[store(program, content).json()["id"]] = content
    locks = {record_id: timed.lock_of(record_id) for record_id in contents}
    timed.clock.advance(by)
    for job in upkeep.JOBS:
        if job.name != "prove-lock":  # it takes seconds, and has nothing to do with the clock
            with suppress(Unavailable):  # a lock that would lie in the store's past cannot be had
                job.run(timed.vault)
    with timed.signed_in() as program:
        for record_id, content in contents.items():
            assert opened(program, record_id).content == content
            assert timed.lock_of(record_id).retain_until >= locks[record_id].retain_until
            assert timed.lock_of(record_id).mode == locks[record_id].mode
        assert store(program, b"after the jump").status_code == (201 if by > -30 * DAY else 503)


def test_an_upload_during_which_the_clock_jumps_is_whole(timed: Timed) -> None:
    for by in (DAY, -2 * DAY, 60 * DAY):
        content = os.urandom(9 * 1024 * 1024)

        def pieces(content: bytes = content, by: timedelta = by) -> Iterator[bytes]:
            yield content[:8_500_000]
            timed.clock.advance(by)
            upkeep.settle_intents(timed.vault)
            yield content[8_500_000:]

        with timed.signed_in() as program:
            answer = store(program, pieces())
        assert answer.status_code == 201, answer.text
        with timed.signed_in() as program:
            assert opened(program, answer.json()["id"]).content == content


@pytest.mark.parametrize("by", [timedelta(hours=13), timedelta(days=400), -timedelta(hours=2), -timedelta(days=400)])
def test_a_session_does_not_live_on_behind_a_jump(timed: Timed, by: timedelta) -> None:
    with timed.signed_in() as program:
        assert program.get("/api/v1/records").status_code == 200
        timed.clock.advance(MINUTE)
        assert program.get("/api/v1/records").status_code == 200
        timed.clock.advance(by)
        assert program.get("/api/v1/records").status_code == 401
    with timed.signed_in() as program:
        assert program.get("/api/v1/records").status_code == 200


def test_a_small_step_back_ends_no_session(timed: Timed) -> None:
    with timed.signed_in() as program:
        timed.clock.advance(-5 * MINUTE)
        assert program.get("/api/v1/records").status_code == 200


def test_a_link_ends_by_the_clock_and_a_use_with_it(timed: Timed) -> None:
    with timed.signed_in() as program, httpx.Client(base_url=timed.address, trust_env=False) as visitor:
        record_id = store(program, b"bytes").json()["id"]
        link = program.post(f"/api/v1/records/{record_id}/links", json={"lifetime_s": 3 * 86400, "uses_max": 5}).json()
        path = httpx.URL(link["url"]).path
        download = visitor.post(path).headers["location"]
        assert visitor.get(download).status_code == 200
        timed.clock.advance(DAY)
        assert visitor.get(download).status_code == 410  # its day is over, the link's three are not
        assert visitor.get(path).status_code == 200
        timed.clock.advance(2 * DAY)
        assert visitor.get(path).status_code == 410


def test_an_opening_is_logged_also_when_the_clock_was_set_back(timed: Timed) -> None:
    with timed.signed_in() as program:
        record_id = store(program, b"bytes").json()["id"]
        opened(program, record_id)
        opened(program, record_id)
        assert timed.openings(record_id) == 1
    timed.clock.advance(-3 * DAY)
    with timed.signed_in() as program:
        opened(program, record_id)
    assert timed.openings(record_id) == 2


def test_whoever_was_told_to_wait_does_not_wait_for_ever_after_a_step_back(timed: Timed) -> None:
    with httpx.Client(base_url=timed.address, timeout=60, trust_env=False) as guesser:
        wrong = {"login": LOGIN, "password": "wrong for certain"}
        statuses = [guesser.post("/api/v1/sessions", json=wrong).status_code for _ in range(11)]
        assert statuses[-1] == 429
    timed.clock.advance(-400 * DAY)
    upkeep.run_due(timed.vault)
    timed.clock.advance(16 * MINUTE)
    with timed.signed_in() as program:
        assert program.get("/api/v1/records").status_code == 200


def test_jobs_go_on_after_a_step_back(timed: Timed) -> None:
    assert upkeep.run_due(timed.vault)
    timed.clock.advance(-400 * DAY)
    assert {run.job for run in upkeep.run_due(timed.vault)} == {job.name for job in upkeep.JOBS}


def test_a_store_whose_clock_is_another_is_away_until_the_clocks_agree(
    timed: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with timed.signed_in() as program:
        ahead = datetime.now(UTC) + timedelta(hours=1)
        # Small files and parts are dated by the wire, the calls around an upload by botocore.
        monkeypatch.setattr(wire, "signing_time", lambda: f"{ahead:%Y%m%dT%H%M%SZ}")
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: ahead)
        for content in (b"small", bytes(9 * 1024 * 1024)):
            answer = store(program, content, key=f"{len(content)} bytes")
            assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
            assert answer.headers["retry-after"] == "60"
        monkeypatch.undo()
        for content in (b"small", bytes(9 * 1024 * 1024)):
            assert store(program, content, key=f"{len(content)} bytes").status_code == 201
