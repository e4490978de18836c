"""Pages of the schedule: a rule is looked at, proposed by one person and approved by another, once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import httpx
import pytest

from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.visitors import Staff, fields_of, stored_id
from vault.ids import RecordId
from vault.schedule import RuleState
from vault.workflows import holding, schedules

LOOK, PROPOSE = "/schedule/proposals/preview", "/schedule/proposals"


def form_of(staff: Staff, code: str) -> dict[str, str]:
    """What a browser sends of the form of a class as it stands."""
    page = staff.client.get("/schedule/proposals/form", params={"class": code} if code else {}).text
    page = page[page.index(f'action="{LOOK}"') :]
    said = dict(re.findall(r'<input id="(\w+)" name="\w+" type="(?:text|number)" value="([^"]*)"', page))
    said |= dict.fromkeys(re.findall(r'name="(\w+)" type="checkbox" value="yes" checked', page), "yes")
    for name, options in re.findall(r'<select id="(\w+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]+)" selected', options)
        said[name] = chosen[1] if chosen else ""
    said |= dict(re.findall(r'<textarea id="(\w+)"[^>]*>([^<]*)</textarea>', page))
    return {"class": code, **said}


def looked(staff: Staff, code: str, /, **changes: str) -> httpx.Response:
    """The look at another rule."""
    return staff.post(LOOK, **{**form_of(staff, code), "reason": "because", **changes})


def proposed(staff: Staff, code: str, /, **changes: str) -> httpx.Response:
    """Looks at another rule and proposes it."""
    fields = fields_of(looked(staff, code, **changes), PROPOSE)
    return staff.client.post(PROPOSE, data=fields)


def state_of(served: Served, code: str) -> list[RuleState]:
    """The states of a class's versions, newest first."""
    return [each.rule.state for each in schedules.show_class(served.vault, everything(), code)]


@pytest.fixture
def filed(served: Served, program: httpx.Client) -> str:
    """A record of class contract whose contract has ended."""
    record_id = stored_id(program, b"kept", title="Filed")
    holding.file_record(
        served.vault,
        everything(),
        RecordId(record_id),
        class_code="contract",
        trigger_on=date(2020, 5, 4),
    )
    return record_id


def test_the_schedule_tells_periods_laws_and_states_to_everybody(staff: Staff, reader: Staff) -> None:
    page = reader.client.get("/schedule").text
    assert "电子商务法" in page
    assert "/schedule/proposals/form" not in page
    assert reader.client.get("/schedule/classes/contract").status_code == 200
    for path in ("/schedule/proposals/form", "/schedule/classes/contract/proposal"):
        assert reader.client.get(path).status_code == 403
    assert "/schedule/proposals/form" in staff.client.get("/schedule").text
    assert staff.client.get("/schedule/classes/none").status_code == 404


def test_a_rule_is_looked_at_proposed_by_one_and_approved_by_another(
    served: Served, staff: Staff, second: Staff, filed: str
) -> None:
    years = int(form_of(staff, "contract")["period_years"])
    page = looked(staff, "contract", period_years=str(years + 2))
    assert page.status_code == 200
    assert '<dd id="later">1</dd>' in page.text
    assert f"May 4, {2020 + years + 2}" in page.text
    assert state_of(served, "contract") == [RuleState.IN_FORCE]
    fields = fields_of(page, PROPOSE)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: staff.client.post(PROPOSE, data=fields), range(2)))
    assert {(each.status_code, each.headers.get("location")) for each in answers} == {
        (303, "/schedule/classes/contract/proposal")
    }
    assert state_of(served, "contract") == [RuleState.PROPOSED, RuleState.IN_FORCE]
    own = staff.client.get("/schedule/classes/contract/proposal")
    assert "You have proposed it" in own.text
    assert 'approve"' not in own.text
    theirs = second.client.get("/schedule/classes/contract/proposal")
    assert "because" in theirs.text
    path = "/schedule/classes/contract/approve"
    approval = fields_of(theirs, path)
    assert staff.client.post(path, data={**approval, "csrf_token": staff.csrf_token}).status_code == 403
    answers = [second.client.post(path, data=approval) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    assert state_of(served, "contract") == [RuleState.IN_FORCE, RuleState.SUPERSEDED]
    assert staff.client.post(path, data={**approval, "csrf_token": staff.csrf_token}).status_code == 409
    story = staff.client.get("/schedule/classes/contract").text
    assert f"<del>{years}</del> → {years + 2}" in story
    record = staff.client.get(f"/records/{filed}").text
    assert 'href="/schedule/classes/contract"' in record


def test_what_changed_since_the_look_is_looked_at_again(served: Served, staff: Staff, program: httpx.Client) -> None:
    fields = fields_of(looked(staff, "identity", lead_days="77"), PROPOSE)
    record_id = stored_id(program, b"later", **{"class": "identity"})
    holding.file_record(
        served.vault, everything(), RecordId(record_id), class_code="identity", trigger_on=date(2024, 2, 3)
    )
    refused = staff.client.post(PROPOSE, data=fields)
    assert refused.status_code == 409
    assert "is not what was shown" in refused.text
    assert staff.client.post(PROPOSE, data=fields_of(refused, PROPOSE)).status_code == 303
    withdrawn = fields_of(
        staff.client.get("/schedule/classes/identity/proposal"), "/schedule/classes/identity/withdraw"
    )
    for _ in range(2):
        assert staff.client.post("/schedule/classes/identity/withdraw", data=withdrawn).status_code == 303
    assert state_of(served, "identity") == [RuleState.WITHDRAWN, RuleState.IN_FORCE]


def test_an_automatic_class_asks_its_approver_to_type_its_code(served: Served, staff: Staff, second: Staff) -> None:
    said = {"code": "visitor-log", "title_zh": "访客登记", "title_en": "Visitors", "period_years": "1"}
    rule = {"trigger": "created", "action": "destroy", "automatic": "yes"}
    assert proposed(staff, "", **said, **rule).status_code == 303
    page = second.client.get("/schedule/classes/visitor-log/proposal")
    assert "without anybody being asked again" in page.text
    path = "/schedule/classes/visitor-log/approve"
    fields = fields_of(page, path)
    refused = second.client.post(path, data=fields)
    assert refused.status_code == 400
    assert "This is not the class&#39;s code" in refused.text
    assert state_of(served, "visitor-log") == [RuleState.PROPOSED]
    assert second.client.post(path, data={**fields, "confirm": "visitor-log"}).status_code == 303
    assert state_of(served, "visitor-log") == [RuleState.IN_FORCE]
    assert "Visitors" in staff.client.get("/upload").text
    retire = "/schedule/classes/visitor-log/retire"
    assert staff.post(retire, confirm="another").status_code == 400
    assert staff.post(retire, confirm="visitor-log").status_code == 303
    assert state_of(served, "visitor-log") == [RuleState.RETIRED]
    assert "is retired already" in staff.post(retire, confirm="visitor-log").text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"reason": ""}, "A rule needs a reason"),
        ({"period_years": "many"}, "must be a whole number"),
        ({"nature": "other"}, "Choose one of those"),
        ({"title_en": ""}, "needs a title in Chinese"),
        ({"automatic": "yes", "action": "review"}, "only destruction goes without a person"),
        ({"code": "contract"}, "a class with this code already"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_rule_that_is_none_is_told_where_it_was_typed(staff: Staff, wrong: dict[str, str], told: str) -> None:
    said = {"code": "another", "title_zh": "另", "title_en": "Another kind", **wrong}
    answer = looked(staff, "", **said)
    assert answer.status_code == 400
    assert told.lower() in answer.text.lower()
    assert said["title_zh"] in answer.text


def test_refusals_are_told_in_chinese(served: Served, staff: Staff, second: Staff) -> None:
    assert proposed(staff, "house", lead_days="44").status_code == 303
    path = "/schedule/classes/house/approve"
    fields = fields_of(second.client.get("/schedule/classes/house/proposal"), path)
    answer = staff.client.post(path, data={**fields, "csrf_token": staff.csrf_token}, headers={"Accept-Language": "zh"})
    assert answer.status_code == 403
    assert "类别 house 的第 2 版由您提议，须由他人批准" in answer.text
    again = looked(second, "house", lead_days="45")
    refused = second.client.post(PROPOSE, data=fields_of(again, PROPOSE), headers={"Accept-Language": "zh"})
    assert refused.status_code == 409
    assert "第 2 版已提议" in refused.text


def test_a_set_that_ships_is_proposed_as_a_whole(served: Served, staff: Staff) -> None:
    assert staff.post("/schedule/sets", set="eu-us", reason="").status_code == 400
    assert staff.post("/schedule/sets", set="none", reason="why").status_code == 404
    assert staff.post("/schedule/sets", set="eu-us", reason="we trade there").status_code == 303
    page = staff.client.get("/schedule").text
    assert "/schedule/classes/us-payroll-tax/proposal" in page
    assert state_of(served, "us-payroll-tax") == [RuleState.PROPOSED]
    assert 'value="eu-us"' not in page
