"""Campaigns: kill at every named point, again and again, and look after each kill whether everything promised holds.

    with campaign(folder) as fighting:                   # SQLite; with catalogue_url, PostgreSQL
        fighting.kill_application(work, arm)
        fighting.kill_store(work, arm)
        fighting.close_batch()                           # the doctor, deep; every upload opened again

A campaign has a vault and an embedded store of its own. The application that dies is a fork of
``tests.support.faulty``; the one that looks lives in this process.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from signal import SIGKILL
from typing import Any

from storage.assembly import open_vault
from storage.doctor import examine
from storage.objects.embedded import EmbeddedStore, Endpoint
from tests.support.faultpoints import Arm
from tests.support.faultworks import WORKS, Findings, Ledger, Scene, limited
from tests.support.faulty import FOUNDING
from tests.support.vault import add_bytes, read_bytes, settings_over, staff
from vault.errors import StrongroomError
from vault.workflows import allocation, upkeep
from vault.workflows.vault import Vault

EXTENTS_PER_BLOCK = 4
RECOVERY_LIMIT_S = 60.0
RESTARTS_MAX = 3  # the guardian waits longer after each; a fresh one begins again


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was done, and what did not hold."""

    application_kills: int = 0
    store_kills: int = 0
    acknowledged: int = 0
    doctored: int = 0
    findings: Findings = field(default_factory=Findings)

    def add(self, other: Tally) -> None:
        """Takes another's along."""
        self.application_kills += other.application_kills
        self.store_kills += other.store_kills
        self.acknowledged += other.acknowledged
        self.doctored += other.doctored
        self.findings.add(other.findings)


class Faulty:
    """The process whose forks die."""

    def __init__(self, endpoint: Endpoint, log: Path) -> None:
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.support.faulty"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        store = endpoint.application
        names = ("endpoint_url", "bucket", "access_key", "secret_key", "region", "path_style")
        settings = {name: getattr(store, name) for name in names}
        self._say({"store": settings, "extents_per_block": EXTENTS_PER_BLOCK})

    def _say(self, values: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(values) + "\n")
        self._process.stdin.flush()

    def live(self, values: Mapping[str, Any]) -> tuple[int, int]:
        """One life; gives the signal that ended it and its exit code."""
        self._say(values)
        assert self._process.stdout is not None
        outcome = json.loads(self._process.stdout.readline())
        return outcome["signal"], outcome["code"]

    def close(self) -> None:
        """Ends it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=120)
        self._process.stdout.close()
        self._log.close()


class Campaign:
    """One vault under attack."""

    def __init__(
        self, folder: Path, embedded: EmbeddedStore, endpoint: Endpoint, vault: Vault, faulty: Faulty, url: str | None
    ) -> None:
        self.tally = Tally()
        self.ledger = Ledger()
        self.vault = vault
        self.on_postgres = url is not None
        self._folder = folder
        self._embedded = embedded
        self._endpoint = endpoint
        self._faulty = faulty
        self._url = url
        self._lives = count(1)
        self._arms: dict[str, list[Arm]] = {}
        self._ground_records = 0

    def arms_of(self, work: str) -> Sequence[Arm]:
        """Every point that a work passes, in the order of an undisturbed run."""
        if work not in self._arms:
            lines = self._live(work, None, server_pid=0, expect_kill=False)
            passed = [line["done"] for line in lines if "done" in line]
            self._arms[work] = [Arm(**values) for values in passed[0]] if passed else []
        return self._arms[work]

    def kill_application(self, work: str, arm: Arm) -> None:
        """One life of the application, ended at a point, and a look at what is left.

        A life that never comes by that point (another thread was first, a block had room) counts as no kill.
        """
        lines = self._live(work, arm, server_pid=0, expect_kill=True)
        self.tally.application_kills += not any("done" in line for line in lines)

    def kill_store(self, work: str, arm: Arm) -> None:
        """One life of the application during which the store is killed; it lives on and finishes its work."""
        status = self._embedded.status()
        if status.server_pid is None:
            raise RuntimeError(f"the store does not run: {status}")
        lines = self._live(work, arm, server_pid=status.server_pid, expect_kill=False)
        passed = [values for line in lines for values in line.get("done", [])]
        self.tally.store_kills += arm.values() in passed

    def close_batch(self) -> None:
        """Everything acknowledged so far opens to its bytes, nothing is there twice, the doctor has no complaint."""
        found = self.tally.findings
        scene = self._scene("batch", found)
        for (record_id, ordinal), sha256 in self.ledger.versions.items():
            try:
                opened = scene.read(record_id, ordinal)
            except StrongroomError as exc:
                opened = exc.code
            if opened != sha256:
                found.lost.append(f"record {record_id} version {ordinal}: {opened}")
        upkeep.run_due(self.vault)
        with self.vault.catalogue.read() as tx:
            records = tx.records.count()
        if records != self.ledger.records:
            found.doubled.append(f"{records} records, {self.ledger.records} were sent")
        settings = settings_over(self._endpoint.application, self._folder / "home", catalogue_url=self._url)
        for finding in examine(settings, deep=True):
            self.tally.doctored += 1
            if not finding.ok:
                found.doctor.append(f"{finding.check}: {finding.text}")

    # -- one life ---------------------------------------------------------------------------------------------------

    def _order(self, work: str, token: str, arm: Arm | None, server_pid: int) -> dict[str, Any]:
        return {
            "work": work,
            "token": token,
            "answers": str(self._folder / "answers" / token),
            "arm": arm.values() if arm is not None else None,
            "server_pid": server_pid,
            "home": str(self._folder / "home"),
            "catalogue_url": self._url,
        }

    def _live(self, work: str, arm: Arm | None, *, server_pid: int, expect_kill: bool) -> list[dict[str, Any]]:
        token = f"{work}-{next(self._lives)}"
        order = self._order(work, token, arm, server_pid)
        ended_by, code = self._faulty.live(order)
        lines = _lines(Path(order["answers"]))
        finished = any("done" in line for line in lines)
        if code or (not finished and not (expect_kill and ended_by == SIGKILL)):
            self.tally.findings.other.append(f"{token} {arm}: ended by signal {ended_by}, code {code}")
        if server_pid and any(arm.values() in line.get("done", []) for line in lines if arm is not None):
            self._await_store(server_pid)
        self._look(work, token, arm, lines)
        return lines

    def _look(self, work: str, token: str, arm: Arm | None, lines: Sequence[Mapping[str, Any]]) -> None:
        found = Findings()
        state = next((line["prepared"] for line in lines if "prepared" in line), None)
        answers = [line["acknowledged"] for line in lines if "acknowledged" in line]
        self.tally.acknowledged += len(answers)
        try:
            self._recover(found)
            if state is not None:
                WORKS[work].look(self._scene(token, found), state, answers)
            elif arm is not None:
                found.other.append(f"{token}: never got as far as its work")
        except StrongroomError as exc:
            found.other.append(f"{token}: {type(exc).__name__}: {exc.message}")
        for kind in Findings.__slots__:
            getattr(self.tally.findings, kind).extend(f"[{arm}] {text}" for text in getattr(found, kind))

    def _recover(self, found: Findings) -> None:
        # A database may still be busy with the last commit of a client that is dead; upkeep too comes round again.
        give_up_at = time.monotonic() + RECOVERY_LIMIT_S
        while True:
            upkeep.settle_intents(self.vault)
            with self.vault.catalogue.read() as tx:
                unsettled = tx.intents.unsettled()
            if not unsettled or time.monotonic() > give_up_at:
                break
            time.sleep(0.05)
        found.half.extend(f"intent {intent.id} is {intent.state.value} after recovery" for intent in unsettled)
        found.multiparts.extend(f"{pending.key} is pending" for pending in self.vault.store.pending_uploads())

    def _scene(self, token: str, found: Findings) -> Scene:
        return Scene(vault=self.vault, actor=staff(self.vault), token=token, ledger=self.ledger, findings=found)

    def _await_store(self, killed: int) -> None:
        """Until another server serves; a guardian that has waited often enough is replaced."""
        deadline = time.monotonic() + 120
        while True:
            status = self._embedded.status()
            if status.running and status.server_pid not in (None, killed) and self._serves():
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"the store was not killed, or does not come back: {status}")
            time.sleep(0.05)
        if status.restarts >= RESTARTS_MAX:
            self._embedded.stop()
            self._embedded.start()

    def _serves(self) -> bool:
        host, _, port = self._endpoint.application.host.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class FoundingCampaign:
    """First starts of homes, each killed once, over one store; the next start makes one vault of what is there."""

    def __init__(self, folder: Path, endpoint: Endpoint, faulty: Faulty) -> None:
        self.tally = Tally()
        self._folder = folder
        self._endpoint = endpoint
        self._faulty = faulty
        self._lives = count(1)

    def first_start(self, arm: Arm | None, *, catalogue_url: str | None = None) -> Sequence[Arm]:
        """One first start of a new home, killed at ``arm`` if one is named; gives the points that it passed."""
        token = f"founding-{next(self._lives)}"
        home, answers = self._folder / token, self._folder / f"{token}.answers"
        order = {
            "work": FOUNDING,
            "token": token,
            "answers": str(answers),
            "arm": arm.values() if arm is not None else None,
            "server_pid": 0,
            "home": str(home),
            "catalogue_url": catalogue_url,
        }
        ended_by, code = self._faulty.live(order)
        lines = _lines(answers)
        if code or (arm is not None) is not (ended_by == SIGKILL):
            self.tally.findings.other.append(f"{token} {arm}: ended by signal {ended_by}, code {code}")
        self.tally.application_kills += ended_by == SIGKILL
        try:
            settings = settings_over(self._endpoint.application, home, catalogue_url=catalogue_url)
            with open_vault(settings, create=True) as vault:
                record_id = add_bytes(vault, staff(vault), b"the first record").record_id
                if read_bytes(vault, staff(vault), record_id) != b"the first record":
                    self.tally.findings.lost.append(f"{token} {arm}: the first record opens to other bytes")
        except StrongroomError as exc:
            self.tally.findings.other.append(f"{token} {arm}: {exc.code}: {exc.message}")
        return [Arm(**values) for line in lines for values in line.get("done", [])]


@contextmanager
def founding_campaign(folder: Path) -> Iterator[FoundingCampaign]:
    """First starts in a folder of its own, which is the caller's to remove."""
    with ExitStack() as stack:
        folder.mkdir(parents=True)
        embedded = EmbeddedStore(folder / "store")
        stack.callback(embedded.stop)
        endpoint = embedded.start()
        faulty = Faulty(endpoint, folder / "faulty.log")
        stack.callback(faulty.close)
        yield FoundingCampaign(folder, endpoint, faulty)


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.unlink()
    return lines


@contextmanager
def campaign(folder: Path, *, catalogue_url: str | None = None) -> Iterator[Campaign]:
    """A campaign in a folder of its own, which is the caller's to remove."""
    usual = allocation.EXTENTS_PER_BLOCK
    with ExitStack() as stack:
        (folder / "answers").mkdir(parents=True)
        embedded = EmbeddedStore(folder / "store")
        stack.callback(embedded.stop)
        endpoint = embedded.start()
        setattr(allocation, "EXTENTS_PER_BLOCK", EXTENTS_PER_BLOCK)  # noqa: B010 - as in every life
        stack.callback(setattr, allocation, "EXTENTS_PER_BLOCK", usual)
        settings = settings_over(endpoint.application, folder / "home", catalogue_url=catalogue_url)
        vault = limited(stack.enter_context(open_vault(settings, create=True)))
        faulty = Faulty(endpoint, folder / "faulty.log")
        stack.callback(faulty.close)
        yield Campaign(folder, embedded, endpoint, vault, faulty, catalogue_url)
