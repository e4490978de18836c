"""The parts of pages, how they are chosen to look, and what a page says of what was just done."""

from __future__ import annotations

import re
from collections import Counter

import httpx
import pytest

from tests.web.visitors import Staff
from web.notices import SAID
from web.rendering import FOLDER, WORDS
from web.tones import TONES


def test_the_gallery_shows_every_part_and_staff_without_the_permission_do_not_see_it(
    staff: Staff, reader: Staff
) -> None:
    page = staff.client.get("/gallery").text
    made = set()
    for path in (FOLDER / "components").glob("*.html"):
        made |= set(re.findall(r"\{% macro ([a-z]\w*)\(", path.read_text(encoding="utf-8")))
    unseen = {"fault", "marks", "theme_choice", "shortcuts"}  # within others, or on every page
    named = set(re.findall(r"<code>m\.(\w+)", page))
    assert made - unseen - named == {"head", "empty"} - named
    assert reader.client.get("/gallery").status_code == 403


def test_no_id_stands_twice_on_a_page(staff: Staff) -> None:
    for path in ("/", "/records", "/customers", "/groups", "/state", "/settings", "/gallery"):
        ids = Counter(re.findall(r'\sid="([^"]+)"', staff.client.get(path).text))
        assert [each for each, count in ids.items() if count > 1] == [], path


def test_states_that_have_a_tone_have_a_word() -> None:
    without = {"in-order", "waiting", "overdue", "restricted"}  # said in a sentence of their own
    assert set(TONES) - without <= set(WORDS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_chosen_and_kept_without_a_script(visitor: httpx.Client, theme: str) -> None:
    assert "data-theme" not in visitor.get("/sign-in").text
    answer = visitor.post("/theme", data={"theme": theme, "back": "/sign-in"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert f'data-theme="{theme}"' in visitor.get("/sign-in").text
    visitor.post("/theme", data={"theme": "", "back": "/sign-in"})
    assert "data-theme" not in visitor.get("/sign-in").text
    visitor.cookies.set("strongroom-theme", '"><script>')
    assert "data-theme" not in visitor.get("/sign-in").text


def test_times_stand_in_the_time_zone_of_the_browser_once_it_is_known(staff: Staff) -> None:
    there = re.compile(r'<time datetime="[^"]+" data-moment>([^<]+)</time>')
    utc = there.findall(staff.client.get("/gallery").text)
    assert utc
    assert all(said.endswith("UTC") for said in utc)
    for zone, kept in (("Asia/Shanghai", True), ("Mars/Olympus", False), ("../etc/passwd", False)):
        staff.client.cookies.set("strongroom-zone", zone)
        said = there.findall(staff.client.get("/gallery").text)
        assert all(text.endswith("UTC") is not kept for text in said), zone
        staff.client.cookies.delete("strongroom-zone")


def test_what_was_done_is_said_once_and_only_in_words_of_ours(staff: Staff) -> None:
    staff.client.cookies.set("strongroom-said", "customer-added")
    answer = staff.client.get("/customers")
    assert SAID["customer-added"] in answer.text
    assert 'strongroom-said=""' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    staff.client.cookies.set("strongroom-said", "anything <b>else</b>")
    assert 'class="toast' not in staff.client.get("/customers").text
    staff.client.cookies.delete("strongroom-said")
