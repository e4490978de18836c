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


def test_what_was_filed_is_told_though_another_is_not_there_any_more(staff: Staff, program: httpx.Client) -> None:
    there = stored_id(program, b"plain", title="There", file_name="a.txt")
    asked = fields_of(staff.client.get("/filings", params={"record": [there]}), "/filings")
    done = staff.post("/filings", **{**asked, "records": f"{there},{'a' * 26}"})
    assert done.status_code == 404
    assert "1 record is filed." in done.text
