"""Filing on pages: what is found is shown before, and kept with the record afterwards; many at once, knowingly."""

from __future__ import annotations

import httpx

from tests.support import files
from tests.web.visitors import Staff, fields_of, stored_id


def test_what_is_found_is_shown_before_and_kept_afterwards(staff: Staff, program: httpx.Client) -> None:
    locked = stored_id(program, files.pdf("x", password="word"), title="Locked", file_name="a.pdf")
    page = staff.client.get(f"/records/{locked}/file")
    assert "It is encrypted or protected by a password." in page.text
    asked = fields_of(page, f"/records/{locked}/file")
    refused = staff.post(f"/records/{locked}/file", **asked, **{"class": "contract"})
    assert refused.status_code == 400
    assert "say why it is filed all the same" in refused.text
    filed = staff.post(f"/records/{locked}/file", **asked, **{"class": "contract", "reason": "it came like that"})
    assert filed.status_code == 303
    shown = staff.client.get(f"/records/{locked}").text
    assert f"/records/{locked}/filings/1" in shown
    report = staff.client.get(f"/records/{locked}/filings/1").text
    assert "it came like that" in report
    assert "on a page" in report
    assert staff.client.get(f"/records/{locked}/filings/2").status_code == 404
    assert staff.client.get(f"/records/{locked}/filings/9999999999").status_code == 404


def test_many_are_filed_at_once_with_their_counts_and_those_that_failed_knowingly(
    staff: Staff, program: httpx.Client
) -> None:
    sound = stored_id(program, b"plain", title="Sound", file_name="a.txt")
    broken = stored_id(program, b"%PDF-1.7 cut", title="Broken", file_name="b.pdf")
    page = staff.client.get("/filings", params={"record": [sound, broken]})
    asked = fields_of(page, "/filings")
    assert (asked["records"], asked["failing"]) == (f"{sound},{broken}", broken)
    # What was not shown as failing is not filed by a reason that was given for something else.
    unseen = staff.post("/filings", **{**asked, "failing": "", "reason": "known"})
    assert unseen.status_code == 400
    assert "1 record is filed." in unseen.text
    done = staff.post("/filings", **{**fields_of(unseen, "/filings"), "reason": "known"})
    assert done.status_code == 303
    assert "known" in staff.client.get(f"/records/{broken}/filings/1").text
    assert staff.client.get("/filings").status_code == 200


def test_programs_see_what_is_found_file_knowingly_and_read_the_reports(program: httpx.Client) -> None:
    record = stored_id(program, files.acting_pdf(b"/OpenAction << /S /Launch >>"), title="Acts", file_name="a.pdf")
    found = program.post(f"/api/v1/records/{record}/filing/preview", json={}).json()
    assert found["verdicts"]["safe"] == "failed"
    assert "has-launch" in {each["code"] for each in found["findings"]}
    refused = program.post(f"/api/v1/records/{record}/filing", json={})
    assert (refused.status_code, refused.json()["field"]) == (400, "reason")
    assert program.post(f"/api/v1/records/{record}/filing", json={"reason": "known"}).status_code == 200
    (report,) = program.get(f"/api/v1/records/{record}/filings").json()["reports"]
    assert (report["number"], report["way"], report["reason"]) == (1, "program", "known")
    assert report["findings"] == found["findings"]


def test_work_lists_are_pages_and_answers_and_home_leads_to_those_that_have_something(
    staff: Staff, program: httpx.Client
) -> None:
    one, two = (stored_id(program, b"the same bytes", title="Twice", file_name="a.txt") for _ in "12")
    assert {"missing", "twins"} <= set(program.get("/api/v1/quality").json()["lists"])
    home = staff.client.get("/").text
    assert 'href="/quality/missing"' in home
    assert 'href="/quality/twins"' in home
    assert "Twice" in staff.client.get("/quality/missing", params={"flaw": "no-customer", "class": "contract"}).text
    assert "the same bytes as" in staff.client.get("/quality/twins").text
    assert staff.client.get("/quality").status_code == 200
    assert "so many days" in staff.client.get("/quality/stale", params={"days": "0"}).text
    page = program.get("/api/v1/quality/missing", params={"limit": "1"}).json()
    assert page["next"]
    following = program.get("/api/v1/quality/missing", params={"limit": "1", "before": page["next"]}).json()
    assert page["records"][0]["record"]["id"] != following["records"][0]["record"]["id"]
    twins = program.post("/api/v1/records/twins", json={"records": [one, "z" * 26]}).json()["records"]
    assert two in {each["id"] for each in twins[0]["twins"]}
    for path, status in (
        ("/quality/none", 404),
        ("/quality/missing?flaw=twin", 400),
        ("/quality/missing?flaw=none", 400),
        ("/quality/stale?days=x", 400),
        (f"/quality/stale?before={'x' * 300}", 400),
    ):
        assert staff.client.get(path).status_code == status
