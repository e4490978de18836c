"""Early warning on the pages: told to those who watch, and felt by whoever is suspended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from tests.support.people import everything, somebody
from tests.web.conftest import Served
from tests.web.visitors import PASSWORD, Staff, opened, sign_in, stored_id
from vault.permissions import Role
from vault.watching import HOURS_A_DAY, Deed, Sign, hour_of
from vault.workflows import people
from vault.workflows.alarms import set_rule

RULE = {"bulk_floor": "3", "odd_floor": "3", "refused_floor": "100", "factor_percent": "200", "history_days": "3"}


@pytest.fixture(scope="module")
def suspect(served: Served, program: httpx.Client) -> Iterator[tuple[Staff, httpx.Client, str]]:
    """Somebody in records who read too much and is suspended: a browser, a program, and a record."""
    vault = served.vault
    token = people.invite(vault, everything(), {"records"})
    person = people.accept_invitation(vault, token, login="kuai", name="Kuai", password=PASSWORD)
    security = somebody("other", Role.SECURITY)
    numbers = {name: int(value) for name, value in RULE.items()}
    set_rule(vault, security, **numbers, suspends=[Sign.BULK])
    now = hour_of(vault.now())
    with vault.catalogue.write() as tx:
        for day in (1, 2, 3):
            tx.watching.count(person.id, Deed.OPENED, now - day * HOURS_A_DAY)
    records = [stored_id(program, b"kept", title=f"Kept {number}") for number in range(20)]
    with served.client() as browser, served.client() as machine:
        staff = sign_in(browser, "kuai")
        session = machine.post("/api/v1/sessions", json={"login": "kuai", "password": PASSWORD}).json()
        machine.headers["Authorization"] = f"Bearer {session['token']}"
        for record in records:
            assert opened(machine, record).status_code == 200
        yield staff, machine, records[0]


def test_whoever_is_suspended_opens_nothing_on_pages_or_by_programs(
    suspect: tuple[Staff, httpx.Client, str],
) -> None:
    staff, machine, record = suspect
    here = f"/records/{record}/gates"
    for path in (f"/records/{record}/content?purpose=business", f"/records/{record}/preview?purpose=business"):
        answer = staff.client.get(path)
        assert (answer.status_code, answer.headers.get("location")) == (303, here)
        assert b"kept" not in answer.content
    assert "Your access to records is suspended" in staff.client.get(here).text
    assert "Your access to records is suspended" in staff.client.get("/").text
    assert staff.client.get(f"/records/{record}").status_code == 200
    assert "<iframe" not in staff.client.get(f"/records/{record}?purpose=business").text
    assert staff.post(f"/records/{record}/links", days="1", uses="1").headers["location"] == here
    assert staff.client.get(f"/records/{record}/correct").headers["location"] == here
    assert staff.client.get("/links").status_code == 403
    refused = opened(machine, record)
    assert (refused.status_code, refused.json()["code"]) == (403, "access-suspended")
    linked = machine.post(f"/api/v1/records/{record}/links", json={"lifetime_s": 86400, "uses_max": 1})
    assert (linked.status_code, linked.json()["code"]) == (403, "access-suspended")
    assert machine.get("/api/v1/links").json()["code"] == "access-suspended"


def test_those_who_watch_are_told_settle_and_let_in_again(
    served: Served,
    suspect: tuple[Staff, httpx.Client, str],
    staff: Staff,
    auditor: Staff,
    reader: Staff,
    program: httpx.Client,
) -> None:
    _, machine, record = suspect
    (alarm,) = program.get("/api/v1/alarms").json()["alarms"]
    assert (alarm["sign"], alarm["measure"], alarm["suspended"]) == ("bulk", 20, True)
    assert machine.get("/api/v1/alarms").status_code == 403
    for watcher in (staff, auditor):
        home = watcher.client.get("/").text
        assert "1 alarm of early warning is not settled" in home
        page = watcher.client.get("/alarms").text
        assert "Opens far more than usual" in page
        assert "Kuai" in page
        assert record not in page
    assert "In the log" in auditor.client.get("/alarms").text
    assert reader.client.get("/alarms").status_code == 403
    page = staff.client.get("/alarms").text
    found = re.search(r'action="(/alarms/[a-z2-7]{26}/settlement)"', page)
    assert found
    assert auditor.post(found[1], what="settle", words="looked at").status_code == 403
    silent = staff.post(found[1], what="settle", words=" ")
    assert silent.status_code == 400
    assert "is empty; say why, or how" in silent.text
    assert staff.post(found[1], what="settle", words="an audit was prepared").status_code == 303
    assert staff.post(found[1], what="settle", words="an audit was prepared").status_code == 409
    assert opened(machine, record).status_code == 403
    # A hundred alarms later whoever is suspended is still listed, with the way back in.
    with served.vault.catalogue.write() as tx:
        (before,) = tx.watching.alarms(unsettled=False)
        for number in range(100):
            later = before.raised_at + timedelta(seconds=number + 1)
            another = replace(before, id=served.vault.new_id(), hour=before.hour + 24 * (number + 1), raised_at=later)
            tx.watching.add_alarm(replace(another, settled_by=None, settled_at=None))
            tx.watching.settle(replace(another, settled_by=before.settled_by, settled_at=later))
    (suspended,) = program.get("/api/v1/alarms").json()["suspended"]
    assert (suspended["name"], suspended["alarm"], suspended["by"]) == ("Kuai", alarm["alarm"], "clock")
    section = staff.client.get("/alarms").text.partition("<h2>Suspended</h2>")[2].partition("</section>")[0]
    assert f'action="{found[1]}"' in section
    assert "Let them open records again" in section
    assert "Let them open records again" not in auditor.client.get("/alarms").text
    assert staff.post(found[1], what="lift", words="an audit was prepared").status_code == 303
    assert opened(machine, record).status_code == 200
    assert program.get("/api/v1/alarms").json()["suspended"] == []
    assert "alarm of early warning" not in staff.client.get("/").text


def test_the_rule_is_set_on_the_page_within_its_bounds(staff: Staff) -> None:
    assert staff.post("/alarms/rule", **{**RULE, "bulk_floor": "1"}).status_code == 400
    assert staff.post("/alarms/rule", **{**RULE, "s-bulk": "yes", "s-refusals": "yes"}).status_code == 303
    page = staff.client.get("/alarms").text
    assert re.search(r'id="s-refusals"[^>]* checked', page)
    assert not re.search(r'id="s-odd-hours"[^>]* checked', page)
    assert staff.post("/alarms/rule", **RULE).status_code == 303
