"""Signing in, proving oneself again, and who is signed in where."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.accounts import HERE, PASSWORD, READERS, THERE, new_person, sign_in, with_authenticator
from tests.support.people import everything
from tests.vault.workflows.faults import HandClock, with_clock
from vault.audit import Event
from vault.errors import (
    NotAllowed,
    NotFound,
    NotSignedIn,
    SecondFactorNeeded,
    StepUpNeeded,
    TooManyAttempts,
)
from vault.permissions import Actor
from vault.seal import passwords as hashing
from vault.sessions import FRESH, Client, SessionKind
from vault.workflows import credentials, freshness, guesses, people, proofs, sessions
from vault.workflows.proofs import SecondFactor
from vault.workflows.vault import Vault

WRONG = "wrong horse battery"


@pytest.fixture
def timed(vault: Vault) -> tuple[Vault, HandClock]:
    return with_clock(vault)


def refuse(vault: Vault, login: str, client: Client) -> None:
    with pytest.raises(NotSignedIn):
        sessions.sign_in(vault, login=login, password=WRONG, client=client)


def events(vault: Vault) -> list[Event]:
    with vault.catalogue.read() as tx:
        return [each.entry.event for each in tx.audit.page(limit=500)]


# -- a second factor ---------------------------------------------------------------------------------------------------


def test_with_an_authenticator_a_password_alone_signs_nobody_in(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    login = new_person(vault)
    app, _ = with_authenticator(vault, sign_in(vault, login)[1])
    clock.advance(timedelta(minutes=1))
    with pytest.raises(SecondFactorNeeded) as needed:
        sign_in(vault, login)
    with pytest.raises(SecondFactorNeeded) as again:
        sessions.answer_second_factor(vault, needed.value.challenge, SecondFactor(code="000000"), client=HERE)
    with pytest.raises(NotSignedIn):
        sessions.answer_second_factor(vault, needed.value.challenge, SecondFactor(code=app.at(clock.at)), client=HERE)
    code = app.at(clock.at)
    token, who = sessions.answer_second_factor(vault, again.value.challenge, SecondFactor(code=code), client=HERE)
    assert sessions.introduced(vault, token) == who
    assert who.actor.proved_within(FRESH, now=clock.at)


def test_a_code_counts_once_and_older_ones_no_more(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    login = new_person(vault)
    app, _ = with_authenticator(vault, sign_in(vault, login)[1])
    clock.advance(timedelta(minutes=1))
    older, code = app.at(clock.at - timedelta(seconds=30)), app.at(clock.at)
    factor = SecondFactor(code=f" {code[:3]} {code[3:]} ")
    sessions.sign_in(vault, login=login, password=PASSWORD, client=HERE, factor=factor)
    for used in (code, older):
        with pytest.raises(SecondFactorNeeded):
            sessions.sign_in(vault, login=login, password=PASSWORD, client=HERE, factor=SecondFactor(code=used))


def test_the_code_that_set_the_app_up_does_not_sign_in(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    login = new_person(vault)
    app, _ = with_authenticator(vault, sign_in(vault, login)[1])
    with pytest.raises(SecondFactorNeeded):
        sessions.sign_in(vault, login=login, password=PASSWORD, client=HERE, factor=SecondFactor(code=app.at(clock.at)))


def test_a_recovery_code_opens_once(timed: tuple[Vault, HandClock]) -> None:
    vault, _ = timed
    login = new_person(vault)
    _, codes = with_authenticator(vault, sign_in(vault, login)[1])
    assert len(set(codes)) == 10
    factor = SecondFactor(code=codes[3].upper().replace("-", " "))
    _, who = sessions.sign_in(vault, login=login, password=PASSWORD, client=HERE, factor=factor)
    assert credentials.own_factors(vault, who.actor).recovery_codes == 9
    with pytest.raises(SecondFactorNeeded):
        sessions.sign_in(vault, login=login, password=PASSWORD, client=HERE, factor=factor)
    assert Event.RECOVERY_CODE_USED in events(vault)


def test_codes_are_not_guessed_for_ever(timed: tuple[Vault, HandClock], monkeypatch: pytest.MonkeyPatch) -> None:
    vault, _ = timed
    login = new_person(vault)
    token, who = sign_in(vault, login)
    with_authenticator(vault, who)
    monkeypatch.setattr(guesses, "TRIES_MAX", 3)
    for _ in range(3):
        with pytest.raises(NotSignedIn):
            sessions.step_up(vault, token, client=HERE, factor=SecondFactor(code="123456"))
    with pytest.raises(TooManyAttempts):
        sessions.step_up(vault, token, client=HERE, factor=SecondFactor(code="123456"))


def test_no_secret_and_no_code_is_in_clear_in_the_catalogue(vault: Vault) -> None:
    login = new_person(vault)
    enrolment = credentials.begin_authenticator(vault, sign_in(vault, login)[1].actor)
    secret = enrolment.secret.replace(" ", "")
    with vault.catalogue.read() as tx:
        person = tx.people.by_login_index(sessions.login_index(vault, login))
        assert person is not None
        kept = tx.credentials.authenticator(person.id)
    assert kept is not None
    assert secret.encode() not in kept.sealed_secret


# -- proving again -----------------------------------------------------------------------------------------------------


def test_a_proof_grows_old_after_five_minutes_and_is_given_again(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    token, who = sign_in(vault, new_person(vault))
    freshness.require_fresh(vault, who.actor)
    clock.advance(FRESH)
    with pytest.raises(StepUpNeeded):
        freshness.require_fresh(vault, sessions.signed_in(vault, token).actor)
    renewed, again = sessions.step_up(vault, token, client=HERE, password=PASSWORD)
    freshness.require_fresh(vault, again.actor)
    freshness.require_fresh(vault, sessions.signed_in(vault, renewed).actor)


def test_the_token_of_before_a_proof_is_worth_nothing_afterwards(vault: Vault) -> None:
    token, _ = sign_in(vault, new_person(vault))
    renewed, _ = sessions.step_up(vault, token, client=HERE, password=PASSWORD)
    assert renewed != token
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, token)
    with pytest.raises(NotSignedIn):
        sessions.step_up(vault, token, client=HERE, password=PASSWORD)


def test_who_has_a_second_factor_does_not_prove_anything_by_the_password(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    token, who = sign_in(vault, new_person(vault))
    app, _ = with_authenticator(vault, who)
    clock.advance(timedelta(minutes=10))
    with pytest.raises(NotSignedIn):
        sessions.step_up(vault, token, client=HERE, password=PASSWORD)
    sessions.step_up(vault, token, client=HERE, factor=SecondFactor(code=app.at(clock.at)))


def test_a_wrong_proof_changes_nothing_and_is_in_the_log(vault: Vault) -> None:
    token, _ = sign_in(vault, new_person(vault))
    with pytest.raises(NotSignedIn):
        sessions.step_up(vault, token, client=HERE, password=WRONG)
    sessions.signed_in(vault, token)
    assert Event.STEP_UP_REFUSED in events(vault)


def test_somebody_made_up_without_a_proof_is_asked_for_one(vault: Vault) -> None:
    _, who = sign_in(vault, new_person(vault))
    with pytest.raises(StepUpNeeded):
        freshness.require_fresh(vault, Actor(person_id=who.actor.person_id, roles=who.actor.roles))
    future = replace(who.actor, stepped_up_at=vault.now() + timedelta(days=1))
    with pytest.raises(StepUpNeeded):
        freshness.require_fresh(vault, future)


# -- guesses: nobody locks others out ----------------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A try costs a tenth of a second by design; a few show the rules as well as many."""
    monkeypatch.setattr(guesses, "TRIES_MAX", 2)
    monkeypatch.setattr(guesses, "NAME_TRIES_MAX", 3)


@pytest.mark.usefixtures("few")
def test_an_attacker_locks_themselves_out_and_not_the_owner(timed: tuple[Vault, HandClock]) -> None:
    vault, _ = timed
    login = new_person(vault)
    for _ in range(2):
        refuse(vault, login, THERE)
    with pytest.raises(TooManyAttempts):
        sessions.sign_in(vault, login=login, password=PASSWORD, client=THERE)
    sign_in(vault, login, HERE)


@pytest.mark.usefixtures("few")
def test_a_known_device_gets_in_while_its_own_address_is_locked(timed: tuple[Vault, HandClock]) -> None:
    vault, _ = timed
    login = new_person(vault)
    _, who = sign_in(vault, login)
    known = replace(HERE, device=sessions.device_cookie(vault, who))
    for _ in range(2):
        refuse(vault, login, HERE)
    with pytest.raises(TooManyAttempts):
        sign_in(vault, login, HERE)
    sign_in(vault, login, known)


@pytest.mark.usefixtures("few")
def test_a_known_device_gets_in_while_its_name_is_under_attack_from_everywhere(
    timed: tuple[Vault, HandClock],
) -> None:
    vault, clock = timed
    login = new_person(vault)
    _, who = sign_in(vault, login)
    known = replace(HERE, device=sessions.device_cookie(vault, who))
    for number in range(3):
        refuse(vault, login, Client(address=f"198.51.100.{number}"))
    with pytest.raises(TooManyAttempts):
        sessions.sign_in(vault, login=login, password=PASSWORD, client=Client(address="198.51.100.77"))
    sign_in(vault, login, known)
    sign_in(vault, login, Client(kind=SessionKind.COMMAND_LINE, address="command-line"))
    clock.advance(guesses.NAME_LANE + timedelta(seconds=1))
    sign_in(vault, login, Client(address="198.51.100.77"))


@pytest.mark.usefixtures("few")
def test_a_device_that_guesses_is_one_like_any_other(timed: tuple[Vault, HandClock]) -> None:
    vault, _ = timed
    login = new_person(vault)
    _, who = sign_in(vault, login)
    stolen = replace(THERE, device=sessions.device_cookie(vault, who))
    for _ in range(4):
        refuse(vault, login, stolen)
    with pytest.raises(TooManyAttempts):
        sign_in(vault, login, stolen)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("device", ["", "x", "a.b", "a" * 26 + "." + "0" * 64, "\u00e9." * 20])
def test_a_device_cookie_that_nobody_signed_counts_as_none(timed: tuple[Vault, HandClock], device: str) -> None:
    vault, _ = timed
    login = new_person(vault)
    for _ in range(2):
        refuse(vault, login, HERE)
    with pytest.raises(TooManyAttempts):
        sign_in(vault, login, replace(HERE, device=device))


@pytest.mark.usefixtures("few")
def test_a_device_of_one_person_is_unknown_for_another(timed: tuple[Vault, HandClock]) -> None:
    vault, _ = timed
    login, other = new_person(vault), new_person(vault)
    theirs = sessions.device_cookie(vault, sign_in(vault, other)[1])
    for _ in range(2):
        refuse(vault, login, HERE)
    with pytest.raises(TooManyAttempts):
        sign_in(vault, login, replace(HERE, device=theirs))


# -- a name that exists and one that does not --------------------------------------------------------------------------


def test_an_unknown_name_costs_as_much_work_and_says_the_same(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    known, gone = new_person(vault), new_person(vault)
    person = people.find_person(vault, everything(), gone).person
    people.deactivate(vault, everything(), person.id)
    hashed: list[str] = []
    statements: list[int] = []

    def counted(password: str, kept: str) -> bool:
        hashed.append(kept.rpartition("$")[0].rpartition("$")[0])
        return hashing.password_matches(password, kept)

    monkeypatch.setattr(proofs, "password_matches", counted)
    answers = set()
    for name in (known, gone, "nobody at all", ""):
        before = len(hashed)
        with pytest.raises(NotSignedIn) as refused:
            sessions.sign_in(vault, login=name, password=WRONG, client=Client(address=f"203.0.113.{len(hashed)}"))
        answers.add((type(refused.value), refused.value.message, refused.value.code))
        statements.append(len(hashed) - before)
    assert statements == [1, 1, 1, 1]
    assert len(set(hashed)) == 1, "every try hashed with the same parameters"
    assert len(answers) == 1


def test_a_hash_of_older_parameters_is_made_anew_at_the_next_sign_in(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(hashing, "PASSWORD_MEMORY_KIB", 19 * 1024)
        login = new_person(vault)
    index = sessions.login_index(vault, login)

    def kept() -> str:
        with vault.catalogue.read() as tx:
            person = tx.people.by_login_index(index)
        assert person is not None
        return person.password_hash

    assert "m=19456" in kept()
    refuse(vault, login, HERE)
    assert "m=19456" in kept()
    sign_in(vault, login)
    renewed = kept()
    assert "m=65536" in renewed
    sign_in(vault, login)
    assert kept() == renewed


# -- one's own sessions ------------------------------------------------------------------------------------------------


def test_people_see_where_they_are_signed_in_and_end_it(vault: Vault) -> None:
    login = new_person(vault)
    token, who = sign_in(vault, login, HERE)
    other, _ = sign_in(vault, login, THERE)
    third, _ = sign_in(vault, login, Client(kind=SessionKind.PROGRAM, address="192.0.2.3"))
    assert who.session is not None
    views = sessions.own_sessions(vault, who.actor, current=who.session.id)
    assert [(each.client.address, each.client.agent, each.current) for each in views] == [
        ("192.0.2.3", "", False),
        ("192.0.2.2", "Safari", False),
        ("192.0.2.1", "Firefox", True),
    ]
    sessions.end_session(vault, who.actor, views[1].session.id)
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, other)
    assert sessions.end_other_sessions(vault, who.actor, current=who.session.id) == 1
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, third)
    sessions.signed_in(vault, token)


def test_nobody_ends_or_sees_the_sessions_of_somebody_else(vault: Vault) -> None:
    _, mine = sign_in(vault, new_person(vault))
    theirs, their = sign_in(vault, new_person(vault))
    assert their.session is not None
    with pytest.raises(NotFound):
        sessions.end_session(vault, mine.actor, their.session.id)
    sessions.signed_in(vault, theirs)
    ids = {each.session.id for each in sessions.own_sessions(vault, mine.actor, current=None)}
    assert their.session.id not in ids


def test_an_administrator_ends_all_sessions_of_somebody(vault: Vault) -> None:
    _, admin = sign_in(vault, new_person(vault))
    token, reader = sign_in(vault, new_person(vault, READERS))
    with pytest.raises(NotAllowed):
        sessions.end_sessions_of(vault, reader.actor, admin.actor.person_id)
    assert sessions.end_sessions_of(vault, admin.actor, reader.actor.person_id) == 1
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, token)


def test_neither_addresses_nor_programs_are_in_clear(vault: Vault) -> None:
    _, who = sign_in(vault, new_person(vault), Client(address="203.0.113.201", agent="Lynx of somebody"))
    assert who.session is not None
    assert b"203.0.113" not in who.session.sealed_client
    assert b"Lynx" not in who.session.sealed_client
    with vault.catalogue.read() as tx:
        told = repr(tx.audit.page(limit=500))
    assert "203.0.113.201" not in told
    assert "Lynx" not in told
