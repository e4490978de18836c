"""Destroying in a real browser, in both languages: preview, second look, a batch in effect, a stub that opens nothing.

The tests share one server and run in this order: the first makes the first administrator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Visitor, receipt_rows, sign_in, upload, visiting
from tests.support.server import LOGIN, PASSWORD, Server

pytestmark = pytest.mark.journey

OWN_WORDS = re.compile(r"[a-z0-9]{26,64}|[a-z2-7]{8}\b|STRONGROOM_\w+|Strongroom|English|First|PKCS#11")
KNOWN = {"SHA", "KiB", "MiB", "GiB", "UTC", "file"}


@contextmanager
def at_work(browser: Browser, server: Server, *, scripts: bool = True, locale: str = "en-GB") -> Iterator[Visitor]:
    """The first administrator, signed in."""
    server.sign_up()
    with visiting(browser, server.url, scripts=scripts, locale=locale) as visitor:
        sign_in(visitor, LOGIN, PASSWORD)
        yield visitor


def papers(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_text(f"content of {name}\n" * 40, encoding="utf-8")
    return [folder / name for name in names]


def english_words(visitor: Visitor) -> set[str]:
    """Words of the page's visible text that are neither Chinese nor somebody's own."""
    return set(re.findall(r"[A-Za-z]{3,}", OWN_WORDS.sub("", visitor.text()))) - KNOWN


def test_a_record_filed_in_error_is_destroyed_with_a_second_look(
    browser: Browser, new_server: Server, tmp_path: Path
) -> None:
    with at_work(browser, new_server) as visitor:
        upload(visitor, papers(tmp_path, "Wrong scan.txt"), class_code="contract", title="Wrong scan")
        row = receipt_rows(visitor).first
        box = row.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800  # the receipt is seen without scrolling
        row.locator("a").click()
        visitor.page.locator("h1", has_text="Wrong scan").wait_for()
        record = visitor.page.url
        visitor.follow("Destroy…")
        assert "It cannot be done now" in visitor.text()
        assert visitor.page.get_by_role("button", name="Destroy for ever").count() == 0
        visitor.follow("They were filed in error: look again on that ground")
        assert visitor.page.locator("#record-count").inner_text() == "1"
        assert "Wrong scan" in visitor.text()
        visitor.fill(count="7")
        visitor.page.locator("#alone").check()
        visitor.press("Destroy for ever")
        assert "This is not how many would be destroyed" in visitor.text()
        # By the keyboard alone: number, tick, button.
        visitor.page.locator("#count").focus()
        visitor.page.keyboard.type("1")
        visitor.page.keyboard.press("Tab")
        visitor.page.keyboard.press("Space")
        visitor.page.keyboard.press("Tab")
        visitor.page.keyboard.press("Enter")
        visitor.page.locator("h1", has_text="Destroyed for ever").wait_for()
        assert "In effect" in visitor.text()
        visitor.page.locator("tbody a").first.click()
        visitor.page.locator("main .notice", has_text="This record is destroyed").wait_for()
        assert "Wrong scan" not in visitor.text()
        assert visitor.page.get_by_role("button", name="Download").count() == 0
        assert visitor.visit(f"{record}/content?purpose=business") == 404
        visitor.require_calm(refusals=[400, 404])
    assert "Wrong scan" not in new_server.log.read_text(encoding="utf-8")


def test_the_same_in_chinese_without_a_script_with_several_chosen(
    browser: Browser, new_server: Server, tmp_path: Path
) -> None:
    with at_work(browser, new_server, scripts=False, locale="zh-CN") as visitor:
        upload(visitor, papers(tmp_path, "甲.txt", "乙.txt"), class_code="contract", note="误传")
        visitor.visit("/records")
        for box in visitor.page.locator("tbody input[type=checkbox]").all():
            box.check()
        visitor.press("销毁…")
        assert "现在不能销毁，原因 2 项" in visitor.text()
        assert english_words(visitor) == set()
        visitor.follow("它们系误归档：以此理由重新查看")
        assert visitor.page.locator("#record-count").inner_text() == "2"
        assert english_words(visitor) == set()
        visitor.fill(count="2")
        visitor.page.locator("#alone").check()
        visitor.press("永久销毁")
        assert visitor.page.locator("h1").inner_text() == "已永久销毁"
        assert english_words(visitor) == set()
        batch = visitor.page.url
        visitor.page.locator("tbody a").first.click()
        assert "此档案已销毁" in visitor.text()
        assert english_words(visitor) == set()
        record = visitor.page.url
        assert visitor.visit(f"{record}/content?purpose=business") == 404
        for path in ("/destructions", "/keepers", "/backups", "/state"):
            assert visitor.visit(path) == 200
            assert english_words(visitor) == set(), path
        assert visitor.visit(batch) == 200
        visitor.page.emulate_media(media="print")
        assert visitor.page.locator("ol.steps").is_visible()
        assert not visitor.page.locator("header nav").is_visible()
        visitor.require_calm(refusals=[404])


def test_commands_to_copy_stand_on_the_pages_of_keepers_and_backups(browser: Browser, new_server: Server) -> None:
    with at_work(browser, new_server) as visitor:
        visitor.visit("/state")
        visitor.page.locator("main").get_by_role("link", name="Keepers").click()
        assert "One keeper: lose it, lose everything" in visitor.text()
        command = visitor.page.locator("main [role=alert] input.command")
        assert command.input_value().startswith("strongroom keeper add")
        command.focus()
        visitor.page.keyboard.press("ControlOrMeta+A")
        assert visitor.page.evaluate("() => getSelection().toString()").startswith("strongroom keeper add")
        visitor.visit("/backups")
        assert "no place for one is set" in visitor.text()
        visitor.require_calm()
