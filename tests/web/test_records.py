"""The list of records: its address keeps what is asked, saved views are somebody's own, and one record's page."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import httpx
import pytest

from storage.searchindex.file import FULL_NAME, SqliteIndex
from tests.support import files
from tests.web.conftest import Served
from tests.web.visitors import Staff, stored_id
from vault.workflows import deriving
from vault.workflows.savedviews import VIEWS_MAX


def addresses(page: str) -> list[str]:
    """Every address of a page."""
    return re.findall(r'(?:href|action|formaction)="([^"]+)"', page)


def titles(page: str) -> list[str]:
    """The titles of the list."""
    found = re.findall(r'<a class="main" href="/records/[^"]+">(.*?)</a>', page)
    return [re.sub("</?mark>", "", title) for title in found]


def test_words_and_filters_go_together_and_each_can_be_taken_away(staff: Staff, program: httpx.Client) -> None:
    for code in ("contract", "voucher"):
        stored_id(program, b"x", title=f"Pelican {code}", **{"class": code})
    found = staff.post("/find", text="Pelican").headers["location"]
    assert sorted(titles(staff.client.get(found).text)) == ["Pelican contract", "Pelican voucher"]
    both = staff.client.get(found + "&class=voucher&state=received")
    assert titles(both.text) == ["Pelican voucher"]
    assert not [each for each in addresses(both.text) if "elican" in each]
    chips = re.findall(r'<a class="chip" href="([^"]+)">([^<]+)', both.text)
    assert [text.strip() for _, text in chips] == ["“Pelican”", "Accounting vouchers", "Received"]
    without_class = chips[1][0].replace("&amp;", "&")
    assert sorted(titles(staff.client.get(without_class).text)) == ["Pelican contract", "Pelican voucher"]
    assert "find=" not in chips[0][0]
    assert "state=received" in chips[0][0]


def test_days_are_those_of_the_visitor(staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, b"x", title="Heron of today")
    today = program.get(f"/api/v1/records/{record_id}").json()["received_at"][:10]
    for asked, there in (({"from": today}, True), ({"to": today}, True), ({"from": "2100-01-01"}, False)):
        assert ("Heron of today" in staff.client.get("/records", params=asked).text) is there, asked
    wrong = staff.client.get("/records", params={"from": "2026-03-02", "to": "2026-03-01"})
    assert wrong.status_code == 400
    assert "exchange them" in wrong.text
    assert staff.client.get("/records", params={"from": "yesterday"}).status_code == 400


def test_a_search_of_somebody_else_or_an_invented_one_is_refused(staff: Staff, second: Staff) -> None:
    found = staff.post("/find", text="Pelican").headers["location"]
    assert second.client.get(found).status_code == 400
    assert "not one of yours" in second.client.get(found).text
    for reference in ("AAAA", "%F0%9F%98%80", "a" * 3000, "..%2f"):
        assert second.client.get(f"/records?find={reference}").status_code == 400
    assert staff.post("/find", text="x" * 201).status_code == 400
    assert staff.post("/find", text="  ").headers["location"] == "/records"


def test_a_view_is_kept_under_a_name_shown_to_its_owner_alone_and_forgotten(
    staff: Staff, second: Staff, served: Served
) -> None:
    found = staff.post("/find", text="鹈鹕").headers["location"].partition("find=")[2]
    kept = staff.post("/views", name="鹈鹕的合同", find=found, **{"class": "contract"})
    assert kept.status_code == 303
    assert quote("鹈鹕") not in kept.headers["location"]
    page = staff.client.get(kept.headers["location"]).text
    assert 'aria-current="page">鹈鹕的合同</a>' in page
    assert "“鹈鹕”" in page
    assert "鹈鹕" not in second.client.get("/records").text
    with served.vault.catalogue.read() as tx:
        sealed = [each.sealed for person in tx.people.all() for each in tx.saved_views.of_person(person.id)]
    assert sealed
    assert not [each for each in sealed if "鹈鹕".encode() in each or b"contract" in each]
    again = staff.post("/views", name="鹈鹕的合同", **{"class": "contract"})
    assert again.status_code == 409
    assert "called so already" in again.text
    assert staff.post("/views", name=" ", **{"class": "contract"}).status_code == 400
    key = re.search(r'action="/views/([a-z2-7]+)/forget"', page)
    assert key
    assert second.post(f"/views/{key[1]}/forget").status_code == 404
    assert staff.post(f"/views/{key[1]}/forget").status_code == 303
    assert "鹈鹕的合同" not in staff.client.get("/settings").text


def test_recent_searches_are_somebodys_own_cleared_and_switched_off(
    served: Served, staff: Staff, second: Staff
) -> None:
    for text in ("火烈鸟", "鹳 2019", "火烈鸟"):
        staff.post("/find", text=text)
    page = staff.client.get("/records").text
    offered = re.findall(r'<a href="(/records\?find=[^"]+)">([^<]+)</a>', page[: page.index("</noscript>")])
    assert [words for _, words in offered][:2] == ["火烈鸟", "鹳 2019"]
    assert "火烈鸟" in staff.client.get(offered[0][0]).text
    typed = staff.post("/find/typed", text=" ").text
    assert re.findall(r'role="option".*?class="what">([^<]+)<', typed)[:2] == ["火烈鸟", "鹳 2019"]
    assert "火烈鸟" not in second.client.get("/records").text + second.client.get("/settings").text
    with served.vault.catalogue.read() as tx:
        kept = [tx.recent_searches.of_person(person.id) for person in tx.people.all()]
    assert [each for each in kept if each]
    assert not [each for each in kept if each and "火烈鸟".encode() in each.sealed]
    assert staff.post("/searches/clear").headers["location"] == "/settings"
    assert "火烈鸟" not in staff.client.get("/settings").text
    assert staff.post("/find/typed", text="").text.strip() == ""
    staff.post("/searches/keep", kept="no")
    staff.post("/find", text="火烈鸟")
    assert "火烈鸟" not in staff.client.get("/settings").text
    staff.post("/searches/keep", kept="yes")
    staff.post("/find", text="火烈鸟")
    assert "火烈鸟" in staff.client.get("/settings").text


def test_a_list_shows_small_pictures_on_request_and_only_to_whoever_may_open_with_no_gate_before(
    served: Served, staff: Staff, program: httpx.Client
) -> None:
    plain = stored_id(program, files.image(), file_name="plain.png", title="Kiwi seen")
    secret = stored_id(program, files.image(), file_name="secret.png", title="Kiwi hidden", **{"class": "identity"})
    deriving.derive_due(served.vault)
    found = staff.post("/find", text="Kiwi").headers["location"]
    without = staff.client.get(found).text
    assert '<img src="/records/' not in without
    switch = re.search(r'<a href="([^"]+)">With pictures</a>', without)
    assert switch
    page = staff.client.get(html.unescape(switch[1])).text
    assert sorted(titles(page)) == ["Kiwi hidden", "Kiwi seen"]
    shown = re.findall(r'<img src="/records/([^"]+)/picture" alt="" width="48" height="48" loading="lazy"', page)
    assert shown == [plain]
    assert secret not in shown
    assert staff.client.get(f"/records/{plain}/picture", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    # The switch stays while somebody narrows the list, and goes when they say so.
    chip = re.search(r'<a class="chip" href="([^"]+)">', page)
    assert chip
    assert "pictures=yes" in chip[1]
    assert '<input type="hidden" name="pictures" value="yes">' in page
    off = re.search(r'<a href="([^"]+)">Without pictures</a>', page)
    assert off
    assert "pictures" not in off[1]


def test_nobody_keeps_views_without_end(second: Staff) -> None:
    for number in range(VIEWS_MAX):
        assert second.post("/views", name=f"view {number}", state="filed").status_code == 303
    assert second.post("/views", name="one more", state="filed").status_code == 409
    assert "view 3" in second.client.get("/settings").text


def test_a_record_tells_its_whole_story_with_names_and_reasons(staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, b"first", title="Storied", file_name="letter.txt")
    said = {"csrf_token": staff.csrf_token, "title": "Storied again", "reason": "the year was wrong"}
    staff.client.post(f"/records/{record_id}/correct", data=said, files={"file": ("", b"")})
    staff.post(f"/records/{record_id}/file", **{"class": "contract", "trigger_on": "2020-01-31"})
    staff.client.get(f"/records/{record_id}/content", params={"purpose": "audit"})
    page = staff.client.get(f"/records/{record_id}").text
    story = page[page.index('<ol class="timeline">') :]
    places = [story.index(word) for word in ("Kept until then", "Opened", "Filed", "Corrected", "letter.txt")]
    assert places == sorted(places)
    assert "the year was wrong" in story
    assert "Audit" in story
    assert "you · #" in story


@pytest.mark.parametrize("path", ["/customers/K-999999", "/customers/%E5%AE%A2"])
def test_a_customer_who_does_not_exist_is_not_found(staff: Staff, path: str) -> None:
    assert staff.client.get(path).status_code == 404


def test_a_customer_has_a_page_with_what_it_has(staff: Staff, program: httpx.Client) -> None:
    number = program.post("/api/v1/customers", json={"name": "Kranich & Co", "note": "since 2020"}).json()["number"]
    stored_id(program, b"x", title="Of Kranich", customer=number)
    page = staff.client.get(f"/customers/{number}").text
    assert "Kranich &amp; Co" in page
    assert "Of Kranich" in page
    assert f"/records?customer={number}" in page


def part(page: str, name: str) -> str:
    """One section of the first page."""
    return page[page.index(f'id="{name}"') :].partition("</section>")[0]


def test_the_first_page_shows_what_each_has_to_do_who_waits_for_others_and_since_when(
    staff: Staff, second: Staff, reader: Staff
) -> None:
    own = part(staff.client.get("/").text, "mine")
    assert re.findall(r'<a class="main" href="([^"]+)"', own) == ["/agreement", "/training"]
    assert staff.post("/schedule/sets", set="eu-us", reason="two laws apply").status_code == 303
    waiting, mine = part(staff.client.get("/").text, "others"), part(second.client.get("/").text, "mine")
    for told in (waiting, mine):
        assert "Approve the rule of a class" in told
        assert "/proposal" in told
        assert "<time datetime=" in told
    assert ">you<" in waiting
    assert "张三" in mine
    page = reader.client.get("/").text
    assert "To be filed" in page
    for hidden in ("How the vault stands", "Holds in force", "Approve the rule", "Storage by class"):
        assert hidden not in page


def test_hits_are_marked_and_nothing_that_is_typed_becomes_markup(staff: Staff, program: httpx.Client) -> None:
    stored_id(program, b"x", title="Osprey <i>nest</i> 房屋租赁合同")
    for text in ("osprey", "租赁", "<i>nest"):
        page = staff.client.get(staff.post("/find", text=text).headers["location"]).text
        assert "<mark>" in page, text
        assert "<i>nest" not in page, text
    assert (
        "<mark>Osprey</mark> &lt;i&gt;nest"
        in staff.client.get(staff.post("/find", text="osprey").headers["location"]).text
    )


def test_what_is_found_is_paged_newest_first(
    staff: Staff, program: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        stored_id(program, b"x", title=f"Sandpiper {number}")
    monkeypatch.setattr("web.pages.records.PAGE_SIZE", 2)
    address, seen = staff.post("/find", text="sandpiper").headers["location"], list[str]()
    for _ in range(3):
        page = staff.client.get(address).text
        seen += titles(page)
        onward = re.search(r'href="(/records[^"]*before=[^"]*)"', page)
        address = onward[1].replace("&amp;", "&") if onward else ""
    assert seen == [f"Sandpiper {number}" for number in (4, 3, 2, 1, 0)]
    assert not address


def test_the_first_few_are_told_while_somebody_types(staff: Staff, program: httpx.Client) -> None:
    record_id = stored_id(program, b"x", title="Kingfisher 王伟 <b>")
    for text in ("kingf", "王伟", "王", "KINGFISHER 王伟"):
        part = staff.post("/find/typed", text=text)
        assert part.status_code == 200
        assert f'href="/records/{record_id}"' in part.text, text
        assert 'role="option"' in part.text
        assert "<b>" not in part.text
        assert part.headers["cache-control"] == "no-store"
    assert "Nothing found" in staff.post("/find/typed", text="kingfissher").text
    assert "takes a date" in staff.post("/find/typed", text="before:20").text
    assert "at most 200 characters" in staff.post("/find/typed", text="x" * 201).text
    assert staff.client.get("/find/typed").status_code == 405
    assert staff.client.post("/find/typed", data={"text": "kingf"}).status_code == 403


def test_a_records_page_names_the_others_with_the_same_bytes(staff: Staff, program: httpx.Client) -> None:
    first, second = (stored_id(program, b"the very same scan", title=f"Scan {number}") for number in (1, 2))
    alone = stored_id(program, b"another scan", title="Scan 3")
    page = staff.client.get(f"/records/{first}").text
    assert "more than once" in page
    assert f'href="/records/{second}"' in page
    assert "more than once" not in staff.client.get(f"/records/{alone}").text


def test_an_index_without_room_for_more_is_told_where_it_matters(
    served: Served, staff: Staff, program: httpx.Client
) -> None:
    index = served.vault.search
    assert isinstance(index, SqliteIndex)
    assert index.folder is not None
    assert program.post("/api/v1/records/find", json={"text": "Pelican"}).json()["full"] is False
    mark = index.folder / FULL_NAME
    mark.touch()
    try:
        assert program.post("/api/v1/records/find", json={"text": "Pelican"}).json()["full"]
        assert program.get("/api/v1/state").json()["index_full"]
        assert "no room for more" in staff.client.get("/state").text
        found = staff.client.get(staff.post("/find", text="Pelican").headers["location"])
        assert "no room for more, so something is missing" in found.text
    finally:
        mark.unlink()
