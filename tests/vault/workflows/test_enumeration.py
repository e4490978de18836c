"""Nobody learns by how long a refusal takes who has an account: the same work is done for whoever exists and who not.

No clock is looked at. What is counted is the work itself: each call of the catalogue, and each check of a password with
what it costs. Links and tokens are held to the same, though nobody guesses those: of one that was used, is over or
never was, the same is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from tests.support.accounts import HERE, PASSWORD, READERS, new_person, sign_in, with_authenticator
from tests.support.people import everything
from tests.vault.workflows.faults import ON_SQLITE, with_clock
from vault.errors import NotFound, NotSignedIn, StrongroomError
from vault.ids import PersonId
from vault.permissions import Action
from vault.resets import RESET_LIFETIME
from vault.seal.passwords import password_matches
from vault.sessions import SESSION_LIFETIME, Client
from vault.shelves import Catalogue, Transaction
from vault.tokens import TOKEN_PREFIX
from vault.workflows import passwords, people, proofs, sessions, tokens
from vault.workflows.sessions import login_index
from vault.workflows.vault import Vault

pytestmark = ON_SQLITE
WRONG = "not the correct horse"


class _Shelf:
    def __init__(self, name: str, real: object, steps: list[str]) -> None:
        self._name, self._real, self._steps = name, real, steps

    def __getattr__(self, name: str) -> Any:
        self._steps.append(f"{self._name}.{name}")
        return getattr(self._real, name)


class _Shelves:
    def __init__(self, real: Transaction, steps: list[str]) -> None:
        self._real, self._steps = real, steps

    def __getattr__(self, name: str) -> Any:
        return _Shelf(name, getattr(self._real, name), self._steps)


class _Watched:
    """The real catalogue, and every step that is taken in it."""

    def __init__(self, real: Catalogue) -> None:
        self._real = real
        self.steps: list[str] = []

    def read(self) -> AbstractContextManager[Transaction]:
        return self._told("read")

    def write(self) -> AbstractContextManager[Transaction]:
        return self._told("write")

    @contextmanager
    def _told(self, kind: str) -> Iterator[Transaction]:
        self.steps.append(kind)
        with getattr(self._real, kind)() as tx:
            yield cast(Transaction, _Shelves(tx, self.steps))


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Gives the work of something that is refused: calls of the catalogue, and checks of passwords at their cost."""
    check = password_matches

    def done(
        vault: Vault, refused: Callable[[Vault], object], *, error: type[StrongroomError] = NotSignedIn
    ) -> list[str]:
        catalogue = _Watched(vault.catalogue)

        def counted(password: str, kept: str) -> bool:
            catalogue.steps.append(kept[: kept.rindex(",p=1$")])
            return check(password, kept)

        monkeypatch.setattr(proofs, "password_matches", counted)
        with pytest.raises(error):
            refused(replace(vault, catalogue=catalogue))
        return catalogue.steps

    return done


def person_of(vault: Vault, login: str) -> PersonId:
    with vault.catalogue.read() as tx:
        person = tx.people.by_login_index(login_index(vault, login))
    assert person is not None
    return person.id


def deactivated(vault: Vault) -> str:
    login = new_person(vault, READERS)
    people.deactivate(vault, everything(), person_of(vault, login))
    return login


@pytest.mark.parametrize("password", [WRONG, ""])
def test_a_sign_in_that_is_refused_takes_the_same_work_whoever_it_names(
    vault: Vault, work: Callable[..., list[str]], password: str
) -> None:
    known, guarded = new_person(vault), new_person(vault, READERS)
    token, who = sign_in(vault, guarded)
    with_authenticator(vault, who)
    cookie = sessions.device_cookie(vault, who)

    def refused(login: str, password: str, client: Client = HERE) -> list[str]:
        return work(vault, lambda watched: sessions.sign_in(watched, login=login, password=password, client=client))

    unknown = refused("nobody-of-that-name", password)
    assert [step for step in unknown if step.startswith("$argon2id$")] == ["$argon2id$v=19$m=65536,t=3"]
    assert unknown.index("people.by_login_index") < unknown.index("attempts.add")
    for login in (known, guarded, deactivated(vault)):
        assert refused(login, password) == unknown
    # Who was deactivated is not told apart by their right password either.
    assert refused(deactivated(vault), PASSWORD) == unknown
    # Nor is somebody by another one's device.
    there = replace(HERE, device=cookie)
    assert refused(known, password, there) == refused("nobody-of-that-name", password, there) == unknown
    assert sessions.introduced(vault, token).profile.login == guarded


def test_a_link_for_a_new_password_that_does_not_count_takes_the_same_work_whatever_it_was(
    vault: Vault, work: Callable[..., list[str]]
) -> None:
    vault, clock = with_clock(vault)

    def offered() -> tuple[str, PersonId]:
        person = person_of(vault, new_person(vault, READERS))
        return passwords.offer_reset(vault, everything(), person, drops_factors=False), person

    over, _ = offered()
    clock.advance(RESET_LIFETIME)
    used, _ = offered()
    passwords.reset_password(vault, used, password="another correct horse")
    of_gone, gone = offered()
    people.deactivate(vault, everything(), gone)

    def refused(token: str) -> list[str]:
        return work(vault, lambda watched: passwords.reset_password(watched, token, password=WRONG), error=NotFound)

    assert refused("never-given") == ["read", "resets.get", "people.get"]
    for token in (over, used, of_gone):
        assert refused(token) == refused("never-given")


def test_an_invitation_that_does_not_count_takes_the_same_work_whatever_it_was(
    vault: Vault, work: Callable[..., list[str]]
) -> None:
    vault, clock = with_clock(vault)
    over, used = (people.invite(vault, everything(), {READERS}) for _ in range(2))
    taken = new_person(vault, READERS)
    people.accept_invitation(vault, used, login=f"{taken}-too", name="Invited", password=PASSWORD)
    clock.advance(timedelta(hours=24))

    def refused(token: str, login: str) -> list[str]:
        def accept(watched: Vault) -> object:
            return people.accept_invitation(watched, token, login=login, name="Invited", password=PASSWORD)

        return work(vault, accept, error=NotFound)

    unknown = refused("never-given", "somebody-new")
    assert unknown == ["read", "people.invitation"]
    for token in ("never-given", over, used):
        for login in (taken, "somebody-new"):
            assert refused(token, login) == unknown


def test_a_token_that_signs_nobody_in_takes_the_same_work_whatever_it_was(
    vault: Vault, work: Callable[..., list[str]]
) -> None:
    vault, clock = with_clock(vault)

    def made() -> tuple[str, str, PersonId]:
        """A session, and an API token of a day, of somebody new."""
        login = new_person(vault)
        session, who = sign_in(vault, login)
        api_token, _ = tokens.create(
            vault, who.actor, name="a program", scopes=frozenset({Action.LIST_RECORDS}), lifetime=timedelta(days=1)
        )
        return session, api_token, who.actor.person_id

    def refused(token: str) -> list[str]:
        return work(vault, lambda watched: sessions.signed_in(watched, token))

    old_session, old_token, _ = made()
    clock.advance(max(SESSION_LIFETIME, timedelta(days=1)))
    ended_session, revoked_token, reset = made()
    link = passwords.offer_reset(vault, everything(), reset, drops_factors=False)
    passwords.reset_password(vault, link, password="another correct horse")
    session_of_gone, token_of_gone, gone = made()
    people.deactivate(vault, everything(), gone)
    assert refused(f"{TOKEN_PREFIX}never-given") == ["read", "tokens.by_digest", "people.get"]
    for token in (old_token, revoked_token, token_of_gone):
        assert refused(token) == refused(f"{TOKEN_PREFIX}never-given")
    assert refused("never-given") == ["read", "sessions.with_person"]
    for token in (old_session, ended_session, session_of_gone):
        assert refused(token) == refused("never-given")
