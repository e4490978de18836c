"""Upkeep and the outbox: what is due is done, once, and what failed says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.vault import add_bytes
from tests.vault.workflows.faults import ON_SQLITE, Died, faulty, with_clock
from vault.audit import Event
from vault.customers import Profile
from vault.errors import KeeperUnavailable, NotAllowed, StoreUnavailable
from vault.ids import PersonId, ProcessId
from vault.outcomes import Outcome
from vault.permissions import Actor, Role
from vault.workflows import customers, outbox, upkeep
from vault.workflows.upkeep import JOBS
from vault.workflows.vault import LockVerdict, Vault

ALL = {job.name for job in JOBS}
EVERY_15_S = {
    "derive",
    "finish-uploads",
    "settle-intents",
    "send-outbox",
    "finish-batches",
    "issue-certificates",
    "mirror-holds",
    "check-log",
    "send-webhooks",
}


def quick(vault: Vault) -> Vault:
    """The proof of locks takes seconds and has tests of its own."""
    return replace(vault, prove_lock=lambda: LockVerdict(tried=4, held=4))


def ran(vault: Vault, *, starting: bool = False) -> dict[str, str]:
    return {run.job: run.outcome.text for run in upkeep.run_due(vault, starting=starting) if run.outcome}


def waiting(vault: Vault) -> list[str]:
    with vault.catalogue.read() as tx:
        return [key for _, key, _ in tx.outbox.pending()]


def bodies(vault: Vault, key: str) -> list[bytes]:
    found = []
    for listed in vault.store.versions(key):
        with vault.store.read(listed.key, listed.version_id) as chunks:
            found.append(b"".join(chunks))
    return found


# -- what is due -------------------------------------------------------------------------------------------------------


def test_every_job_runs_when_it_is_due_and_not_before(vault: Vault) -> None:
    vault, clock = with_clock(quick(vault))
    clock.advance(timedelta(days=2))
    assert set(ran(vault)) == ALL
    assert ran(vault) == {}
    clock.advance(timedelta(seconds=15))
    assert set(ran(vault)) == EVERY_15_S
    clock.advance(timedelta(minutes=5))
    told = set(ran(vault))
    assert told == {job.name for job in JOBS if job.every <= timedelta(minutes=5)}
    assert told > EVERY_15_S | {"publish-log", "follow-schedule", "renew-locks", "return-loans"}
    assert set(ran(vault, starting=True)) == {"prove-lock"}


def test_a_clock_that_was_set_back_makes_every_job_due(vault: Vault) -> None:
    vault, clock = with_clock(quick(vault))
    clock.advance(timedelta(days=4))
    ran(vault)
    clock.advance(-timedelta(days=1))
    assert set(ran(vault)) == ALL
    assert ran(vault) == {}


def test_a_job_that_failed_says_so_and_does_not_stop_the_others(vault: Vault, actor: Actor) -> None:
    vault, clock = with_clock(quick(vault))
    clock.advance(timedelta(days=6))
    customers.add_customer(vault, actor, Profile.checked(name="x"))
    away = faulty(vault, "before:put", lambda: StoreUnavailable("away"), times=100)
    outcomes = ran(away)
    assert outcomes["send-outbox"] == "failed: store-unavailable"
    assert set(outcomes) == ALL
    state = upkeep.state(vault, actor)
    assert {run.job: run.outcome.text for run in state.jobs if run.outcome} == outcomes
    assert state.outbox_waiting >= 1
    clock.advance(timedelta(seconds=15))
    assert ran(vault)["send-outbox"].startswith("sent")
    assert upkeep.state(vault, actor).outbox_waiting == 0


def test_a_job_that_failed_is_due_again_after_a_minute_however_seldom_it_is_done(vault: Vault, actor: Actor) -> None:
    vault, clock = with_clock(quick(vault))
    clock.advance(timedelta(days=9))

    def away() -> LockVerdict:
        raise StoreUnavailable("killed just now")

    assert ran(replace(vault, prove_lock=away), starting=True)["prove-lock"] == "failed: store-unavailable"
    clock.advance(timedelta(seconds=30))
    assert "prove-lock" not in ran(vault)
    clock.advance(timedelta(seconds=30))
    assert ran(vault)["prove-lock"].startswith("held")
    clock.advance(timedelta(minutes=2))
    assert "prove-lock" not in ran(vault)


def test_a_defect_in_one_job_is_handed_on_and_does_not_stop_the_others(vault: Vault, actor: Actor) -> None:
    vault, clock = with_clock(quick(vault))
    clock.advance(timedelta(days=7))
    defect = ZeroDivisionError("somebody's name")
    customers.add_customer(vault, actor, Profile.checked(name="x"))
    runs = {run.job: run for run in upkeep.run_due(faulty(vault, "before:put", lambda: defect, times=100))}
    assert set(runs) == ALL
    assert (runs["send-outbox"].unexpected, runs["renew-locks"].unexpected) == (defect, None)
    assert runs["send-outbox"].outcome == Outcome.of("failed", error="unexpected")
    clock.advance(timedelta(seconds=15))
    assert ran(vault)["send-outbox"].startswith("sent")


def test_an_index_that_cannot_be_filled_does_not_stop_the_jobs(vault: Vault, actor: Actor) -> None:
    add_bytes(vault, actor, b"x")
    vault, clock = with_clock(quick(vault))
    clock.advance(timedelta(days=8))

    class Away:
        def leaf_keys(self, address: object) -> object:
            raise KeeperUnavailable("away")

        def renew(self) -> int:
            raise KeeperUnavailable("away")

        generation = renew
        many_leaf_keys = leaf_keys

    sealed = replace(vault, keys=Away())  # type: ignore[arg-type]  # it has what is called
    assert set(ran(sealed)) == ALL


def test_a_job_that_did_not_run_for_three_of_its_intervals_is_overdue(vault: Vault, actor: Actor) -> None:
    vault, clock = with_clock(quick(vault))
    clock.advance(timedelta(days=10))
    ran(vault)
    assert not any(run.overdue for run in upkeep.state(vault, actor).jobs)
    clock.advance(timedelta(seconds=46))
    overdue = {run.job for run in upkeep.state(vault, actor).jobs if run.overdue}
    assert overdue == EVERY_15_S


def test_locks_that_give_way_are_said_to(vault: Vault, actor: Actor) -> None:
    vault, clock = with_clock(replace(vault, prove_lock=lambda: LockVerdict(tried=4, held=3)))
    clock.advance(timedelta(days=14))
    assert ran(vault)["prove-lock"].startswith("BROKEN")
    with vault.catalogue.read() as tx:
        newest = tx.audit.page(subject=vault.vault_id)[0].entry
    assert (newest.event, dict(newest.detail)) == (Event.LOCK_PROVED, {"tried": 4, "held": 3})
    assert not LockVerdict(tried=0, held=0).proved


@ON_SQLITE
def test_the_real_store_withstands_every_attack(vault: Vault) -> None:
    verdict = vault.prove_lock()
    assert verdict.proved, verdict


def test_processes_that_are_gone_are_forgotten(vault: Vault) -> None:
    vault, clock = with_clock(quick(vault))
    other = replace(vault, process_id=ProcessId(vault.new_id()), description="elsewhere")
    upkeep.beat(other)

    def known() -> set[str]:
        with vault.catalogue.read() as tx:
            return {process for process, _, _ in tx.processes.all()}

    clock.advance(timedelta(days=16))
    upkeep.beat(other)
    ran(vault)
    assert other.process_id in known()
    clock.advance(timedelta(days=1, seconds=1))
    ran(vault)
    assert other.process_id not in known()
    assert vault.process_id in known()


def test_who_may_not_see_the_state_is_refused(vault: Vault) -> None:
    with pytest.raises(NotAllowed):
        upkeep.state(vault, Actor(person_id=PersonId("x"), roles=frozenset({Role.RECORDS})))


# -- the outbox --------------------------------------------------------------------------------------------------------


def test_what_waits_is_sent_once_sealed_and_locked(vault: Vault, actor: Actor) -> None:
    outbox.send_pending(vault)
    customer = customers.add_customer(vault, actor, Profile.checked(name="markedname")).customer
    (key,) = waiting(vault)
    assert outbox.send_pending(vault) == 1
    assert outbox.send_pending(vault) == 0
    (body,) = bodies(vault, key)
    assert body.startswith(customer.profile_leaf.text.encode() + b"\n")
    assert b"markedname" not in body
    facts = vault.store.head(key)
    assert facts is not None
    assert facts.lock is not None


def test_what_was_sent_by_a_process_that_died_is_sent_by_the_next_and_kept_once(vault: Vault, actor: Actor) -> None:
    outbox.send_pending(vault)
    # The store is away just then; otherwise a new customer is in it at once.
    away = faulty(vault, "before:put", lambda: StoreUnavailable("away"))
    customers.add_customer(away, actor, Profile.checked(name="x"))
    (key,) = waiting(vault)
    for point in ("after:put", "before:write:1"):
        with pytest.raises(Died):
            outbox.send_pending(faulty(vault, point, Died))
        assert waiting(vault) == [key]
    assert outbox.send_pending(vault) == 1
    assert len(bodies(vault, key)) == 1
    assert waiting(vault) == []


def test_a_new_customer_is_in_the_store_before_anybody_is_answered(vault: Vault, actor: Actor) -> None:
    outbox.send_pending(vault)
    customers.add_customer(vault, actor, Profile.checked(name="x"))
    (key,) = waiting(vault)
    assert len(bodies(vault, key)) == 1
    assert outbox.send_pending(vault) == 1
    assert len(bodies(vault, key)) == 1


def test_a_store_that_is_away_keeps_everything_waiting_in_order(vault: Vault, actor: Actor) -> None:
    outbox.send_pending(vault)
    for name in ("one", "two"):
        customers.add_customer(vault, actor, Profile.checked(name=name))
    keys = waiting(vault)
    with pytest.raises(StoreUnavailable):
        outbox.send_pending(faulty(vault, "before:put", lambda: StoreUnavailable("away")))
    assert waiting(vault) == keys
    assert upkeep.state(vault, actor).outbox_since is not None
    assert outbox.send_pending(vault) == 2
