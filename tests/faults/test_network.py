"""What networks and servers do to one exchange with the store: nothing acknowledged is lost, nothing stays by halves.

A proxy stands between a real vault and the real store, and breaks one exchange of each
upload, filing and reading.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storage.doctor import examine
from storage.objects.s3 import S3Store
from tests.support.faultproxy import Break, Fault, FaultProxy, fault_proxy
from tests.support.faultworks import PART, content_of, limited
from tests.support.postgres import PostgresCluster
from tests.support.store import RunningStore, running_store
from tests.support.vault import add_bytes, read_bytes, running_vault, settings_over, staff
from vault.errors import StoreUnavailable, Unavailable
from vault.records import Description, RecordState
from vault.workflows import holding, intake, outbox, retrieval, upkeep
from vault.workflows.intake import Receipt
from vault.workflows.vault import Vault

pytestmark = pytest.mark.faults

TIMEOUT_S = 0.7
SMALL, LARGE = 3_000, PART + 40_000

PUT = {"small": ("PUT", "/records/"), "part": ("PUT", "partNumber=1"), "last part": ("PUT", "partNumber=2")}
WRITES = PUT | {"start": ("POST", "uploads"), "complete": ("POST", "uploadId=")}
IN_BODY = tuple((write, Fault.RESET_IN_BODY) for write in PUT)
WHOLE = tuple(
    (write, fault)
    for write in WRITES
    for fault in Fault
    if (write != "last part" or fault in (Fault.LOST_ANSWER, Fault.TWICE))
    and fault not in (Fault.RESET_IN_BODY, Fault.RESET_IN_ANSWER, Fault.STALLED_IN_ANSWER)
)


def _alternating(cases: Sequence[tuple[str, Fault]]) -> list[tuple[str, str, Fault]]:
    """Each case on one of the two databases: what breaks is the line to the store."""
    cases = sorted(cases, key=lambda case: hashlib.sha256(repr(case).encode()).digest())
    half = len(cases) // 2
    return [("sqlite", *case) for case in cases[:half]] + [("postgresql", *case) for case in cases[half:]]


class Broken:
    """A vault behind a proxy, over a store that nobody else uses."""

    def __init__(self, vault: Vault, proxy: FaultProxy, store: RunningStore, home: Path, url: str | None) -> None:
        self.vault = vault
        self.proxy = proxy
        self.kept: dict[str, bytes] = {}
        self._store = store
        self._home = home
        self._url = url

    def send(self, key: str, size: int) -> Receipt:
        """Sends a file, again under its key while the store is away."""
        content = content_of(key, size)
        for _ in range(4):
            try:
                receipt = add_bytes(self.vault, staff(self.vault), content, title=key, idempotency_key=key)
            except Unavailable:
                continue
            self.kept[receipt.record_id] = hashlib.sha256(content).digest()
            return receipt
        raise AssertionError(f"{key} was not taken")

    def require_whole(self) -> None:
        """What was acknowledged opens, nothing is there twice or by halves, and the doctor has no complaint."""
        self.proxy.plan(None)
        upkeep.settle_intents(self.vault)
        with self.vault.catalogue.read() as tx:
            assert tx.intents.unsettled() == []
            assert tx.records.count() == len(self.kept)
        assert list(self.vault.store.pending_uploads()) == []
        for record_id, digest in self.kept.items():
            record = retrieval.find_record(self.vault, staff(self.vault), record_id)
            assert hashlib.sha256(read_bytes(self.vault, staff(self.vault), record.id)).digest() == digest
        outbox.send_pending(self.vault)
        settings = settings_over(self._store.settings, self._home, catalogue_url=self._url)
        assert [finding for finding in examine(settings, deep=True) if not finding.ok] == []


@contextmanager
def _broken(folder: Path, url: str | None) -> Iterator[Broken]:
    with running_store(folder / "store") as store:
        port = urlsplit(store.settings.endpoint_url).port
        assert port is not None
        with fault_proxy(port) as proxy, running_vault(store.settings, folder / "home", catalogue_url=url) as vault:
            endpoint = f"http://127.0.0.1:{proxy.port}"
            behind = replace(store.settings, endpoint_url=endpoint, read_timeout_s=TIMEOUT_S)
            with closing(S3Store(behind)) as adapter:
                yield Broken(replace(limited(vault), store=adapter), proxy, store, folder / "home", url)


@pytest.fixture(scope="module")
def both(postgres: PostgresCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Broken]]:
    """A vault of each database whose store is behind a proxy; the client gives up after a second of silence."""
    folder = tmp_path_factory.mktemp("network")
    with (
        postgres.fresh_database(migrated=True) as url,
        _broken(folder / "sqlite", None) as on_sqlite,
        _broken(folder / "postgresql", url) as on_postgres,
    ):
        yield {"sqlite": on_sqlite, "postgresql": on_postgres}


@pytest.fixture(params=["sqlite", "postgresql"])
def broken(request: pytest.FixtureRequest, both: dict[str, Broken]) -> Broken:
    """One of them."""
    return both[request.param]


@pytest.mark.parametrize(("broken", "write", "fault"), _alternating([*WHOLE, *IN_BODY]), indirect=["broken"], ids=str)
def test_an_upload_with_one_exchange_broken_ends_in_one_whole_record(broken: Broken, write: str, fault: Fault) -> None:
    method, target = WRITES[write]
    broken.proxy.plan(Break(fault=fault, method=method, target=target))
    key = f"{write} {fault.name}"
    size = SMALL if write == "small" else LARGE
    receipt = broken.send(key, size)
    assert broken.proxy.broken == 1
    broken.proxy.plan(None)
    assert read_bytes(broken.vault, staff(broken.vault), receipt.record_id) == content_of(key, size)
    assert broken.send(key, size).record_id == receipt.record_id


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.STALLED_AFTER, Fault.BUSY_AFTER])
@pytest.mark.parametrize("write", ["small", "complete"])
def test_a_store_that_goes_on_losing_answers_is_asked_again_later_and_what_it_kept_becomes_the_record(
    broken: Broken, write: str, fault: Fault
) -> None:
    method, target = WRITES[write]
    broken.proxy.plan(Break(fault=fault, method=method, target=target, times=50))
    key = f"{write} {fault.name} for ever"
    receipt = broken.send(key, SMALL if write == "small" else LARGE)
    broken.proxy.plan(None)
    assert broken.send(key, SMALL if write == "small" else LARGE).record_id == receipt.record_id


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.BUSY_AFTER, Fault.TWICE, Fault.RESET_IN_BODY])
def test_a_correction_with_its_put_broken_adds_one_version(broken: Broken, fault: Fault) -> None:
    vault, actor = broken.vault, staff(broken.vault)
    first = broken.send(f"to correct {fault.name} {broken.proxy.port} {len(broken.kept)}", SMALL)
    said = Description.checked(title="corrected", reason="scanned anew")
    content = content_of(f"corrected {fault.name}", SMALL)
    broken.proxy.plan(Break(fault=fault, method="PUT", target="/records/"))
    for _ in range(3):
        try:
            with intake.begin_correction(
                vault, actor, first.record_id, said, "new.bin", idempotency_key=f"corrects {first.record_id}"
            ) as receiving:
                intake.receive_from(vault, receiving, io.BytesIO(content).readinto)
            break
        except Unavailable:
            continue
    assert broken.proxy.broken == 1
    story = retrieval.show(vault, actor, first.record_id)
    assert [view.version.ordinal for view in story.versions] == [1, 2]
    broken.kept[first.record_id] = hashlib.sha256(content).digest()
    assert hashlib.sha256(read_bytes(vault, actor, first.record_id, ordinal=1)).digest() == first.sha256


@pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.REFUSED_NOW, Fault.STALLED_AFTER, Fault.RESET_BEFORE])
def test_a_filing_whose_lock_was_not_answered_is_filed_and_locked_to_the_due_date(broken: Broken, fault: Fault) -> None:
    vault, actor = broken.vault, staff(broken.vault)
    receipt = broken.send(f"filed {fault.name}", SMALL)
    broken.proxy.plan(Break(fault=fault, method="PUT", target="retention"))
    filed = holding.file_record(vault, actor, receipt.record_id, trigger_on=date(2026, 1, 31))
    assert broken.proxy.broken == 1
    broken.proxy.plan(None)
    assert filed.state is RecordState.FILED
    upkeep.renew_locks(vault)
    with vault.catalogue.read() as tx:
        version = tx.records.version(receipt.record_id, 1)
    assert version is not None
    facts = vault.store.head(version.object.key, version.version_id)
    assert facts is not None
    assert facts.lock is not None
    assert filed.due_on is not None
    assert facts.lock.retain_until.date() >= filed.due_on
    assert facts.lock == version.lock


@pytest.mark.parametrize("fault", [Fault.RESET_IN_ANSWER, Fault.STALLED_IN_ANSWER, Fault.RESET_BEFORE])
def test_a_reading_that_breaks_says_so_and_is_never_short(broken: Broken, fault: Fault) -> None:
    vault, actor = broken.vault, staff(broken.vault)
    receipt = broken.send(f"read {fault.name}", LARGE)
    broken.proxy.plan(Break(fault=fault, method="GET", target="/records/", times=50))
    with pytest.raises(StoreUnavailable):
        read_bytes(vault, actor, receipt.record_id)
    broken.proxy.plan(Break(fault=fault, method="GET", target="/records/", turn=2, times=0))
    assert hashlib.sha256(read_bytes(vault, actor, receipt.record_id)).digest() == receipt.sha256


def test_after_all_that_catalogue_and_store_agree(broken: Broken) -> None:
    broken.require_whole()
