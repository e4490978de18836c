"""Certificates outlive the catalogue: rebuilt or restored, it has every one, and gives no number twice."""

from __future__ import annotations

from tests.storage.backup.test_rebuild import rebuilt
from tests.support.backups import Sites, add_for, destroy
from tests.support.vault import staff
from vault.certificates import CertificateState
from vault.destruction import Batch
from vault.workflows import certificates, upkeep
from vault.workflows.vault import Vault


def certified(vault: Vault) -> Batch:
    batch = destroy(vault, add_for(vault, None, b"to be destroyed"))
    certificates.issue_certificates(vault)
    upkeep.send_outbox(vault)
    return batch


def documents(vault: Vault) -> dict[str, bytes]:
    actor = staff(vault)
    listed = certificates.list_certificates(vault, actor)
    return {each.number: certificates.show_certificate(vault, actor, each.number).document for each in listed}


def test_a_rebuilt_catalogue_has_every_certificate(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        certified(vault)
        certified(vault)
        before = documents(vault)
        assert len(before) == 2
    again = sites.new(like=site, same_store=True)
    rebuilt(again)
    with again.open() as vault:
        assert documents(vault) == before
        assert certificates.issue_certificates(vault).values["issued"] == 0


def test_a_restored_catalogue_has_the_certificates_of_afterwards(sites: Sites) -> None:
    site = sites.new()
    with site.open() as vault:
        certified(vault)
        sites.take(site, vault)
        certified(vault)
        before = documents(vault)
    again = sites.new(like=site, same_store=True)
    sites.restore(again)
    with again.open() as vault:
        assert documents(vault) == before
        upkeep.run_due(vault)
        batch = certified(vault)
        with vault.catalogue.read() as tx:
            newest = tx.certificates.of_batch(batch)
        assert newest is not None
        assert newest.state is CertificateState.COMPLETE
        assert newest.number not in before
