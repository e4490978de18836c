"""Gates on the pages: which one stands, the way through, and back; groups that see nothing of the rest."""

from __future__ import annotations

import base64

import httpx

from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.visitors import PASSWORD, Staff, fields_of, sign_in, stored_id
from vault.training import SHIPPED
from vault.workflows import people


def test_somebody_is_led_through_the_gates_to_the_record(staff: Staff, program: httpx.Client) -> None:
    record = stored_id(program, b"a passport", title="Passport", **{"class": "identity"})
    here = f"/records/{record}/gates"
    content = f"/records/{record}/content?purpose=legal"
    assert staff.client.get(content).headers["location"] == here
    assert staff.client.get(f"/records/{record}/correct").headers["location"] == here
    assert staff.post(f"/records/{record}/links", days="1", uses="1").headers["location"] == here
    page = staff.client.get(here)
    assert f"/agreement?next=%2Frecords%2F{record}%2Fgates" in page.text
    agreement = staff.client.get("/agreement", params={"next": here})
    signed = staff.post("/agreement/signature", **fields_of(agreement, "/agreement/signature"))
    assert (signed.status_code, signed.headers["location"]) == (303, here)
    test = staff.client.get("/training", params={"next": here})
    answers = {f"q-{number}": str(question.right) for number, question in enumerate(SHIPPED.questions)}
    passed = staff.post("/training/test", **fields_of(test, "/training/test"), **answers)
    assert (passed.status_code, passed.headers["location"]) == (303, here)
    assert staff.client.get(content).headers["location"] == here
    short = staff.post(f"/records/{record}/openings", purpose="legal", words="x")
    assert short.status_code == 400
    opened = staff.post(f"/records/{record}/openings", purpose="legal", words="the court asks for it")
    assert opened.headers["location"] == f"/records/{record}?purpose=legal#preview"
    assert staff.client.get(content).content == b"a passport"


def test_programs_are_told_by_code_and_say_the_words_in_a_header(staff: Staff, program: httpx.Client) -> None:
    client = program
    record = stored_id(client, b"a passport", title="Passport", **{"class": "identity"})
    path = f"/api/v1/records/{record}/content"
    refused = client.get(path, params={"purpose": "audit"})
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose-needed")
    words = base64.urlsafe_b64encode("核对证件".encode()).decode().rstrip("=")
    headers = {"Strongroom-Purpose-Words": words}
    assert client.get(path, params={"purpose": "audit"}, headers=headers).content == b"a passport"


def test_an_important_record_is_lent_on_the_pages(staff: Staff, second: Staff, program: httpx.Client) -> None:
    record = stored_id(program, b"a deal", title="Deal", **{"class": "deal"})
    asked = staff.post(f"/records/{record}/loans", purpose="business", words="due diligence", days="2")
    assert asked.headers["location"] == "/loans"
    page = second.client.get("/loans").text
    assert "due diligence" in page
    loan = page[page.index("/loans/") + 7 :][:26]
    assert staff.post(f"/loans/{loan}/decision", decision="grant").status_code == 403
    assert second.post(f"/loans/{loan}/decision", decision="grant").status_code == 303
    opened = staff.post(f"/records/{record}/openings", purpose="business", words="due diligence")
    assert opened.status_code == 303
    assert staff.post(f"/loans/{loan}/return").status_code == 303
    closed = staff.client.get(f"/records/{record}/content?purpose=business")
    assert closed.headers["location"] == f"/records/{record}/gates"


def test_agreement_and_training_are_published_by_security_administrators(staff: Staff, reader: Staff) -> None:
    for path in ("/agreement/versions", "/training/courses"):
        assert staff.client.get(path).status_code == 200
        assert reader.client.get(path).status_code == 403
    assert reader.client.get("/agreement").status_code == 200
    assert reader.client.get("/training").status_code == 200


def test_groups_are_made_granted_joined_and_left(staff: Staff, served: Served) -> None:
    assert staff.post("/groups", group="letters").headers["location"] == "/groups/letters"
    assert staff.post("/groups/letters/grants", role="reader", **{"class": "correspondence"}).status_code == 303
    token = people.invite(served.vault, everything(), {"letters"})
    person = people.accept_invitation(served.vault, token, login="zhou", name="Zhou", password=PASSWORD)
    page = staff.client.get("/groups/letters").text
    assert "Zhou" in page
    with served.client() as client:
        mine = sign_in(client, "zhou")
        assert client.get("/records").status_code == 200
        assert client.get("/upload").status_code == 403
        assert mine.post("/groups/letters/leave").status_code == 303
        assert client.get("/records").status_code == 403
        assert client.get("/").headers["location"] == "/permissions"
    assert staff.post("/groups/readers/members", person=str(person.id)).status_code == 303
    assert staff.post("/groups/letters/grants/revoke", role="reader", **{"class": "correspondence"}).status_code == 303


def test_the_permission_table_is_shown_to_everybody_who_is_signed_in(reader: Staff, auditor: Staff) -> None:
    for visitor in (reader, auditor):
        page = visitor.client.get("/permissions")
        assert page.status_code == 200
        assert "Read and verify the log" in page.text
    assert auditor.client.get("/log").status_code == 200
    for path in ("/records", "/groups", "/state", "/upload", "/matters", "/loans"):
        assert auditor.client.get(path).status_code == 403
