"""Pages of holds: placed by one, at once; released by two; a form that comes twice makes one matter."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.visitors import Staff, fields_of, stored_id
from vault.customers import Profile
from vault.holds import MatterState
from vault.workflows import customers, matters, mirror
from web.submissions import REMEMBERED_MAX, Submissions

SAID = {"title": "Lake against Hill", "issuer": "District court", "reason": "a claim\r\nof 2026"}


def number_of(program: httpx.Client, record_id: str) -> str:
    return str(program.get(f"/api/v1/records/{record_id}").json()["number"])


def placed(staff: Staff, **scope: str) -> str:
    """Places a hold by the page; gives where it stands."""
    fields = fields_of(staff.client.get("/matters/form"), "/matters")
    answer = staff.client.post("/matters", data={**fields, **SAID, **scope})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def state_of(served: Served, address: str) -> MatterState:
    return matters.find_matter(served.vault, everything(), address.rpartition("/")[2]).state


def test_nothing_is_held_at_first(staff: Staff, reader: Staff) -> None:
    assert "Nothing is held" in staff.client.get("/matters").text
    for path in ("/matters", "/matters/form", "/matters/H-2026-0001"):
        assert reader.client.get(path).status_code == 403
    assert staff.client.get("/matters/H-2026-0001").status_code == 404


def test_a_look_holds_nothing_and_a_form_sent_twice_makes_one_matter(
    served: Served, staff: Staff, program: httpx.Client
) -> None:
    record_id = stored_id(program, b"evidence", title="The letter")
    form = staff.client.get("/matters/form", params={"record": record_id})
    number = number_of(program, record_id)
    assert number in form.text
    assert "The letter" in form.text
    said = {**fields_of(form, "/matters"), **SAID, "records": number}
    look = staff.client.post("/matters", data={**said, "step": "look"})
    assert look.status_code == 200
    assert "It would hold 1 records." in look.text
    assert "District court" in look.text
    assert "Nothing is held" in staff.client.get("/matters").text
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: staff.client.post("/matters", data=said), range(3)))
    (address,) = {answer.headers["location"] for answer in answers}
    page = staff.client.get(address).text
    assert all(text in page for text in ("Lake against Hill", "District court", "a claim\nof 2026", number))
    assert '<dd id="held">1</dd>' in page
    assert "data-watch" in page
    record = staff.client.get(f"/records/{record_id}").text
    assert f'href="{address}"' in record
    mirror.mirror_holds(served.vault)
    assert "data-watch" not in staff.client.get(address).text
    refused = staff.client.get("/destructions/preview", params={"record": record_id, "error": "yes"})
    assert f"is held by matter {address.rpartition('/')[2]}" in refused.text


def test_one_proposes_the_release_and_another_releases(
    served: Served, staff: Staff, second: Staff, program: httpx.Client
) -> None:
    address = placed(staff, records=number_of(program, stored_id(program, b"held")))
    propose, release = f"{address}/release/propose", f"{address}/release"
    assert staff.post(propose, reason="").status_code == 400
    assert staff.post(release, confirm=address.rpartition("/")[2]).status_code == 409
    for _ in range(2):
        assert staff.post(propose, reason="it is settled").status_code == 303
    assert second.post(propose, reason="me too").status_code == 409
    assert f'action="{release}"' not in staff.client.get(address).text
    own = staff.client.post(
        release,
        data={"csrf_token": staff.csrf_token, "confirm": address.rpartition("/")[2]},
        headers={"Accept-Language": "zh"},
    )
    assert own.status_code == 403
    assert "解除由您提议，须由第二人确认" in own.text
    assert state_of(served, address) is MatterState.RELEASE_PROPOSED
    theirs = second.client.get(address)
    assert "it is settled" in theirs.text
    fields = fields_of(theirs, release)
    assert second.client.post(release, data={**fields, "confirm": "H-1"}).status_code == 400
    for _ in range(2):
        assert second.client.post(release, data={**fields, "confirm": address.rpartition("/")[2]}).status_code == 303
    assert state_of(served, address) is MatterState.RELEASED
    page = staff.client.get(address).text
    assert "Released" in page
    assert "<form" not in page[page.index("<main") :]


def test_a_proposed_release_is_withdrawn(served: Served, staff: Staff, program: httpx.Client) -> None:
    address = placed(staff, records=number_of(program, stored_id(program, b"again")))
    staff.post(f"{address}/release/propose", reason="too early")
    for _ in range(2):
        assert staff.post(f"{address}/release/withdraw").status_code == 303
    assert state_of(served, address) is MatterState.IN_FORCE


def test_customers_classes_and_words_are_held_as_they_come(served: Served, staff: Staff, program: httpx.Client) -> None:
    customer = customers.add_customer(served.vault, everything(), Profile(name="Ms Zhao")).customer
    stored_id(program, b"a", customer=customer.number)
    stored_id(program, b"b", title="About the bridge")
    address = placed(
        staff, customers=customer.number, queries="bridge\r\n\r\nno such words", **{"class-identity": "yes"}
    )
    page = staff.client.get(address).text
    assert '<dd id="held">2</dd>' in page
    assert all(text in page for text in ("“bridge”", "“no such words”", "found by its words", customer.number))
    stored_id(program, b"c", title="Another bridge")
    stored_id(program, b"d", **{"class": "identity"})
    assert '<dd id="held">4</dd>' in staff.client.get(address).text
    assert "bridge" not in address
    added = fields_of(staff.client.get(address), f"{address}/scope")
    more = {**added, "records": number_of(program, stored_id(program, b"e"))}
    assert "It would hold 5 records." in staff.client.post(f"{address}/scope", data={**more, "step": "look"}).text
    for _ in range(2):
        assert staff.client.post(f"{address}/scope", data=more).status_code == 303
    assert '<dd id="held">5</dd>' in staff.client.get(address).text
    empty = staff.client.post(f"{address}/scope", data=added)
    assert empty.status_code in (303, 400)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"title": ""}, "needs a title"),
        ({"reason": " "}, "Reason is empty; say why"),
        ({"records": "2026-9999999"}, "names no record"),
        ({"customers": "K-99999"}, "no such customer"),
        ({"queries": "long " * 50}, "longer than 200 characters"),
        ({}, "Nothing is named that is to be held"),
    ],
    ids=["title", "reason", "record", "customer", "words", "nothing"],
)
def test_a_hold_that_is_none_is_told_and_what_was_typed_stays(staff: Staff, wrong: dict[str, str], told: str) -> None:
    fields = fields_of(staff.client.get("/matters/form"), "/matters")
    answer = staff.client.post("/matters", data={**fields, **SAID, **wrong})
    assert answer.status_code in (400, 404)
    assert told in answer.text
    assert "District court" in answer.text


def test_chosen_records_are_placed_under_a_matter_from_the_list(staff: Staff, program: httpx.Client) -> None:
    chosen = [stored_id(program, b"1", title="First of two"), stored_id(program, b"2", title="Second of two")]
    page = staff.client.get("/records").text
    assert re.search(r'<button formaction="/matters/form">', page)
    form = staff.client.get("/matters/form", params={"record": chosen})
    assert "First of two" in form.text
    assert "Second of two" in form.text
    assert all(number_of(program, each) in form.text for each in chosen)


def test_a_submission_is_remembered_and_a_failed_one_is_not() -> None:
    submissions, made = Submissions(), list[str]()

    def make() -> str:
        made.append("one")
        return f"H-{len(made)}"

    def fail() -> str:
        raise ValueError

    with pytest.raises(ValueError):
        submissions.once("t", fail)
    assert [submissions.once("t", make) for _ in range(3)] == ["H-1"] * 3
    assert [submissions.once("", make) for _ in range(2)] == ["H-2", "H-3"]
    for each in range(REMEMBERED_MAX):
        submissions.once(f"other {each}", make)
    assert submissions.once("t", make) != "H-1"
