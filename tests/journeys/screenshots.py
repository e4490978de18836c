"""Makes the pictures of the README: a new vault for each language, a few papers, eight pages."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from tests.journeys.papers import pdf, png
from tests.support.browser import Visitor, chromium, receipt_rows, visiting
from tests.support.server import LOGIN, PASSWORD, Server, served

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
LAWN, SKY, SAND = (214, 232, 214), (208, 224, 240), (238, 228, 206)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What stands in the pictures of one language."""

    name: str
    locale: str
    person: str
    customer: str
    note: str
    filed: Mapping[str, str]
    sent: tuple[str, str, str]
    title: str
    for_whom: str
    matter: tuple[str, str, str]


ENGLISH = Story(
    name="en",
    locale="en-GB",
    person="Anna Berger",
    customer="Hillside Bakery",
    note="since 2019",
    filed={"Passport, certified copy.pdf": "identity", "Minutes of the annual meeting.pdf": "house"},
    sent=("Lease of the shop, 2026.pdf", "Handover of the keys.png", "Letter of 3 March.txt"),
    title="Lease of the shop, 2026",
    for_whom="the notary",
    matter=("Hillside Bakery against Valley Mill", "District court, 4 C 117/26", "Flour that was never delivered"),
)
CHINESE = Story(
    name="zh",
    locale="zh-CN",
    person="李晓华",
    customer="山坡面包店",
    note="2019 年起",
    filed={"护照复印件（核对无误）.pdf": "identity", "年度股东会会议纪要.pdf": "house"},
    sent=("店铺租赁合同 2026.pdf", "钥匙交接照片.png", "三月三日来函.txt"),
    title="店铺租赁合同 2026",
    for_whom="公证处",
    matter=("山坡面包店诉河谷面粉厂", "区人民法院（2026）民初 117 号", "面粉未交付"),
)


def main() -> int:
    """Makes all pictures anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="strongroom-screenshots-") as scratch, chromium() as browser:
        for story in (ENGLISH, CHINESE):
            with served(Path(scratch) / story.name / "home") as server:
                picture_story(browser, server, story, Path(scratch) / story.name)
    for path in sorted(FOLDER.glob("*.png")):
        sys.stdout.write(f"{path.relative_to(FOLDER.parents[1])}  {path.stat().st_size // 1024} KiB\n")
    return 0


def picture_story(browser: Browser, server: Server, story: Story, folder: Path) -> None:
    """One language's pictures."""
    papers = make_papers(story, folder)
    with visiting(browser, server.url, locale=story.locale, height=760) as visitor:
        visitor.visit(server.welcome_link())
        visitor.fill(name=story.person, login=LOGIN, password=PASSWORD)
        visitor.page.locator("main form button.primary").click()
        visitor.visit("/customers")
        visitor.fill(name=story.customer, note=story.note)
        visitor.page.locator("main form button.primary").click()
        visitor.page.locator("main tbody tr").wait_for()
        number = visitor.page.locator("main tbody td").first.inner_text()
        for name, class_code in story.filed.items():
            send(visitor, [papers[name]], class_code, number)
        send(visitor, [papers[name] for name in story.sent], "contract", number)
        take(visitor, story, "receipt")
        visitor.visit("/records")
        take(visitor, story, "records")
        visitor.page.set_viewport_size({"width": 1100, "height": 900})
        visitor.follow(story.title)
        visitor.page.locator("main form.actions button").first.click()
        visitor.page.wait_for_timeout(4000)  # the browser's own viewer tells nobody when it is done
        take(visitor, story, "record", height=900)
        visitor.page.locator("main .acts a[href$='/links']").click()
        visitor.fill(note=story.for_whom, pass_code="winter coat 17")
        visitor.page.locator("main form button.primary").click()
        address = visitor.page.locator("#address").input_value()
        visitor.visit("/records")
        box = visitor.page.locator("tbody input[type=checkbox]")
        for place in (0, 1):
            box.nth(place).check()
        visitor.page.locator("#choose button.danger").click()
        visitor.page.locator("main [role=alert] a").click()
        visitor.page.locator("#count").wait_for()
        take(visitor, story, "destroy", height=900)
        visitor.visit("/records")
        for place in (0, 1):
            box.nth(place).check()
        visitor.page.locator("#choose button[formaction='/matters/form']").click()
        title, issuer, reason = story.matter
        visitor.fill(title=title, issuer=issuer, reason=reason)
        visitor.page.locator("main form button.primary").click()
        visitor.page.locator("#coverage:not([data-watch])").wait_for(timeout=60_000)
        take(visitor, story, "matter")
        visitor.context.add_cookies([{"name": "strongroom-theme", "value": "dark", "url": visitor.origin}])
        visitor.visit("/")
        take(visitor, story, "home")
        visitor.page.set_viewport_size({"width": 360, "height": 760})
        visitor.visit("/records")
        take(visitor, story, "phone", width=360)
    with visiting(browser, server.url, locale=story.locale, height=560) as guest:
        guest.visit(address)
        take(guest, story, "landing", height=560)


def send(visitor: Visitor, files: list[Path], class_code: str, customer: str) -> None:
    """Uploads files of the customer, up to the receipt."""
    visitor.visit("/upload")
    visitor.page.locator("#class").select_option(class_code)
    visitor.fill(customer=customer)
    visitor.page.locator("#file").set_input_files(files)
    visitor.page.locator("#send").click()
    receipt_rows(visitor)


def take(visitor: Visitor, story: Story, name: str, *, width: int = 1100, height: int = 760) -> None:
    """One picture of what the window shows."""
    visitor.page.set_viewport_size({"width": width, "height": height})
    if name != "receipt":
        visitor.page.evaluate("() => scrollTo(0, 0)")
    visitor.page.screenshot(path=FOLDER / f"{story.name}-{name}.png", animations="disabled")


def make_papers(story: Story, folder: Path) -> dict[str, Path]:
    """The papers of a story."""
    papers = {}
    for place, name in enumerate((*story.filed, *story.sent)):
        colour = (LAWN, SKY, SAND)[place % 3]
        content = pdf("LEASE No. 2026-117", colour) if name.endswith(".pdf") else name.encode() * 40
        papers[name] = folder / name
        papers[name].write_bytes(png(900, 600, colour) if name.endswith(".png") else content)
    return papers


if __name__ == "__main__":
    sys.exit(main())
