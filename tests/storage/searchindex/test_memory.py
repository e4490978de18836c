"""The search index."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.searchindex.memory import MemoryIndex, fold

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def filled(*texts: str) -> MemoryIndex:
    index = MemoryIndex()
    for number, text in enumerate(texts):
        index.put(f"r{number}", text, received_at=NOW + timedelta(minutes=number))
    return index


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("成都房屋租赁合同", "租赁"),
        ("成都房屋租赁合同", "合同 成都"),
        ("Contract of Lease", "LEASE contract"),
        ("ＡＢＣ１２３", "abc123"),
        ("abc123", "ＡＢＣ　１２３"),
        ("Straße", "STRASSE"),
        ("café", "cafe\u0301"),
        ("ﾊﾝｶｸ", "ハンカク"),
        ("2026-000017\n合同.pdf", "2026-000017"),
        ("İstanbul", "i̇stanbul"),
    ],
)
def test_words_are_found_whatever_their_case_and_width(text: str, query: str) -> None:
    assert filled(text).find(query, limit=5) == ["r0"]


@pytest.mark.parametrize("query", ["", "   ", "\u3000", "租合", "contract x"])
def test_what_is_not_in_it_is_not_found(query: str) -> None:
    assert filled("成都房屋租赁合同", "Contract").find(query, limit=5) == []


def test_the_newest_come_first_and_no_more_than_asked() -> None:
    index = filled("a one", "b", "a two", "a three")
    assert index.find("a", limit=2) == ["r3", "r2"]
    assert index.find("a", limit=10) == ["r3", "r2", "r0"]


def test_new_words_replace_the_old_ones_and_what_was_removed_is_gone() -> None:
    index = filled("old", "other")
    index.put("r0", "new", received_at=NOW)
    assert (index.find("old", limit=5), index.find("new", limit=5)) == ([], ["r0"])
    index.remove("r0")
    index.remove("r0")
    assert index.find("new", limit=5) == []
    assert index.size() == 1


def test_it_knows_how_far_it_is_filled() -> None:
    index = MemoryIndex()
    assert (index.position(), index.size()) == (0, 0)
    index.advance(17)
    assert index.position() == 17


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(min_size=1))
def test_a_text_is_found_by_its_own_words(text: str) -> None:
    wanted = fold(text).split()
    assert filled(text).find(text, limit=1) == (["r0"] if wanted else [])


def test_it_may_be_filled_and_asked_at_once() -> None:
    index, failed = MemoryIndex(), list[BaseException]()

    def work(thread: int) -> None:
        try:
            for number in range(200):
                index.put(f"{thread}-{number}", "word", received_at=NOW + timedelta(seconds=number))
                assert index.find("word", limit=5)
                if number % 3 == 0:
                    index.remove(f"{thread}-{number}")
        except AssertionError as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert index.size() == 4 * 133
    assert len(index.find("word", limit=1000)) == 4 * 133
