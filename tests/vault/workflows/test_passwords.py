"""Passwords changed by their person, or chosen anew by an administrator's link; people deactivated."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import pytest

from tests.support.accounts import HERE, PASSWORD, READERS, new_person, sign_in, with_authenticator
from tests.vault.workflows.faults import HandClock, watched, with_clock
from vault.credentials import Passkey, RelyingParty
from vault.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn, SecondFactorNeeded, StepUpNeeded
from vault.ids import PasskeyId, PersonId
from vault.permissions import Action
from vault.resets import RESET_LIFETIME
from vault.sessions import FRESH
from vault.workflows import credentials, descriptions, passwords, people, proofs, sessions, tokens
from vault.workflows.proofs import PasskeyAnswer, SecondFactor
from vault.workflows.sessions import Introduced
from vault.workflows.vault import Vault

NEW = "another sentence to remember"


PASSKEY_ANSWER = PasskeyAnswer(
    challenge="challenge", assertion="{}", party=RelyingParty(id="localhost", origin="http://localhost")
)


@pytest.fixture
def timed(vault: Vault) -> tuple[Vault, HandClock]:
    return with_clock(vault)


def passkey_of(vault: Vault, who: Introduced) -> Passkey:
    """One that somebody has; what it signs is not judged here."""
    passkey = Passkey(
        id=PasskeyId(vault.new_id()),
        person_id=who.actor.person_id,
        credential_index=vault.randomness.token_bytes(32),
        sealed=b"sealed",
        sign_count=0,
        created_at=vault.now(),
        last_used_at=None,
    )
    with vault.catalogue.write() as tx:
        tx.credentials.add_passkey(passkey)
    return passkey


def test_a_changed_password_ends_every_other_session(vault: Vault) -> None:
    login = new_person(vault)
    token, who = sign_in(vault, login)
    other, _ = sign_in(vault, login)
    with pytest.raises(InvalidInput):
        passwords.change_password(vault, who, old="not the old one", new=NEW, client=HERE)
    with pytest.raises(InvalidInput):
        passwords.change_password(vault, who, old=PASSWORD, new="short", client=HERE)
    passwords.change_password(vault, who, old=PASSWORD, new=NEW, client=HERE)
    sessions.signed_in(vault, token)
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, other)
    with pytest.raises(NotSignedIn):
        sign_in(vault, login)
    sessions.sign_in(vault, login=login, password=NEW, client=HERE)


def test_a_new_password_and_ended_sessions_end_a_sign_in_that_was_begun(timed: tuple[Vault, HandClock]) -> None:
    """Whoever knew the old password needs but a second factor: they begin anew, with the new one."""
    vault, clock = timed
    _, admin = sign_in(vault, new_person(vault))
    login = new_person(vault)
    _, who = sign_in(vault, login)
    app, _ = with_authenticator(vault, who)
    password = PASSWORD
    for change in (
        lambda: passwords.change_password(vault, who, old=PASSWORD, new=NEW, client=HERE),
        lambda: sessions.end_other_sessions(vault, who.actor, current=None),
        lambda: sessions.end_sessions_of(vault, admin.actor, who.actor.person_id),
        lambda: [each(vault, admin.actor, who.actor.person_id) for each in (people.deactivate, people.reactivate)],
    ):
        clock.advance(timedelta(minutes=1))
        with pytest.raises(SecondFactorNeeded) as needed:
            sessions.sign_in(vault, login=login, password=password, client=HERE)
        change()
        factor = SecondFactor(code=app.at(clock.at))
        with pytest.raises(NotSignedIn):
            sessions.answer_second_factor(vault, needed.value.challenge, factor, client=HERE)
        password = NEW


def test_a_profile_that_is_written_while_the_password_is_reset_brings_no_old_one_back(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = sign_in(vault, new_person(vault))
    login = new_person(vault)
    _, who = sign_in(vault, login)
    link = passwords.offer_reset(vault, admin.actor, who.actor.person_id, drops_factors=False)
    seal = descriptions.seal_person
    resets: list[Future[PersonId]] = []

    def sealed(*told: Any, **named: Any) -> bytes:
        # Between what was read of the person and what is written: the reset is done, or waits for us.
        if not resets:
            resets.append(pool.submit(passwords.reset_password, vault, link, password=NEW))
            wait(resets, timeout=1)
        return seal(*told, **named)

    monkeypatch.setattr(descriptions, "seal_person", sealed)
    with ThreadPoolExecutor(1) as pool:
        people.change_profile(vault, who.actor, name="Another Name")
    assert [each.result() for each in resets] == [who.actor.person_id]
    with pytest.raises(NotSignedIn):
        sign_in(vault, login)
    sessions.sign_in(vault, login=login, password=NEW, client=HERE)


def test_a_passkey_that_is_dropped_while_it_is_judged_signs_nobody_in(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = sign_in(vault, new_person(vault))
    _, who = sign_in(vault, new_person(vault))
    passkey = passkey_of(vault, who)
    monkeypatch.setattr(proofs, "check_passkey", lambda *_: passkey)
    sessions.sign_in_by_passkey(vault, PASSKEY_ANSWER, client=HERE)
    link = passwords.offer_reset(vault, admin.actor, who.actor.person_id, drops_factors=True)

    def judged(*_: object) -> Passkey:
        passwords.reset_password(vault, link, password=NEW)
        return passkey

    monkeypatch.setattr(proofs, "check_passkey", judged)
    with pytest.raises(NotSignedIn):
        sessions.sign_in_by_passkey(vault, PASSKEY_ANSWER, client=HERE)
    assert sessions.own_sessions(vault, who.actor, current=None) == []


def test_a_password_that_is_changed_while_it_is_judged_signs_nobody_in(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = sign_in(vault, new_person(vault))
    for is_current in (True, False):
        login = new_person(vault)
        _, who = sign_in(vault, login)
        link = passwords.offer_reset(vault, admin.actor, who.actor.person_id, drops_factors=False)
        with monkeypatch.context() as meanwhile:
            # Asked once the old password was found right.
            def reset(_: str, link: str = link, answer: bool = is_current) -> bool:
                passwords.reset_password(vault, link, password=NEW)
                return answer

            meanwhile.setattr(proofs, "is_current", reset)
            with pytest.raises(NotSignedIn):
                sign_in(vault, login)
        assert sessions.own_sessions(vault, who.actor, current=None) == []
        sessions.sign_in(vault, login=login, password=NEW, client=HERE)


def test_whoever_is_deactivated_while_their_proof_is_judged_is_not_let_in(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = sign_in(vault, new_person(vault))

    def deactivated(who: Introduced) -> bool:
        return not people.deactivate(vault, admin.actor, who.actor.person_id).active

    login = new_person(vault)
    _, who = sign_in(vault, login)
    # Asked once the password was found right.
    monkeypatch.setattr(proofs, "is_current", lambda _: deactivated(who))
    with pytest.raises(NotSignedIn) as refused:
        sign_in(vault, login)
    assert type(refused.value) is NotSignedIn

    _, other = sign_in(vault, new_person(vault))
    passkey = passkey_of(vault, other)
    monkeypatch.setattr(proofs, "check_passkey", lambda *_: passkey)

    def watch(at: str) -> None:
        if at == "before:write:1":  # of its session
            deactivated(other)

    with pytest.raises(NotSignedIn):
        sessions.sign_in_by_passkey(watched(vault, watch), PASSKEY_ANSWER, client=HERE)
    with vault.catalogue.read() as tx:
        assert [tx.sessions.of_person(each.actor.person_id) for each in (who, other)] == [[], []]


def test_a_password_is_not_changed_in_a_session_that_was_left_open(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    token, _ = sign_in(vault, new_person(vault))
    clock.advance(FRESH)
    with pytest.raises(StepUpNeeded):
        passwords.change_password(vault, sessions.signed_in(vault, token), old=PASSWORD, new=NEW, client=HERE)


def test_a_link_sets_a_new_password_once_and_leaves_the_second_factor(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    _, admin = sign_in(vault, new_person(vault))
    login = new_person(vault, READERS)
    token, who = sign_in(vault, login)
    app, _ = with_authenticator(vault, who)
    api_token, _ = tokens.create(
        vault, who.actor, name="x", scopes=frozenset({Action.LIST_RECORDS}), lifetime=timedelta(days=1)
    )
    older = passwords.offer_reset(vault, admin.actor, who.actor.person_id, drops_factors=False)
    link = passwords.offer_reset(vault, admin.actor, who.actor.person_id, drops_factors=False)
    passwords.check_reset(vault, link)
    with pytest.raises(InvalidInput):
        passwords.reset_password(vault, link, password="short")
    assert passwords.reset_password(vault, link, password=NEW) == who.actor.person_id
    for used in (link, older, "x", "\ud800"):
        with pytest.raises(NotFound):
            passwords.reset_password(vault, used, password=NEW)
    for ended in (token, api_token):
        with pytest.raises(NotSignedIn):
            sessions.signed_in(vault, ended)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(SecondFactorNeeded) as needed:
        sessions.sign_in(vault, login=login, password=NEW, client=HERE)
    factor = SecondFactor(code=app.at(clock.at))
    sessions.answer_second_factor(vault, needed.value.challenge, factor, client=HERE)


def test_a_link_takes_lost_second_factors_away_where_it_says_so(vault: Vault) -> None:
    _, admin = sign_in(vault, new_person(vault))
    login = new_person(vault)
    _, who = sign_in(vault, login)
    with_authenticator(vault, who)
    link = passwords.offer_reset(vault, admin.actor, who.actor.person_id, drops_factors=True)
    passwords.reset_password(vault, link, password=NEW)
    _, again = sessions.sign_in(vault, login=login, password=NEW, client=HERE)
    factors = credentials.own_factors(vault, again.actor)
    assert (factors.second, factors.recovery_codes) == (False, 0)


def test_a_link_expires(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    _, admin = sign_in(vault, new_person(vault))
    _, who = sign_in(vault, new_person(vault))
    link = passwords.offer_reset(vault, admin.actor, who.actor.person_id, drops_factors=False)
    clock.advance(RESET_LIFETIME)
    with pytest.raises(NotFound):
        passwords.reset_password(vault, link, password=NEW)


def test_nobody_makes_a_link_for_themselves_or_without_the_right_or_the_proof(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    token, admin = sign_in(vault, new_person(vault))
    _, reader = sign_in(vault, new_person(vault, READERS))
    with pytest.raises(Conflict):
        passwords.offer_reset(vault, admin.actor, admin.actor.person_id, drops_factors=True)
    with pytest.raises(NotAllowed):
        passwords.offer_reset(vault, reader.actor, admin.actor.person_id, drops_factors=True)
    clock.advance(FRESH)
    stale = sessions.signed_in(vault, token).actor
    with pytest.raises(StepUpNeeded):
        passwords.offer_reset(vault, stale, reader.actor.person_id, drops_factors=False)


def test_whoever_is_deactivated_is_out_at_once_and_their_links_are_dead(vault: Vault) -> None:
    _, admin = sign_in(vault, new_person(vault))
    login = new_person(vault)
    token, who = sign_in(vault, login)
    link = passwords.offer_reset(vault, admin.actor, who.actor.person_id, drops_factors=False)
    with pytest.raises(Conflict):
        people.deactivate(vault, admin.actor, admin.actor.person_id)
    assert not people.deactivate(vault, admin.actor, who.actor.person_id).active
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, token)
    with pytest.raises(NotSignedIn):
        sign_in(vault, login)
    with pytest.raises(NotFound):
        passwords.check_reset(vault, link)
    people.reactivate(vault, admin.actor, who.actor.person_id)
    sign_in(vault, login)


def test_people_change_their_own_name_and_language(vault: Vault) -> None:
    login = new_person(vault)
    _, who = sign_in(vault, login)
    people.change_profile(vault, who.actor, name="Wang Wei", language="zh-Hans")
    assert sign_in(vault, login)[1].profile == people.own_profile(vault, who.actor)
    assert (people.own_profile(vault, who.actor).name, people.own_profile(vault, who.actor).language) == (
        "Wang Wei",
        "zh-Hans",
    )
    with pytest.raises(InvalidInput):
        people.change_profile(vault, who.actor, language="tlh")
    with pytest.raises(InvalidInput):
        people.change_profile(vault, who.actor, name=" ")


def test_administrators_see_everybody_and_others_nobody(vault: Vault) -> None:
    _, admin = sign_in(vault, new_person(vault))
    login = new_person(vault, READERS)
    _, reader = sign_in(vault, login)
    with_authenticator(vault, reader)
    view = people.find_person(vault, admin.actor, login)
    assert (view.profile.login, view.second_factor, view.sessions) == (login, True, 1)
    assert view in people.list_people(vault, admin.actor)
    with pytest.raises(NotFound):
        people.find_person(vault, admin.actor, "nobody")
    with pytest.raises(NotAllowed):
        people.list_people(vault, reader.actor)
    with pytest.raises(NotAllowed):
        people.find_person(vault, reader.actor, login)
