"""A drill proves what a backup is worth, says when it is worth nothing, and changes no keeper."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from storage.backup.drill import DrillVerdict, drill
from storage.backup.folder import FolderPlace
from storage.keeper.file import FileKeeper
from storage.machine import SystemRandomness
from tests.support.backups import Site, Sites, add_for, destroy
from tests.support.vault import random_content, staff
from vault.audit import Event
from vault.outcomes import Outcome
from vault.people import OPERATOR_ID
from vault.seal.secrets import Secret
from vault.workflows import upkeep
from vault.workflows.vault import Vault


@pytest.fixture
def site(sites: Sites) -> Site:
    return sites.new()


@pytest.fixture
def vault(site: Site) -> Iterator[Vault]:
    with site.open() as opened:
        yield opened


def drilled(sites: Sites, vault: Vault) -> DrillVerdict:
    return drill(vault, sites.place, actor=OPERATOR_ID)


def digest_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_a_drill_opens_what_lives_and_finds_dead_what_was_destroyed_also_since_the_backup(
    sites: Sites, site: Site, vault: Vault
) -> None:
    records = [add_for(vault, None, random_content(1000 * (1 + number))) for number in range(6)]
    destroy(vault, records[0])
    sites.take(site, vault)
    destroy(vault, records[1])
    sites.take(site, vault)
    destroy(vault, records[2])
    for key_copy in _newest_pages(vault):
        # As a destruction does where this place is in the settings.
        sites.place.put(f"pages/{key_copy[0]}", [key_copy[1]], size_bytes=None)
    before = digest_of(site.keeper_folder)
    verdict = drilled(sites, vault)
    assert verdict.problems == []
    assert (verdict.opened, verdict.dead) == (3, 3)
    assert digest_of(site.keeper_folder) == before
    with vault.catalogue.read() as tx:
        runs = {job: Outcome.read(kept) for job, _, kept in tx.jobs.last_runs()}
        entries = tx.audit.page(subject=vault.vault_id, limit=5)
    assert runs["drill"].text.startswith("passed")
    assert Event.DRILL_RUN in [each.entry.event for each in entries]
    assert upkeep.state(vault, staff(vault)).records == 6


def _newest_pages(vault: Vault) -> Iterator[tuple[str, bytes]]:
    for each in vault.store.versions(f"trees/{vault.fonds.tree_id.hex()}/"):
        with vault.store.read(each.key, each.version_id) as chunks:
            yield each.key, b"".join(chunks)


def test_a_backup_without_the_newest_key_pages_fails_the_drill(sites: Sites, site: Site, vault: Vault) -> None:
    record_id = add_for(vault, None, b"x")
    sites.take(site, vault)
    destroy(vault, record_id)
    verdict = drilled(sites, vault)
    assert not verdict.passed
    assert "key pages of generation 2" in verdict.problems[0]


def test_a_damaged_copy_fails_the_drill(sites: Sites, site: Site, vault: Vault) -> None:
    add_for(vault, None, random_content(5000))
    sites.take(site, vault)
    assert isinstance(sites.place, FolderPlace)
    (copy,) = [path for path in (sites.place.folder / "objects" / "records").rglob("*-v-*") if path.is_file()]
    content = bytearray(copy.read_bytes())
    content[-100] ^= 1
    copy.write_bytes(content)
    verdict = drilled(sites, vault)
    assert not verdict.passed
    assert verdict.opened == 0


def test_an_older_root_that_a_keeper_kept_fails_the_drill(sites: Sites, site: Site, vault: Vault) -> None:
    record_id = add_for(vault, None, b"x")
    destroy(vault, record_id)
    sites.take(site, vault)
    assert drilled(sites, vault).problems == []
    keeper = FileKeeper(site.keeper_folder, SystemRandomness())
    keeper.stage(vault.fonds.tree_id, 1, bytes(range(16)), Secret(bytes(32)))
    assert "older roots" in drilled(sites, vault).problems[0]


def test_no_backup_at_all_is_a_verdict_too(sites: Sites, site: Site, vault: Vault) -> None:
    verdict = drilled(sites, vault)
    assert not verdict.passed
    assert replace(verdict).text.startswith("BROKEN, backup none")
