"""The pages of webhooks: added with a secret that is shown once, tried, ended; each message and what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from storage.webhooks.sending import open_sender
from tests.support.people import everything
from tests.support.receiver import Receiver, receiver
from tests.web.conftest import Served
from tests.web.visitors import PASSWORD, Staff, sign_in
from vault.workflows import deliveries, people


@pytest.fixture(scope="module")
def tender(served: Served) -> Iterator[Staff]:
    """Somebody who tends the machine and nothing else."""
    token = people.invite(served.vault, everything(), {"system"})
    people.accept_invitation(served.vault, token, login="chen", name="Chen", password=PASSWORD)
    with served.client() as client:
        yield sign_in(client, "chen")


@pytest.fixture
def told() -> Iterator[Receiver]:
    """Who is told."""
    with receiver() as it:
        yield it


def added(tender: Staff, url: str) -> tuple[str, str]:
    """(page, secret) of a new webhook."""
    answer = tender.post("/webhooks", **{"url": url, "event-record-filed": "yes"})
    assert answer.status_code == 201
    secret = re.search(r'value="(whsec_[^"]+)"', answer.text)
    page = re.search(r'href="(/webhooks/[a-z2-7]{26})"', answer.text)
    assert secret
    assert page
    return page[1], secret[1]


def test_a_webhook_is_added_tried_and_ended(tender: Staff, served: Served) -> None:
    page, secret = added(tender, "https://receiver.invalid/told")
    assert secret not in tender.client.get("/webhooks").text, "shown once"
    assert "receiver.invalid" in tender.client.get("/webhooks").text
    assert tender.post(f"{page}/tests").status_code == 303
    deliveries.send_webhooks(served.vault)
    shown = tender.client.get(page).text
    assert "no answer" in shown
    assert "next try" in shown
    assert tender.post(f"{page}/end").status_code == 303
    assert "the webhook was ended" in tender.client.get(page).text
    assert tender.post(f"{page}/tests").status_code == 409


def test_a_message_that_arrives_is_said_to(tender: Staff, served: Served, told: Receiver) -> None:
    page, _ = added(tender, "https://receiver.invalid/told")
    webhook_id = page.rpartition("/")[2]
    tender.post(f"{page}/tests")
    reached = open_sender([ip_network("127.0.0.0/8")])
    to_us = replace(reached, send=lambda url, headers, body: reached.send(told.url, headers, body))
    deliveries.send_webhooks(replace(served.vault, webhook_sending=to_us))
    assert webhook_id in told.messages[0][0]["webhook-id"]
    assert 'data-state="delivery-sent"' in tender.client.get(page).text
    tender.post(f"{page}/end")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:8630/", "network of this machine"),
        ("http://169.254.169.254/latest/meta-data", "network of this machine"),
        ("file:///etc/passwd", "reads like"),
    ],
)
def test_an_address_that_is_not_to_be_reached_is_refused_where_it_was_typed(tender: Staff, url: str, told: str) -> None:
    answer = tender.post("/webhooks", **{"url": url, "event-record-filed": "yes"})
    assert answer.status_code == 400
    assert told in answer.text
    assert f'value="{url}"' in answer.text
    assert tender.post("/webhooks", url="https://receiver.invalid/").status_code == 400, "for no event"


def test_whoever_tends_no_machine_is_not_shown_webhooks(staff: Staff, auditor: Staff, tender: Staff) -> None:
    page, _ = added(tender, "https://receiver.invalid/told")
    for one in (staff, auditor):
        assert one.client.get("/webhooks").status_code == 403
        assert one.client.get(page).status_code == 403
        assert one.send(f"{page}/end").status_code == 403
        assert 'href="/webhooks"' not in one.client.get("/permissions").text
    assert tender.client.get("/webhooks/nothing").status_code == 404
    assert tender.post(f"{page}/messages/nothing/resend").status_code == 404
