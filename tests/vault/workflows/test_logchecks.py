"""Checks of the log as pieces of work: whoever asks does not wait, a killed one is taken up, verdicts stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from storage.catalogue.database import SqlCatalogue
from tests.support.vault import staff
from tests.vault.workflows.faults import with_clock
from vault.audit import Event
from vault.errors import CatalogueBroken, NotAllowed, NotFound, StoreUnavailable
from vault.ids import LogCheckId, PersonId, ProcessId
from vault.logchecks import SILENT_AFTER
from vault.people import CLOCK_ID
from vault.permissions import Actor, Role
from vault.workflows import log, logchecks
from vault.workflows.vault import Vault


def write_entries(vault: Vault, count: int) -> None:
    with vault.catalogue.write() as tx:
        for number in range(count):
            tx.audit.append(vault.entry(CLOCK_ID, Event.LOCK_PROVED, vault.vault_id, {"tried": number, "held": True}))


def test_whoever_asks_is_told_at_once_and_upkeep_keeps_the_verdict(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, staff(fresh_vault)
    write_entries(vault, 300)
    head = log.publish(vault)
    assert head is not None
    asked = logchecks.ask(vault, actor)
    assert asked.is_open
    assert vault.bell.answer(logchecks.CHECK_LOG, 0), "upkeep is called"
    assert logchecks.ask(vault, actor).id == asked.id, "one at a time"
    assert logchecks.underway(vault, actor) == asked
    outcome = logchecks.check_log(vault)
    assert (outcome.code, outcome.values["entries"]) == ("log-holds", head.size)
    (kept,) = logchecks.newest(vault, actor)
    assert kept == logchecks.show(vault, actor, asked.id)
    assert (kept.asked_by, kept.done, kept.total) == (actor.person_id, head.size, head.size)
    assert kept.verdict is not None
    assert kept.verdict.holds
    assert (kept.verdict.size, kept.verdict.root) == (head.size, head.checkpoint.root)
    assert logchecks.underway(vault, actor) is None
    with vault.catalogue.read() as tx:
        told = tx.audit.page(subject=kept.id)
    assert [each.entry.event for each in told] == [Event.LOG_CHECKED, Event.LOG_CHECK_ASKED]
    assert told[0].entry.detail == {"holds": True, "entries": head.size, "changed": 0, "missing": 0, "problems": 0}


def test_upkeep_checks_once_a_week_by_itself(fresh_vault: Vault) -> None:
    vault, clock = with_clock(fresh_vault)
    actor = staff(vault)
    log.publish(vault)
    # The last two: the clock was set back to before the first one.
    for days, count in ((0, 1), (6, 1), (1, 2), (-8, 3), (1, 3)):
        clock.advance(timedelta(days=days))
        logchecks.check_log(vault)
        kept = logchecks.newest(vault, actor)
        assert (len(kept), kept[0].asked_by) == (count, CLOCK_ID)


def test_what_is_wrong_is_kept_and_said(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, staff(fresh_vault)
    write_entries(vault, 5)
    log.publish(vault)
    foreign = b"no note at all\n"
    check = logchecks.check_now(vault, actor, older=[foreign])
    assert check.verdict is not None
    assert not check.verdict.holds
    assert len(check.verdict.problems) == 1
    assert logchecks.newest(vault, actor)[0] == check
    outcome = logchecks.check_log(vault)
    assert outcome.code == "log-broken"
    assert outcome.is_broken, "until a later check says otherwise"


def test_a_check_whose_process_died_is_taken_up_when_it_was_silent_long_enough(fresh_vault: Vault) -> None:
    vault, clock = with_clock(fresh_vault)
    actor = staff(vault)
    log.publish(vault)
    asked = logchecks.ask(vault, actor)
    with vault.catalogue.write() as tx:
        other = ProcessId(vault.new_id())
        assert tx.log_checks.claim(asked.id, other, at=vault.now(), silent_since=vault.now())
        tx.log_checks.tell(asked.id, other, done=1, total=2, at=vault.now())
    assert logchecks.check_log(vault).code == "log-being-checked", "another process has it"
    told = logchecks.underway(vault, actor)
    assert told is not None
    assert (told.done, told.total) == (1, 2)
    clock.advance(SILENT_AFTER + timedelta(seconds=1))
    assert logchecks.check_log(vault).code == "log-holds"
    with vault.catalogue.write() as tx:
        verdict = logchecks.newest(vault, actor)[0].verdict
        assert verdict is not None
        assert not tx.log_checks.end(asked.id, other, verdict, at=vault.now()), "whoever comes back late says nothing"


def test_a_store_that_is_away_ends_nothing(fresh_vault: Vault) -> None:
    vault, actor = fresh_vault, staff(fresh_vault)
    log.publish(vault)
    asked = logchecks.ask(vault, actor)

    class Away:
        def __getattr__(self, name: str) -> Any:
            raise StoreUnavailable("away; try again")

    with pytest.raises(StoreUnavailable):
        logchecks.check_log(replace(vault, store=Away()))
    told = logchecks.underway(vault, actor)
    assert told is not None
    assert (told.id, told.begun_at) == (asked.id, None)
    assert logchecks.check_log(vault).code == "log-holds"
    # One with checkpoints that upkeep does not have is not ended by upkeep, which could not say of them that they hold.
    with pytest.raises(StoreUnavailable):
        logchecks.check_now(replace(vault, store=Away()), actor, older=[b"no note at all\n"])
    assert logchecks.underway(vault, actor) is None
    logchecks.check_log(vault)
    assert [each.id for each in logchecks.newest(vault, actor)] == [asked.id]


def test_a_verdict_is_never_changed(vault: Vault, actor: Actor) -> None:
    log.publish(vault)
    check = logchecks.check_now(vault, actor)
    assert isinstance(vault.catalogue, SqlCatalogue)
    for command in ("UPDATE log_checks SET findings = '{}'", "DELETE FROM log_checks"):
        with pytest.raises(CatalogueBroken, match="log"), vault.catalogue.maintain() as connection:
            connection.execute(text(f"{command} WHERE id = :id"), {"id": check.id})
    assert logchecks.show(vault, actor, check.id) == check


def test_only_those_who_read_the_log_ask_and_those_who_see_the_state_look(vault: Vault) -> None:
    reader = Actor(person_id=PersonId("p"), roles=frozenset({Role.READER}))
    officer = Actor(person_id=PersonId("o"), roles=frozenset({Role.OFFICER}))
    for refused in (reader, officer):
        with pytest.raises(NotAllowed):
            logchecks.ask(vault, refused)
        with pytest.raises(NotAllowed):
            logchecks.check_now(vault, refused)
    logchecks.newest(vault, officer)
    for look in (logchecks.newest, logchecks.underway):
        with pytest.raises(NotAllowed):
            look(vault, reader)
    with pytest.raises(NotFound):
        logchecks.show(vault, officer, LogCheckId("x"))
