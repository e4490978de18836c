"""Webhooks against a real receiver: signed, retried, queued in the catalogue, never with more than ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook as Judge
from standardwebhooks import WebhookVerificationError

from storage.catalogue.database import SqlCatalogue
from storage.webhooks.sending import open_sender
from tests.support.receiver import Receiver, receiver
from tests.support.vault import add_bytes, staff
from tests.vault.workflows.faults import HandClock, with_clock
from vault.audit import Event
from vault.errors import Conflict, InvalidInput, NotAllowed, NotFound
from vault.ids import DeliveryId, PersonId, WebhookId
from vault.people import CLOCK_ID
from vault.permissions import Actor, Role
from vault.webhooks import (
    GIVEN_UP_AFTER,
    KEPT,
    RETRY_AFTER,
    WEBHOOKS_MAX,
    DeliveryState,
    checked_events,
    signed_headers,
)
from vault.workflows import deliveries, webhooks
from vault.workflows.vault import Vault

RECEIVED = frozenset({Event.RECORD_RECEIVED})
ALSO_OPENED = RECEIVED | {Event.RECORD_OPENED}


@pytest.fixture
def told() -> Iterator[Receiver]:
    """Who is told."""
    with receiver() as it:
        yield it


@pytest.fixture
def telling(vault: Vault) -> tuple[Vault, HandClock]:
    """The vault, allowed to reach this machine, with a clock in the hand."""
    for webhook in webhooks.list_webhooks(vault, staff(vault)):
        if webhook.webhook.is_live:
            webhooks.end(vault, staff(vault), webhook.webhook.id)
    allowed = open_sender([ip_network("127.0.0.0/8")])
    return with_clock(replace(vault, webhook_sending=allowed))


def state_of(vault: Vault, webhook_id: WebhookId) -> list[tuple[DeliveryState, int, int | None, str | None]]:
    _, found = webhooks.show(vault, staff(vault), webhook_id)
    return [(each.state, each.tries, each.status, each.failure) for each in found]


def test_a_message_is_signed_and_holds_ids_alone(telling: tuple[Vault, HandClock], told: Receiver) -> None:
    vault, _ = telling
    actor = staff(vault)
    add_bytes(vault, actor, b"before")
    secret, view = webhooks.add(vault, actor, url=told.url, events=ALSO_OPENED)
    record_id = add_bytes(vault, actor, b"afterwards").record_id
    deliveries.send_webhooks(vault)
    ((headers, body),) = told.messages
    payload = Judge(secret).verify(body, headers)
    with vault.catalogue.read() as tx:
        entry = tx.audit.page(subject=record_id, event=Event.RECORD_RECEIVED)[0]
    assert payload == {
        "type": "record-received",
        "timestamp": entry.entry.at.isoformat(),
        "data": {"number": entry.number, "subject": record_id, "vault": vault.vault_id},
    }
    number, _, which = headers["webhook-id"].removeprefix(f"msg_{view.webhook.id}_").partition("_")
    assert (number, len(which)) == (str(entry.number), 8)
    (kept,) = webhooks.show(vault, actor, view.webhook.id)[1]
    other = replace(kept, subject="another")  # to which a restored catalogue has given the same number
    assert kept.message_id == headers["webhook-id"] != other.message_id
    for wrong in (body.replace(b"received", b"destroyd"), body + b" "):
        with pytest.raises(WebhookVerificationError):
            Judge(secret).verify(wrong, headers)
    with pytest.raises(WebhookVerificationError):
        Judge(secret).verify(body, {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)})
    deliveries.send_webhooks(vault)
    assert len(told.messages) == 1, "once"
    assert state_of(vault, view.webhook.id) == [(DeliveryState.SENT, 1, 204, None)]


def happen(vault: Vault, event: Event, count: int) -> None:
    with vault.catalogue.write() as tx:
        for number in range(count):
            tx.audit.append(vault.entry(CLOCK_ID, event, f"subject-{number}"))


def given_up(vault: Vault, webhook_id: WebhookId) -> list[Any]:
    with vault.catalogue.read() as tx:
        found = tx.audit.page(subject=webhook_id, event=Event.WEBHOOK_GIVEN_UP)
    return [dict(each.entry.detail) for each in found]


def test_what_is_not_taken_is_sent_again_later_and_later_until_it_is(
    telling: tuple[Vault, HandClock], told: Receiver
) -> None:
    vault, clock = telling
    actor = staff(vault)
    _, view = webhooks.add(vault, actor, url=told.url, events=RECEIVED)
    told.status = 503
    add_bytes(vault, actor, b"one")
    add_bytes(vault, actor, b"two")
    deliveries.send_webhooks(vault)
    deliveries.send_webhooks(vault)
    assert len(told.messages) == 1, "after a failure the webhook rests, its other messages too"
    ids = {told.messages[0][0]["webhook-id"]}
    for pause in RETRY_AFTER:
        clock.advance(pause + timedelta(seconds=1))
        before = len(told.messages)
        deliveries.send_webhooks(vault)
        assert len(told.messages) == before + 1, "one try at a time"
        ids.add(told.messages[-1][0]["webhook-id"])
    assert len(ids) == 2
    told.status = 200
    clock.advance(RETRY_AFTER[-1])
    deliveries.send_webhooks(vault)
    assert {state for state, *_ in state_of(vault, view.webhook.id)} == {DeliveryState.SENT}
    told.status = 503
    add_bytes(vault, actor, b"three")
    deliveries.send_webhooks(vault)
    webhook = webhooks.show(vault, actor, view.webhook.id)[0].webhook
    assert webhook.rests_until == vault.now() + RETRY_AFTER[0], "what was taken meanwhile ended the run of failures"


def test_however_many_wait_all_are_given_up_once_they_are_three_days_old(
    telling: tuple[Vault, HandClock], told: Receiver
) -> None:
    vault, clock = telling
    _, view = webhooks.add(vault, staff(vault), url=told.url, events=RECEIVED)
    told.status = 503
    happen(vault, Event.RECORD_RECEIVED, 40)
    began = vault.now()
    while not given_up(vault, view.webhook.id):
        assert vault.now() - began < GIVEN_UP_AFTER + RETRY_AFTER[-1]
        deliveries.send_webhooks(vault)
        webhook = webhooks.show(vault, staff(vault), view.webhook.id)[0].webhook
        assert webhook.rests_until is not None
        clock.at = webhook.rests_until
        if clock.at - began < GIVEN_UP_AFTER:
            assert {state for state, *_ in state_of(vault, view.webhook.id)} == {DeliveryState.WAITING}
    assert given_up(vault, view.webhook.id) == [{"count": 40, "failure": "refused"}], "one entry for all"
    found = state_of(vault, view.webhook.id)
    assert {(state, failure) for state, _, _, failure in found} == {(DeliveryState.GIVEN_UP, "refused")}
    assert len(told.messages) < 30


def test_a_message_that_its_receiver_never_takes_is_tried_more_and_more_seldom_beside_others(
    telling: tuple[Vault, HandClock], told: Receiver
) -> None:
    vault, clock = telling
    _, view = webhooks.add(vault, staff(vault), url=told.url, events=ALSO_OPENED)

    def refuse_one(url: str, headers: Mapping[str, str], body: bytes) -> int:
        return 400 if b"record-opened" in body else vault.webhook_sending.send(url, headers, body)

    refusing = replace(vault, webhook_sending=replace(vault.webhook_sending, send=refuse_one))
    happen(vault, Event.RECORD_OPENED, 1)
    for _ in range(40):
        happen(vault, Event.RECORD_RECEIVED, 1)
        deliveries.send_webhooks(refusing)
        clock.advance(timedelta(minutes=1))
    deliveries.send_webhooks(refusing)
    states = state_of(vault, view.webhook.id)
    assert [tries for state, tries, *_ in states if state is DeliveryState.WAITING] == [5], (
        "after 0, 1, 2, 4, 14 minutes"
    )
    assert len(told.messages) == 40


def test_a_message_of_a_webhook_that_was_ended_during_the_try_is_not_given_up_a_second_time(
    telling: tuple[Vault, HandClock], told: Receiver
) -> None:
    vault, clock = telling
    _, view = webhooks.add(vault, staff(vault), url=told.url, events=RECEIVED)
    happen(vault, Event.RECORD_RECEIVED, 1)
    told.status = 503
    deliveries.send_webhooks(vault)
    clock.advance(GIVEN_UP_AFTER)

    def end_and_send(url: str, headers: Mapping[str, str], body: bytes) -> int:
        webhooks.end(vault, staff(vault), view.webhook.id)
        return vault.webhook_sending.send(url, headers, body)

    deliveries.send_webhooks(replace(vault, webhook_sending=replace(vault.webhook_sending, send=end_and_send)))
    assert state_of(vault, view.webhook.id) == [(DeliveryState.GIVEN_UP, 2, 503, "ended")]
    assert given_up(vault, view.webhook.id) == [], "the log told it when the webhook was ended"


def test_a_message_is_given_up_after_its_last_try_is_told_by_the_log_and_can_be_sent_again(
    telling: tuple[Vault, HandClock], told: Receiver
) -> None:
    vault, clock = telling
    actor = staff(vault)
    _, view = webhooks.add(vault, actor, url=told.url, events=RECEIVED)
    told.status = 500
    add_bytes(vault, actor, b"one")
    for tries in range(4):
        deliveries.send_webhooks(vault)
        assert len(told.messages) == tries + 1
        assert len({headers["webhook-id"] for headers, _ in told.messages}) == 1, "the same message each time"
        clock.advance(timedelta(days=1))
    assert state_of(vault, view.webhook.id) == [(DeliveryState.GIVEN_UP, 4, 500, "refused")]
    with vault.catalogue.read() as tx:
        assert tx.audit.page(subject=view.webhook.id)[0].entry.event is Event.WEBHOOK_GIVEN_UP
    _, (lost,) = webhooks.show(vault, actor, view.webhook.id)
    webhooks.resend(vault, actor, view.webhook.id, lost.id)
    deliveries.send_webhooks(vault)
    assert state_of(vault, view.webhook.id) == [(DeliveryState.WAITING, 1, 500, "refused")], "three days from now on"
    told.status = 200
    clock.advance(RETRY_AFTER[0])
    deliveries.send_webhooks(vault)
    assert state_of(vault, view.webhook.id)[0][0] is DeliveryState.SENT
    with pytest.raises(Conflict):
        webhooks.resend(vault, actor, view.webhook.id, lost.id)
    clock.advance(KEPT + timedelta(days=1))
    deliveries.send_webhooks(vault)
    assert state_of(vault, view.webhook.id) == [], "what came of it is kept for a month"


def test_a_receiver_that_is_away_keeps_no_other_waiting(telling: tuple[Vault, HandClock], told: Receiver) -> None:
    vault, _ = telling
    actor = staff(vault)
    with receiver() as gone:
        away = gone.url
    _, dead = webhooks.add(vault, actor, url=away, events=RECEIVED)
    _, live = webhooks.add(vault, actor, url=told.url, events=RECEIVED)
    for number in range(3):
        add_bytes(vault, actor, b"%d" % number)
    deliveries.send_webhooks(vault)
    assert len(told.messages) == 3
    assert {each[0] for each in state_of(vault, live.webhook.id)} == {DeliveryState.SENT}
    assert sorted(each[1] for each in state_of(vault, dead.webhook.id)) == [0, 0, 1]
    assert {each[3] for each in state_of(vault, dead.webhook.id)} == {None, "receiver-unavailable"}


def test_however_many_wait_for_a_receiver_that_is_away_the_others_are_told(
    telling: tuple[Vault, HandClock], told: Receiver
) -> None:
    vault, clock = telling
    actor = staff(vault)
    with receiver() as gone:
        away = gone.url
    _, dead = webhooks.add(vault, actor, url=away, events=RECEIVED)
    happen(vault, Event.RECORD_RECEIVED, deliveries.SENT_AT_ONCE + 1)
    deliveries.send_webhooks(vault)
    clock.advance(RETRY_AFTER[0])
    _, live = webhooks.add(vault, actor, url=told.url, events=frozenset({Event.RECORD_OPENED}))
    happen(vault, Event.RECORD_OPENED, 1)
    outcome = deliveries.send_webhooks(vault)
    assert (outcome.values["sent"], outcome.values["failed"]) == (1, 1)
    assert len(told.messages) == 1
    assert state_of(vault, live.webhook.id)[0][0] is DeliveryState.SENT
    webhooks.end(vault, actor, dead.webhook.id)


def test_more_than_go_at_once_go_on_at_once(telling: tuple[Vault, HandClock], told: Receiver) -> None:
    vault, _ = telling
    webhooks.add(vault, staff(vault), url=told.url, events=RECEIVED)
    happen(vault, Event.RECORD_RECEIVED, deliveries.SENT_AT_ONCE + 1)
    vault.bell.answer(webhooks.SEND_WEBHOOKS, 0)
    deliveries.send_webhooks(vault)
    assert len(told.messages) == deliveries.SENT_AT_ONCE
    assert vault.bell.answer(webhooks.SEND_WEBHOOKS, 0)
    deliveries.send_webhooks(vault)
    assert len(told.messages) == deliveries.SENT_AT_ONCE + 1
    assert not vault.bell.answer(webhooks.SEND_WEBHOOKS, 0)


def test_a_webhook_that_was_damaged_keeps_no_other_waiting(telling: tuple[Vault, HandClock], told: Receiver) -> None:
    vault, _ = telling
    actor = staff(vault)
    _, damaged = webhooks.add(vault, actor, url=told.url, events=RECEIVED)
    _, live = webhooks.add(vault, actor, url=told.url, events=RECEIVED)
    assert isinstance(vault.catalogue, SqlCatalogue)
    with vault.catalogue.maintain() as connection:
        values = {
            "id": damaged.webhook.id,
            "sealed": damaged.webhook.sealed[:-1] + bytes([damaged.webhook.sealed[-1] ^ 1]),
        }
        connection.execute(text("UPDATE webhooks SET sealed = :sealed WHERE id = :id"), values)
    happen(vault, Event.RECORD_RECEIVED, 1)
    outcome = deliveries.send_webhooks(vault)
    assert (outcome.values["sent"], outcome.values["failed"]) == (1, 1)
    assert state_of(vault, live.webhook.id)[0][0] is DeliveryState.SENT
    assert state_of(vault, damaged.webhook.id) == [(DeliveryState.WAITING, 1, None, "seal-broken")]
    urls = {view.webhook.id: view.url for view in webhooks.list_webhooks(vault, actor)}
    assert (urls[damaged.webhook.id], urls[live.webhook.id]) == ("", told.url)


def test_a_sender_that_is_killed_before_it_could_say_so_sends_the_same_message_again(
    telling: tuple[Vault, HandClock], told: Receiver
) -> None:
    vault, clock = telling
    actor = staff(vault)
    _, view = webhooks.add(vault, actor, url=told.url, events=RECEIVED)
    add_bytes(vault, actor, b"one")

    class Killed(BaseException):
        """The process ends here."""

    def send_and_die(url: str, headers: object, body: bytes) -> int:
        vault.webhook_sending.send(url, headers, body)  # type: ignore[arg-type]  # passed on
        raise Killed

    dying = replace(vault, webhook_sending=replace(vault.webhook_sending, send=send_and_die))
    with pytest.raises(Killed):
        deliveries.send_webhooks(dying)
    deliveries.send_webhooks(vault)
    assert len(told.messages) == 1, "somebody may still be at it"
    clock.advance(deliveries.LEASE)
    deliveries.send_webhooks(vault)
    assert len(told.messages) == 2
    assert told.messages[0][0]["webhook-id"] == told.messages[1][0]["webhook-id"]
    assert told.messages[0][1] == told.messages[1][1]
    assert state_of(vault, view.webhook.id) == [(DeliveryState.SENT, 2, 204, None)]


def test_a_network_that_was_taken_out_of_the_settings_is_not_reached_any_more(
    telling: tuple[Vault, HandClock], told: Receiver
) -> None:
    vault, _ = telling
    actor = staff(vault)
    _, view = webhooks.add(vault, actor, url=told.url, events=RECEIVED)
    add_bytes(vault, actor, b"one")
    deliveries.send_webhooks(replace(vault, webhook_sending=open_sender([])))
    assert told.messages == []
    assert state_of(vault, view.webhook.id) == [(DeliveryState.WAITING, 1, None, "not-to-be-reached")]
    with pytest.raises(InvalidInput):
        webhooks.add(replace(vault, webhook_sending=open_sender([])), actor, url=told.url, events=RECEIVED)


def test_an_ended_webhook_is_told_nothing_and_a_test_is_told_at_once(
    telling: tuple[Vault, HandClock], told: Receiver
) -> None:
    vault, _ = telling
    actor = staff(vault)
    secret, view = webhooks.add(vault, actor, url=told.url, events=RECEIVED)
    assert webhooks.test(vault, actor, view.webhook.id).number is None
    assert vault.bell.answer(webhooks.SEND_WEBHOOKS, 0)
    deliveries.send_webhooks(vault)
    assert Judge(secret).verify(told.messages[0][1], told.messages[0][0])["type"] == "test"
    told.status = 500
    add_bytes(vault, actor, b"one")
    deliveries.send_webhooks(vault)
    webhooks.end(vault, actor, view.webhook.id)
    add_bytes(vault, actor, b"two")
    count = len(told.messages)
    deliveries.send_webhooks(vault)
    assert len(told.messages) == count
    assert (DeliveryState.GIVEN_UP, 1, 500, "ended") in state_of(vault, view.webhook.id)
    for refused in (webhooks.end, webhooks.test):
        with pytest.raises(Conflict):
            refused(vault, actor, view.webhook.id)
    with pytest.raises(Conflict):
        webhooks.resend(vault, actor, view.webhook.id, DeliveryId("x"))
    with vault.catalogue.read() as tx:
        kinds = [each.entry.event for each in tx.audit.page(subject=view.webhook.id)]
    assert kinds == [Event.WEBHOOK_ENDED, Event.WEBHOOK_TESTED, Event.WEBHOOK_ADDED]


def test_address_and_secret_are_nowhere_in_clear(telling: tuple[Vault, HandClock], told: Receiver) -> None:
    vault, _ = telling
    secret, view = webhooks.add(vault, staff(vault), url=f"{told.url}?who=somebody", events=RECEIVED)
    assert isinstance(vault.catalogue, SqlCatalogue)
    with vault.catalogue.maintain() as connection:
        rows = connection.execute(text("SELECT * FROM webhooks")).all()
        entries = connection.execute(text("SELECT * FROM audit_entries")).all()
    for clear in (secret, secret.removeprefix("whsec_"), "who=somebody", "127.0.0.1"):
        assert clear not in str(rows)
        assert clear not in str(entries)
    assert webhooks.opened(vault, view.webhook) == (f"{told.url}?who=somebody", secret)


def test_only_those_who_tend_the_machine_and_only_so_many(telling: tuple[Vault, HandClock], told: Receiver) -> None:
    vault, _ = telling
    actor = staff(vault)
    officer = Actor(person_id=PersonId("o"), roles=frozenset({Role.OFFICER, Role.AUDIT, Role.RECORDS}))
    with pytest.raises(NotAllowed):
        webhooks.add(vault, officer, url=told.url, events=RECEIVED)
    with pytest.raises(NotAllowed):
        webhooks.list_webhooks(vault, officer)
    with pytest.raises(NotFound):
        webhooks.show(vault, actor, WebhookId("x"))
    made = [webhooks.add(vault, actor, url=told.url, events=RECEIVED)[1] for _ in range(WEBHOOKS_MAX)]
    with pytest.raises(Conflict):
        webhooks.add(vault, actor, url=told.url, events=RECEIVED)
    for view in made:
        webhooks.end(vault, actor, view.webhook.id)
    with pytest.raises(NotFound):
        webhooks.resend(
            vault, actor, webhooks.add(vault, actor, url=told.url, events=RECEIVED)[1].webhook.id, DeliveryId("x")
        )


def test_events_are_those_that_are_offered() -> None:
    assert checked_events(frozenset({"record-filed"})) == {Event.RECORD_FILED}
    for wrong in (frozenset[str](), frozenset({"signed-in"}), frozenset({"record-filed", "nonsense"})):
        with pytest.raises(InvalidInput) as refused:
            checked_events(wrong)
        assert refused.value.field == "events"


def test_the_example_of_standard_webhooks_is_signed_as_it_says() -> None:
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(1614265330, tz=UTC)
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", at=at
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
