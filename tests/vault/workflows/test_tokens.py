"""API tokens: for some actions, until a day, never for what asks for a proof."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.accounts import READERS, new_person, sign_in
from tests.support.people import somebody
from tests.vault.workflows.faults import HandClock, with_clock
from vault.errors import InvalidInput, NotAllowed, NotFound, NotSignedIn, StepUpNeeded
from vault.permissions import Action
from vault.sessions import FRESH
from vault.tokens import TOKEN_LIFETIME_MAX, TOKEN_PREFIX, checked_scopes
from vault.workflows import customers, freshness, passwords, people, schedules, sessions, tokens
from vault.workflows.sessions import SignedIn
from vault.workflows.vault import Vault

READING = frozenset({Action.LIST_RECORDS, Action.LIST_CUSTOMERS})


@pytest.fixture
def timed(vault: Vault) -> tuple[Vault, HandClock]:
    return with_clock(vault)


def make(vault: Vault, who: SignedIn, *scopes: Action, days: float = 1) -> str:
    return tokens.create(
        vault, who.actor, name="Nightly", scopes=frozenset(scopes) or READING, lifetime=timedelta(days=days)
    )[0]


def test_a_token_may_what_it_names_and_nothing_else(vault: Vault) -> None:
    _, who = sign_in(vault, new_person(vault))
    text = make(vault, who)
    assert text.startswith(TOKEN_PREFIX)
    program = sessions.signed_in(vault, text)
    assert program.session is None
    assert program.actor.person_id == who.actor.person_id
    customers.list_customers(vault, program.actor)
    for action in Action:
        assert program.actor.may(action) is (action in READING)
    with pytest.raises(NotAllowed):
        people.list_people(vault, program.actor)


def test_only_its_digest_is_kept_and_its_name_is_sealed(vault: Vault) -> None:
    _, who = sign_in(vault, new_person(vault))
    text, view = tokens.create(vault, who.actor, name="The notary's import", scopes=READING, lifetime=timedelta(days=1))
    assert text not in repr(view)
    assert b"notary" not in view.token.sealed
    assert [each.name for each in tokens.own_tokens(vault, who.actor)] == ["The notary's import"]


def test_a_token_is_over_when_it_expires_or_is_revoked(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    _, who = sign_in(vault, new_person(vault))
    short, revoked = make(vault, who, days=1), make(vault, who, days=2)
    views = tokens.own_tokens(vault, who.actor)
    newest = next(each for each in views if each.token.expires_at - clock.at == timedelta(days=2))
    tokens.revoke(vault, who.actor, newest.token.id)
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, revoked)
    with pytest.raises(NotFound):
        tokens.revoke(vault, who.actor, newest.token.id)
    sessions.signed_in(vault, short)
    clock.advance(timedelta(days=1))
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, short)


def test_nobody_gives_a_token_more_than_they_have(vault: Vault) -> None:
    _, reader = sign_in(vault, new_person(vault, READERS))
    with pytest.raises(NotAllowed):
        make(vault, reader, Action.DESTROY_RECORDS)
    make(vault, reader, Action.LIST_RECORDS)


def test_a_token_loses_what_its_person_loses(vault: Vault) -> None:
    login = new_person(vault)
    _, who = sign_in(vault, login)
    text = make(vault, who)
    people.deactivate(vault, somebody("another"), who.actor.person_id)
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, text)
    people.reactivate(vault, somebody("another"), who.actor.person_id)
    sessions.signed_in(vault, text)


def test_a_token_proves_nothing_and_tends_no_account(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    token, who = sign_in(vault, new_person(vault))
    program = sessions.signed_in(vault, make(vault, who, *(action for action in Action if who.actor.may(action))))
    with pytest.raises(NotAllowed):
        freshness.require_fresh(vault, program.actor)
    with pytest.raises(NotAllowed):
        schedules.approve(vault, program.actor, "contract")
    for step in (
        lambda: tokens.create(vault, program.actor, name="x", scopes=READING, lifetime=timedelta(days=1)),
        lambda: tokens.own_tokens(vault, program.actor),
        lambda: people.change_profile(vault, program.actor, name="Another"),
        lambda: sessions.own_sessions(vault, program.actor, current=None),
        lambda: passwords.offer_reset(vault, program.actor, who.actor.person_id, drops_factors=False),
    ):
        with pytest.raises(NotAllowed):
            step()
    clock.advance(FRESH)
    with pytest.raises(StepUpNeeded):
        make(vault, sessions.signed_in(vault, token))


def test_nobody_revokes_a_token_of_somebody_else(vault: Vault) -> None:
    _, mine = sign_in(vault, new_person(vault))
    _, their = sign_in(vault, new_person(vault))
    text = make(vault, their)
    with pytest.raises(NotFound):
        tokens.revoke(vault, mine.actor, tokens.own_tokens(vault, their.actor)[0].token.id)
    sessions.signed_in(vault, text)
    assert not tokens.own_tokens(vault, mine.actor)


def test_its_last_use_is_kept(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    _, who = sign_in(vault, new_person(vault))
    text = make(vault, who)
    assert tokens.own_tokens(vault, who.actor)[0].token.last_used_at is None
    clock.advance(timedelta(minutes=5))
    sessions.signed_in(vault, text)
    assert tokens.own_tokens(vault, who.actor)[0].token.last_used_at == clock.at


def test_what_is_no_token_is_refused(vault: Vault) -> None:
    _, who = sign_in(vault, new_person(vault))
    with pytest.raises(InvalidInput):
        tokens.create(vault, who.actor, name=" ", scopes=READING, lifetime=timedelta(days=1))
    for lifetime in (timedelta(), TOKEN_LIFETIME_MAX + timedelta(days=1)):
        with pytest.raises(InvalidInput):
            tokens.create(vault, who.actor, name="x", scopes=READING, lifetime=lifetime)
    for names in (frozenset[str](), frozenset({"everything"})):
        with pytest.raises(InvalidInput):
            checked_scopes(names)
    for text in (TOKEN_PREFIX, TOKEN_PREFIX + "x", TOKEN_PREFIX + "A" * 43):
        with pytest.raises(NotSignedIn):
            sessions.signed_in(vault, text)
