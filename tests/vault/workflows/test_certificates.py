"""Certificates of destruction: issued once, proved by the log, checked by a program that shares nothing with ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.vault import add_bytes
from tests.vault.workflows.faults import ON_SQLITE, faulty
from vault.certificates import CertificateState, require_valid
from vault.customers import Profile
from vault.destruction import Batch, Targets
from vault.errors import NotAllowed, NotFound, SealBroken, StoreUnavailable
from vault.ids import PersonId
from vault.permissions import Actor, Role
from vault.seal.canonical import canonical_json
from vault.workflows import batches, certificates, customers, destruction, logkeys
from vault.workflows.vault import Vault

SCRIPT = Path(__file__).parents[3] / "scripts" / "verify_certificate"


def destroyed(vault: Vault, actor: Actor, count: int = 1) -> Batch:
    """A batch of records that were filed in error."""
    records = frozenset(add_bytes(vault, actor, b"to be destroyed").record_id for _ in range(count))
    return destruction.destroy(vault, actor, Targets(records=records), alone=True, error=True)


def certified(vault: Vault, actor: Actor, count: int = 1) -> certificates.CertificateView:
    """The certificate of such a batch."""
    batch = destroyed(vault, actor, count)
    certificates.issue_certificates(vault)
    return of_batch(vault, actor, batch)


def of_batch(vault: Vault, actor: Actor, batch: Batch) -> certificates.CertificateView:
    with vault.catalogue.read() as tx:
        certificate = tx.certificates.of_batch(batch)
    assert certificate is not None
    return certificates.show_certificate(vault, actor, certificate.number)


def verified(folder: Path, document: bytes, *options: str) -> subprocess.CompletedProcess[str]:
    """What the stand-alone program says, without anything of ours on its path."""
    path = folder / "certificate.json"
    path.write_bytes(document)
    return subprocess.run(
        [sys.executable, "-I", "-W", "error", str(SCRIPT), str(path), *options], capture_output=True, text=True
    )


def test_a_destruction_gets_a_certificate_that_an_outsider_can_check(
    vault: Vault, actor: Actor, tmp_path: Path
) -> None:
    view = certified(vault, actor, 3)
    assert view.certificate.state is CertificateState.COMPLETE
    key = view.checked.keys[-1].text
    told = verified(tmp_path, view.document, "--key", key)
    assert told.returncode == 0, told.stderr
    assert f"certificate {view.certificate.number} of vault {vault.vault_id}" in told.stdout
    assert "3 records and 0 customers" in told.stdout
    statement = view.checked.statement
    assert statement["alone"] is True
    assert statement["ground"] == "filed-in-error"
    assert [each["class"] for each in statement["rules"]] == ["contract"]
    assert all(each["proven"] for each in statement["keys"]["keepers"])
    assert statement["keys"]["keepers"]
    assert {len(each["versions"]) for each in statement["records"]} == {1}


def test_issuing_again_issues_nothing(vault: Vault, actor: Actor) -> None:
    view = certified(vault, actor)
    again = certificates.issue_certificates(vault)
    assert (again.values["issued"], again.values["completed"], again.values["left"]) == (0, 0, 0)
    assert of_batch(vault, actor, batches.list_batches(vault, actor)[0]).document == view.document


def test_whole_customers_stand_on_a_certificate(vault: Vault, actor: Actor, tmp_path: Path) -> None:
    customer = customers.add_customer(vault, actor, Profile.checked(name="Zhang San"))
    batch = destruction.destroy(
        vault, actor, Targets(customers=frozenset({customer.customer.id})), alone=True, error=True
    )
    certificates.issue_certificates(vault)
    view = of_batch(vault, actor, batch)
    assert [each["number"] for each in view.checked.statement["customers"]] == [customer.customer.number]
    assert "Zhang" not in view.document.decode()
    assert verified(tmp_path, view.document).returncode == 0


def test_a_root_that_was_only_replaced_needs_no_certificate(vault: Vault, actor: Actor) -> None:
    destruction.rotate_root(vault, actor)
    assert certificates.issue_certificates(vault).values["issued"] == 0


def test_a_certificate_waits_for_the_log_and_says_so(vault: Vault, actor: Actor, tmp_path: Path) -> None:
    batch = destroyed(vault, actor)
    away = faulty(vault, "before:put", lambda: StoreUnavailable("away"), times=1000)
    with pytest.raises(StoreUnavailable):
        certificates.issue_certificates(away)
    pending = of_batch(vault, actor, batch)
    assert pending.certificate.state is CertificateState.PENDING
    told = verified(tmp_path, pending.document)
    assert (told.returncode, "NOT PROVEN BY THE LOG YET" in told.stderr) == (3, True)
    assert certificates.issue_certificates(vault).values["completed"] == 1
    complete = of_batch(vault, actor, batch)
    assert complete.certificate.state is CertificateState.COMPLETE
    assert complete.checked.statement == pending.checked.statement
    assert verified(tmp_path, complete.document).returncode == 0


@ON_SQLITE
def test_every_flipped_byte_is_refused(vault: Vault, actor: Actor) -> None:
    document = certified(vault, actor).document
    outsider = outside_verifier()
    outsider["verify"](document, None, [], [])
    for at in range(len(document)):
        flipped = bytearray(document)
        flipped[at] ^= 1 << at % 8
        with pytest.raises(SealBroken):
            require_valid(bytes(flipped))
        with pytest.raises((outsider["NotVerified"], KeyError, TypeError, ValueError, AttributeError)):
            outsider["verify"](bytes(flipped), None, [], [])


def outside_verifier() -> dict[str, Any]:
    """The stand-alone program's names."""
    names: dict[str, Any] = {"__name__": "verify_certificate"}
    exec(compile(SCRIPT.read_text(), str(SCRIPT), "exec"), names)  # noqa: S102 - it has no suffix to import it by
    return names


def test_a_statement_that_the_log_contradicts_is_refused(vault: Vault, actor: Actor) -> None:
    """Whoever has the signing key cannot say afterwards what the log does not say."""
    from vault.certificates import sign_statement
    from vault.workflows.logstore import signing_keys

    said = json.loads(certified(vault, actor, 2).document)
    outsider = outside_verifier()
    for change in (
        {"records": said["statement"]["records"][:1]},
        {"alone": False},
        {"ordered_by": "somebody"},
        {"effective_at": "2020-01-01T00:00:00.000000Z"},
        {"number": "C-2020-0001"},
        {"issued_at": "2020-01-01T00:00:00.000000Z"},
    ):
        statement = {**said["statement"], **change}
        note = sign_statement(statement, signing_keys(vault)).decode()
        forged = canonical_json({**said, "statement": statement, "signature": note})
        with pytest.raises(SealBroken, match="say different things"):
            require_valid(forged)
        with pytest.raises(outsider["NotVerified"], match="the log"):
            outsider["verify"](forged, None, [], [])


def test_a_key_that_is_not_the_vaults_is_refused(vault: Vault, actor: Actor, tmp_path: Path) -> None:
    view = certified(vault, actor)
    other = "strongroom/x+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    told = verified(tmp_path, view.document, "--key", other)
    assert (told.returncode, "did not sign this certificate" in told.stderr) == (1, True)
    assert verified(tmp_path, b"{}").returncode == 1
    assert verified(tmp_path, b"\xff").returncode == 1


def test_a_checkpoint_that_was_kept_has_to_be_of_the_same_log(vault: Vault, actor: Actor, tmp_path: Path) -> None:
    view = certified(vault, actor)
    kept = tmp_path / "kept"
    checkpoint = json.loads(view.document)["log"]["checkpoint"]
    kept.write_text(checkpoint)
    assert verified(tmp_path, view.document, "--checkpoint", str(kept)).returncode == 0
    kept.write_text(checkpoint.replace("\n", "\nx", 1))
    assert verified(tmp_path, view.document, "--checkpoint", str(kept)).returncode == 1


def test_a_new_signing_key_is_crossed(vault: Vault, actor: Actor, tmp_path: Path) -> None:
    before = certified(vault, actor)
    logkeys.rotate_key(vault, actor)
    after = certified(vault, actor)
    assert after.checked.keys[-1] not in before.checked.keys
    for view in (before, after):
        told = verified(tmp_path, view.document, "--key", view.checked.keys[-1].text)
        assert told.returncode == 0, told.stderr
        certificates.verify_certificate(vault, actor, view.document)


def test_certificates_are_listed_newest_first_and_found_by_number(vault: Vault, actor: Actor) -> None:
    numbers = [certified(vault, actor).certificate.number for _ in range(3)]
    listed = certificates.list_certificates(vault, actor, limit=2)
    assert [each.number for each in listed] == numbers[:0:-1]
    assert certificates.list_certificates(vault, actor, before=listed[-1].id, limit=1)[0].number == numbers[0]
    shown = certificates.show_certificate(vault, actor, listed[0].id)
    assert shown.certificate.number == numbers[-1]
    for key in ("C-1999-0001", "", "\x00"):
        with pytest.raises(NotFound):
            certificates.show_certificate(vault, actor, key)


def test_a_reader_sees_no_certificates(vault: Vault, actor: Actor) -> None:
    number = certified(vault, actor).certificate.number
    reader = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER}))
    with pytest.raises(NotAllowed):
        certificates.list_certificates(vault, reader)
    with pytest.raises(NotAllowed):
        certificates.show_certificate(vault, reader, number)
