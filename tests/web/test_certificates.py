"""Pages of certificates: issued, shown as checked, taken away byte for byte and on paper."""

from __future__ import annotations

import json

import pytest

from tests.support.people import everything
from tests.support.vault import add_bytes
from tests.web.conftest import Served
from tests.web.visitors import Staff
from vault.destruction import Targets
from vault.workflows import certificates, destruction


@pytest.fixture(scope="module")
def number(served: Served) -> str:
    """A certificate of a record that somebody alone destroyed."""
    operator = everything()
    record_id = add_bytes(served.vault, operator, b"gone", title="Wrongly scanned").record_id
    targets = Targets(records=frozenset({record_id}))
    destruction.destroy(served.vault, operator, targets, alone=True, error=True)
    certificates.issue_now(served.vault, operator)
    return certificates.list_certificates(served.vault, operator)[0].number


def test_a_certificate_is_listed_shown_and_taken_away(served: Served, staff: Staff, number: str) -> None:
    listed = staff.client.get("/certificates").text
    assert f'href="/certificates/{number}"' in listed
    page = staff.client.get(f"/certificates/{number}")
    assert page.status_code == 200
    assert "This destruction was ordered by one person alone." in page.text
    assert "Wrongly scanned" not in page.text
    document = staff.client.get(f"/certificates/{number}/document")
    assert document.headers["content-type"] == "application/json"
    assert f'filename="{number}.json"' in document.headers["content-disposition"]
    view = certificates.show_certificate(served.vault, everything(), number)
    assert document.content == view.document
    assert json.loads(document.content)["statement"]["number"] == number


@pytest.mark.parametrize("languages", ["", "zh", "en", "both"])
def test_a_certificate_is_printed(staff: Staff, number: str, languages: str) -> None:
    answer = staff.client.get(f"/certificates/{number}/print", params={"languages": languages} if languages else {})
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


def test_what_is_no_certificate_or_language_is_told(staff: Staff, reader: Staff, number: str) -> None:
    assert staff.client.get(f"/certificates/{number}/print", params={"languages": "fr"}).status_code == 400
    assert staff.client.get("/certificates/C-2026-9999").status_code == 404
    for path in ("/certificates", f"/certificates/{number}", f"/certificates/{number}/document"):
        assert reader.client.get(path).status_code == 403


def test_what_is_due_is_issued_by_the_page(staff: Staff) -> None:
    assert staff.post("/certificates").status_code == 303
