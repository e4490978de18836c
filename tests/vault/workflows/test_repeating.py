"""Requests under an idempotency key: done once, whatever breaks off, and forgotten after a day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.disposing import Hands
from tests.support.people import acting, everything
from vault.answers import KEPT, Answer
from vault.errors import AlreadyExists, Conflict, IdempotencyMismatch, InvalidInput
from vault.permissions import Actor
from vault.workflows import people, repeating, upkeep
from vault.workflows.vault import Vault

REQUEST, OTHER = b"\x01" * 32, b"\x02" * 32
ANSWER = Answer(status=201, body='{"name": "Hillside Bakery"}')


@pytest.fixture
def asker(vault: Vault) -> Actor:
    return somebody_new(vault)


def somebody_new(vault: Vault) -> Actor:
    """A person who has an account."""
    token = people.invite(vault, everything(), {"records"})
    login = f"asker-{vault.new_id()}"
    person = people.accept_invitation(vault, token, login=login, name="Asker", password="a sentence to remember")
    return acting(vault, person.id)


def test_what_was_answered_is_answered_again(vault: Vault, asker: Actor) -> None:
    assert repeating.begin_request(vault, asker, "k", REQUEST) is None
    repeating.keep_answer(vault, asker, "k", REQUEST, ANSWER)
    assert repeating.begin_request(vault, asker, "k", REQUEST) == ANSWER
    with pytest.raises(IdempotencyMismatch):
        repeating.begin_request(vault, asker, "k", OTHER)
    assert repeating.begin_request(vault, asker, "K", OTHER) is None
    assert repeating.begin_request(vault, somebody_new(vault), "k", OTHER) is None


def test_what_broke_off_is_not_done_twice_and_what_was_refused_may_be_tried_again(vault: Vault, asker: Actor) -> None:
    assert repeating.begin_request(vault, asker, "k", REQUEST) is None
    with pytest.raises(Conflict, match="broken off"):
        repeating.begin_request(vault, asker, "k", REQUEST)
    repeating.give_back_key(vault, asker, "k")
    assert repeating.begin_request(vault, asker, "k", OTHER) is None


def test_of_many_at_once_one_goes_on(vault: Vault, asker: Actor) -> None:
    def begin(_: int) -> bool:
        try:
            return repeating.begin_request(vault, asker, "k", REQUEST) is None
        except Conflict:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, range(8))) == 1


def test_an_answer_with_a_secret_is_not_kept(vault: Vault, asker: Actor) -> None:
    repeating.begin_request(vault, asker, "k", REQUEST)
    repeating.keep_answer(vault, asker, "k", REQUEST, replace(ANSWER, body=None))
    with pytest.raises(AlreadyExists, match="held a secret"):
        repeating.begin_request(vault, asker, "k", REQUEST)


def test_an_answer_is_kept_sealed_for_a_day(vault: Vault, asker: Actor) -> None:
    hands = Hands(at=vault.now())
    timed = replace(vault, clock=hands)
    repeating.begin_request(timed, asker, "k", REQUEST)
    repeating.keep_answer(timed, asker, "k", REQUEST, ANSWER)
    digest = repeating.key_digest(timed, asker.person_id, "k", domain="answer")
    with vault.catalogue.read() as tx:
        kept = tx.answers.get(digest)
    assert kept is not None
    assert b"Hillside" not in kept.sealed
    hands.at += KEPT - timedelta(seconds=1)
    assert repeating.begin_request(timed, asker, "k", REQUEST) == ANSWER
    hands.at += timedelta(seconds=1)
    assert repeating.begin_request(timed, asker, "k", OTHER) is None
    hands.at += KEPT
    upkeep.run_due(timed)
    with vault.catalogue.read() as tx:
        assert tx.answers.get(digest) is None


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb"])
def test_what_is_no_key_is_refused(vault: Vault, asker: Actor, key: str) -> None:
    with pytest.raises(InvalidInput):
        repeating.begin_request(vault, asker, key, REQUEST)
