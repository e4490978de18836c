"""Permission reviews: silence takes back, what was kept stays, nobody decides on what is their own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.support.accounts import HERE
from tests.support.disposing import officer
from tests.support.people import acting, everything
from tests.support.vault import add_bytes, read_bytes
from tests.vault.workflows.faults import with_clock
from vault.accessreviews import NO_USES, USES, ItemKind, Ruling
from vault.audit import Event
from vault.disposal import Pause, PauseCause
from vault.errors import CatalogueBroken, Conflict, InvalidInput, NotAllowed, NotFound, StepUpNeeded
from vault.groups import FOUNDING
from vault.ids import PauseId, PersonId
from vault.permissions import Actor, Role
from vault.workflows import expiry, groups, people, sessions
from vault.workflows.accessreports import report_document, report_table
from vault.workflows.accessreviews import close_due, decide, list_reviews, show_review, start_review
from vault.workflows.awaiting import steps_awaiting
from vault.workflows.vault import Vault


def joined(vault: Vault, login: str, codes: frozenset[str] | set[str] = FOUNDING) -> Actor:
    token = people.invite(vault, everything(), codes)
    person = people.accept_invitation(vault, token, login=login, name=login.title(), password="long enough it is")
    return acting(vault, person.id)


@pytest.fixture(scope="module")
def one(vault: Vault) -> Actor:
    return joined(vault, "one")


@pytest.fixture(scope="module")
def two(vault: Vault, one: Actor) -> Actor:
    return joined(vault, "two")


@pytest.fixture(scope="module")
def five(vault: Vault, one: Actor) -> list[PersonId]:
    return [joined(vault, f"member-{number}", {"readers"}).person_id for number in range(5)]


@dataclass(frozen=True, kw_only=True)
class Team:
    """A group of its own, with one member who is nobody else."""

    code: str
    member: PersonId


_made: Iterator[int] = iter(range(10_000))


def team(vault: Vault, one: Actor, *, role: Role = Role.READER, class_code: str = "contract") -> Team:
    code = f"team-{next(_made)}"
    groups.add_group(vault, one, code)
    groups.grant_role(vault, one, code, role, class_code)
    return Team(code=code, member=joined(vault, code, {code}).person_id)


def begun(vault: Vault, one: Actor, two: Actor, *teams: Team, days: int = 7) -> str:
    named = [one.person_id, two.person_id]
    return start_review(vault, one, reviewers=named, groups=[each.code for each in teams], days=days).number


def later(vault: Vault, days: float) -> Vault:
    """The vault so many days later, upkeep having run meanwhile."""
    moved, clock = with_clock(vault)
    clock.at += timedelta(days=days)
    with vault.catalogue.write() as tx:
        tx.pauses.ran(vault.fonds.id, at=clock.at)
    return replace(moved, outside_time=clock.now)


def rights(vault: Vault, each: Team) -> tuple[bool, bool]:
    """Whether the member is in the group, and whether it grants anything."""
    view = groups.show_group(vault, everything(), each.code)
    return each.member in {m.membership.person_id for m in view.members}, bool(view.grants)


def test_silence_takes_everything_back_on_the_last_day_and_not_before(vault: Vault, one: Actor, two: Actor) -> None:
    it = team(vault, one)
    number = begun(vault, one, two, it, days=7)
    close_due(later(vault, 6.9))
    assert rights(vault, it) == (True, True)
    close_due(later(vault, 7.1))
    assert rights(vault, it) == (False, False)
    view = show_review(vault, one, number)
    assert not view.review.is_open
    assert view.counts == {Ruling.LAPSED: 2}
    with vault.catalogue.read() as tx:
        told = [each.entry for each in tx.audit.page(subject=it.member) if each.entry.event is Event.MEMBER_REMOVED]
        closed = [each.entry for each in tx.audit.page(subject=number) if each.entry.event is Event.REVIEW_CLOSED]
        newest = tx.audit.newest()
    assert [(each.actor, each.detail["review"]) for each in told] == [("clock", number)]
    assert [each.detail["lapsed"] for each in closed] == [2]
    close_due(later(vault, 8))
    with vault.catalogue.read() as tx:
        assert tx.audit.newest() == newest
    with pytest.raises(Conflict, match="closed"):
        decide(vault, one, number, keep=[1])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.sampled_from(["silent", "keep", "revoke", "keep-then-revoke", "gone"]), min_size=1, max_size=4))
def test_silence_always_revokes_and_what_was_kept_survives(
    vault: Vault, one: Actor, two: Actor, five: list[PersonId], said: list[str]
) -> None:
    """Whatever is decided in whatever order: a right is there afterwards exactly if somebody kept it."""
    code = f"team-{next(_made)}"
    groups.add_group(vault, one, code)
    # The last one keeps the review open: it is closed with its last decision.
    said = [*said, "silent"]
    members = five[: len(said)]
    for member in members:
        groups.add_member(vault, one, code, member)
    number = start_review(vault, one, reviewers=[one.person_id, two.person_id], groups=[code], days=3).number
    items = {each.item.person_id: each.item.ordinal for each in show_review(vault, one, number).items}
    for member, what in zip(members, said, strict=True):
        if what.startswith("keep"):
            decide(vault, two, number, keep=[items[member]])
        if what.endswith("revoke"):
            decide(vault, one, number, revoke=[items[member]])
        if what == "gone":
            groups.remove_member(vault, two, code, member)
    kept = {member for member, what in zip(members, said, strict=True) if what == "keep"}
    close_due(later(vault, 3.1))
    assert {each.membership.person_id for each in groups.show_group(vault, one, code).members} == kept
    assert not show_review(vault, one, number).review.is_open


def test_nobody_decides_on_what_is_their_own_not_even_past_the_workflow(vault: Vault, one: Actor, two: Actor) -> None:
    it = team(vault, one)
    groups.add_member(vault, two, it.code, one.person_id)
    number = begun(vault, one, two, it)
    items = show_review(vault, one, number).items
    assert {each.item.person_id: each.mine for each in items} == {it.member: True, one.person_id: False, None: False}
    mine = next(each.item for each in items if each.item.person_id == one.person_id)
    grant = next(each.item for each in items if each.item.kind is ItemKind.GRANT)
    for item in (mine, grant):
        for keep in (True, False):
            with pytest.raises(NotAllowed, match="their own"):
                decide(vault, one, number, **{"keep" if keep else "revoke": [item.ordinal]})
        with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
            tx.reviews.decide(replace(item, ruling=Ruling.KEPT, decided_by=one.person_id, decided_at=vault.now()))
    stranger = replace(mine, ruling=Ruling.KEPT, decided_by=it.member, decided_at=vault.now())
    with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
        tx.reviews.decide(stranger)
    decide(vault, two, number, keep=[mine.ordinal, grant.ordinal])
    assert show_review(vault, one, number).review.is_open


def test_a_review_does_not_begin_in_which_nobody_could_decide(vault: Vault, one: Actor, two: Actor) -> None:
    it = team(vault, one)
    groups.add_member(vault, two, it.code, one.person_id)
    with pytest.raises(Conflict, match="their own"):
        start_review(vault, two, reviewers=[one.person_id], groups=[it.code], days=7)
    for wrong, error in (
        ({"reviewers": []}, InvalidInput),
        ({"reviewers": [it.member]}, InvalidInput),
        ({"reviewers": ["nobody"]}, NotFound),
        ({"reviewers": [two.person_id], "groups": ["nothing"]}, NotFound),
        ({"reviewers": [two.person_id], "days": 0}, InvalidInput),
        ({"reviewers": [two.person_id], "days": 91}, InvalidInput),
    ):
        with pytest.raises(error):
            start_review(vault, one, **{"days": 7, "groups": [it.code], **wrong})  # type: ignore[arg-type]  # wrong on purpose
    empty = f"team-{next(_made)}"
    groups.add_group(vault, one, empty)
    with pytest.raises(Conflict, match="nothing to review"):
        start_review(vault, one, reviewers=[two.person_id], groups=[empty], days=7)


def test_only_whoever_is_named_decides_and_only_whoever_may_see_it_finds_it(
    vault: Vault, one: Actor, two: Actor
) -> None:
    it = team(vault, one)
    number = start_review(vault, one, reviewers=[two.person_id], groups=[it.code], days=7).number
    with pytest.raises(NotAllowed, match="not named"):
        decide(vault, one, number, keep=[1])
    records_officer = joined(vault, f"officer-{it.code}", {"officers"})
    auditor = joined(vault, f"auditor-{it.code}", {"audit"})
    assert number not in {each.number for each, _ in list_reviews(vault, records_officer)}
    with pytest.raises(NotFound):
        show_review(vault, records_officer, number)
    assert number in {each.number for each, _ in list_reviews(vault, auditor)}
    with pytest.raises(NotAllowed):
        decide(vault, auditor, number, keep=[1])
    with pytest.raises(NotAllowed):
        list_reviews(vault, acting(vault, it.member))
    stale = Actor(person_id=two.person_id, roles=two.roles)
    with pytest.raises(StepUpNeeded):
        decide(vault, stale, number, keep=[1])
    with pytest.raises(StepUpNeeded):
        start_review(vault, stale, reviewers=[two.person_id], groups=[it.code], days=7)


def test_some_are_kept_and_others_taken_back_at_once_or_nothing_is(vault: Vault, one: Actor, two: Actor) -> None:
    it, another = team(vault, one), team(vault, one)
    number = begun(vault, one, two, it, another)
    before = show_review(vault, one, number).counts
    with pytest.raises(InvalidInput, match="not both"):
        decide(vault, one, number, keep=[1], revoke=[1, 2])
    with pytest.raises(NotFound):
        decide(vault, one, number, keep=[99], revoke=[1])
    assert show_review(vault, one, number).counts == before == {Ruling.PENDING: 4}
    decide(vault, one, number, keep=[1, 3], revoke=[2])
    assert show_review(vault, one, number).counts == {Ruling.PENDING: 1, Ruling.KEPT: 2, Ruling.REVOKED: 1}


def test_a_clock_that_jumped_takes_nothing_back(vault: Vault, one: Actor, two: Actor) -> None:
    it = team(vault, one)
    number = begun(vault, one, two, it, days=7)
    with vault.catalogue.write() as tx:
        tx.pauses.ran(vault.fonds.id, at=vault.now())
    jumped, clock = with_clock(vault)
    clock.advance(timedelta(days=14))
    alone, together = jumped, replace(jumped, outside_time=clock.now)
    for moved in (alone, together):
        for upkeep in (close_due, expiry.expire, close_due):
            assert upkeep(moved).code == "expiry-paused"
        assert rights(vault, it) == (True, True)
        expiry.resume(moved, officer("ann"))
        with vault.catalogue.write() as tx:
            tx.pauses.ran(vault.fonds.id, at=vault.now())
    close_due(later(vault, 7.1))
    assert show_review(vault, one, number).counts == {Ruling.LAPSED: 2}


def test_a_destruction_that_waits_for_an_officer_keeps_no_right_given(vault: Vault, one: Actor, two: Actor) -> None:
    number = begun(vault, one, two, team(vault, one), days=7)
    moved, clock = with_clock(vault)
    moved = replace(moved, outside_time=clock.now)
    pause = Pause(
        id=PauseId(vault.new_id()),
        fonds_id=vault.fonds.id,
        cause=PauseCause.SHARE_EXCEEDED,
        measure=2,
        living=2,
        at=clock.at,
        resumed_by=None,
        resumed_at=None,
    )
    with vault.catalogue.write() as tx:
        tx.pauses.ran(vault.fonds.id, at=clock.at)
        tx.pauses.add(pause)
    for _ in range(4):
        clock.advance(timedelta(days=1.9))
        assert expiry.expire(moved).values == {"cause": "share-exceeded"}
    clock.advance(timedelta(days=3))
    assert (expiry.expire(moved).code, close_due(moved).code) == ("expiry-paused", "expiry-paused"), "it jumped"
    assert show_review(vault, one, number).review.is_open
    clock.advance(timedelta(days=-3))
    assert close_due(moved).code != "expiry-paused"
    assert show_review(vault, one, number).counts == {Ruling.LAPSED: 2}
    assert expiry.resume(moved, officer("ann")).cause is PauseCause.SHARE_EXCEEDED


def test_every_event_is_a_use_of_a_role_or_of_none() -> None:
    used = frozenset[Event]().union(*USES.values())
    assert used | NO_USES == frozenset(Event)
    assert not used & NO_USES


def test_reviews_that_others_have_seen_since_do_not_hide_ones_own(vault: Vault, one: Actor, two: Actor) -> None:
    reviewer = joined(vault, "reviewing-officer", {"officers"})
    it = team(vault, one)
    number = start_review(vault, one, reviewers=[reviewer.person_id], groups=[it.code], days=7).number
    with vault.catalogue.write() as tx:
        mine = tx.reviews.by_number(vault.fonds.id, number)
        assert mine is not None
        for turn in range(100):
            another = replace(mine, id=vault.new_id(), number=f"R-1999-{turn:04d}")
            tx.reviews.add(replace(another, started_at=mine.started_at + timedelta(seconds=1)), [two.person_id], ())
    assert {each.number for each, _ in list_reviews(vault, reviewer)} == {number}
    assert len(list_reviews(vault, one)) == 100
    close_due(later(vault, 7.1))


def test_what_was_given_anew_meanwhile_is_not_touched_by_silence(vault: Vault, one: Actor, two: Actor) -> None:
    it = team(vault, one)
    number = begun(vault, one, two, it)
    groups.remove_member(vault, one, it.code, it.member)
    groups.add_member(later(vault, 0.1), one, it.code, it.member)
    close_due(later(vault, 7.1))
    assert rights(vault, it) == (True, False)
    assert show_review(vault, one, number).counts == {Ruling.LAPSED: 1, Ruling.GONE: 1}


def test_silence_leaves_the_last_security_administrator(vault: Vault, one: Actor, two: Actor) -> None:
    lone = joined(vault, "lone-officer", {"officers"})
    another = joined(vault, "another-officer", {"officers"})
    number = start_review(vault, one, reviewers=[lone.person_id, another.person_id], groups=["security"], days=3).number
    close_due(later(vault, 3.1))
    view = show_review(vault, one, number)
    assert view.counts[Ruling.LEFT] == 1
    assert set(view.counts) == {Ruling.LEFT, Ruling.LAPSED}
    left = next(each.item.person_id for each in view.items if each.item.ruling is Ruling.LEFT)
    assert acting(vault, left or PersonId("")).roles >= {Role.SECURITY}
    for gone in {one.person_id, two.person_id} - {left}:
        groups.add_member(vault, acting(vault, left or PersonId("")), "security", gone)


def test_the_last_use_is_what_the_log_knows(vault: Vault, one: Actor, two: Actor) -> None:
    used, unused = team(vault, one), team(vault, one, class_code="correspondence")
    record = add_bytes(vault, one, b"read", class_code="contract").record_id
    assert read_bytes(vault, acting(vault, used.member), record) == b"read"
    with vault.catalogue.read() as tx:
        at = next(e.entry.at for e in tx.audit.page(subject=record) if e.entry.event is Event.RECORD_OPENED)
    # What somebody does to themselves is no use of what they may do to others.
    inside = joined(vault, "inside", {"security"}).person_id
    _, who = sessions.sign_in(vault, login="inside", password="long enough it is", client=HERE)
    sessions.end_other_sessions(vault, who.actor, current=None)
    number = start_review(vault, one, reviewers=[one.person_id, two.person_id], groups=["security"], days=3).number
    assert {each.item.person_id: each.item.last_used_at for each in show_review(vault, one, number).items}[
        inside
    ] is None
    sessions.end_sessions_of(vault, who.actor, used.member)
    number = start_review(vault, one, reviewers=[one.person_id, two.person_id], groups=["security"], days=3).number
    assert {each.item.person_id: each.item.last_used_at for each in show_review(vault, one, number).items}[inside]
    view = show_review(vault, one, begun(vault, one, two, used, unused))
    assert {(each.item.group, each.item.last_used_at) for each in view.items} == {(used.code, at), (unused.code, None)}


def test_whoever_is_named_has_a_task_until_it_is_decided(vault: Vault, one: Actor, two: Actor) -> None:
    it = team(vault, one)
    number = start_review(vault, one, reviewers=[two.person_id], groups=[it.code], days=7).number

    def waits(who: Actor) -> list[tuple[bool, int]]:
        steps = [each for each in steps_awaiting(vault, who) if each.kind == "review-grants" and each.key == number]
        return [(each.mine, each.count) for each in steps]

    assert waits(two) == [(True, 2)]
    assert waits(one) == [(False, 2)]
    decide(vault, two, number, keep=[1])
    assert waits(two) == [(True, 1)]
    decide(vault, two, number, keep=[2])
    assert waits(two) == waits(one) == []
    assert not show_review(vault, one, number).review.is_open


def test_what_was_taken_back_is_gone_at_once(vault: Vault, one: Actor, two: Actor) -> None:
    it = team(vault, one)
    record = add_bytes(vault, one, b"secret", class_code="contract").record_id
    number = begun(vault, one, two, it)
    decide(vault, two, number, revoke=[1])
    with pytest.raises(NotAllowed):
        read_bytes(vault, acting(vault, it.member), record)
    assert rights(vault, it) == (False, True)
    with pytest.raises(Conflict, match="taken back"):
        decide(vault, two, number, keep=[1])


def test_the_report_has_a_line_an_item_and_no_formula(vault: Vault, one: Actor, two: Actor) -> None:
    it = team(vault, one)
    token = people.invite(vault, everything(), {it.code})
    people.accept_invitation(vault, token, login=f"f-{it.code}", name="=1+1", password="long enough it is")
    number = begun(vault, one, two, it)
    decide(vault, two, number, keep=[1])
    view = show_review(vault, one, number)
    rows = list(csv.DictReader(io.StringIO(report_table(view))))
    assert [row["ruling"] for row in rows] == ["kept", "pending", "pending"]
    assert rows[0]["decided_by_name"] == "Two"
    assert rows[1]["name"] == "'=1+1"
    document = report_document(view)
    assert document["counts"] == {"kept": 1, "pending": 2}


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE reviews SET ends_at = started_at",
        "UPDATE reviews SET closed_at = started_at",
        "DELETE FROM review_items",
        "UPDATE review_items SET group_code = 'readers'",
        "UPDATE review_items SET decided_by = NULL, decided_at = NULL, ruling = 'pending'",
        "DELETE FROM reviewers",
    ],
)
def test_the_database_keeps_a_review_as_it_was(vault: Vault, one: Actor, two: Actor, attempt: str) -> None:
    it = team(vault, one)
    number = begun(vault, one, two, it)
    decide(vault, two, number, revoke=[1])
    with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
        tx.reviews._rows.run(text(attempt))  # type: ignore[attr-defined]  # past the shelf
