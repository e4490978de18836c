"""The page of the log: filters, proofs to take away, and the check of the whole."""

from __future__ import annotations

import re

import httpx

from tests.support.people import everything
from tests.web.conftest import Served
from tests.web.visitors import Staff, stored_id
from vault.audit import Event
from vault.workflows import log, logchecks


def rows(page: str) -> list[str]:
    """What the rows of the table say happened."""
    return re.findall(r'<td class="main">([^<]+)</td>', page)


def test_entries_are_found_by_what_by_whom_about_what_and_when(auditor: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, b"logged", title="Logged")
    assert rows(auditor.client.get("/log").text)[0] == "Received"
    assert rows(auditor.client.get("/log", params={"subject": record_id}).text) == ["Received"]
    signed = auditor.client.get("/log", params={"event": "signed-in"}).text
    assert set(rows(signed)) == {"Signed in"}
    assert 'class="chip"' in signed
    assert rows(auditor.client.get("/log", params={"actor": "nobody"}).text) == []
    assert rows(auditor.client.get("/log", params={"to": "2001-01-01"}).text) == []
    assert "choose one of those" in auditor.client.get("/log", params={"event": "nonsense"}).text.lower()
    assert "not a date" in auditor.client.get("/log", params={"from": "nonsense"}).text


def test_it_pages_by_number(auditor: Staff, served: Served) -> None:
    newest = auditor.client.get("/log", params={"before": "3"}).text
    assert re.findall(r'data-label="Entry">([\d,]+)<', newest) == ["2", "1"]
    assert auditor.client.get("/log", params={"before": "x"}).status_code == 400


def test_a_button_checks_the_whole_log(auditor: Staff, served: Served) -> None:
    log.publish_log(served.vault)
    before = logchecks.newest(served.vault, everything())
    answer = auditor.post("/log/verification")
    assert answer.status_code == 303
    page = auditor.client.get("/log").text
    assert "A check of the log is asked for" in page
    assert "data-watch" in page
    assert 'http-equiv="refresh"' in page, "without a script, too"
    auditor.post("/log/verification")
    logchecks.check_log(served.vault)
    kept = logchecks.newest(served.vault, everything())
    assert len(kept) == len(before) + 1, "whoever asks twice is given the same check"
    page = auditor.client.get("/log").text
    assert "The log holds" in page
    assert "data-watch" not in page
    with served.vault.catalogue.read() as tx:
        assert f"Checked up to entry {kept[0].verdict.size if kept[0].verdict else 0:,}" in page
        assert tx.audit.page(event=Event.LOG_CHECKED, limit=1)[0].entry.actor == kept[0].asked_by


def test_an_entry_is_proved_by_a_file_that_others_can_check(auditor: Staff) -> None:
    answer = auditor.post("/log/1/proof")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="entry-1.tlog-proof"'
    assert answer.text.startswith("c2sp.org/tlog-proof@v1")
    assert auditor.post("/log/999999999/proof").status_code == 404
    assert auditor.post("/log/x/proof").status_code == 400


def test_whoever_may_not_read_the_log_is_not_shown_it(reader: Staff) -> None:
    assert reader.client.get("/log").status_code == 403
    assert 'href="/log"' not in reader.client.get("/").text
