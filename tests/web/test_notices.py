"""Pages of notices: what the staff is told, whom to tell, and that nothing is executed before they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import httpx
import pytest

from tests.support.people import everything, somebody
from tests.vault.samples import a_class
from tests.web.conftest import Served
from tests.web.test_disposal import listed_class, reviewed, signed
from tests.web.visitors import Staff, stored_id
from vault.ids import RecordId
from vault.workflows import holding, schedules

CODE = "announced"


@pytest.fixture(scope="module")
def announced(served: Served, program: httpx.Client) -> str:
    """A customer with a due record of a class that tells of its destruction."""
    rule = replace(a_class(code=CODE, period_years=1, mandate=""), title_en="Announced", notify=True, objection_days=30)
    one, two = (somebody(name * 26) for name in ("a", "b"))
    schedules.propose(served.vault, one, rule, "for the test")
    schedules.approve(served.vault, two, CODE)
    customer = program.post("/api/v1/customers", json={"name": "Hillside Bakery"}).json()
    record_id = stored_id(program, b"a lease", title="Lease of the shop", customer=customer["number"])
    holding.file_record(
        served.vault,
        everything(),
        RecordId(record_id),
        class_code=CODE,
        trigger_on=date(2010, 1, 2),
    )
    return str(customer["id"])


def test_customers_are_told_before_a_list_is_executed(
    staff: Staff, second: Staff, reader: Staff, announced: str
) -> None:
    address = listed_class(staff, CODE)
    number = address.rpartition("/")[2]
    assert reviewed(staff, address, "destroy").status_code == 303
    assert "Notices" not in staff.client.get(address).text.partition("<main")[2]
    assert signed(staff, address, 1).status_code == 303
    opinion = staff.client.get(address).text
    assert "Appraisal opinion" in opinion
    assert signed(second, address, 1).status_code == 303
    page = staff.client.get(address).text
    assert "1 customer has to be told before it is executed" in page
    assert "the time begins when all customers were told" in page
    home = staff.client.get("/").text
    assert "Tell customers of a disposal list" in home
    assert f'href="{address}"' in home
    early = second.client.get(f"{address}/execution")
    assert (early.status_code, "have not been told" in early.text) == (409, True)
    read = reader.client.get("/notices").text
    assert number in read
    assert "K-0" not in read
    waiting = staff.client.get("/notices", params={"state": "waiting"}).text
    (notice,) = {part.split('"')[0] for part in waiting.split('href="/notices/')[1:]}
    text = staff.client.get(f"/notices/{notice}").text
    assert "You may object within 30 days" in text
    assert "30 天内提出" in text
    assert "Lease of the shop" not in text
    assert reader.client.get(f"/notices/{notice}").status_code == 404
    path, told = f"{address}/notices", {f"r-{announced}": "yes", "remark": "RR 1"}
    assert staff.post(path, channel="post").status_code == 400
    assert staff.post(path, channel="pages", **told).status_code == 400
    assert reader.post(path, channel="post", **told).status_code == 403
    assert [staff.post(path, channel="post", **told).status_code for _ in range(2)] == [303, 303]
    assert second.post(path, channel="post", **told).status_code == 409
    page = staff.client.get(address).text
    assert "to be told before it is executed" not in page
    assert "by post" in page
    window = second.client.get(f"{address}/execution")
    assert (window.status_code, "objections to list" in window.text.lower()) == (409, True)
    assert "RR 1" in staff.client.get(f"/notices/{notice}").text
    chinese = staff.client.get(f"/notices/{notice}", headers={"Accept-Language": "zh"}).text
    assert "销毁通知" in chinese
