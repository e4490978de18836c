"""Chinese and English: every text is there, natural in form, and chosen as the visitor wants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

import web
from web.i18n import FOLDER, choose_tag, load_languages

ROOT = Path(web.__file__).parent
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "later": None, "text": None}


def extracted() -> Iterator[str | tuple[str, ...]]:
    """Every text in templates and Python."""
    for pattern, method, options in (
        ("*.html", "jinja2", {"newstyle_gettext": "true", "encoding": "utf-8"}),
        ("*.py", "python", {}),
    ):
        for path in sorted(ROOT.rglob(pattern)):
            with path.open("rb") as source:
                for _, message, _, _ in extract(method, source, keywords=KEYWORDS, options=options):
                    yield tuple(message) if isinstance(message, list | tuple) else message


TEXTS = sorted(set(extracted()), key=str)


def catalogue(folder: str) -> Catalog:
    with (FOLDER / folder / "LC_MESSAGES" / "messages.po").open("rb") as source:
        return read_po(source)


@pytest.mark.parametrize("folder", ["en", "zh_Hans"])
def test_the_catalogue_has_every_text_and_no_other(folder: str) -> None:
    kept = {message.id for message in catalogue(folder) if message.id}
    assert kept == set(TEXTS)


def test_every_text_is_said_in_chinese_with_the_same_places() -> None:
    for message in catalogue("zh_Hans"):
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        said, source = "".join(message.string or ""), message.id if isinstance(message.id, str) else message.id[1]
        assert re.search(r"[\u4e00-\u9fff=]", said), message.id
        assert sorted(re.findall(r"%\(\w+\)s|\{\w+\}", said)) == sorted(re.findall(r"%\(\w+\)s|\{\w+\}", source))
    assert not catalogue("zh_Hans").obsolete


def test_scripts_hold_no_text_of_their_own() -> None:
    for path in (ROOT / "static").glob("*.js"):
        code = "\n".join(line.partition("//")[0] for line in path.read_text(encoding="utf-8").splitlines())
        for said in re.findall(r'"([^"]*)"|`([^`]*)`', code):
            assert not re.search(r"[A-Z][a-z]+ [a-z]+", "".join(said)), f"{path.name}: {said}"


@pytest.mark.parametrize(
    ("choice", "accepted", "tag"),
    [
        (None, None, "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        (None, "en-GB,zh;q=0.5", "en"),
        (None, "fr,zh;q=0.2", "zh-Hans"),
        (None, "zh;q=oops, en;q=0.1", "en"),
        ("zh-Hans", "en", "zh-Hans"),
        ("../etc", "zh", "zh-Hans"),
    ],
)
def test_the_choice_counts_then_what_the_browser_accepts(choice: str | None, accepted: str | None, tag: str) -> None:
    assert choose_tag(choice, accepted) == tag


def test_dates_sizes_and_numbers_follow_the_language() -> None:
    english, chinese = load_languages()["en"], load_languages()["zh-Hans"]
    moment = datetime(2026, 3, 1, 8, 5, tzinfo=UTC)
    assert english.day(date(2026, 3, 1)) == "Mar 1, 2026"
    assert chinese.day(date(2026, 3, 1)) == "2026年3月1日"
    assert chinese.moment(moment).endswith("UTC")
    assert [english.size(size) for size in (0, 1023, 1024, 1536, 10**6, 2**31)] == [
        "0 B",
        "1,023 B",
        "1 KiB",
        "1.5 KiB",
        "977 KiB",
        "2 GiB",
    ]


def test_a_visitor_chooses_a_language_and_keeps_it(visitor: httpx.Client) -> None:
    assert visitor.get("/sign-in").text.count('<html lang="en" ') == 1
    answer = visitor.post("/language", data={"language": "zh-Hans", "back": "/sign-in"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    page = visitor.get("/sign-in").text
    assert '<html lang="zh-Hans" ' in page
    assert "登录名" in page
    assert visitor.post("/language", data={"language": "xx", "back": "//evil"}).headers["location"] == "/"
