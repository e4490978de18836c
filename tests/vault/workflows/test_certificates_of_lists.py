"""Certificates of disposal lists: who proposed, approved and attended; or which rule stood in, and who made it."""

from __future__ import annotations

import json

import pytest

from tests.support.disposing import ANN, BEA, CAI, DAN, due_record, in_hand, rule_in_force
from tests.vault.workflows.test_certificates import outside_verifier
from vault.certificates import require_valid, sign_statement
from vault.disposal import Decision, Part
from vault.errors import SealBroken
from vault.people import CLOCK_ID
from vault.seal.canonical import canonical_json
from vault.workflows import certificates, disposal, execution, expiry, listing, reviewing
from vault.workflows.logstore import signing_keys
from vault.workflows.vault import Vault


def newest(vault: Vault) -> certificates.CertificateView:
    certificates.issue_certificates(vault)
    certificate = certificates.list_certificates(vault, ANN, limit=1)[0]
    return certificates.show_certificate(vault, ANN, certificate.id)


def executed(vault: Vault) -> str:
    """A supervised list, executed; its number."""
    rule = rule_in_force(vault, supervised=True)
    due_record(vault, ANN, rule.code)
    (found,) = listing.propose_class(vault, ANN, rule.code)
    reviewing.review(vault, ANN, found.id, reviewing.Choice(decision=Decision.DESTROY))
    for actor, part in ((ANN, Part.PROPOSER), (BEA, Part.APPROVER), (CAI, Part.SUPERVISOR), (DAN, Part.SUPERVISOR)):
        disposal.sign(vault, actor, found.id, part)
    done = execution.execute(vault, ANN, found.id, place="仓库", method="keys")
    assert done.batch is not None
    return found.number


def test_a_certificate_names_everybody_who_signed_the_list(vault: Vault) -> None:
    number = executed(vault)
    view = newest(vault)
    said = view.checked.statement["list"]
    assert (said["number"], said["automatic"], said["place"], said["method"]) == (number, False, "仓库", "keys")
    assert [(each["part"], each["person"]) for each in said["signatures"]] == [
        ("proposer", "ann"),
        ("approver", "bea"),
        ("supervisor", "cai"),
        ("supervisor", "dan"),
    ]
    assert view.checked.statement["alone"] is False
    # A statute that wants supervisors wants the files named in the register, too.
    assert [each["title"] for each in view.checked.statement["records"]] == ["A record"]
    outside_verifier()["verify"](view.document, None, [], [])


def test_somebody_who_signed_twice_is_no_certificate(vault: Vault) -> None:
    """Whoever has the signing key cannot have one person attend twice: the verifier counts people."""
    executed(vault)
    said = json.loads(newest(vault).document)
    said["statement"]["list"]["signatures"][3]["person"] = "cai"
    forged = canonical_json(
        {**said, "signature": sign_statement(said["statement"], signing_keys(vault)).decode(), "log": "pending"}
    )
    outsider = outside_verifier()
    with pytest.raises(outsider["NotVerified"], match="signed the disposal list twice"):
        outsider["verify"](forged, None, [], [])
    with pytest.raises(SealBroken, match="signed the disposal list twice"):
        require_valid(forged)


def test_an_automatic_destruction_names_the_two_who_made_its_rule(vault: Vault) -> None:
    vault, hands = in_hand(vault)
    rule = rule_in_force(vault, automatic=True)
    record_id = due_record(vault, ANN, rule.code)
    hands.advance(hours=1)
    for _ in range(3):
        expiry.expire(vault)
        hands.advance(hours=1)
    view = newest(vault)
    said = view.checked.statement
    assert [each["id"] for each in said["records"]] == [record_id]
    assert "title" not in said["records"][0]
    assert said["list"]["automatic"] is True
    assert said["ordered_by"] == CLOCK_ID
    (governing,) = said["rules"]
    assert (governing["class"], governing["proposed_by"], governing["approved_by"]) == (rule.code, "ann", "bea")
    assert (governing["automatic"], governing["version"]) == (True, said["list"]["rule_version"])
    outside_verifier()["verify"](view.document, None, [], [])
