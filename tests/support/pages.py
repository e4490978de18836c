"""A vault in which every page has something to show, and what is measured of a page in a browser.

Rule 1: axe-core and its like come from ``tests/browser/node_modules``, which ``scripts/check`` and ``scripts/test``
install; they are put into pages by tests, from outside of the pages' policy, and are served by nobody.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.sync_api import BrowserContext, Page

from tests.journeys.papers import pdf
from tests.support.server import LOGIN, PASSWORD, Server
from tests.web.visitors import form_token, store
from vault.groups import SECURITY
from vault.permissions import PERMISSIONS, Action, Role
from web.routes import PAGES
from web.site import Kind, Row

AXE: Final = Path(__file__).parents[1] / "browser" / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RECORDS: Final = 60
AUDITOR: Final = "first-auditor"
TENDER: Final = "first-tender"

_RUN_AXE: Final = """
async (tags) => {
  const told = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  const places = (each) => each.nodes.map((node) => node.target.join(" ")).slice(0, 5);
  return told.violations.map((each) => ({ id: each.id, places: places(each) }));
}
"""
_NOTE_SHIFTS: Final = """
globalThis.shifts = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) {
    const what = each.sources.map((one) => one.node?.nodeName).join();
    if (!each.hadRecentInput) shifts.push({ value: each.value, what });
  }
}).observe({ type: "layout-shift", buffered: true });
"""
_WEIGH: Final = """
() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, each) => sum + each.decodedBodySize, 0)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Furnished:
    """A server whose vault has something of everything; ``pages`` are paths by the names of their rows.

    A page whose path has no parameter is among them by itself. ``audited`` and ``tended`` are those that the audit and
    the system administration alone open: the first administrator has none of either, so others visit them.
    """

    server: Server
    pages: dict[str, str]
    audited: dict[str, str]
    tended: dict[str, str]

    @property
    def rounds(self) -> dict[str, dict[str, str]]:
        """Who visits which pages, by their sign-in name: together all of them."""
        return {LOGIN: self.pages, AUDITOR: self.audited, TENDER: self.tended}


def axe_source() -> str:
    """axe-core. Raises ``RuntimeError`` with the way out where it is not installed."""
    if not AXE.exists():
        raise RuntimeError("axe-core is not installed; run scripts/check once")
    return AXE.read_text(encoding="utf-8")


def violations(page: Page, source: str) -> list[dict[str, Any]]:
    """What axe-core finds wrong with a page as it stands, by rule and place."""
    page.evaluate(source)
    found: list[dict[str, Any]] = page.evaluate(_RUN_AXE, list(RULES))
    return found


def note_shifts(context: BrowserContext) -> None:
    """Has every page of a context note its layout shifts (Layout Instability API)."""
    context.add_init_script(_NOTE_SHIFTS)


def shifts(page: Page) -> list[dict[str, Any]]:
    """What moved since the page began to load."""
    page.wait_for_timeout(150)
    found: list[dict[str, Any]] = page.evaluate("() => shifts")
    return found


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def weight(page: Page) -> int:
    """How many bytes the page and all that it needs have, uncompressed."""
    return int(page.evaluate(_WEIGH))


def furnish(server: Server) -> Furnished:
    """Fills the vault of a server by its own addresses."""
    token = server.sign_up()
    with (
        httpx.Client(base_url=server.url, timeout=60, headers={"Authorization": f"Bearer {token}"}) as program,
        httpx.Client(base_url=server.url, timeout=60, headers={"Origin": server.url}) as staff,
    ):
        staff.post("/sign-in", data={"login": LOGIN, "password": PASSWORD})
        csrf = form_token(staff.get("/"))
        customer = program.post("/api/v1/customers", json={"name": "山坡面包店 Hillside Bakery", "note": "2019"}).json()
        said = {"class": "contract", "customer": customer["number"]}
        paper = pdf("LEASE", (214, 232, 214))
        draft = store(program, paper, file_name="draft.pdf", title="Draft", **said).json()["id"]
        records = [
            store(program, paper, file_name="租赁合同.pdf", title=f"店铺租赁合同 Lease {number}", **said)
            for number in range(RECORDS)
        ]
        ids = [each.json()["id"] for each in records]
        program.post(f"/api/v1/records/{ids[0]}/filing", json={"class": "contract", "trigger_on": "2010-03-31"})
        program.post(f"/api/v1/records/{ids[1]}/filing", json={"class": "contract", "trigger_on": "2026-03-31"})
        program.post(f"/api/v1/records/{ids[1]}/links", json={"lifetime_s": 86400, "uses_max": 3})
        list_at = _made(staff, "/disposal", csrf, **{"class": "contract"})
        matter_at = _made(
            staff, "/matters", csrf, title="面包店诉面粉厂", issuer="District court", reason="flour", records=ids[1]
        )
        _made(staff, "/schedule/sets", csrf, set="eu-us", reason="two laws apply")
        _made(staff, "/records/" + ids[1] + "/paper", csrf, box="B-0012", place="二楼")
        proposed = re.search(r'href="(/schedule/classes/[^"]+/proposal)"', staff.get("/schedule").text)
        assert proposed, "no rule is proposed"
        destroyed_at = _destroy(staff, csrf, draft)
        _invite(server, staff, csrf, "audit", AUDITOR)
        _invite(server, staff, csrf, "system", TENDER)
        certificate_at = _certificate(staff)
    webhook_at = _add_webhook(server)
    alone = [row for row in PAGES if _stands_alone(row)]
    audited = {row.name: row.path for row in alone if _is_for(row, Role.AUDIT)}
    tended = {row.name: row.path for row in alone if row.permission is Action.TEND_WEBHOOKS}
    tended["webhook"] = webhook_at
    pages = {
        **{row.name: row.path for row in alone if row.name not in audited and row.name not in tended},
        "records, filtered": "/records?class=contract&state=received",
        "records, none": "/records?state=destroyed",
        "records, with pictures": "/records?pictures=yes&class=contract",
        "record": f"/records/{ids[1]}",
        "record, previewed": f"/records/{ids[2]}?purpose=business",
        "work": "/quality/missing",
        "work, stale": "/quality/stale?days=0",
        "work, twins": "/quality/twins",
        "correction": f"/records/{ids[1]}/correct",
        "filing": f"/records/{ids[1]}/file",
        "filing-report": f"/records/{ids[0]}/filings/1",
        "filings, chosen": f"/filings?record={ids[7]}&record={ids[8]}",
        "record-links": f"/records/{ids[1]}/links",
        "customer": f"/customers/{customer['number']}",
        "disposal": list_at,
        "disposal-error": f"/disposal/error?record={ids[3]}",
        "class-rules": "/schedule/classes/contract",
        "proposal": proposed[1],
        "affected": proposed[1].replace("/proposal", "/affected"),
        "rule-form": "/schedule/proposals/form?class=contract",
        "matter": matter_at,
        "matter-form": f"/matters/form?record={ids[4]}",
        "destroy-preview": f"/destructions/preview?record={ids[5]}",
        "record, destroyed": f"/records/{draft}",
        "destruction": destroyed_at,
        "certificate": certificate_at,
        "labels, of a record": f"/labels?record={ids[6]}",
        "group": f"/groups/{SECURITY}",
    }
    return Furnished(server=server, pages=pages, audited=audited, tended=tended)


def _stands_alone(row: Row) -> bool:
    """Whether a row is a page whose path has no parameter. Some only lead to the provider, and there is none here."""
    if row.name in ("begin-provider", "provider-answer", "step-up-provider", "leave-provider"):
        return False
    return row.methods == ("GET",) and row.kind is Kind.PAGE and "{" not in row.path


def _is_for(row: Row, role: Role) -> bool:
    """Whether a page is for an administration."""
    return isinstance(row.permission, Action) and role in PERMISSIONS[row.permission].roles


def _invite(server: Server, staff: httpx.Client, csrf: str, group: str, login: str) -> None:
    """Has somebody join one group and nothing else; they have the administrator's password."""
    invited = staff.post("/state/invitations", data={"csrf_token": csrf, group: "yes"})
    address = re.search(r'value="[^"]*(/welcome/[^"]+)"', invited.text)
    assert address, f"nobody was invited: {invited.status_code}"
    with httpx.Client(base_url=server.url, timeout=60, headers={"Origin": server.url}) as guest:
        answer = guest.post(address[1], data={"login": login, "name": login.title(), "password": PASSWORD})
        assert answer.status_code == 303, answer.status_code


def _add_webhook(server: Server) -> str:
    """A webhook to an address that does not answer, with a message; gives its page."""
    with httpx.Client(base_url=server.url, timeout=60, headers={"Origin": server.url}) as tender:
        tender.post("/sign-in", data={"login": TENDER, "password": PASSWORD})
        csrf = form_token(tender.get("/webhooks"))
        url = "https://receiver.invalid/told"
        added = tender.post("/webhooks", data={"csrf_token": csrf, "url": url, "event-record-filed": "yes"})
        assert added.status_code == 201, added.status_code
        at = re.search(r'href="(/webhooks/[a-z2-7]{26})"', added.text)
        assert at, "no webhook was added"
        _made(tender, f"{at[1]}/tests", csrf)
        return at[1]


def _destroy(staff: httpx.Client, csrf: str, record_id: str) -> str:
    """Destroys a record that was filed in error, by whoever is alone; gives the page of the destruction."""
    preview = staff.get(f"/destructions/preview?record={record_id}&error=yes").text
    seen = re.search(r'name="seen" value="([^"]+)"', preview)
    assert seen, "nothing was offered for destruction"
    said = {"records": record_id, "customers": "", "seen": seen[1], "error": "yes", "count": "1", "alone": "yes"}
    return _made(staff, "/destructions", csrf, **said)


def _certificate(staff: httpx.Client) -> str:
    """The page of the first certificate, once upkeep has issued it."""
    for _ in range(120):
        found = re.search(r'href="(/certificates/[^"?]+)"', staff.get("/certificates").text)
        if found:
            return found[1]
        time.sleep(1)
    raise AssertionError("no certificate was issued in two minutes")


def _made(staff: httpx.Client, path: str, csrf: str, **fields: str) -> str:
    """Sends a form; gives where it led."""
    answer = staff.post(path, data={"csrf_token": csrf, **fields})
    assert answer.status_code == 303, f"{path}: {answer.status_code}"
    return answer.headers["location"]
