"""The proof of the lock: it holds for the application and fails for whoever may bypass it."""

from __future__ import annotations

from datetime import UTC, datetime

from storage.objects.lockproof import prove_lock
from tests.support.store import JudgedStore, read_whole


def test_the_lock_holds_against_everything_that_the_application_may_call(running: JudgedStore) -> None:
    proof = prove_lock(running.settings, now=datetime.now(UTC), token="held")
    assert [attempt for attempt in proof.attempts if not attempt.held] == []
    assert proof.held
    assert {attempt.target for attempt in proof.attempts} == {"put", "put-compliance", "multipart", "bucket"}
    assert len(proof.attempts) == 39
    canaries = [version for version in running.store.versions("canary/") if "-held-" in version.key]
    assert len({version.key for version in canaries}) == 3
    for version in canaries:
        assert read_whole(running.store, version.key, version.version_id).startswith(b"canary")


def test_the_proof_fails_for_credentials_that_may_bypass_governance(running: JudgedStore) -> None:
    proof = prove_lock(running.endpoint.operator, now=datetime.now(UTC), token="fallen")
    assert not proof.held
    fallen = {(attempt.target, attempt.call) for attempt in proof.attempts if not attempt.held}
    assert ("put", "DeleteObject, bypassing governance") in fallen
    assert not any(target == "put-compliance" for target, _ in fallen)
