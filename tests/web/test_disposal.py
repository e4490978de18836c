"""Pages of disposal: reviewed, signed in order by different people, objected to, executed in company, once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import httpx
import pytest

from tests.support.people import everything, somebody
from tests.vault.samples import a_class
from tests.web.conftest import Served
from tests.web.visitors import PASSWORD, Staff, fields_of, sign_in, stored_id
from vault.classes import DisposalAction, Trigger
from vault.disposal import Pause, PauseCause
from vault.ids import PauseId, RecordId
from vault.records import RecordState
from vault.workflows import expiry, holding, people, schedules

CODE = "visits"


@pytest.fixture(scope="module")
def crew(served: Served, staff: Staff, second: Staff) -> Iterator[dict[str, Staff]]:
    """Two administrators and two of the records staff, and a class that is destroyed before the eyes of two."""
    rule = replace(
        a_class(code=CODE, period_years=1, trigger=Trigger.CREATED, mandate=""),
        title_en="Visits",
        title_zh="来访",
        action=DisposalAction.DESTROY,
        supervised=True,
        objection_days=0,
        signing=("Head of the archives",),
    )
    one, two = (somebody(name * 26) for name in ("a", "b"))
    schedules.propose(served.vault, one, rule, "for the test")
    schedules.approve(served.vault, two, CODE)
    found = {"zhang": staff, "li": second}
    with served.client() as third, served.client() as fourth:
        for login, client in (("zhao", third), ("sun", fourth)):
            token = people.invite(served.vault, everything(), {"records"})
            people.accept_invitation(served.vault, token, login=login, name=login.title(), password=PASSWORD)
            found[login] = sign_in(client, login)
        yield found


def due(served: Served, program: httpx.Client, *titles: str) -> list[str]:
    """Records whose period is over."""
    found = [stored_id(program, title.encode(), title=title) for title in titles]
    for record_id in found:
        holding.file_record(
            served.vault,
            everything(),
            RecordId(record_id),
            class_code=CODE,
            trigger_on=date(2010, 1, 2),
        )
    return found


def listed(staff: Staff) -> str:
    """Lists what is due of the class; gives where the list stands."""
    return listed_class(staff, CODE)


def listed_class(staff: Staff, code: str) -> str:
    """Lists what is due of a class; gives where the list stands."""
    answer = staff.post("/disposal", **{"class": code})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def reviewed(staff: Staff, address: str, decision: str, *records: str, **more: str) -> httpx.Response:
    """Decides on records, or on all that are pending."""
    which = {f"r-{each}": "yes" for each in records} or {"which": "pending"}
    return staff.post(f"{address}/review", decision=decision, **which, **more)


def signed(staff: Staff, address: str, count: int) -> httpx.Response:
    """Signs what is next."""
    path = f"{address}/signatures"
    return staff.client.post(path, data={**fields_of(staff.client.get(address), path), "count": str(count)})


def executed(staff: Staff, address: str, **said: str) -> httpx.Response:
    """Executes with what the preview's form carries."""
    path = f"{address}/execution"
    return staff.client.post(path, data={**fields_of(staff.client.get(path), path), **said})


def state_of(served: Served, record_id: str) -> RecordState:
    with served.vault.catalogue.read() as tx:
        record = tx.records.get(RecordId(record_id))
    assert record is not None
    return record.state


def test_an_empty_queue_says_so_and_a_reader_does_not_see_it(staff: Staff, reader: Staff) -> None:
    assert "Nothing is listed" in staff.client.get("/disposal").text
    assert reader.client.get("/disposal").status_code == 403
    assert staff.client.get("/disposal", params={"state": "other"}).status_code == 400
    assert staff.client.get("/disposal/D-2026-0001").status_code == 404


def test_a_list_is_reviewed_signed_by_four_and_executed_once(
    served: Served, crew: dict[str, Staff], program: httpx.Client
) -> None:
    zhang, li, zhao, sun = (crew[name] for name in ("zhang", "li", "zhao", "sun"))
    dies, extended, kept = due(served, program, "Dies", "Extended", "Kept")
    look = zhang.post("/disposal", **{"class": CODE, "step": "look"})
    assert "3 records of this class could be listed now." in look.text
    address = listed(zhang)
    page = zhang.client.get(address).text
    assert all(title in page for title in ("Dies", "Extended", "Kept", "3 records are undecided"))
    assert 'action="' + address + '/signatures"' not in page
    assert reviewed(zhang, address, "extend", extended).status_code == 400
    until = {"until": "2999-01-01"}
    assert reviewed(zhang, address, "extend", extended, **until).status_code == 400
    assert reviewed(zhang, address, "keep").status_code == 400
    assert reviewed(zhang, address, "extend", extended, reason="a dispute", **until).status_code == 303
    assert reviewed(zhang, address, "keep", kept, reason="of lasting value").status_code == 303
    assert "nothing is chosen" in zhang.post(f"{address}/review", decision="destroy").text.lower()
    assert reviewed(zhang, address, "destroy").status_code == 303
    page = zhang.client.get(address).text
    assert "of lasting value" in page
    assert '<dd id="count-destroy">1</dd>' in page
    assert signed(zhang, address, 2).status_code == 400
    assert signed(zhang, address, 1).status_code == 303
    assert "next signature is somebody else" in zhang.client.get(address).text
    assert "Head of the archives" in zhang.client.get(address).text
    assert f'action="{address}/signatures"' not in zhao.client.get(address).text
    approval = {**fields_of(li.client.get(address), f"{address}/signatures"), "count": "1"}
    own = zhang.client.post(f"{address}/signatures", data={**approval, "csrf_token": zhang.csrf_token})
    assert own.status_code == 403
    assert "as its proposer" in own.text
    assert [li.client.post(f"{address}/signatures", data=approval).status_code for _ in range(2)] == [303, 303]
    early = li.client.get(f"{address}/execution")
    assert early.status_code == 409
    assert "supervisors attend" in early.text
    assert signed(zhao, address, 1).status_code == 303
    assert signed(sun, address, 1).status_code == 303
    assert sun.client.get(f"{address}/execution").status_code == 403
    preview = li.client.get(f"{address}/execution").text
    assert '<dd id="record-count">1</dd>' in preview
    assert executed(li, address, count="1").status_code == 400
    said = {"place": "Room 3", "method": "keys", "count": "7"}
    wrong = executed(li, address, **said)
    assert wrong.status_code == 400
    assert "Room 3" in wrong.text
    assert state_of(served, dies) is RecordState.FILED
    fields = {**fields_of(li.client.get(f"{address}/execution"), f"{address}/execution"), **said, "count": "1"}
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: li.client.post(f"{address}/execution", data=fields), range(2)))
    assert {each.status_code for each in answers} == {303}
    assert len({each.headers["location"] for each in answers}) == 1
    assert [state_of(served, each) for each in (dies, extended, kept)] == [
        RecordState.DESTROYED,
        RecordState.FILED,
        RecordState.FILED,
    ]
    page = zhang.client.get(address).text
    assert "Room 3" in page
    assert answers[0].headers["location"] in page
    zhang.post("/certificates")
    number = re.findall(r'href="/certificates/(C-[\d-]+)"', zhang.client.get("/certificates").text)[0]
    certificate = zhang.client.get(f"/certificates/{number}").text
    assert address in certificate
    assert certificate.count("Supervisor") == 2
    assert "Zhao" in certificate


def test_an_objection_takes_a_record_off_an_approved_list(
    served: Served, crew: dict[str, Staff], program: httpx.Client
) -> None:
    zhang, li = crew["zhang"], crew["li"]
    first, other = due(served, program, "First", "Other")
    address = listed(zhang)
    assert reviewed(zhang, address, "destroy").status_code == 303
    assert signed(zhang, address, 2).status_code == 303
    stale = {**fields_of(li.client.get(address), f"{address}/signatures"), "count": "2"}
    path = f"{address}/objections"
    assert zhang.post(path, **{f"r-{first}": "yes"}).status_code == 400
    assert zhang.post(path, reason="the customer asked").status_code == 400
    assert zhang.post(path, **{f"r-{first}": "yes", "reason": "the customer asked"}).status_code == 303
    changed = li.client.post(f"{address}/signatures", data=stale)
    assert changed.status_code == 409
    assert "has changed since it was shown" in changed.text
    assert signed(li, address, 1).status_code == 303
    page = li.client.get(address).text
    assert "the customer asked" in page
    assert "Objected to" in page
    cancel = f"{address}/cancel"
    assert zhang.post(cancel).status_code == 400
    assert [zhang.post(cancel, cancelled="made anew").status_code for _ in range(2)] == [303, 303]
    assert "made anew" in zhang.client.get(address).text
    assert state_of(served, other) is RecordState.FILED
    assert address.rpartition("/")[2] in zhang.client.get("/disposal", params={"state": "cancelled"}).text


def test_what_was_filed_in_error_needs_a_second_person(
    served: Served, crew: dict[str, Staff], program: httpx.Client
) -> None:
    zhang, li = crew["zhang"], crew["li"]
    record_id = stored_id(program, b"wrong", title="Wrong scan")
    form = zhang.client.get("/disposal/error", params={"record": record_id})
    assert "Wrong scan" in form.text
    fields = fields_of(form, "/disposal/error")
    assert zhang.client.post("/disposal/error", data=fields).status_code == 400
    answers = [zhang.client.post("/disposal/error", data={**fields, "reason": "twice"}) for _ in range(2)]
    (address,) = {each.headers["location"] for each in answers}
    assert "You have signed it" in zhang.client.get(address).text
    assert signed(li, address, 1).status_code == 303
    done = executed(li, address, count="1")
    assert done.status_code == 303
    assert state_of(served, record_id) is RecordState.DESTROYED
    again = li.client.post(f"{address}/execution", data={"csrf_token": li.csrf_token})
    assert again.headers["location"] == done.headers["location"]


def test_refusals_are_told_in_chinese(served: Served, crew: dict[str, Staff], program: httpx.Client) -> None:
    zhang, li = crew["zhang"], crew["li"]
    held = stored_id(program, b"listed twice", title="Twice")
    fields = {
        **fields_of(zhang.client.get("/disposal/error", params={"record": held}), "/disposal/error"),
        "reason": "r",
    }
    assert zhang.client.post("/disposal/error", data=fields).status_code == 303
    answer = li.client.post(
        "/disposal/error", data={**fields, "csrf_token": li.csrf_token}, headers={"Accept-Language": "zh"}
    )
    assert answer.status_code == 409
    assert re.search(r"档案 \S+ 已在清单 D-\S+ 上", answer.text)


def test_a_pause_is_an_alarm_and_goes_on_with_a_typed_number(
    served: Served, crew: dict[str, Staff], program: httpx.Client
) -> None:
    pause = Pause(
        id=PauseId("p" * 26),
        fonds_id=served.vault.fonds.id,
        cause=PauseCause.SHARE_EXCEEDED,
        measure=321,
        living=1000,
        at=served.vault.now(),
        resumed_by=None,
        resumed_at=None,
    )
    with served.vault.catalogue.write() as tx:
        tx.pauses.add(pause)
    page = crew["zhang"].client.get("/disposal")
    assert 'role="alert"' in page.text
    assert "321 of 1,000 living records would die within one day" in page.text
    assert "Automatic expiry is paused" in crew["zhang"].client.get("/state").text
    assert "/disposal/expiry/resume" in page.text
    seen = crew["zhao"].client.get("/disposal").text
    assert "Automatic expiry is paused" in seen
    assert 'name="confirm"' not in seen
    path = "/disposal/expiry/resume"
    fields = fields_of(page, path)
    zhang = crew["zhang"].client
    assert zhang.post(path, data={**fields, "confirm": "1"}).status_code == 400
    assert zhang.post(path, data={**fields, "confirm": "321", "pause": "other"}).status_code == 409
    assert [zhang.post(path, data={**fields, "confirm": "321"}).status_code for _ in range(2)] == [303, 303]
    assert expiry.show_expiry(served.vault, everything()).pause is None


def test_one_restricts_a_record_and_another_lifts_that(
    served: Served, crew: dict[str, Staff], reader: Staff, program: httpx.Client
) -> None:
    zhang, li = crew["zhang"], crew["li"]
    record_id = stored_id(program, b"stored only", title="Stored only")
    path = f"/records/{record_id}"
    assert [zhang.post(f"{path}/restriction", reason="asked to delete").status_code for _ in range(2)] == [303, 303]
    page = zhang.client.get(path).text
    assert "may only be stored" in page
    assert "You restricted it" in page
    assert "Download" not in page
    assert reader.client.get(path).status_code == 404
    assert zhang.post(f"{path}/restriction/lift", reason="me").status_code == 403
    assert "Lift the restriction" in li.client.get(path).text
    assert li.post(f"{path}/restriction/lift", reason="the dispute is over").status_code == 303
    assert reader.client.get(path).status_code == 200


def test_what_is_not_settled_is_marked_and_cleared(crew: dict[str, Staff], program: httpx.Client) -> None:
    zhao = crew["zhao"]
    path = f"/records/{stored_id(program, b'owed', title='Owed')}"
    assert zhao.post(f"{path}/unsettled", reason="").status_code == 400
    assert [zhao.post(f"{path}/unsettled", reason="a debt").status_code for _ in range(2)] == [303, 303]
    assert "They are settled" in zhao.client.get(path).text
    assert zhao.post(f"{path}/settled", reason="paid").status_code == 303
    assert "Mark it as unsettled" in zhao.client.get(path).text


def test_paper_follows_its_record_and_stands_on_the_page(
    served: Served, crew: dict[str, Staff], program: httpx.Client
) -> None:
    zhang, li, zhao = crew["zhang"], crew["li"], crew["zhao"]
    record_id = stored_id(program, b"scan", title="Scan of a letter")
    path = f"/records/{record_id}"
    assert zhao.post(f"{path}/paper", box="not a box!").status_code == 400
    assert [zhao.post(f"{path}/paper", box="B-17", place="cellar").status_code for _ in range(2)] == [303, 303]
    page = zhao.client.get(path).text
    assert "B-17 · cellar" in page
    number = program.get(f"/api/v1/records/{record_id}").json()["number"]
    said = {"method": "pulping", "weight": "120", "vendor": "Paper Mill", "witnesses": "Ms Hu\r\nMr Lu"}
    assert zhang.post(f"{path}/paper/destruction", confirm=number, **said).status_code == 409
    fields = fields_of(zhang.client.get("/disposal/error", params={"record": record_id}), "/disposal/error")
    address = zhang.client.post("/disposal/error", data={**fields, "reason": "twice"}).headers["location"]
    signed(li, address, 1)
    assert executed(li, address, count="1").status_code == 303
    assert "Say how it was destroyed" in zhang.client.get(path).text
    destruction = f"{path}/paper/destruction"
    assert zhang.post(destruction, confirm="other", **said).status_code == 400
    assert zhang.post(destruction, confirm=number, **{**said, "witnesses": "one"}).status_code == 400
    assert [zhang.post(destruction, confirm=number, **said).status_code for _ in range(2)] == [303, 303]
    page = zhang.client.get(path).text
    assert all(text in page for text in ("Pulped", "120 g", "Paper Mill", "Ms Hu, Mr Lu"))
