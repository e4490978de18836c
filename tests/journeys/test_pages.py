"""Every page in a real browser: WCAG by axe-core in both themes, phones, zoom, the keyboard, paper, stillness."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import Visitor, sign_in, visiting
from tests.support.pages import Furnished, axe_source, furnish, note_shifts, overflow, shifts, violations, weight
from tests.support.server import LOGIN, PASSWORD, Server

pytestmark = pytest.mark.journey

BYTES_MAX = 130_000
PHONE, ZOOMED = {"width": 360, "height": 740}, {"width": 640, "height": 400}


@pytest.fixture(scope="module")
def furnished(new_server: Server) -> Furnished:
    """A vault that has something of everything."""
    return furnish(new_server)


@contextmanager
def staff(
    browser: Browser, furnished: Furnished, *, login: str = LOGIN, locale: str = "en-GB", theme: str = ""
) -> Iterator[Visitor]:
    """The administrator at a browser, or somebody else; their time zone is known already."""
    with visiting(browser, furnished.server.url, locale=locale) as visitor:
        sign_in(visitor, login, PASSWORD)
        if theme:
            visitor.context.add_cookies([{"name": "strongroom-theme", "value": theme, "url": visitor.origin}])
        yield visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What was seen of every page, by its name: rules of accessibility, pixels too wide, bytes too many, what moved."""

    broken: dict[str, Any] = field(default_factory=dict)
    wide: dict[str, int] = field(default_factory=dict)
    heavy: dict[str, int] = field(default_factory=dict)
    moved: dict[str, Any] = field(default_factory=dict)

    def look(self, name: str, page: Page, source: str) -> None:
        """Looks at a page that was loaded just now, then at the same one in smaller windows: nothing of a page knows
        its window but the styles, so it is loaded once."""
        if shifts(page):
            # On a busy machine a long table comes in pieces and may widen a column; what moves by itself does so again.
            page.reload()
            if found := shifts(page):
                self.moved[name] = found
        if name != "record, previewed" and (size := weight(page)) > BYTES_MAX:
            self.heavy[name] = size
        if wrong := violations(page, source):
            self.broken[name] = wrong
        before = page.viewport_size
        for window in (PHONE, ZOOMED):
            page.set_viewport_size({"width": window["width"], "height": window["height"]})
            if (pixels := overflow(page)) > 0:
                self.wide[name] = pixels
        if before is not None:
            page.set_viewport_size(before)


@pytest.fixture(scope="module", params=[("light", "en-GB"), ("dark", "zh-CN")], ids=["light, en", "dark, zh"])
def walked(request: pytest.FixtureRequest, browser: Browser, furnished: Furnished) -> Walked:
    """Every page, looked at once in each language."""
    theme, locale = request.param
    source, seen = axe_source(), Walked()
    for login, pages in furnished.rounds.items():
        with staff(browser, furnished, login=login, locale=locale, theme=theme) as visitor:
            note_shifts(visitor.context)
            for name, path in pages.items():
                assert visitor.visit(path) == 200, name
                seen.look(name, visitor.page, source)
            visitor.require_calm()
            # What looks finds what is there.
            visitor.page.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
            assert "button-name" in [each["id"] for each in violations(visitor.page, source)]
    with visiting(browser, furnished.server.url, locale=locale) as guest:
        note_shifts(guest.context)
        guest.context.add_cookies([{"name": "strongroom-theme", "value": theme, "url": guest.origin}])
        for name, path, status in (("sign-in", "/sign-in", 200), ("problem", "/l/nothing", 404)):
            assert guest.visit(path) == status
            seen.look(name, guest.page, source)
    return seen


def test_no_page_breaks_a_rule_of_accessibility(walked: Walked) -> None:
    assert walked.broken == {}


def test_no_page_is_wider_than_a_phone_or_a_window_at_200_per_cent(walked: Walked) -> None:
    assert walked.wide == {}


def test_pages_are_light_and_nothing_moves_while_they_load(walked: Walked) -> None:
    assert walked.heavy == {}
    assert walked.moved == {}


def test_the_menu_filters_and_panel_of_a_phone_open_and_close_without_a_script(
    browser: Browser, furnished: Furnished
) -> None:
    with visiting(browser, furnished.server.url, scripts=False) as visitor:
        visitor.page.set_viewport_size({"width": 360, "height": 740})
        sign_in(visitor, LOGIN, PASSWORD)
        assert not visitor.page.locator("#menu").is_visible()
        visitor.page.locator(".opens-menu").click()
        visitor.page.locator("#menu").get_by_role("link", name="Records", exact=True).click()
        visitor.page.wait_for_url("**/records")
        assert not visitor.page.locator("#filter-fields").is_visible()
        visitor.page.get_by_role("button", name="Filter…").click()
        visitor.page.locator("#state").select_option("filed")
        visitor.page.locator("#filter-fields button").click()
        assert "state=filed" in visitor.page.url
        assert visitor.page.locator("tbody tr").count() == 2
        visitor.page.locator(".chip").first.click()
        assert "state=filed" not in visitor.page.url
        visitor.page.locator("[popovertarget=panel]").click()
        visitor.page.locator("#panel").get_by_role("button", name="Dark").click()
        assert visitor.page.locator("html").get_attribute("data-theme") == "dark"
        visitor.require_calm()


def test_the_bulk_bar_is_there_only_while_something_is_chosen(browser: Browser, furnished: Furnished) -> None:
    for scripts in (True, False):
        with visiting(browser, furnished.server.url, scripts=scripts) as visitor:
            sign_in(visitor, LOGIN, PASSWORD)
            visitor.visit("/records")
            bar = visitor.page.locator("#choose")
            assert not bar.is_visible()
            boxes = visitor.page.locator("tbody input[type=checkbox]")
            boxes.nth(1).check()
            assert bar.is_visible()
            if scripts:
                boxes.nth(4).click(modifiers=["Shift"])
                assert "4 chosen" in bar.inner_text()
                visitor.page.locator("[data-choose-all]").check()
                assert "50 chosen" in bar.inner_text()
                visitor.page.locator("[data-choose-all]").uncheck()
            else:
                boxes.nth(1).uncheck()
            assert not bar.is_visible()


@pytest.mark.parametrize("size", [None, PHONE])
def test_records_are_found_while_somebody_types(
    browser: Browser, furnished: Furnished, size: dict[str, int] | None
) -> None:
    with staff(browser, furnished) as visitor:
        page, keys, field = visitor.page, visitor.page.keyboard, visitor.page.locator("#text")
        if size is not None:
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
        sent = list[str]()
        page.on("request", lambda request: sent.append(request.url))
        visitor.visit("/records")
        field.focus()
        keys.type("店铺")
        options = page.locator("#found [role=option]")
        options.first.wait_for()
        assert field.get_attribute("aria-expanded") == "true"
        assert options.first.locator("mark").inner_text() == "店铺"
        assert page.locator("#found-said").inner_text() == "The newest are shown; Enter shows all."
        assert violations(page, axe_source()) == []
        assert overflow(page) == 0
        keys.press("ArrowDown")
        keys.press("ArrowDown")
        assert field.get_attribute("aria-activedescendant") == "found-2"
        assert options.nth(1).get_attribute("aria-selected") == "true"
        keys.press("Escape")
        assert not options.first.is_visible()
        assert field.get_attribute("aria-expanded") == "false"
        field.fill("")
        keys.type("店")
        options.first.wait_for()
        keys.press("ArrowUp")
        wanted = options.last.get_attribute("href")
        keys.press("Enter")
        page.wait_for_url(f"**{wanted}")
        visitor.seek("店铺 lease")
        field.fill("")
        keys.press("ArrowDown")
        options.first.wait_for()
        assert options.first.inner_text() == "店铺 lease"
        assert violations(page, axe_source()) == []
        keys.press("ArrowDown")
        keys.press("Enter")
        page.locator("[role=status]", has_text="店铺 lease").wait_for()
        assert [url for url in sent if "%E5%BA%97" in url or "店" in url] == []
        visitor.require_calm()


def test_a_record_is_found_opened_and_filed_by_the_keyboard_alone(browser: Browser, furnished: Furnished) -> None:
    with visiting(browser, furnished.server.url) as visitor:
        page, keys = visitor.page, visitor.page.keyboard
        visitor.visit("/sign-in")
        keys.type(LOGIN)  # the field has the focus already
        keys.press("Tab")
        keys.type(PASSWORD)
        keys.press("Enter")
        page.wait_for_url("**/")
        keys.press("Tab")
        assert page.evaluate("() => document.activeElement.className") == "skip"
        keys.press("Enter")
        assert page.evaluate("() => document.activeElement.id") == "main"
        keys.press("?")
        assert page.locator("#shortcuts").is_visible()
        keys.press("Escape")
        assert not page.locator("#shortcuts").is_visible()
        keys.press("g")
        keys.press("r")
        page.wait_for_url("**/records")
        keys.press("/")
        keys.type("店铺")
        keys.press("Enter")
        page.wait_for_url("**/records?find=*")
        page.locator("[role=status]", has_text="Records found for “店铺”").wait_for()
        for key in ("j", "j", "j", "k"):
            keys.press(key)
        focused = page.evaluate("() => document.activeElement.closest('tr').rowIndex")
        assert focused == 2
        keys.press("x")
        assert page.locator("#choose").is_visible()
        keys.press("x")
        keys.press("Tab")
        assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
        keys.press("Enter")
        page.locator("h1", has_text="Lease").wait_for()
        for _ in range(40):
            keys.press("Tab")
            if page.evaluate("() => document.activeElement.textContent.trim()") == "File it":
                break
        keys.press("Enter")
        page.locator("#trigger_on").focus()
        page.locator("#trigger_on").fill("2024-05-04")
        keys.press("Enter")
        page.locator(".toast", has_text="The record is filed.").wait_for()
        assert page.locator(".heading .state").inner_text() == "Filed"
        visitor.require_calm()


@pytest.mark.parametrize(
    ("locale", "window", "correct", "day", "held"),
    [
        ("zh-CN", PHONE, "更正", "2026年3月4日", "保管"),
        ("en-GB", {"width": 1280, "height": 800}, "Correct", "Mar 4, 2026", "keeps it until"),
    ],
)
def test_a_record_is_found_by_two_characters_its_date_corrected_and_its_fate_explained(
    browser: Browser, furnished: Furnished, locale: str, window: dict[str, int], correct: str, day: str, held: str
) -> None:
    with staff(browser, furnished, locale=locale) as visitor:
        visitor.page.set_viewport_size({"width": window["width"], "height": window["height"]})
        visitor.visit("/records?state=filed")
        visitor.page.locator("tbody a.main").first.click()
        filed = visitor.page.locator("h1").inner_text()
        visitor.visit("/")
        visitor.seek("店铺")
        visitor.page.locator("tbody a.main").first.wait_for()
        assert "%E5%BA%97" not in visitor.page.url
        visitor.visit(visitor.page.url + "&state=filed")
        visitor.page.locator("tbody a.main", has_text=filed).click()
        visitor.follow(correct)
        visitor.page.locator("#dated_on").fill("2026-03-04")
        visitor.page.locator("#reason").fill("日期写错了")
        visitor.page.locator("main form button.primary").click()
        story = visitor.page.locator("#story .timeline")
        story.locator("li", has_text="日期写错了").first.wait_for()
        assert day in visitor.page.locator(".facts").inner_text()
        visitor.page.locator("#verdict summary").click()
        assert held in visitor.page.locator("#verdict").inner_text()
        assert overflow(visitor.page) <= 0
        visitor.require_calm()


def test_the_story_of_a_record_prints_without_what_is_for_the_screen(browser: Browser, furnished: Furnished) -> None:
    with staff(browser, furnished, theme="dark") as visitor:
        visitor.visit(furnished.pages["record"])
        visitor.page.emulate_media(media="print")
        for hidden in ("header.top", "#menu", ".heading .acts", ".preview", "#shortcuts"):
            assert not visitor.page.locator(hidden).first.is_visible(), hidden
        assert visitor.page.locator("#story .timeline").is_visible()
        assert visitor.page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert len(visitor.page.pdf()) > 5000
