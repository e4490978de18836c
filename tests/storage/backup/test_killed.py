"""SIGKILL in the middle of a backup or a restore: what was there stays good, and the next try ends what was begun."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from storage.backup.folder import FolderPlace
from storage.backup.place import runs_of
from storage.backup.scratch import scratch_folder
from storage.backup.verify import verify
from storage.objects.s3 import S3Store
from tests.support.backups import Site, Sites, add_customer, add_for
from tests.support.vault import random_content, read_bytes, staff
from vault.errors import SettingsWrong
from vault.ids import RecordId
from vault.workflows import upkeep

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[3]
MIB = 1 << 20


def lived(sites: Sites, site: Site, work: str, die: str) -> int | None:
    """Runs a life; gives its count of writes, or None where it died."""
    assert isinstance(sites.place, FolderPlace)
    order = {
        "store": {**asdict(site.bucket), "data_folder": None, "ca_bundle": None},
        "home": str(site.home),
        "keeper": str(site.keeper_folder),
        "catalogue_url": site.catalogue_url,
        "place": str(sites.place.folder),
        "work": work,
        "die": die,
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.support.backupkilled"],
        input=json.dumps(order),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["writes"])


def filled(site: Site) -> dict[RecordId, bytes]:
    with site.open() as vault:
        customer = add_customer(vault, staff(vault), "Somebody")
        contents = {}
        for size in (10, 1000, 9 * MIB):
            content = random_content(size)
            contents[add_for(vault, customer.id, content)] = content
        upkeep.send_outbox(vault)
    return contents


def test_a_backup_that_is_killed_leaves_the_ones_before_and_is_ended_by_the_next(sites: Sites) -> None:
    site = sites.new()
    contents = filled(site)
    assert lived(sites, site, "backup", "before:1") is None
    assert lived(sites, site, "backup", "never:0")
    more = filled(site)
    earlier = runs_of(sites.place)
    for die in ("before:1", "middle:2", "step:dumping", "after:2"):
        assert lived(sites, site, "backup", die) is None, die
        with scratch_folder() as folder:
            assert verify(sites.place, site.keeper(), folder).problems == []
        assert runs_of(sites.place) == earlier
    lived(sites, site, "backup", "never:0")
    assert len(runs_of(sites.place)) == 2
    with scratch_folder() as folder:
        verdict = verify(sites.place, site.keeper(), folder)
    assert verdict.problems == []
    assert verdict.versions == 6
    back = sites.new(like=site)
    sites.restore(back)
    with back.open() as vault:
        for record_id, content in {**contents, **more}.items():
            assert read_bytes(vault, staff(vault), record_id) == content


@pytest.mark.parametrize("work", ["restore", "rebuild"])
def test_a_restore_that_is_killed_is_begun_again_and_leaves_nothing_twice(both_sites: Sites, work: str) -> None:
    sites = both_sites
    site = sites.new()
    contents = filled(site)
    with site.open() as vault:
        sites.take(site, vault)
    back = sites.new(like=site, same_store=work == "rebuild")
    moments = ("after:2", "step:loading", "step:leading")
    for die in moments if work == "restore" else ("step:reading", "step:took in", "step:leading"):
        assert lived(sites, back, work, die) is None, die
        if die != "step:reading":
            # Nobody begins a new vault in a home that is half restored.
            with pytest.raises(SettingsWrong), back.open():
                pass
    lived(sites, back, work, "never:0")
    with back.open() as vault:
        for record_id, content in contents.items():
            assert read_bytes(vault, staff(vault), record_id) == content
        upkeep.settle_intents(vault)
    with closing(S3Store(back.bucket)) as store:
        keys = [each.key for each in store.versions("records/")]
        assert sorted(set(keys)) == sorted(keys)
        assert not list(store.pending_uploads())
