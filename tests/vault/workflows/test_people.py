"""People: invited once, known by a password, remembered for a while."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.people import FOUNDER, acting, everything, somebody
from tests.support.store import RunningStore
from tests.support.vault import running_vault
from tests.vault.workflows.faults import ON_SQLITE, HandClock, with_clock
from vault.audit import Event
from vault.errors import AlreadyExists, InvalidInput, NotAllowed, NotFound, NotSignedIn, Overloaded, TooManyAttempts
from vault.groups import FOUNDING
from vault.ids import PersonId
from vault.permissions import Actor, Role
from vault.sessions import SESSION_IDLE, SESSION_LIFETIME, Client
from vault.workflows import guesses, people, sessions
from vault.workflows.guesses import WINDOW
from vault.workflows.vault import Turnstile, Vault

PASSWORD = "correct horse battery"
ADMINISTRATOR = somebody("administrator")
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture(scope="module")
def inhabited(vault: Vault) -> Vault:
    """A vault in which Wang is a person."""
    token = people.invite(vault, everything(), FOUNDING)
    people.accept_invitation(vault, token, login="Wang", name="王伟", password=PASSWORD)
    return vault


@pytest.fixture
def timed(inhabited: Vault) -> tuple[Vault, HandClock]:
    return with_clock(inhabited)


def sign_in(vault: Vault, password: str = PASSWORD, *, login: str = "wang", origin: str = HERE) -> str:
    return sessions.sign_in(vault, login=login, password=password, client=Client(address=origin))[0]


# -- invitations -------------------------------------------------------------------------------------------------------


def test_before_the_first_person_only_the_newest_invitation_counts(shared_store: RunningStore, tmp_path: Path) -> None:
    with running_vault(shared_store.settings, tmp_path / "home") as vault:
        operator = people.operator(vault)
        older, newest = (people.invite(vault, operator, FOUNDING) for _ in range(2))
        with pytest.raises(NotFound):
            people.check_invitation(vault, older)
        with pytest.raises(NotFound):
            people.accept_invitation(vault, older, login="li", name="Li", password=PASSWORD)
        person = people.accept_invitation(vault, newest, login="li", name="Li", password=PASSWORD)
        assert acting(vault, person.id).roles == FOUNDER
        with pytest.raises(NotSignedIn):
            people.operator(vault)
        one, other = (people.invite(vault, ADMINISTRATOR, {"readers"}) for _ in range(2))
        assert people.check_invitation(vault, one).groups == people.check_invitation(vault, other).groups


def test_an_invitation_is_taken_once_though_many_try(inhabited: Vault) -> None:
    token = people.invite(inhabited, ADMINISTRATOR, {"readers"})

    def accept(number: int) -> str:
        try:
            people.accept_invitation(inhabited, token, login=f"guest{number}", name="Guest", password=PASSWORD)
        except NotFound:
            return "refused"
        return "accepted"

    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(accept, range(3)))
    assert sorted(outcomes) == ["accepted", "refused", "refused"]
    with pytest.raises(NotFound):
        people.check_invitation(inhabited, token)


def test_an_invitation_expires(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    token = people.invite(vault, ADMINISTRATOR, {"readers"}, lifetime=timedelta(hours=1))
    clock.advance(timedelta(minutes=59))
    people.check_invitation(vault, token)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(NotFound):
        people.accept_invitation(vault, token, login="late", name="Late", password=PASSWORD)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\ud800", "a\0b"])
def test_what_is_no_invitation_is_not_found(inhabited: Vault, token: str) -> None:
    with pytest.raises(NotFound):
        people.check_invitation(inhabited, token)


@ON_SQLITE
def test_a_refused_acceptance_leaves_the_invitation_good(inhabited: Vault) -> None:
    token = people.invite(inhabited, ADMINISTRATOR, {"readers"})
    with pytest.raises(InvalidInput):
        people.accept_invitation(inhabited, token, login="zhao", name="Zhao", password="short")
    with pytest.raises(InvalidInput):
        people.accept_invitation(inhabited, token, login="", name="Zhao", password=PASSWORD)
    for taken in ("ＷＡＮＧ", " wang "):
        with pytest.raises(AlreadyExists):
            people.accept_invitation(inhabited, token, login=taken, name="Zhao", password=PASSWORD)
    assert people.accept_invitation(inhabited, token, login="zhao", name="Zhao", password=PASSWORD).active


def test_who_may_not_invite_is_refused(inhabited: Vault) -> None:
    for roles in (frozenset[Role](), frozenset({Role.RECORDS}), frozenset({Role.READER})):
        with pytest.raises(NotAllowed):
            people.invite(inhabited, Actor(person_id=PersonId("x"), roles=roles), FOUNDING)


def test_nobody_is_invited_to_be_nothing(inhabited: Vault) -> None:
    with pytest.raises(InvalidInput):
        people.invite(inhabited, ADMINISTRATOR, frozenset())


# -- signing in --------------------------------------------------------------------------------------------------------


@ON_SQLITE
@pytest.mark.parametrize("login", ["Wang", "wang", " WANG ", "ｗａｎｇ"])
def test_whoever_knows_the_password_is_signed_in(inhabited: Vault, login: str) -> None:
    token, who = sessions.sign_in(inhabited, login=login, password=PASSWORD, client=Client(address=HERE))
    assert who.profile.name == "王伟"
    assert who.actor.roles == FOUNDER
    assert sessions.introduced(inhabited, token) == who
    assert sessions.signed_in(inhabited, token).actor == who.actor
    assert token not in repr(who.session)


@ON_SQLITE
@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("wang", "wrong horse battery"),
        ("wang", PASSWORD.upper()),
        ("nobody", PASSWORD),
        ("", ""),
        ("\ud800", "\ud800"),
        ("a\0b", "\0"),
    ],
    ids=range(6),
)
def test_every_wrong_sign_in_has_one_answer(inhabited: Vault, login: str, password: str) -> None:
    with pytest.raises(NotSignedIn) as refused:
        sessions.sign_in(inhabited, login=login, password=password, client=Client(address="198.51.100.7"))
    assert refused.value.message == "sign-in name and password do not match"


@pytest.fixture
def two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try costs a tenth of a second and 64 MiB, by design; two show the rule as well as ten."""
    monkeypatch.setattr(guesses, "TRIES_MAX", 2)


@pytest.mark.usefixtures("two_tries")
def test_too_many_wrong_tries_from_one_address_make_it_wait(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    for _ in range(2):
        with pytest.raises(NotSignedIn):
            sign_in(vault, "wrong horse battery", origin=THERE)
    with pytest.raises(TooManyAttempts) as refused:
        sign_in(vault, origin=THERE)
    assert refused.value.retry_after_s
    sign_in(vault, origin=HERE)
    clock.advance(WINDOW + timedelta(seconds=1))
    sign_in(vault, origin=THERE)


@pytest.mark.usefixtures("two_tries")
def test_guesses_made_at_once_are_counted_too(timed: tuple[Vault, HandClock]) -> None:
    vault = replace(timed[0], hashing=Turnstile(50))

    def guess(_: int) -> type[Exception]:
        try:
            sign_in(vault, "wrong horse battery", origin="203.0.113.9")
        except (NotSignedIn, TooManyAttempts) as refused:
            return type(refused)
        return type(None)  # type: ignore[return-value]  # a guess that was right

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(8)))
    assert outcomes.count(NotSignedIn) <= 2
    assert outcomes.count(NotSignedIn) + outcomes.count(TooManyAttempts) == 8


def test_more_passwords_at_once_than_fit_into_memory_wait(inhabited: Vault) -> None:
    with pytest.raises(Overloaded):
        sign_in(replace(inhabited, hashing=Turnstile(0)))


# -- sessions ----------------------------------------------------------------------------------------------------------


def test_a_session_that_is_used_lasts_twelve_hours(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    token = sign_in(vault)
    ends_at = clock.at + SESSION_LIFETIME
    while clock.at + timedelta(minutes=50) < ends_at:
        clock.advance(timedelta(minutes=50))
        sessions.signed_in(vault, token)
    clock.at = ends_at - timedelta(seconds=1)
    sessions.signed_in(vault, token)
    clock.at = ends_at
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, token)


def test_a_session_that_nobody_uses_ends_after_an_hour(timed: tuple[Vault, HandClock]) -> None:
    vault, clock = timed
    token = sign_in(vault)
    clock.advance(SESSION_IDLE - timedelta(seconds=1))
    sessions.signed_in(vault, token)
    clock.advance(SESSION_IDLE)
    with pytest.raises(NotSignedIn):
        sessions.signed_in(vault, token)


def test_who_signed_out_is_out_and_signing_out_again_is_no_error(inhabited: Vault) -> None:
    token, other = sign_in(inhabited), sign_in(inhabited)
    sessions.sign_out(inhabited, token)
    sessions.sign_out(inhabited, token)
    with pytest.raises(NotSignedIn):
        sessions.signed_in(inhabited, token)
    sessions.signed_in(inhabited, other)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\ud800"])
def test_what_is_no_session_signs_nobody_in(inhabited: Vault, token: str) -> None:
    with pytest.raises(NotSignedIn):
        sessions.signed_in(inhabited, token)
    sessions.sign_out(inhabited, token)


def test_neither_names_nor_addresses_are_in_the_log(inhabited: Vault) -> None:
    sign_in(inhabited, origin="203.0.113.77")
    with pytest.raises(NotSignedIn):
        sign_in(inhabited, "wrong horse battery", origin="203.0.113.77")
    with inhabited.catalogue.read() as tx:
        entries = tx.audit.page(limit=500)
    told = repr(entries).casefold()
    assert not [word for word in ("wang", "王伟", "203.0.113", PASSWORD) if word in told]
    assert {Event.SIGNED_IN, Event.SIGN_IN_REFUSED, Event.PERSON_ADDED, Event.PERSON_INVITED} <= {
        each.entry.event for each in entries
    }
