"""Two people in two browsers: a rule proposed and approved, a hold placed and released; one reads English, one Chinese.

The tests share one server and run in this order: the first makes both administrators.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journeys.test_destruction import KNOWN, papers
from tests.support.browser import Visitor, receipt_rows, sign_in, upload, visiting
from tests.support.server import LOGIN, PASSWORD, Server

pytestmark = pytest.mark.journey

SECOND, NAME = "second-administrator", "Maximiliane Featherstonehaugh-Konstantinopolitanskaja"


@contextmanager
def two_people(browser: Browser, server: Server) -> Iterator[tuple[Visitor, Visitor]]:
    """Both administrators at work: the first in English, the second in Chinese."""
    server.sign_up()
    with (
        visiting(browser, server.url) as first,
        visiting(browser, server.url, locale="zh-CN") as second,
    ):
        sign_in(first, LOGIN, PASSWORD)
        second.visit("/sign-in")
        second.fill(login=SECOND, password=PASSWORD)
        second.page.locator("main form button").click()
        second.page.wait_for_load_state()
        if "/sign-in" in second.page.url:
            second.refused.clear()
            first.visit("/state")
            for group in ("security", "officers", "records"):
                first.page.locator(f"main input[name={group}]").check()
            first.press("Make the invitation")
            second.visit(first.page.locator("#address").input_value())
            second.fill(name=NAME, login=SECOND, password=PASSWORD)
            second.page.locator("main form button.primary").click()
            second.page.wait_for_url("**/")
        yield first, second


def english_words(visitor: Visitor) -> set[str]:
    """Words of the page's content that are not Chinese, but for codes and what people typed."""
    said = visitor.page.evaluate(
        "() => { const part = document.querySelector('main').cloneNode(true);"
        " for (const each of part.querySelectorAll('code, dd.lines, h1, input')) each.remove();"
        " document.body.append(part); const said = part.innerText; part.remove(); return said; }"
    )
    return set(re.findall(r"[A-Za-z]{3,}", said)) - KNOWN - {"Strongroom", "First", *re.findall(r"[A-Za-z]{3,}", NAME)}


def saved(visitor: Visitor, link: str, folder: Path) -> Path:
    """Follows a link that downloads."""
    with visitor.page.expect_download() as coming:
        visitor.follow(link)
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def require_one_line(visitor: Visitor) -> None:
    """The head of the page stands in one line."""
    tops = visitor.page.evaluate(
        "() => [...document.querySelectorAll('header.top > *, header.top .who > :not([popover]), header.top button')]"
        ".filter((each) => each.getClientRects().length).map((each) => {"
        " const box = each.getBoundingClientRect(); return (box.top + box.bottom) / 2; })"
    )
    assert max(tops) - min(tops) < 6, tops


def test_a_rule_is_proposed_by_one_and_approved_by_the_other(
    browser: Browser, new_server: Server, tmp_path: Path
) -> None:
    with two_people(browser, new_server) as (first, second):
        upload(first, papers(tmp_path, "Contract.txt"), class_code="contract", title="A contract")
        receipt_rows(first).first.locator("a").click()
        first.page.locator("h1", has_text="A contract").wait_for()
        record = first.page.url
        first.follow("File it")
        first.fill(trigger_on="2020-05-04")
        first.press("File it")
        first.page.locator("#verdict summary").click()
        first.follow("To the rule")
        first.page.locator("h1").wait_for()
        first.follow("Propose a change…")
        years = int(first.page.locator("#period_years").input_value())
        first.fill(period_years=str(years + 3), reason="Counsel asked for it")
        first.press("Look at what it changes")
        assert first.page.locator("#later").inner_text() == "1"
        first.press("Propose it")
        first.page.get_by_text("You have proposed it").wait_for()
        assert first.page.get_by_role("button", name="Approve the rule").count() == 0
        second.visit("/schedule")
        assert english_words(second) == {"art"}  # laws are cited as they are
        second.page.locator("main ul.plain a").first.click()
        second.page.locator("dd.lines", has_text="Counsel asked for it").wait_for()
        second.press("批准此规则")
        second.page.locator("del").first.wait_for()
        assert second.page.locator("section.card").first.locator(".state").inner_text() == "现行"
        first.visit(record)
        first.page.locator("#verdict summary").click()
        assert f"May 4, {2020 + years + 3}" in first.text()
        for page in ("/schedule", "/matters", "/state"):
            second.visit(page)
            require_one_line(second)
            second.choose_language("English")
            require_one_line(second)
            second.choose_language("中文")
        first.require_calm()
        second.require_calm()


def test_a_hold_is_placed_by_one_and_released_by_both(browser: Browser, new_server: Server, tmp_path: Path) -> None:
    with two_people(browser, new_server) as (first, second):
        upload(first, papers(tmp_path, "One.txt", "Two.txt"), class_code="contract")
        receipt_rows(first)
        first.visit("/records")
        for place in (0, 1):
            first.page.locator("tbody input[type=checkbox]").nth(place).check()
        first.press("Place under a hold…")
        first.fill(title="Lake against Hill", issuer="District court", reason="A claim of 2026")
        first.press("Only show what it would hold")
        assert "It would hold 2 records" in first.text()
        first.press("Place the hold")
        first.page.locator("h1", has_text="Lake against Hill").wait_for()
        assert first.page.locator("#held").inner_text() == "2"
        matter = first.page.url
        assert re.search(r"/matters/H-\d{4}-\d{4}$", matter)
        first.page.locator("#coverage:not([data-watch])").wait_for(timeout=60_000)  # upkeep has marked the store
        assert "2 of 2 versions" in first.text()
        first.page.locator("main tbody a").first.click()
        first.page.locator("#verdict summary").click()
        assert "holds it until two people have released the hold" in first.text()
        first.follow("To the matter")
        first.page.locator("summary", has_text="Propose its release").click()
        first.page.locator("#reason").fill("The claim is settled")
        first.press("Propose the release")
        first.page.get_by_text("another person has to confirm it").wait_for()
        assert first.page.get_by_role("button", name="Release for ever").count() == 0
        second.visit(matter)
        assert english_words(second) == {"District", "court"}
        second.fill(confirm="H-1")
        second.press("最终解除")
        assert "输入的不是此事项的编号" in second.text()
        second.fill(confirm=matter.rpartition("/")[2])
        second.press("最终解除")
        second.page.locator("[data-state=matter-released]").wait_for()
        first.visit(matter)
        assert "Released" in first.text()
        first.require_calm()
        second.require_calm(refusals=[400])
    assert "Lake against" not in new_server.log.read_text(encoding="utf-8")


def test_a_list_is_reviewed_by_the_keyboard_signed_by_both_and_executed(
    browser: Browser, new_server: Server, tmp_path: Path
) -> None:
    with two_people(browser, new_server) as (first, second):
        upload(first, papers(tmp_path, "Old one.txt", "Old two.txt", "Old three.txt"), class_code="correspondence")
        rows = receipt_rows(first)
        for address in [rows.nth(place).locator("a").get_attribute("href") for place in range(3)]:
            first.visit(f"{address}/file")
            first.fill(trigger_on="2001-01-01")
            first.press("File it")
            first.page.locator("h1", has_text="Old").wait_for()
        first.visit("/disposal")
        first.page.locator("main select#class").select_option("correspondence")
        first.press("Only show what it would list")
        assert "3 records of this class could be listed now" in first.text()
        first.press("Make the list")
        first.page.locator("#grid").wait_for()
        disposal = first.page.url
        boxes = first.page.locator("#grid input[type=checkbox]")
        boxes.first.focus()
        keys = first.page.keyboard
        keys.press("Space")
        keys.press("k")
        keys.type("Of lasting value")
        keys.press("Tab")
        keys.press("Enter")
        first.page.locator("[data-state=decision-keep]").wait_for()
        boxes.first.focus()
        keys.press("a")
        keys.press("d")
        keys.press("Enter")
        first.page.locator("#count-destroy", has_text="2").wait_for()
        first.fill(count="2")
        first.press("Sign as proposer")
        first.page.get_by_text("You have signed it").wait_for()
        second.visit(disposal)
        assert english_words(second) - {"Old", "one", "two", "three", "lasting", "value"} == set()
        second.fill(count="3")
        second.press("以批准人签署")
        second.page.locator("#count[aria-invalid]").wait_for()
        second.fill(count="2")
        second.press("以批准人签署")
        second.page.get_by_text("均已签署").wait_for()
        second.follow("执行…")
        assert second.page.locator("#record-count").inner_text() == "2"
        assert english_words(second) - {"Old", "one", "two", "three"} == set()
        second.fill(count="2")
        second.press("永久销毁")
        second.page.locator("h1", has_text="已永久销毁").wait_for()
        first.visit("/certificates")
        first.press("Issue what is due now")
        first.page.locator("tbody a").first.click()
        first.page.get_by_text("Register of what was destroyed").wait_for()
        assert disposal.rpartition("/")[2] in first.text()
        assert "Featherstonehaugh" in first.text()
        assert saved(first, "Download JSON", tmp_path).suffix == ".json"
        assert saved(first, "Download PDF, in both languages", tmp_path).read_bytes().startswith(b"%PDF-")
        for page in ("/disposal", "/certificates", "/destructions", "/matters", "/schedule", "/state"):
            second.visit(page)
            require_one_line(second)
        first.require_calm()
        second.require_calm(refusals=[400])
