"""A real browser for journeys: Debian's Chromium, and visitors who note whatever a page should not do.

Rule 1: names are not resolved but for loopback, so nothing of the browser's own can leave the machine either.
Rule 2: a visitor notes errors on the console, uncaught exceptions, breaches of the content security policy and requests
to another origin. ``require_calm`` makes an assertion of it; what a journey provokes on purpose it names.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, sync_playwright

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
PATIENCE_MS: Final = 20_000
REFUSED_LOADING: Final = re.compile(r"Failed to load resource: the server responded with a status of (\d{3})")
SIGNED_IN_AT: Final = re.compile(r"://[^/]+/(permissions)?$")
LOCAL_SCHEMES: Final = frozenset({"about", "blob", "chrome", "chrome-extension", "data"})

# Counts the pixels of a picture that have nearly a colour; runs in a page of its own, outside every policy of the site.
_COUNT_PIXELS: Final = """
async ([picture, red, green, blue]) => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  const { data } = canvas.getImageData(0, 0, bitmap.width, bitmap.height);
  let count = 0;
  const near = (value, wanted) => Math.abs(value - wanted) < 12;
  for (let at = 0; at < data.length; at += 4) {
    if (near(data[at], red) && near(data[at + 1], green) && near(data[at + 2], blue)) count += 1;
  }
  return count;
}
"""


def find_chromium() -> Path:
    """The browser. Raises ``RuntimeError`` with the way out when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    raise RuntimeError("Chromium is not installed; run: apt-get install chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window, ended with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), headless=True, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass(slots=True, kw_only=True)
class Visitor:
    """Somebody at a browser of their own: no cookies but theirs. ``trouble`` is what they noticed."""

    origin: str
    context: BrowserContext
    page: Page
    trouble: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def visit(self, address: str) -> int:
        """Goes to a path of the site, or to a whole address of it; gives the status."""
        answer = self.page.goto(address if address.startswith("http") else self.origin + address)
        if answer is None:
            raise AssertionError(f"{address} gave no answer")
        return answer.status

    def text(self) -> str:
        """What the page says."""
        return self.page.locator("body").inner_text()

    def fill(self, **values: str) -> None:
        """Fills the fields of these ids."""
        for name, value in values.items():
            self.page.locator(f"#{name}").fill(value)

    def press(self, name: str) -> None:
        """Presses the button of the page's content that says this."""
        self.page.locator("main").get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        """Follows the link of the page's content that says this."""
        self.page.locator("main").get_by_role("link", name=name, exact=True).first.click()

    def save(self, button: str, folder: Path) -> Path:
        """Presses a button that downloads; gives the file, under the name that the site proposed."""
        with self.page.expect_download() as coming:
            self.press(button)
        path = folder / coming.value.suggested_filename
        coming.value.save_as(path)
        return path

    def seek(self, text: str) -> None:
        """Finds records by the field at the top."""
        self.page.locator("header #text").fill(text)
        self.page.locator("header #text").press("Enter")
        self.page.wait_for_load_state()

    def sign_out(self) -> None:
        """Signs out by the panel behind the name."""
        self.page.locator("header [popovertarget=panel]").click()
        self.page.locator("#panel").get_by_role("button", name="Sign out").click()

    def choose_language(self, name: str) -> None:
        """Presses the language's button."""
        self.page.locator("header").get_by_role("button", name=name, exact=True).click()

    def require_calm(self, *, refusals: Sequence[int] = ()) -> None:
        """Asserts that nothing was noticed but these refusals (HTTP status), in any order."""
        assert self.trouble == []
        assert sorted(self.refused) == sorted(refusals)

    def watch(self) -> None:
        """Begins to notice."""
        self.context.on("console", lambda message: self._hear(message))
        self.context.on("weberror", lambda error: self.trouble.append(f"uncaught: {error.error}"))
        self.context.on("request", lambda request: self._see(request))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        refused = REFUSED_LOADING.match(message.text)
        if refused is not None:
            self.refused.append(int(refused[1]))
        else:
            self.trouble.append(f"console: {message.text}")

    def _see(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in LOCAL_SCHEMES and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.trouble.append(f"request to another origin: {parts.scheme}://{parts.netloc}")


@contextmanager
def visiting(
    browser: Browser, origin: str, *, scripts: bool = True, locale: str = "en-GB", height: int = 800
) -> Iterator[Visitor]:
    """A new visitor with a fresh browser profile; ``scripts=False`` switches JavaScript off."""
    context = browser.new_context(
        java_script_enabled=scripts,
        locale=locale,
        timezone_id="Asia/Shanghai",
        viewport={"width": 1100, "height": height},
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        visitor = Visitor(origin=origin, context=context, page=context.new_page())
        visitor.watch()
        yield visitor
    finally:
        context.close()


def sign_in(visitor: Visitor, login: str, password: str) -> None:
    """Signs somebody in through the page, in either language; who has nothing to do at home is led to what they may."""
    visitor.visit("/sign-in")
    visitor.fill(login=login, password=password)
    visitor.page.locator("main form[action='/sign-in'] button").click()
    visitor.page.wait_for_url(SIGNED_IN_AT)


def upload(visitor: Visitor, files: Sequence[Path], *, class_code: str, **fields: str) -> None:
    """Uploads files by the page, file by file with a script and in one form without, up to the receipt."""
    visitor.visit("/upload")
    visitor.page.locator("#class").select_option(class_code)
    visitor.fill(**fields)
    visitor.page.locator("#file").set_input_files(files)
    visitor.page.locator("#upload button.primary").click()


def receipt_rows(visitor: Visitor) -> Locator:
    """The rows of the receipt that a script fills in, once each has an answer."""
    rows = visitor.page.locator("#files tr")
    visitor.page.wait_for_function(
        "() => [...document.querySelectorAll('#files tr')].every((row) => row.querySelector('a, .fault'))"
    )
    return rows


def pixels_of(browser: Browser, picture: bytes, colour: tuple[int, int, int]) -> int:
    """How many pixels of a PNG have nearly this colour, as a browser sees it."""
    page = browser.new_page()
    try:
        return int(page.evaluate(_COUNT_PIXELS, [base64.b64encode(picture).decode(), *colour]))
    finally:
        page.close()
