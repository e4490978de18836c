"""Pages of destruction: the preview changes nothing, the form destroys once, what is gone says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.visitors import Staff, form_token, opened, stored_id
from vault.customers import Profile
from vault.destruction import Targets
from vault.errors import NotAllowed
from vault.groups import FOUNDING
from vault.ids import BatchId, ProcessId, RecordId
from vault.records import RecordState
from vault.workflows import customers, destruction, effect, people, upkeep


def preview(client: httpx.Client, *records: str, **more: str) -> httpx.Response:
    """The preview of records, or of what is named besides."""
    return client.get("/destructions/preview", params={"record": list(records), **more})


def fields_of(page: httpx.Response) -> dict[str, str]:
    """What the form carries."""
    form = page.text[page.text.index('action="/destructions"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form>")]))


def destroy(staff: Staff, *records: str, count: str | None = None) -> httpx.Response:
    """Previews records filed in error and sends the form."""
    fields = fields_of(preview(staff.client, *records, error="yes"))
    return staff.client.post("/destructions", data={**fields, "count": count or str(len(records)), "alone": "yes"})


def state_of(served: Served, record_id: str) -> RecordState:
    with served.vault.catalogue.read() as tx:
        record = tx.records.get(RecordId(record_id))
    assert record is not None
    return record.state


@pytest.fixture(scope="module")
def reader(served: Served) -> Iterator[httpx.Client]:
    """Somebody who may look at records and at nothing else."""
    token = people.invite(served.vault, everything(), {"readers"})
    with served.client() as client:
        said = {"login": "a reader", "name": "Reader", "password": "only looks at things"}
        assert client.post(f"/welcome/{token}", data=said).status_code == 303
        yield client


def test_a_preview_says_what_and_what_remains_and_changes_nothing(
    served: Served, staff: Staff, program: httpx.Client
) -> None:
    records = [stored_id(program, b"one", title="Draft one"), stored_id(program, b"three", title="Draft two")]
    page = preview(staff.client, *records, error="yes")
    assert page.status_code == 200
    assert all(said in page.text for said in ("Draft one", "Draft two", "8 B", "Sealed bytes in the store"))
    assert '<dd id="record-count">2</dd>' in page.text
    assert [state_of(served, each) for each in records] == [RecordState.RECEIVED] * 2
    assert "Nothing was ever destroyed" in staff.client.get("/destructions").text


def test_what_stands_against_it_is_told_and_no_form_is_offered(staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, b"kept")
    page = preview(staff.client, record_id)
    assert page.status_code == 200
    assert "It cannot be done now, for 1 reason:" in page.text
    assert 'action="/destructions"' not in page.text
    assert "error=yes" in page.text
    chinese = staff.client.get("/destructions/preview", params={"record": record_id}, headers={"Accept-Language": "zh"})
    assert "不得销毁" in chinese.text


def test_nothing_chosen_is_said(staff: Staff) -> None:
    answer = staff.client.get("/destructions/preview")
    assert answer.status_code == 400
    assert "Nothing is named that is to be destroyed" in answer.text


def test_a_form_destroys_and_sending_it_again_leads_to_the_same_batch(
    served: Served, staff: Staff, program: httpx.Client
) -> None:
    record_id = stored_id(program, b"gone", title="Wrongly scanned")
    fields = fields_of(preview(staff.client, record_id, error="yes"))
    said = {**fields, "count": "1", "alone": "yes"}
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: staff.client.post("/destructions", data=said), range(2)))
    answers.append(staff.client.post("/destructions", data=said))
    assert {answer.status_code for answer in answers} == {303}
    (address,) = {answer.headers["location"] for answer in answers}
    assert state_of(served, record_id) is RecordState.DESTROYED
    page = staff.client.get(address).text
    assert "Destroyed for ever" in page
    assert "http-equiv" not in page
    assert f'href="/records/{record_id}"' in page
    assert address in staff.client.get("/destructions").text
    record = staff.client.get(f"/records/{record_id}").text
    assert "This record is destroyed" in record
    assert address in record
    assert "Wrongly scanned" not in record
    assert opened(program, record_id).status_code == 404
    assert staff.client.get(f"/records/{record_id}/content", params={"purpose": "business"}).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"count": "2"}, "not how many would be destroyed"),
        ({"count": "many"}, "not how many would be destroyed"),
        ({"alone": ""}, "needs two people"),
        ({"seen": "0" * 64}, "has changed since it was shown"),
        ({"error": ""}, "not filed"),
        ({"csrf_token": "wrong"}, "token"),
    ],
    ids=["number", "no number", "not alone", "changed", "no ground", "foreign"],
)
def test_a_form_that_is_not_right_destroys_nothing(
    served: Served, staff: Staff, program: httpx.Client, wrong: dict[str, str], told: str
) -> None:
    record_id = stored_id(program, b"stays")
    fields = fields_of(preview(staff.client, record_id, error="yes"))
    answer = staff.client.post("/destructions", data={**fields, "count": "1", "alone": "yes", **wrong})
    assert answer.status_code in (400, 403, 409)
    assert told in answer.text
    assert state_of(served, record_id) is RecordState.RECEIVED


def test_what_came_in_after_the_preview_is_looked_at_again(served: Served, staff: Staff, program: httpx.Client) -> None:
    customer = customers.add_customer(served.vault, everything(), Profile(name="Ms Li")).customer
    first = stored_id(program, b"x", customer=customer.number)
    page = preview(staff.client, customer=customer.number, error="yes")
    assert "Ms Li" in page.text
    later = stored_id(program, b"y", customer=customer.number)
    said = {**fields_of(page), "alone": "yes"}
    refused = staff.client.post("/destructions", data={**said, "count": "1"})
    assert refused.status_code == 409
    assert '<dd id="record-count">2</dd>' in refused.text
    done = staff.client.post("/destructions", data={**fields_of(refused), "count": "2", "alone": "yes"})
    assert done.status_code == 303
    assert {state_of(served, each) for each in (first, later)} == {RecordState.DESTROYED}
    assert "Ms Li" not in staff.client.get("/customers").text
    again = staff.client.post("/destructions", data={**said, "count": "1"})
    assert again.headers["location"] == done.headers["location"]


def test_a_batch_that_waits_says_for_what_and_looks_again_by_itself(
    served: Served, staff: Staff, program: httpx.Client
) -> None:
    elsewhere = replace(served.vault, process_id=ProcessId(served.vault.new_id()), description="elsewhere")
    with served.vault.catalogue.write() as tx:
        generation = served.vault.keys.generation()
        tx.processes.beat(elsewhere.process_id, description="elsewhere", now=served.vault.now(), generation=generation)
    address = destroy(staff, stored_id(program, b"waits")).headers["location"]
    page = staff.client.get(address).text
    assert f"Process {elsewhere.process_id}, last seen" in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert "data-watch" in page
    assert "1 has not taken effect yet" in staff.client.get("/state").text
    chinese = staff.client.get(address, headers={"Accept-Language": "zh"}).text
    assert f"进程 {elsewhere.process_id}" in chinese
    upkeep.beat(elsewhere)
    effect.resume(served.vault)
    assert "data-watch" not in staff.client.get(address).text
    with served.vault.catalogue.write() as tx:
        tx.processes.end(elsewhere.process_id)


def test_a_reader_sees_that_it_is_gone_and_destroys_nothing(
    staff: Staff, reader: httpx.Client, program: httpx.Client
) -> None:
    record_id = stored_id(program, b"readable")
    for path in ("/destructions", f"/destructions/{'a' * 26}", "/keepers", "/backups"):
        assert reader.get(path).status_code == 403
    assert preview(reader, record_id).status_code == 403
    assert "Destroy" not in reader.get(f"/records/{record_id}").text
    front = reader.get("/records")
    assert 'name="record"' not in front.text
    assert 'href="/destructions"' not in front.text
    said = {"csrf_token": form_token(front), "records": record_id, "count": "1", "alone": "yes"}
    assert reader.post("/destructions", data=said).status_code == 403
    destroy(staff, record_id)
    seen = reader.get(f"/records/{record_id}").text
    assert "This record is destroyed" in seen
    assert 'href="/destructions/' not in seen


def test_the_history_pages_by_generation(served: Served, staff: Staff) -> None:
    page = staff.client.get("/destructions")
    assert "Generation 2" in page.text
    assert "There are no older ones" in staff.client.get("/destructions", params={"before": "1"}).text
    assert staff.client.get("/destructions", params={"before": "x"}).status_code == 400
    assert staff.client.get(f"/destructions/{BatchId('a' * 26)}").status_code == 404


def test_holds_of_a_rebuilt_catalogue_are_confirmed_by_two(served: Served, staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, b"held back")
    with served.vault.catalogue.write() as tx:
        tx.rebuilds.add(served.vault.fonds.id, at=served.vault.now())
    page = preview(staff.client, record_id, error="yes")
    assert "The catalogue was rebuilt" in page.text
    assert 'action="/destructions"' not in page.text
    assert staff.post("/destructions/holds").status_code == 303
    assert "You have confirmed them already" in preview(staff.client, record_id, error="yes").text
    assert staff.post("/destructions/holds").status_code == 403
    token = people.invite(served.vault, everything(), FOUNDING)
    with served.client() as second:
        said = {"login": "second", "name": "Second", "password": "a second pair of eyes"}
        second.post(f"/welcome/{token}", data=said)
        csrf = form_token(second.get("/"))
        assert second.post("/destructions/holds", data={"csrf_token": csrf}).status_code == 303
    # Now there are two who could sign, so nobody destroys alone any more: the form is gone, and the vault refuses.
    page = preview(staff.client, record_id, error="yes")
    assert 'action="/destructions"' not in page.text
    assert 'action="/disposal/error"' in page.text
    with pytest.raises(NotAllowed, match="nobody is alone here"):
        destruction.destroy(served.vault, everything(), Targets(records=frozenset({RecordId(record_id)})), alone=True)
    assert state_of(served, record_id) is RecordState.RECEIVED
