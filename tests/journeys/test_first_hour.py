"""The first hour with Strongroom, in a real browser, from the one-time link to a link that has expired.

The tests share one server and run in this order: the first makes the first administrator.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator

from storage.assembly import open_vault
from storage.settings import load_settings
from tests.journeys.papers import pdf, png
from tests.support.browser import Visitor, pixels_of, receipt_rows, sign_in, upload, visiting
from tests.support.server import LOGIN, PASSWORD, Server
from vault.sessions import Client
from vault.shelves import RecordFilter
from vault.workflows import retrieval, sessions, sharing

pytestmark = pytest.mark.journey

RED, BLUE = (200, 40, 40), (20, 120, 200)
TEXT_NAME = "借款合同（2026）.txt"
ENDED = date(2026, 3, 31)
DUE = date(2036, 3, 31)
PASS_CODE = "winter coat 17"
TEXT = ("甲方：李明\n乙方：" + "某某公司\n" * 150_000).encode()
SLOW = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 4_000_000}

# Notes every value that a progress bar shows.
NOTE_PROGRESS = """
() => {
  globalThis.noted = [];
  new MutationObserver((changes) => {
    for (const change of changes) if (change.target.localName === "progress") noted.push(change.target.value);
  }).observe(document.getElementById("files"), { attributes: true, subtree: true });
}
"""


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A PDF, a picture, and a text with a Chinese name."""
    folder = tmp_path_factory.mktemp("papers")
    contents = {"Lease.pdf": pdf("Lease of 2026", RED), "scan.png": png(320, 200, BLUE), TEXT_NAME: TEXT}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


@contextmanager
def at_work(browser: Browser, server: Server, *, scripts: bool = True, locale: str = "en-GB") -> Iterator[Visitor]:
    """The first administrator, signed in."""
    with visiting(browser, server.url, scripts=scripts, locale=locale) as visitor:
        sign_in(visitor, LOGIN, PASSWORD)
        yield visitor


def open_record(visitor: Visitor, title: str) -> None:
    """Goes to a record by the list."""
    visitor.visit("/records")
    visitor.follow(title)


def make_link(visitor: Visitor, title: str, **fields: str) -> str:
    """Makes a link by the record's page; gives its address."""
    open_record(visitor, title)
    visitor.follow("Links")
    visitor.fill(**fields)
    visitor.press("Make the link")
    return visitor.page.locator("#address").input_value()


def preview_of(visitor: Visitor) -> Locator:
    """Asks for the preview on a record's page."""
    visitor.page.locator("main form.actions button").first.click()
    return visitor.page.locator("#preview")


def test_three_files_become_records_in_the_first_hour(
    browser: Browser, new_server: Server, papers: dict[str, Path], tmp_path: Path
) -> None:
    with visiting(browser, new_server.url) as visitor:
        # The one-time link makes the first administrator, once.
        welcome = new_server.welcome_link()
        assert visitor.visit(welcome) == 200
        visitor.fill(name="Zhang Wei", login=LOGIN, password=PASSWORD)
        visitor.press("Create the account")
        assert "The vault is empty" in visitor.text()
        assert visitor.visit(welcome) == 404
        # Signed out, the list is closed; the password opens it.
        visitor.visit("/")
        visitor.sign_out()
        visitor.visit("/")
        assert "/sign-in" in visitor.page.url
        sign_in(visitor, LOGIN, PASSWORD)

        # Three files at once, over a slow line, with progress and a receipt for each.
        visitor.visit("/upload")
        visitor.context.new_cdp_session(visitor.page).send("Network.emulateNetworkConditions", SLOW)
        visitor.page.locator("#class").select_option("contract")
        visitor.page.locator("#file").set_input_files(list(papers.values()))
        visitor.page.evaluate(NOTE_PROGRESS)
        visitor.press("Upload")
        rows = receipt_rows(visitor)
        assert [row.locator("td").first.inner_text() for row in rows.all()] == list(papers)
        assert all("Stored · declared = stored = hashed" in row.inner_text() for row in rows.all())
        assert any(0 < value < 1 for value in visitor.page.evaluate("() => noted"))
        assert "3 of 3 files stored." in visitor.page.locator("#summary").inner_text()
        visitor.require_calm(refusals=[404])

    with at_work(browser, new_server) as visitor:
        # The PDF's page is seen, with its watermark, and the file comes back as it was.
        open_record(visitor, "Lease")
        preview = preview_of(visitor)
        seen = 0
        for _ in range(40):
            seen = pixels_of(browser, preview.screenshot(), RED)
            if seen > 50_000:
                break
            visitor.page.wait_for_timeout(250)
        assert seen > 50_000
        saved = visitor.save("Download", tmp_path)
        assert saved.name == "Lease.pdf"
        assert saved.read_bytes() == papers["Lease.pdf"].read_bytes()
        # Every opening stands in the record's history.
        visitor.page.reload()
        assert visitor.page.locator(".timeline li").count() >= 2

        # Two Chinese characters from the middle of a title find it; what was searched stands in no address.
        visitor.visit("/")
        visitor.seek("合同")
        assert quote("合同") not in visitor.page.url
        assert visitor.page.locator("tbody tr").count() == 1
        assert "1 record found" in visitor.text()
        visitor.follow("借款合同（2026）")

        # Its description is corrected, for a reason; the original description stays.
        visitor.follow("Correct")
        visitor.fill(reason="年份写错了", title="借款合同（2025）", place="Shelf 7, box 3")
        visitor.press("Correct")
        assert visitor.page.locator("h1").inner_text() == "借款合同（2025）"
        assert "借款合同（2026）" in visitor.text()
        assert "年份写错了" in visitor.text()

        # It is filed (归档); the lock now reaches to the day it is due.
        visitor.follow("File it")
        visitor.fill(trigger_on=ENDED.isoformat())
        visitor.press("File it")
        assert visitor.page.locator(".heading .state").inner_text() == "Filed"
        due = visitor.page.locator("dt:has-text('Kept until') + dd").inner_text()
        assert str(DUE.year) in due
        saved = visitor.save("Download", tmp_path)
        assert saved.name == TEXT_NAME
        assert saved.read_bytes() == TEXT
        visitor.require_calm()

    # The server wrote down none of it.
    log = new_server.log.read_text(encoding="utf-8")
    assert not [word for word in ("借款", "合同", "Lease", "Zhang", LOGIN, "Shelf 7", "年份") if word in log]


def test_a_link_with_a_pass_code_gives_the_file_to_somebody_without_an_account(
    browser: Browser, new_server: Server, papers: dict[str, Path], tmp_path: Path
) -> None:
    with at_work(browser, new_server) as visitor:
        address = make_link(visitor, "scan", note="the court", pass_code=PASS_CODE, uses_max="1")
        visitor.require_calm()
    with visiting(browser, new_server.url) as guest:
        assert guest.visit(address) == 200
        assert "scan.png" not in guest.text()
        guest.fill(pass_code="summer coat 17")
        guest.press("Download")
        assert "pass code is wrong" in guest.page.get_by_role("alert").inner_text()
        guest.fill(pass_code=PASS_CODE)
        saved = guest.save("Download", tmp_path)
        assert saved.name == "scan.png"
        assert saved.read_bytes() == papers["scan.png"].read_bytes()
        assert guest.context.cookies() == []
        guest.require_calm(refusals=[403])
    with visiting(browser, new_server.url) as latecomer:
        assert latecomer.visit(address) == 410
        assert "This link has been used as often as it may be" in latecomer.text()
        latecomer.require_calm(refusals=[410])


def test_a_withdrawn_link_says_so_and_gives_nothing(browser: Browser, new_server: Server) -> None:
    with at_work(browser, new_server) as visitor:
        address = make_link(visitor, "scan", uses_max="5")
        visitor.visit("/links")
        row = visitor.page.locator("tbody tr", has=visitor.page.locator(f"input[value='{address}']"))
        row.get_by_role("button", name="Revoke").click()
        visitor.require_calm()
    with visiting(browser, new_server.url) as guest:
        assert guest.visit(address) == 410
        assert "This link was withdrawn" in guest.text()
        assert guest.page.locator("main button").count() == 0
        assert guest.visit(address[:-1] + ("A" if address[-1] != "A" else "B")) == 404
        guest.require_calm(refusals=[404, 410])


@dataclasses.dataclass(frozen=True, slots=True)
class EarlierClock:
    """The clock of a machine that lags."""

    lag: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) - self.lag


def test_an_expired_link_says_so_in_the_language_of_who_opens_it(browser: Browser, new_server: Server) -> None:
    # A second process on the same home makes the link an hour ago, for half an hour.
    with open_vault(load_settings(home=new_server.home)) as vault:
        token, signed_in = sessions.sign_in(vault, login=LOGIN, password=PASSWORD, client=Client(address="here"))
        record = retrieval.list_records(vault, signed_in.actor, RecordFilter(), limit=1)[0].record
        earlier = dataclasses.replace(vault, clock=EarlierClock(timedelta(hours=1)))
        _, link = sharing.make_link(
            earlier, signed_in.actor, record.id, lifetime=timedelta(minutes=30), uses_max=3, pass_code=None
        )
        sessions.sign_out(vault, token)
    for locale, text in (("en-GB", "This link has expired"), ("zh-CN", "此链接已过期")):
        with visiting(browser, new_server.url, locale=locale) as guest:
            assert guest.visit(f"/l/{link}") == 410
            assert text in guest.text()
            guest.require_calm(refusals=[410])


def test_the_same_work_in_chinese(browser: Browser, new_server: Server, papers: dict[str, Path]) -> None:
    with at_work(browser, new_server) as visitor:
        visitor.visit("/records")
        visitor.choose_language("中文")
        assert visitor.page.locator("html").get_attribute("lang") == "zh-Hans"
        assert visitor.page.locator("h1").inner_text() == "档案"
        upload(visitor, [papers[TEXT_NAME]], class_code="contract", title="租赁协议", note="第一次上传")
        rows = receipt_rows(visitor)
        assert "已存入 · 申报 = 存入 = 校验" in rows.first.inner_text()
        for path in ("/", "/records", "/upload", "/customers", "/links", "/settings"):
            visitor.visit(path)
            assert english_words(visitor) == set(), path
        open_record(visitor, "租赁协议")
        for shown in ("基本信息", "预览", "归档", "更正", "下载"):
            assert shown in visitor.text()
        assert english_words(visitor) == set()
        visitor.choose_language("English")
        assert "Facts" in visitor.text()
        visitor.require_calm()


OWN_WORDS = re.compile(
    r"[a-z0-9]{26,64}|Lease|scan|Strongroom|English|Zhang|Wei|first-administrator|the court|Shelf|box"
)


def english_words(visitor: Visitor) -> set[str]:
    """Words of the page's visible text that are neither Chinese nor somebody's own."""
    text = OWN_WORDS.sub("", visitor.text())
    known = {"SHA", "KiB", "MiB", "GiB", "TiB", "UTC", "text", "plain", "image", "png", "pdf", "txt"}
    return set(re.findall(r"[A-Za-z]{3,}", text)) - known


def test_everything_needed_works_without_a_script(
    browser: Browser, new_server: Server, papers: dict[str, Path], tmp_path: Path
) -> None:
    with at_work(browser, new_server, scripts=False) as visitor:
        upload(visitor, [papers["scan.png"], papers[TEXT_NAME]], class_code="contract", note="without a script")
        assert "Everything is stored: what was sent is what was sealed." in visitor.text()
        assert visitor.page.locator("tbody tr").count() == 2
        visitor.page.locator("tbody a").first.click()
        preview = preview_of(visitor)
        picture = preview.locator("img")
        picture.wait_for()
        assert pixels_of(browser, preview.screenshot(), BLUE) >= 320 * 200 * 0.9
        saved = visitor.save("Download", tmp_path)
        assert saved.read_bytes() == papers["scan.png"].read_bytes()
        visitor.require_calm()
