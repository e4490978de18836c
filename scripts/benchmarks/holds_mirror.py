"""Holds: how fast they reach the object store beside the bare calls.

Part of ``scripts/bench upkeep``. The bare calls are boto3's own put and get of the same legal hold, on the same
versions, from as many threads; both take turns in the same run. The mirror has the catalogue's writes and its progress
beside.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.benchmarks.frame import Measure, at_least
from storage.objects.sdk import sdk_client
from tests.support.holding import officer, place, release
from tests.support.store import RunningStore, running_store
from tests.support.vault import add_bytes, running_vault
from vault.workflows import mirror
from vault.workflows.vault import Vault

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

ROUNDS: Final = 3


def measure_mirror(quick: bool) -> list[Measure]:
    """Mirroring with read-back beside the bare calls, on SQLite."""
    count = 400 if quick else 3000
    with (
        tempfile.TemporaryDirectory(prefix="strongroom-holds-") as name,
        running_store(Path(name) / "store") as store,
        running_vault(store.settings, Path(name) / "home") as vault,
    ):
        return _beside_bare_calls(store, vault, count)


def _beside_bare_calls(store: RunningStore, vault: Vault, count: int) -> list[Measure]:
    actor = officer("one")
    records = [add_bytes(vault, actor, b"%d" % number).record_id for number in range(count)]
    with vault.catalogue.read() as tx:
        versions = [version for record_id in records for version in tx.records.versions(record_id)]
    named = [(version.object.key, version.version_id) for version in versions]
    sdk, bucket = sdk_client(store.settings), store.settings.bucket
    bare, ours = [], []
    for _ in range(ROUNDS):
        bare += [_bare(sdk, bucket, named, held=held) for held in (True, False)]
        matter = place(vault, actor, *records).matter
        ours.append(_mirrored(vault))
        release(vault, matter.id)
        ours.append(_mirrored(vault))
    bare_s, ours_s = statistics.median(bare), statistics.median(ours)
    return [
        at_least(f"mirroring {count:,} holds with read-back / bare calls", 0.7, bare_s / ours_s),
        Measure(measure="mirroring holds", goal="", figure=count / ours_s, unit="versions/s"),
        Measure(measure="bare put and get of a legal hold", goal="", figure=count / bare_s, unit="versions/s"),
    ]


def _mirrored(vault: Vault) -> float:
    told: list[int] = []
    started = time.perf_counter()
    run = mirror.mirror(vault, told=lambda done, of: told.append(done))
    taken = time.perf_counter() - started
    if run.waiting or told[-1] != run.held + run.freed:
        raise RuntimeError(f"{run.waiting} holds were not mirrored")
    return taken


def _bare(sdk: S3Client, bucket: str, named: list[tuple[str, str]], *, held: bool) -> float:
    def call(version: tuple[str, str]) -> None:
        key, version_id = version
        sdk.put_object_legal_hold(
            Bucket=bucket, Key=key, VersionId=version_id, LegalHold={"Status": "ON" if held else "OFF"}
        )
        sdk.get_object_legal_hold(Bucket=bucket, Key=key, VersionId=version_id)

    started = time.perf_counter()
    with ThreadPoolExecutor(mirror.THREADS) as pool:
        list(pool.map(call, named))
    return time.perf_counter() - started
