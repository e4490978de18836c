"""The upload page with a script: many files dropped anywhere, a line that breaks, a page that is loaded anew; the grid
before filing, and what is flagged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Visitor, receipt_rows, sign_in, visiting
from tests.support.server import LOGIN, PASSWORD, Server, served

pytestmark = pytest.mark.journey

# Drops made-up files on the page, the same ones for the same numbers: so many, of these sizes in turn.
DROP = """
([count, sizes, from]) => {
  const carried = new DataTransfer();
  for (let number = from; number < from + count; number += 1) {
    const size = sizes[number % sizes.length];
    const bytes = new Uint8Array(size);
    let state = number + 1;
    for (let at = 0; at < size; at += 1) { state = (state * 1103515245 + 12345) & 0x7fffffff; bytes[at] = state >> 16; }
    const name = `扫描 ${String(number + 1).padStart(3, "0")}.bin`;
    carried.items.add(new File([bytes], name, { type: "application/octet-stream", lastModified: 1767225600000 }));
  }
  const dropped = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
  document.querySelector("h1").dispatchEvent(dropped);
}
"""
DROP_NAMED = """
(files) => {
  const carried = new DataTransfer();
  for (const [name, content] of files) carried.items.add(new File([content], name, { lastModified: 1767225600000 }));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
}
"""
# Begins an upload that this browser does not remember, as another one of the same person does.
BEGIN = """
async () => {
  const headers = {
    "Tus-Resumable": "1.0.0", "Upload-Length": "10",
    "Upload-Metadata": `filename ${btoa("a")},class ${btoa("contract")}`,
    "Strongroom-CSRF": document.querySelector("[name=csrf_token]").value,
  };
  return (await fetch("/api/v1/uploads", { method: "POST", headers })).headers.get("Location");
}
"""
ALL = "(wanted) => document.getElementById('summary').textContent.startsWith(wanted)"
STORED = "(least) => Number(/\\d+/.exec(document.getElementById('summary').textContent)?.[0] ?? 0) >= least"
SCANS = 200
SIZES = [60_000, 120_000, 30_000, 90_000, 200_000, 50_000, 80_000, 40_000, 110_000, 2_500_000]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with its first administrator."""
    with served(tmp_path_factory.mktemp("uploading") / "home") as running:
        running.sign_up()
        yield running


@pytest.fixture
def visitor(browser: Browser, server: Server) -> Iterator[Visitor]:
    """The administrator at the upload page."""
    with visiting(browser, server.url) as somebody:
        sign_in(somebody, LOGIN, PASSWORD)
        somebody.visit("/upload")
        yield somebody


def records(visitor: Visitor) -> dict[str, dict[str, Any]]:
    """Every record by its file's name."""
    found: dict[str, dict[str, Any]] = {}
    before = ""
    while True:
        answer = visitor.page.request.get(f"{visitor.origin}/api/v1/records?limit=200{before}")
        page = answer.json()
        for each in page["records"]:
            assert each["file_name"] not in found, each["file_name"]
            found[each["file_name"]] = each
        if page["next"] is None:
            return found
        before = f"&before={page['next']}"


def test_200_scans_dropped_over_a_line_that_breaks_twice_and_a_page_that_is_loaded_anew(visitor: Visitor) -> None:
    page = visitor.page
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#class").select_option("contract")
    page.evaluate(DROP, [SCANS, SIZES, 0])
    assert page.locator("#grid tbody tr").count() == 50
    page.locator("#send").click()
    for least in (20, 60):
        page.wait_for_function(STORED, arg=least, timeout=240_000)
        visitor.context.set_offline(True)
        page.wait_for_timeout(1500)
        visitor.context.set_offline(False)
    page.wait_for_function(STORED, arg=100, timeout=240_000)
    page.reload()
    page.locator("#class").select_option("contract")
    page.evaluate(DROP, [SCANS, SIZES, 0])
    page.locator("#send").click()
    page.wait_for_function(ALL, arg=f"{SCANS} of {SCANS} files stored.", timeout=240_000)
    assert page.locator("#files tr").count() == 100
    text = page.locator("#files").inner_text()
    assert text.count("declared = stored = hashed") == 100
    assert "Stored before" in text
    found = {name: each for name, each in records(visitor).items() if name.startswith("扫描")}
    assert len(found) == SCANS
    for number in range(SCANS):
        assert found[f"扫描 {number + 1:03}.bin"]["size_bytes"] == SIZES[number % len(SIZES)]
    kept = page.evaluate("() => JSON.stringify(Object.entries(localStorage))")
    assert "扫描" not in kept
    assert "strongroom-upload-" in kept


def test_ten_thousand_files_are_a_page_of_rows(visitor: Visitor) -> None:
    page = visitor.page
    page.evaluate(DROP, [10_000, [10], 100_000])
    assert page.locator("#grid tbody tr").count() == 50
    assert page.locator("#grid-pages [data-where]").inner_text() == "1 / 200"
    page.locator("#grid-pages [data-on]").click()
    assert page.locator("#grid-pages [data-where]").inner_text() == "2 / 200"
    page.locator("#grid tbody tr").first.get_by_role("button").click()
    assert page.locator("#grid tbody tr").count() == 50


def test_what_is_said_of_the_first_is_filled_down(visitor: Visitor) -> None:
    page = visitor.page
    page.locator("#class").select_option("contract")
    page.evaluate(DROP_NAMED, [["one.txt", "first"], ["two.txt", "second"], ["three.txt", "third"]])
    first = page.locator("#grid tbody tr").first
    first.locator("[data-field=title]").fill("Minutes")
    first.locator("[data-field=class]").select_option("correspondence")
    first.locator("[data-field=dated_on]").fill("2026-02-03")
    page.locator("[data-fill=title]").click()
    page.locator("[data-fill=class]").click()
    first.locator("[data-field=dated_on]").press("Control+d")
    page.locator("#grid tbody tr").last.locator("[data-field=title]").fill("Annex")
    page.locator("#send").click()
    receipt_rows(visitor)
    found = records(visitor)
    told = [
        (found[name]["title"], found[name]["class"], found[name]["dated_on"])
        for name in ("one.txt", "two.txt", "three.txt")
    ]
    assert told == [
        ("Minutes", "correspondence", "2026-02-03"),
        ("Minutes", "correspondence", "2026-02-03"),
        ("Annex", "correspondence", "2026-02-03"),
    ]


def test_what_is_wrong_with_a_file_is_flagged_and_the_receipt_is_saved(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    page.locator("#class").select_option("contract")
    whole = "%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"
    files = [
        ["nothing.txt", ""],
        ["really a text.pdf", "words"],
        ["locked.pdf", whole.replace("/Root", "/Encrypt 2 0 R /Root")],
        ["cut.pdf", whole[:40]],
        ["good.pdf", whole],
        ["again.pdf", whole],
    ]
    page.evaluate(DROP_NAMED, files)
    flags = page.locator("#grid tbody tr td:first-child .fault")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#grid .fault')].filter((each) => each.textContent).length >= 4"
    )
    told = [each.inner_text() for each in flags.all()]
    assert ["empty" in told[0], "another type" in told[1], "encrypted" in told[2], "cut off" in told[3]] == [True] * 4
    assert told[4:] == ["", ""]
    page.locator("#send").click()
    rows = receipt_rows(visitor)
    assert sum("same bytes as another" in row.inner_text() for row in rows.all()) == 1
    page.wait_for_function(
        "() => [...document.querySelectorAll('#files tr')]"
        ".filter((row) => row.textContent.includes('here already')).length === 2"
    )
    with page.expect_download() as saving:
        page.locator("#save-json").click()
    saving.value.save_as(tmp_path / "receipt.json")
    saved = json.loads((tmp_path / "receipt.json").read_text(encoding="utf-8"))
    assert [each["file"] for each in saved["files"]] == [name for name, _ in files]
    assert all(each["digest_compared"] and each["declared_bytes"] == each["stored_bytes"] for each in saved["files"])
    with page.expect_download() as saving:
        page.locator("#save-csv").click()
    saving.value.save_as(tmp_path / "receipt.csv")
    assert (tmp_path / "receipt.csv").read_text(encoding="utf-8-sig").count("\n") == len(files) + 1
    page.emulate_media(media="print")
    assert not page.locator("#upload").is_visible()
    assert page.locator("#files").is_visible()


def test_a_big_file_is_paused_and_goes_on_where_it_was(visitor: Visitor) -> None:
    page = visitor.page
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 6_000_000}
    session = visitor.context.new_cdp_session(page)
    session.send("Network.emulateNetworkConditions", slow)
    page.locator("#class").select_option("contract")
    page.evaluate(DROP, [1, [24_000_000], 500])
    page.locator("#send").click()
    page.wait_for_function("() => document.querySelector('#files progress').value > 0.4")
    page.get_by_role("button", name="Pause: 扫描").click()
    page.wait_for_function("() => document.querySelector('#files').textContent.includes('Paused')")
    page.locator("#hold").click()
    page.wait_for_function("() => document.querySelector('#files progress').value > 0.3")
    session.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    receipt_rows(visitor)
    assert "declared = stored = hashed" in page.locator("#files").inner_text()
    assert records(visitor)["扫描 501.bin"]["size_bytes"] == 24_000_000


def test_what_waits_is_filed_as_was_said_when_it_was_sent(visitor: Visitor) -> None:
    page = visitor.page
    page.locator("#class").select_option("contract")
    page.evaluate(DROP, [12, [400_000], 600])
    visitor.context.set_offline(True)
    page.locator("#send").click()
    page.locator("#class").select_option("correspondence")
    page.locator("#title").fill("The next batch")
    visitor.context.set_offline(False)
    page.wait_for_function(ALL, arg="12 of 12 files stored.", timeout=60_000)
    found = records(visitor)
    told = [(found[f"扫描 {number}.bin"]["class"], found[f"扫描 {number}.bin"]["title"]) for number in range(601, 613)]
    assert told == [("contract", f"扫描 {number}") for number in range(601, 613)]


def test_what_was_said_wrongly_is_said_anew_when_it_is_tried_again(visitor: Visitor) -> None:
    page = visitor.page
    page.locator("#class").select_option("contract")
    page.locator("#customer").fill("K-999999")
    page.evaluate(DROP_NAMED, [["whose.txt", "somebody's"]])
    page.locator("#send").click()
    page.locator("#retry").wait_for()
    page.locator("#customer").fill("")
    page.locator("#retry").click()
    receipt_rows(visitor)
    assert "whose.txt" in records(visitor)


def test_a_session_that_ran_out_throws_no_upload_away(visitor: Visitor) -> None:
    page = visitor.page
    begun: list[str] = []
    page.on(
        "request", lambda sent: begun.append(sent.url) if (sent.method, sent.url[-8:]) == ("POST", "/uploads") else None
    )
    session = visitor.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 6_000_000}
    session.send("Network.emulateNetworkConditions", slow)
    page.locator("#class").select_option("contract")
    page.evaluate(DROP, [1, [24_000_000], 700])
    page.locator("#send").click()
    page.wait_for_function("() => document.querySelector('#files progress').value > 0.4")
    cookies = visitor.context.cookies()
    visitor.context.clear_cookies()
    page.locator("#retry").wait_for()
    visitor.context.add_cookies(cookies)  # type: ignore[arg-type]  # what was read is what is written
    session.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    page.locator("#retry").click()
    receipt_rows(visitor)
    assert records(visitor)["扫描 701.bin"]["size_bytes"] == 24_000_000
    assert len(begun) == 1


def test_what_this_browser_left_is_given_up_when_that_is_said_twice_and_nothing_else(visitor: Visitor) -> None:
    page = visitor.page
    page.on("dialog", lambda dialog: dialog.accept())
    elsewhere = page.evaluate(BEGIN)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 500_000}
    visitor.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.locator("#class").select_option("contract")
    page.evaluate(DROP, [1, [2_500_000], 800])
    page.locator("#send").click()
    page.wait_for_function("() => Object.values(localStorage).some((each) => each.includes('/api/v1/uploads/'))")
    page.reload()
    notice = page.locator("#unfinished")
    notice.get_by_text("1 uploads that were begun in this browser").wait_for()
    assert not page.locator("#give-up").is_visible()
    notice.get_by_text("Give them up", exact=True).click()
    page.route("**/api/v1/uploads/*", lambda route: route.abort())
    page.locator("#give-up").click()
    notice.get_by_text("1 uploads could not be given up").wait_for()
    page.unroute("**/api/v1/uploads/*")
    page.locator("#give-up").click()
    notice.wait_for(state="hidden")
    left = page.request.get(f"{visitor.origin}/api/v1/uploads").json()["uploads"]
    assert [f"/api/v1/uploads/{each['id']}" for each in left] == [elsewhere]
