"""The log and webhooks by the API, each answer as the description has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.described import Program, program_of
from tests.web.visitors import PASSWORD
from vault.workflows import deliveries, log, logchecks, people


def _joined(served: Served, group: str, login: str) -> None:
    token = people.invite(served.vault, everything(), {group})
    people.accept_invitation(served.vault, token, login=login, name=login.title(), password=PASSWORD)


@pytest.fixture(scope="module")
def auditing(served: Served) -> Iterator[Program]:
    """A program of somebody who reads the log."""
    _joined(served, "audit", "api-auditor")
    with served.client() as client:
        yield program_of(client, "api-auditor")


@pytest.fixture(scope="module")
def tending(served: Served) -> Iterator[Program]:
    """A program of somebody who tends the machine."""
    _joined(served, "system", "api-tender")
    with served.client() as client:
        yield program_of(client, "api-tender")


def test_the_log_is_read_proved_and_checked(served: Served, auditing: Program, tending: Program) -> None:
    log.publish_log(served.vault)
    first = auditing.get("/log/entries", limit=2)
    assert len(first["entries"]) == 2
    following = auditing.get("/log/entries", limit=2, before=first["next"])
    assert following["entries"][0]["number"] == first["entries"][1]["number"] - 1
    (created,) = auditing.get("/log/entries", event="vault-created")["entries"]
    assert created["number"] == 1
    assert auditing.get("/log/entries", subject=created["subject"], actor="operator")["entries"]
    assert auditing.get("/log/entries", 400, event="nonsense")["field"] == "event"
    proof = auditing.get("/log/entries/1/proof")
    assert proof["proof"].startswith("c2sp.org/tlog-proof@v1")
    assert proof["keys"] == auditing.get("/log/keys")["keys"]
    assert auditing.get("/log/entries/999999999/proof", 404)["code"] == "not-found"
    asked = auditing.step("/log/checks", 202)
    assert asked["verdict"] is None
    assert auditing.get("/log/checks")["checks"][0]["id"] == asked["id"]
    logchecks.check_log(served.vault)
    told = auditing.get(f"/log/checks/{asked['id']}")
    assert told["verdict"]["holds"] is True
    assert told["done"] == told["total"] == told["verdict"]["size"]
    assert auditing.get("/log/checks/nothing", 404)["code"] == "not-found"
    for path in ("/log/entries", "/log/keys", "/log/checks", "/log/entries/1/proof"):
        assert tending.get(path, 403)["code"] == "not-allowed"


def test_a_webhook_from_its_first_step_to_its_last(served: Served, auditing: Program, tending: Program) -> None:
    events = ["record-filed", "record-received"]
    made = tending.post("/webhooks", url="https://receiver.invalid/x", events=events)
    assert made["secret"].startswith("whsec_")
    assert made["events"] == events
    path = f"/webhooks/{made['id']}"
    shown = tending.get(path)
    assert "secret" not in shown
    assert shown in tending.get("/webhooks")["webhooks"]
    message = tending.step(f"{path}/tests", 202)
    assert (message["state"], message["number"]) == ("waiting", None)
    deliveries.send_webhooks(served.vault)
    (told,) = tending.get(f"{path}/messages", limit=5)["messages"]
    assert (told["tries"], told["failure"]) == (1, "receiver-unavailable")
    assert tending.step(f"{path}/messages/{message['id']}/resend", 409)["code"] == "conflict"
    assert tending.step(f"{path}/messages/nothing/resend", 404)["code"] == "not-found"
    assert tending.post("/webhooks", 400, url="http://127.0.0.1/", events=events)["field"] == "url"
    assert tending.post("/webhooks", 400, url="https://a.invalid/", events=["signed-in"])["field"].startswith("events")
    tending.delete(path)
    assert tending.delete(path, 409)["code"] == "conflict"
    assert tending.get(path)["live"] is False
    assert tending.get("/webhooks/nothing", 404)["code"] == "not-found"
    assert auditing.get("/webhooks", 403)["code"] == "not-allowed"
