"""The log after a loss: it goes on from what was published, and is never forked."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import text

from storage.backup.load import rules_off
from storage.backup.rebuild import rebuild
from storage.catalogue.database import SqlCatalogue
from storage.machine import SystemClock, SystemRandomness
from storage.objects.s3 import S3Store
from tests.support.backups import Site, Sites, add_for
from tests.support.vault import staff
from vault.audit import Event, NumberedEntry
from vault.errors import CatalogueBroken, CatalogueOlder
from vault.people import CLOCK_ID
from vault.workflows import log, logcheck, logstore, upkeep
from vault.workflows.vault import Vault


def grow(vault: Vault, count: int) -> logstore.LogHead:
    with vault.catalogue.write() as tx:
        for number in range(count):
            tx.audit.append(vault.entry(CLOCK_ID, Event.LOCK_PROVED, vault.vault_id, {"tried": number, "held": True}))
    head = log.publish(vault)
    assert head is not None
    return head


def entries_of(vault: Vault, last: int) -> list[NumberedEntry]:
    with vault.catalogue.read() as tx:
        return list(tx.audit.between(1, last))


def rebuilt(site: Site) -> None:
    with closing(S3Store(site.bucket)) as store:
        rebuild(
            store,
            site.keeper(),
            site.home,
            site.database_url,
            now=SystemClock().now(),
            randomness=SystemRandomness(),
        )


def went_on(vault: Vault, before: list[NumberedEntry], head: logstore.LogHead, told: Event) -> None:
    """The log is the one of before, then the entry that tells of the loss, then what came after."""
    assert entries_of(vault, head.size) == before
    with vault.catalogue.read() as tx:
        (tells,) = tx.audit.page(event=told)
    assert tells.number == head.size + 1
    assert tells.entry.detail["log_published"] == head.size
    after = grow(vault, 3)
    assert after.size > head.size + 3
    assert logcheck.verify(vault, staff(vault), older=[head.note, after.note]).holds
    assert log.prove(vault, 1).entry == before[0].to_bytes()


def test_a_rebuilt_catalogue_has_the_log_that_was_published_and_says_where_it_was_cut(both_sites: Sites) -> None:
    site = both_sites.new()
    with site.open() as vault:
        add_for(vault, None, b"x")
        upkeep.send_outbox(vault)
        head = grow(vault, 300)
        before = entries_of(vault, head.size)
        with vault.catalogue.write() as tx:
            lost = tx.audit.append_numbered(vault.entry(CLOCK_ID, Event.DRILL_RUN, vault.vault_id))
        assert lost == head.size + 1
    back = both_sites.new(like=site, same_store=True)
    rebuilt(back)
    with back.open() as vault:
        went_on(vault, before, head, Event.CATALOGUE_REBUILT)


def test_a_catalogue_restored_into_its_store_takes_back_what_was_published_since(both_sites: Sites) -> None:
    site = both_sites.new()
    with site.open() as vault:
        add_for(vault, None, b"x")
        grow(vault, 10)
        assert both_sites.take(site, vault).manifest is not None
        head = grow(vault, 300)
        before = entries_of(vault, head.size)
    back = both_sites.new(like=site, same_store=True)
    both_sites.restore(back)
    with back.open() as vault:
        went_on(vault, before, head, Event.BACKUP_RESTORED)


def test_a_log_whose_store_was_lost_goes_on_from_the_backup(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        add_for(vault, None, b"x")
        head = grow(vault, 300)
        assert sites.take(site, vault).manifest is not None
    back = sites.new(like=site)
    sites.restore(back)
    with back.open() as vault:
        keys = logstore.signing_keys(vault)
        kept = logstore.newest_head(vault, keys)
        assert kept == head
        after = grow(vault, 1)
        assert logcheck.verify(vault, staff(vault), older=[head.note, after.note]).holds
        locked = vault.store.head(vault.layout.log_tile(vault.fonds.tree_id, "tile/0/000"))
        assert locked is not None
        assert locked.lock is not None


def test_a_catalogue_file_that_was_put_back_by_hand_is_refused_until_it_is_restored(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        add_for(vault, None, b"x")
        grow(vault, 5)
        catalogue = vault.catalogue
        assert isinstance(catalogue, SqlCatalogue)
        sites.take(site, vault)
        with catalogue.maintain() as connection, rules_off(connection):
            connection.execute(text("DELETE FROM audit_entries WHERE number > 3"))
        with pytest.raises(CatalogueOlder):
            log.publish(vault)
        assert not logcheck.verify(vault, staff(vault)).holds
        with catalogue.maintain() as connection, rules_off(connection):
            connection.execute(text("UPDATE audit_entries SET actor = 'x' WHERE number = 3"))
        sites.take(site, vault)  # A backup of a catalogue that was changed.
    back = sites.new(like=site, same_store=True)
    with pytest.raises(CatalogueBroken, match="not the one that was published"):
        sites.restore(back)
