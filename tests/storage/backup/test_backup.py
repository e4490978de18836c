"""Backups beside work: complete for their dump, taken once, and damage in them is found."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from pathlib import Path

import pytest

from storage.backup.folder import FolderPlace
from storage.backup.place import runs_of
from storage.backup.scratch import scratch_folder
from storage.backup.verify import Verdict, verify
from storage.objects.s3 import S3Store
from tests.support.backups import Site, Sites, add_customer, add_for, destroy
from tests.support.vault import random_content, read_bytes, staff
from vault.errors import SealBroken, SettingsWrong, StoreUnavailable
from vault.ids import RecordId
from vault.people import OPERATOR_ID
from vault.workflows import upkeep


def verified(sites: Sites, site: Site, run: str | None = None) -> Verdict:
    with scratch_folder() as folder:
        return verify(sites.place, site.keeper(), folder, run=run)


def folder_of(sites: Sites) -> Path:
    assert isinstance(sites.place, FolderPlace)
    return sites.place.folder


def test_a_backup_taken_while_uploads_run_has_everything_that_its_dump_names(both_sites: Sites) -> None:
    sites = both_sites
    site = sites.new()
    contents: dict[RecordId, bytes] = {}
    with site.open() as vault:
        add_for(vault, None, b"the first one")
        ended = threading.Event()
        failures: list[BaseException] = []

        def upload() -> None:
            try:
                while not ended.is_set():
                    content = random_content(20_000)
                    contents[add_for(vault, None, content)] = content
            except BaseException as exc:  # noqa: BLE001 - told to the test
                failures.append(exc)

        threads = [threading.Thread(target=upload) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            outcomes = [sites.take(site, vault) for _ in range(3)]
        finally:
            ended.set()
            for thread in threads:
                thread.join()
    assert failures == []
    assert all(outcome.damaged == () for outcome in outcomes)
    for outcome in outcomes:
        assert outcome.manifest is not None
        verdict = verified(sites, site, outcome.manifest.run)
        assert verdict.problems == []
        assert verdict.versions >= outcome.manifest.records
    back = sites.new(like=site)
    sites.restore(back)
    with back.open() as vault:
        with vault.catalogue.read() as tx:
            restored = {version.record_id for version in tx.records.all_versions()}
        for record_id in restored & contents.keys():
            assert read_bytes(vault, staff(vault), record_id) == contents[record_id]


def test_ciphertext_is_copied_once_and_dumps_are_dropped(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        add_for(vault, None, random_content(100))
        first = sites.take(site, vault)
        second = sites.take(site, vault)
        add_for(vault, None, random_content(100))
        third = sites.take(site, vault)
        from storage.backup.run import back_up

        back_up(vault, sites.place, site.database_url, actor=OPERATOR_ID, runs_kept=2)
    assert first.copied >= 2
    assert (second.copied, third.copied) == (0, 1)
    assert third.manifest is not None
    kept = runs_of(sites.place)
    assert len(kept) == 2
    assert kept[0] == third.manifest.run
    assert verified(sites, site).problems == []
    assert {path.name for path in (folder_of(sites) / "runs" / kept[0]).iterdir()} == {"catalogue", "manifest", "seal"}


def test_damage_is_found(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        add_customer(vault, staff(vault), "Somebody")
        doomed = add_for(vault, None, random_content(3000))
        add_for(vault, None, random_content(4000))
        destroy(vault, doomed)
        upkeep.send_outbox(vault)
        outcome = sites.take(site, vault)
    assert outcome.manifest is not None
    folder = folder_of(sites)
    objects = sorted(path for path in (folder / "objects" / "records").rglob("*-v-*") if path.is_file())
    (pages,) = [path for path in (folder / "objects" / "trees").rglob("*-v-*") if path.is_file()]
    run = folder / "runs" / outcome.manifest.run
    (piece,) = (folder / "index").iterdir()
    assert verified(sites, site).problems == []
    for path, change in (
        (objects[0], _flipped),
        (objects[0], None),
        (objects[1], _cut),
        (pages, _flipped),
        (pages, None),
        (run / "catalogue", _cut),
        (run / "catalogue", _flipped),
        (run / "seal", _flipped),
        (run / "manifest", _claiming_less),
        (piece, _flipped),
        (piece, None),
    ):
        content = path.read_bytes()
        if change is None:
            path.unlink()
        else:
            path.write_bytes(change(content))
        assert not verified(sites, site).sound, (path, change)
        path.write_bytes(content)
    assert verified(sites, site).problems == []


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes((content[middle] ^ 1,)) + content[middle + 1 :]


def _cut(content: bytes) -> bytes:
    return content[:-1]


def _claiming_less(content: bytes) -> bytes:
    document = json.loads(content)
    document["records"] -= 1
    return json.dumps(document).encode()


def test_a_forged_backup_is_not_restored(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        add_for(vault, None, b"x")
        outcome = sites.take(site, vault)
    assert outcome.manifest is not None
    manifest = folder_of(sites) / "runs" / outcome.manifest.run / "manifest"
    manifest.write_bytes(_claiming_less(manifest.read_bytes()))
    back = sites.new(like=site)
    with pytest.raises(SealBroken):
        sites.restore(back)
    assert list(back.home.iterdir()) == []


def test_an_object_that_the_store_lost_is_named_and_the_others_are_backed_up(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        lost, kept = add_for(vault, None, b"lost"), add_for(vault, None, b"kept")
        with vault.catalogue.read() as tx:
            version = tx.records.version(lost, 1)
        assert version is not None
        with closing(S3Store(site.bucket, bypass_governance=True)) as store:
            _delete_for_good(store, site, version.object.key, version.version_id)
        outcome = sites.take(site, vault)
    assert outcome.damaged == (version.object.key,)
    back = sites.new(like=site)
    sites.restore(back)
    with back.open() as vault:
        assert read_bytes(vault, staff(vault), kept) == b"kept"


def _delete_for_good(store: S3Store, site: Site, key: str, version_id: str) -> None:
    from storage.objects.sdk import sdk_client

    client = sdk_client(site.bucket)
    client.delete_object(Bucket=site.bucket.bucket, Key=key, VersionId=version_id, BypassGovernanceRetention=True)
    client.close()


def test_a_place_of_another_vault_or_an_empty_one_on_a_schedule_is_refused(sites: Sites) -> None:
    from storage.backup.run import back_up

    site, other = sites.new(), sites.new()
    with site.open() as vault:
        with pytest.raises(StoreUnavailable, match="mounted"):
            back_up(vault, sites.place, site.database_url, actor=OPERATOR_ID)
        sites.take(site, vault)
    with other.open() as vault, pytest.raises(SettingsWrong, match="another vault"):
        sites.take(other, vault)


def test_a_backup_that_has_to_stop_goes_on_the_next_time(sites: Sites) -> None:
    from storage.backup.run import back_up

    site = sites.new()
    with site.open() as vault:
        for _ in range(6):
            add_for(vault, None, random_content(50))
        left = iter([True] * 4 + [False] * 100)
        stopped = back_up(
            vault, sites.place, site.database_url, actor=OPERATOR_ID, set_up=True, go_on=lambda: next(left)
        )
        assert (stopped.manifest, stopped.copied) == (None, 4)
        ended = sites.take(site, vault)
    assert ended.manifest is not None
    assert ended.copied == ended.manifest.objects - 4
    assert verified(sites, site).problems == []
