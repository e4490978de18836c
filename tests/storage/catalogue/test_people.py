"""Customers, people, invitations, sessions, attempts."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from storage.catalogue.database import SqlCatalogue
from tests.storage.catalogue.samples import NOW, Home, an_id
from vault.errors import AlreadyExists
from vault.groups import FOUNDING
from vault.ids import CustomerId, PersonId, SessionId
from vault.people import Invitation
from vault.sessions import Session, SessionKind


def test_customers_page_by_number(fresh_catalogue: SqlCatalogue) -> None:
    home = Home.make(fresh_catalogue)
    with fresh_catalogue.write() as tx:
        for _ in range(4):
            tx.customers.add(home.customer(tx))
    with fresh_catalogue.read() as tx:
        everybody = tx.customers.page()
        assert [customer.number for customer in everybody] == [f"K-{number:06d}" for number in range(1, 6)]
        assert everybody[0].id == home.customer_id
        assert tx.customers.page(after="K-000002", limit=2) == everybody[2:4]
        assert tx.customers.get(everybody[3].id) == everybody[3]
        assert tx.customers.by_number(home.fonds.id, "K-000004") == everybody[3]
        assert tx.customers.get(CustomerId(an_id())) is None
        assert tx.customers.by_number(home.fonds.id, "K-000009") is None


def test_a_person_is_found_by_the_keyed_index(fresh_catalogue: SqlCatalogue) -> None:
    home = Home.make(fresh_catalogue)
    with fresh_catalogue.write() as tx:
        assert not tx.people.any()
        person = home.person(tx)
        later = home.person(tx, active=False, created_at=NOW + timedelta(seconds=1))
        tx.people.add(later)
        tx.people.add(person)
    with fresh_catalogue.read() as tx:
        assert tx.people.any()
        assert tx.people.get(person.id) == person
        assert tx.people.by_login_index(later.login_index) == later
        assert tx.people.by_login_index(secrets.token_bytes(32)) is None
        assert tx.people.get(PersonId(an_id())) is None
        assert tx.people.all() == [person, later]
    with pytest.raises(AlreadyExists), fresh_catalogue.write() as tx:
        tx.people.add(home.person(tx, login_index=person.login_index))


def test_an_invitation_is_used_once_and_in_time(catalogue: SqlCatalogue) -> None:
    token = secrets.token_bytes(32)
    invitation = Invitation(
        token_sha256=token,
        groups=FOUNDING,
        invited_by=PersonId("somebody"),
        expires_at=NOW + timedelta(hours=1),
        used_at=None,
    )
    with catalogue.write() as tx:
        tx.people.add_invitation(invitation)
    with catalogue.write() as tx:
        assert tx.people.invitation(token) == invitation
        assert not tx.people.use_invitation(token, now=NOW + timedelta(hours=1))
        assert not tx.people.use_invitation(secrets.token_bytes(32), now=NOW)

    def use(_: int) -> bool:
        with catalogue.write() as tx:
            return tx.people.use_invitation(token, now=NOW)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(use, range(16))) == 1
    with catalogue.read() as tx:
        assert tx.people.invitation(token) == replace(invitation, used_at=NOW)


def test_withdrawn_invitations_cannot_be_used(catalogue: SqlCatalogue) -> None:
    token = secrets.token_bytes(32)
    with catalogue.write() as tx:
        tx.people.add_invitation(
            Invitation(
                token_sha256=token,
                groups=frozenset({"readers"}),
                invited_by=PersonId("somebody"),
                expires_at=NOW + timedelta(hours=1),
                used_at=None,
            )
        )
        tx.people.withdraw_invitations(now=NOW)
        assert not tx.people.use_invitation(token, now=NOW)


def test_sessions_are_touched_and_end(catalogue: SqlCatalogue, home: Home) -> None:
    with catalogue.write() as tx:
        person = home.person(tx)
        tx.people.add(person)
        first, second, third = (
            Session(
                id=SessionId(an_id()),
                token_sha256=secrets.token_bytes(32),
                person_id=person.id,
                kind=SessionKind.BROWSER,
                csrf_token="csrf",
                created_at=NOW,
                seen_at=NOW,
                expires_at=NOW + timedelta(hours=hours),
                stepped_up_at=None,
                sealed_client=b"sealed",
            )
            for hours in (1, 2, 3)
        )
        for session in (first, second, third):
            tx.sessions.add(session)
        tx.sessions.touch(first.id, seen_at=NOW + timedelta(minutes=1))
        assert not tx.sessions.end(second.id, person_id=PersonId(an_id()))
        assert tx.sessions.end(second.id, person_id=person.id)
        assert tx.sessions.get(first.token_sha256) == replace(first, seen_at=NOW + timedelta(minutes=1))
        assert tx.sessions.get(second.token_sha256) is None
        assert tx.sessions.end_expired(now=NOW + timedelta(hours=1)) == 1
        assert tx.sessions.get(first.token_sha256) is None
        assert tx.sessions.get(third.token_sha256) == third


def test_attempts_are_counted_and_forgotten(catalogue: SqlCatalogue) -> None:
    subject, other = secrets.token_bytes(32), secrets.token_bytes(32)
    with catalogue.write() as tx:
        for seconds in (0, 10, 20):
            tx.attempts.add(subject, at=NOW + timedelta(seconds=seconds))
        tx.attempts.add(other, at=NOW)
        assert tx.attempts.count(subject, since=NOW) == 3
        assert tx.attempts.count(subject, since=NOW + timedelta(seconds=11)) == 1
        tx.attempts.forget_before(NOW + timedelta(seconds=10))
        assert tx.attempts.count(subject, since=NOW) == 2
        assert tx.attempts.count(other, since=NOW) == 0
        tx.attempts.forget(subject)
        assert tx.attempts.count(subject, since=NOW) == 0
