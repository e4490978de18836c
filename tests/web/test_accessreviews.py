"""Permission reviews on the pages: begun, decided on, taken away as a report."""

from __future__ import annotations

import csv
import io

import httpx

from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.visitors import PASSWORD, Staff, sign_in
from vault.workflows import groups, people


def person_of(served: Served, name: str) -> str:
    return str(next(each for each, said in groups.list_people(served.vault, everything()).items() if name in said))


def begun(served: Served, staff: Staff) -> str:
    """A review of a group with one reader and one grant, in which both administrators decide."""
    groups.add_group(
        served.vault, everything(), code := f"letters-{len(groups.list_groups(served.vault, everything()))}"
    )
    staff.post(f"/groups/{code}/grants", role="reader", **{"class": "correspondence"})
    token = people.invite(served.vault, everything(), {code})
    people.accept_invitation(served.vault, token, login=code, name=f"Reader of {code}", password=PASSWORD)
    named = {f"p-{person_of(served, '(zhang)')}": "yes", f"p-{person_of(served, '(li)')}": "yes"}
    answer = staff.post("/reviews", days="5", **named, **{f"g-{code}": "yes"})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_a_review_is_begun_decided_on_and_closed(served: Served, staff: Staff, second: Staff) -> None:
    here = begun(served, staff)
    page = second.client.get(here).text
    assert "Reader of letters" in page
    assert 'name="r-1"' in page
    assert 'name="r-2"' in page
    assert "Say which rights stay" in second.client.get("/").text
    nothing = second.post(f"{here}/decisions", decision="keep")
    assert (nothing.status_code, "Nothing is chosen" in nothing.text) == (400, True)
    assert second.post(f"{here}/decisions", decision="keep", **{"r-1": "yes"}).status_code == 303
    assert second.post(f"{here}/decisions", decision="revoke", **{"r-2": "yes"}).status_code == 303
    page = second.client.get(here).text
    assert 'id="count-kept">1' in page
    assert 'id="count-revoked">1' in page
    assert "r-1" not in page
    again = second.post(f"{here}/decisions", decision="keep", **{"r-2": "yes"})
    assert again.status_code == 409


def test_the_report_comes_as_json_and_as_a_table(served: Served, staff: Staff, second: Staff) -> None:
    here = begun(served, staff)
    assert second.post(f"{here}/decisions", decision="keep", **{"r-1": "yes"}).status_code == 303
    document = staff.client.get(f"{here}/report")
    assert document.headers["content-disposition"].startswith("attachment")
    assert document.json()["counts"] == {"kept": 1, "pending": 1}
    table = staff.client.get(f"{here}/report?format=csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert [(row["kind"], row["ruling"], row["decided_by_name"]) for row in rows] == [
        ("membership", "kept", "李四"),
        ("grant", "pending", ""),
    ]
    assert staff.client.get(f"{here}/report?format=xml").status_code == 400


def test_a_review_without_a_reviewer_says_so_and_keeps_what_was_typed(staff: Staff) -> None:
    answer = staff.post("/reviews", days="9", **{"g-readers": "yes"})
    assert answer.status_code == 400
    assert "Name somebody who reviews" in answer.text
    assert 'value="9"' in answer.text


def test_whoever_is_not_concerned_is_told_of_no_review(
    served: Served, staff: Staff, second: Staff, reader: Staff, auditor: Staff
) -> None:
    here = begun(served, staff)
    assert reader.client.get(here).status_code == 403
    assert reader.client.get("/reviews").status_code == 403
    token = people.invite(served.vault, everything(), {"officers"})
    people.accept_invitation(served.vault, token, login=f"officer-{here[-4:]}", name="Officer", password=PASSWORD)
    with served.client() as client:
        officer = sign_in(client, f"officer-{here[-4:]}")
        assert client.get(here).status_code == client.get("/reviews/R-1999-0001").status_code == 404
        assert officer.post(f"{here}/decisions", decision="keep", **{"r-1": "yes"}).status_code == 404
    assert auditor.client.get(here).status_code == 200
    assert here.rpartition("/")[2] in auditor.client.get("/").text
    assert auditor.post(f"{here}/decisions", decision="keep", **{"r-1": "yes"}).status_code == 403


def test_programs_read_the_report_and_decide_with_a_proof(
    served: Served, staff: Staff, second: Staff, program: httpx.Client
) -> None:
    number = begun(served, staff).rpartition("/")[2]
    report = program.get(f"/api/v1/permission-reviews/{number}").json()
    assert [(each["kind"], each["ruling"]) for each in report["items"]] == [
        ("membership", "pending"),
        ("grant", "pending"),
    ]
    assert number in {each["number"] for each in program.get("/api/v1/permission-reviews").json()["reviews"]}
    path = f"/api/v1/permission-reviews/{number}/decisions"
    decided = program.post(path, json={"decision": "keep", "items": [1, 2]})
    assert (decided.status_code, decided.json()["state"]) == (200, "closed"), decided.text
    assert program.post(path, json={"decision": "keep", "items": [1]}).status_code == 409
    started = program.post("/api/v1/permission-reviews", json={"reviewers": ["nobody"]})
    assert started.status_code == 404, started.text


def test_without_a_session_there_is_nothing(visitor: httpx.Client) -> None:
    assert visitor.get("/reviews").status_code in (303, 401)
