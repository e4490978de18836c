"""A vault that was lost comes back from its backup: the same bytes, what was destroyed since stays destroyed."""

from __future__ import annotations

import io

import pytest

from storage.backup.scratch import scratch_folder
from storage.backup.verify import verify
from tests.support.backups import Site, Sites, add_customer, add_for, destroy
from tests.support.vault import random_content, read_bytes, staff
from vault.customers import Customer, CustomerState
from vault.destruction import Targets
from vault.errors import CatalogueOlder, Conflict, KeyDestroyed, NotFound
from vault.ids import RecordId
from vault.records import Description, RecordState
from vault.workflows import effect, fonds, intake, people, upkeep
from vault.workflows.vault import Vault

MIB = 1 << 20


def verified(sites: Sites, site: Site, *, run: str | None = None) -> list[str]:
    with scratch_folder() as folder:
        return verify(sites.place, site.keeper(), folder, run=run).problems


def fill(vault: Vault) -> dict[RecordId, bytes]:
    """A customer's and the house's records, small and in parts; their bytes by id."""
    customer = add_customer(vault, staff(vault), "Somebody")
    contents: dict[RecordId, bytes] = {}
    for size in (0, 1, 300_000, 9 * MIB):
        content = random_content(size)
        contents[add_for(vault, customer.id if size else None, content)] = content
    upkeep.send_outbox(vault)
    return contents


def test_a_lost_vault_comes_back_with_the_same_bytes(both_sites: Sites) -> None:
    sites = both_sites
    site = sites.new()
    with site.open() as vault:
        contents = fill(vault)
        invitation = people.invite(vault, staff(vault), {"readers"})
        outcome = sites.take(site, vault)
    assert outcome.manifest is not None
    assert outcome.damaged == ()
    assert verified(sites, site) == []
    back = sites.new(like=site)
    told = sites.restore(back)
    assert told.put_back.damaged == []
    assert told.records_destroyed == 0
    with back.open() as vault:
        for record_id, content in contents.items():
            assert read_bytes(vault, staff(vault), record_id) == content
        later = add_for(vault, None, b"after the restore")
        assert read_bytes(vault, staff(vault), later) == b"after the restore"
        with vault.catalogue.read() as tx:
            versions = list(tx.records.all_versions())
        with pytest.raises(NotFound):
            people.check_invitation(vault, invitation)
    assert len({version.object.leaf for version in versions}) == len(versions)


def test_what_was_destroyed_since_the_backup_is_destroyed_after_the_restore(both_sites: Sites) -> None:
    sites = both_sites
    site = sites.new()
    with site.open() as vault:
        contents = fill(vault)
        doomed_customer = add_customer(vault, staff(vault), "Leaving")
        theirs = add_for(vault, doomed_customer.id, b"theirs")
        doomed, *living = contents
        older = sites.take(site, vault)
        destroy(vault, doomed)
        destroy(vault, customer_ids=frozenset({doomed_customer.id}))
        newer = add_for(vault, None, b"newer than the backup")
        upkeep.send_outbox(vault)
        fonds.name_fonds(vault, people.machine_operator(), "Beta 公司")
        upkeep.send_outbox(vault)
    assert older.manifest is not None
    # The catalogue is lost, the store and the keepers are not.
    back = sites.new(like=site, same_store=True)
    told = sites.restore(back, run=older.manifest.run)
    assert (told.generation_before, told.generation) == (1, 3)
    assert (told.records_destroyed, told.customers_destroyed) == (2, 1)
    with back.open() as vault:
        effect.resume(vault)
        assert fonds.name_of(vault) == "Beta 公司"
        with vault.catalogue.read() as tx:
            for record_id in (doomed, theirs):
                record = tx.records.get(record_id)
                assert record is not None
                assert record.state is RecordState.DESTROYED
                for version in tx.records.versions(record.id):
                    with pytest.raises(KeyDestroyed):
                        vault.leaf_keys(version.object.leaf)
            customer = tx.customers.get(doomed_customer.id)
        assert customer is not None
        assert customer.state is CustomerState.DESTROYED
        for record_id in living:
            assert read_bytes(vault, staff(vault), record_id) == contents[record_id]
        assert read_bytes(vault, staff(vault), newer) == b"newer than the backup"


def test_a_number_is_not_given_again_though_all_that_had_it_died_unnamed(both_sites: Sites) -> None:
    """Only their own sealed objects told the numbers of what came and went behind the backup and the last register."""
    sites = both_sites
    site = sites.new()

    def numbers_of(vault: Vault, who: Customer, record_id: RecordId) -> tuple[str, str]:
        with vault.catalogue.read() as tx:
            record = tx.records.get(record_id)
        assert record is not None
        return who.number, record.number

    with site.open() as vault:
        add_for(vault, add_customer(vault, staff(vault), "Staying").id, b"staying")
        older = sites.take(site, vault)
        given = []
        for each in range(3):
            who = add_customer(vault, staff(vault), "Leaving")
            given.append(numbers_of(vault, who, add_for(vault, who.id, b"%d" % each)))
            destroy(vault, customer_ids=frozenset({who.id}))
        newest = sites.take(site, vault)
    assert older.manifest is not None
    assert newest.manifest is not None
    back = sites.new(like=site, same_store=True)
    sites.restore(back, run=older.manifest.run)
    with back.open() as vault:
        who = add_customer(vault, staff(vault), "Coming")
        record_id = add_for(vault, who.id, b"coming")
        again = numbers_of(vault, who, record_id)
    assert not {again[0]} & {number for number, _ in given}
    assert not {again[1]} & {number for _, number in given}
    # The other backup knows who had those numbers, and takes in whoever came since.
    other = sites.new(like=site, same_store=True)
    sites.restore(other, run=newest.manifest.run)
    with other.open() as vault:
        assert read_bytes(vault, staff(vault), record_id) == b"coming"
        with vault.catalogue.read() as tx:
            customer = tx.customers.get(who.id)
        assert customer is not None
        assert customer.number == again[0]


def test_an_upload_that_only_the_store_remembers_dies_with_its_record(both_sites: Sites) -> None:
    """Of two corrections at once one was given up; the restored catalogue had heard of neither."""
    sites = both_sites
    site = sites.new()
    said = Description.checked(title="Better", reason="a better scan")
    with site.open() as vault:
        actor = staff(vault)
        record_id = add_for(vault, None, b"the original")
        sites.take(site, vault)
        first, second = (intake.begin_correction(vault, actor, record_id, said, "better.bin") for _ in range(2))
        with first:
            intake.receive_from(vault, first, io.BytesIO(b"won").readinto)
        with pytest.raises(Conflict), second:
            intake.receive_from(vault, second, io.BytesIO(b"overtaken").readinto)
        upkeep.settle_intents(vault)
        with vault.catalogue.read() as tx:
            kept = {version.object.object_id for version in tx.records.versions(record_id)}
            given_up = {each for each, _ in tx.batches.objects_of(record_id)} - kept
        assert len(given_up) == 1
    back = sites.new(like=site, same_store=True)
    sites.restore(back)
    with back.open() as vault:
        assert read_bytes(vault, staff(vault), record_id) == b"won"
        with vault.catalogue.read() as tx:
            assert {each for each, _ in tx.batches.objects_of(record_id)} == kept | given_up
            doomed = tx.batches.scope(vault.fonds, Targets(records=frozenset({record_id}))).doomed
        assert len(doomed.leaves) == 3
        destroy(vault, record_id)
        for leaf in doomed.leaves:
            with pytest.raises(KeyDestroyed):
                vault.leaf_keys(leaf)


def test_an_older_catalogue_put_back_by_hand_is_refused_until_it_is_led_forward(sites: Sites) -> None:
    site = sites.new()
    path = site.home / "catalogue.sqlite"
    with site.open() as vault:
        doomed, living = add_for(vault, None, b"doomed"), add_for(vault, None, b"living")
        sites.take(site, vault)
    kept = path.read_bytes()
    with site.open() as vault:
        destroy(vault, doomed)
    path.write_bytes(kept)
    with pytest.raises(CatalogueOlder), site.open():
        pass
    with pytest.raises(Conflict):
        sites.restore(site)
    sites.restore(site, replace=True)
    with site.open() as vault:
        effect.resume(vault)
        with vault.catalogue.read() as tx:
            record = tx.records.get(doomed)
        assert record is not None
        assert record.state is RecordState.DESTROYED
        assert read_bytes(vault, staff(vault), living) == b"living"


def test_the_catalogue_of_a_vault_that_is_open_is_not_replaced(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        sites.take(site, vault)
        with pytest.raises(Conflict, match="is open"):
            sites.restore(site, replace=True)
        add_for(vault, None, b"still the same catalogue")
    sites.restore(site, replace=True)


def test_a_damaged_catalogue_is_replaced_and_kept(sites: Sites) -> None:
    site = sites.new()
    path = site.home / "catalogue.sqlite"
    with site.open() as vault:
        record_id = add_for(vault, None, b"living")
        sites.take(site, vault)
    path.write_bytes(b"no database at all" * 1000)
    told = sites.restore(site, replace=True)
    assert (path.with_name(f"catalogue.sqlite.before-{told.run}")).read_bytes().startswith(b"no database")
    with site.open() as vault:
        assert read_bytes(vault, staff(vault), record_id) == b"living"
