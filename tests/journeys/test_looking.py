"""Looking at a record in a real browser: pages turn by the keyboard, in place, and by plain links without a script."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import files
from tests.support.browser import sign_in, visiting
from tests.support.server import LOGIN, PASSWORD, Server
from tests.web.visitors import stored_id

pytestmark = pytest.mark.journey

IS_AS_WIDE = "(width) => document.querySelector('#preview img')?.naturalWidth === width"


def shown(page: Page, said: str) -> None:
    """Waits until the pane says so, its image is there, and nothing is under way."""
    expect(page.locator("#page-shown")).to_have_text(said)
    expect(page.locator("#preview[aria-busy]")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False])
def test_pages_are_turned(browser: Browser, new_server: Server, scripts: bool) -> None:
    if scripts:
        token = new_server.sign_up()
        with httpx.Client(base_url=new_server.url, timeout=60, headers={"Authorization": f"Bearer {token}"}) as program:
            stored_id(program, files.pdf("第一页", "second", "third"), file_name="a.pdf", title="Three pages")
    with visiting(browser, new_server.url, scripts=scripts, locale="en-GB") as visitor:
        sign_in(visitor, LOGIN, PASSWORD)
        visitor.visit("/records")
        visitor.follow("Three pages")
        visitor.press("Preview")
        page = visitor.page
        shown(page, "Page 1 of 3")
        if not scripts:
            page.locator("#preview a[rel=next]").click()
            shown(page, "Page 2 of 3")
            visitor.require_calm()
            return
        page.evaluate("() => { globalThis.stayed = true }")
        page.wait_for_function(IS_AS_WIDE, arg=900)
        page.keyboard.press("ArrowRight")
        shown(page, "Page 2 of 3")
        page.keyboard.press("ArrowRight")
        shown(page, "Page 3 of 3")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowLeft")
        shown(page, "Page 2 of 3")
        page.keyboard.press("+")
        expect(page.locator("#preview .close img")).to_be_visible()
        page.wait_for_function(IS_AS_WIDE, arg=1400)
        page.keyboard.press("-")
        expect(page.locator("#preview .close")).to_have_count(0)
        assert page.evaluate("() => globalThis.stayed"), "in place: the page was not loaded anew"
        page.reload()
        shown(page, "Page 2 of 3")
        visitor.require_calm()
