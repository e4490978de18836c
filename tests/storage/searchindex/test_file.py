"""The index's file: what it finds, in which order, for whom; who may read it; what is left of what was forgotten."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.machine import SystemRandomness
from storage.searchindex.file import NAME, SqliteIndex
from storage.searchindex.place import index_folder
from tests.support.disks import fill, small_disk
from vault.findable import EVERYTHING, Findable, Sight, findable, matches
from vault.ports import IndexStanding
from vault.queries import Query, read_query

START = datetime(2026, 1, 1, tzinfo=UTC)
DONE = IndexStanding(position=1, is_filled=True)


def entry(
    name: str,
    title: str,
    *,
    minutes: int = 0,
    class_code: str = "contract",
    state: str = "filed",
    restricted: bool = False,
    customer: tuple[str, str] | None = None,
    dated_on: date | None = None,
    number: str = "2026-000001",
    note: str = "",
    sha256: str | None = None,
) -> Findable:
    return findable(
        record_id=name,
        received_at=START + timedelta(minutes=minutes),
        class_code=class_code,
        state=state,
        restricted=restricted,
        number=number,
        title=title,
        place="",
        note=note,
        dated_on=dated_on,
        file_name=None,
        customer=customer,
        customer_id=customer[0] if customer is not None else None,
        sha256=sha256,
    )


@pytest.fixture(params=["in a folder", "in the process"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteIndex]:
    folder = index_folder(tmp_path, None) if request.param == "in a folder" else None
    made = SqliteIndex(folder, SystemRandomness())
    assert made.lead()
    yield made
    made.close()


def found(index: SqliteIndex, text: str, sight: Sight = EVERYTHING, **more: object) -> list[str]:
    return list(index.find(read_query(text), None, sight, limit=50, **more))  # type: ignore[arg-type]  # as find has them


def test_words_are_found_in_both_languages_whatever_their_case_or_width(index: SqliteIndex) -> None:
    index.keep(
        [
            entry("lease", "房屋租赁合同 Lease Agreement", number="2026-000123", customer=("K-000007", "成都锦江公司")),
            entry("straße", "Straße Ｃａｆé ① ﬁle", minutes=1),
        ],
        (),
        DONE,
    )
    for text in (
        "租赁",
        "租",
        "租赁合同",
        "房屋 合同",
        "lease",
        "LEASE",
        "leas",
        "ＬＥＡＳＥ",
        "2026-000123",
        "K-000007",
    ):
        assert "lease" in found(index, text), text
    for text in ("strasse", "STRASSE", "café", "CAFE\u0301", "1", "file", "Straße Café"):
        assert "straße" in found(index, text), text
    for text in ("赁租", "房赁", "ease", "2026-000124", "K-000008", "同 租"):
        assert found(index, text) == [] or text == "同 租", text


def test_characters_that_are_not_seen_do_not_part_words(index: SqliteIndex) -> None:
    index.keep([entry("hidden", "in\u200bvoi\u00adce \u202eעברית\u202c 王\ufeff伟")], (), DONE)
    for text in ("invoice", "עברית", "王伟", "in\u200bvoice"):
        assert found(index, text) == ["hidden"], text


def test_phrases_are_found_as_they_are_written_and_not_across_lines(index: SqliteIndex) -> None:
    index.keep([entry("a", "annual audit report"), entry("b", "audit", minutes=1, note="annual\nreport")], (), DONE)
    assert found(index, '"annual audit"') == ["a"]
    assert found(index, '"annual report"') == []
    assert found(index, "annual report") == ["b", "a"]
    assert found(index, "“audit report”") == ["a"]


def test_filters_are_words(index: SqliteIndex) -> None:
    index.keep(
        [
            entry("old", "合同", dated_on=date(2019, 12, 31), customer=("K-000001", "锦江公司"), number="2026-000001"),
            entry("new", "合同 锦江", dated_on=date(2020, 1, 1), minutes=1, state="received", number="2026-000002"),
        ],
        (),
        DONE,
    )
    told = {
        "合同 before:2020": ["old"],
        "合同 after:2019": ["new"],
        "合同 早于：2020-01-01": ["old"],
        "before:2020-01-02 after:2019-12-30": ["new", "old"],
        "after:2019-12 before:2020-02": ["new"],
        "before:2019-12-31": [],
        "after:2050": [],
        "客户:锦江": ["old"],
        'customer:"K-000001"': ["old"],
        "state:filed": ["old"],
        "状态:已接收 合同": ["new"],
        "number:2026-000002": ["new"],
        "编号:2026-000001 合同": ["old"],
    }
    assert {text: found(index, text) for text in told} == told
    assert index.find(read_query("class:any"), frozenset({"contract"}), EVERYTHING, limit=5) == ["new", "old"]
    assert index.find(read_query("class:any"), frozenset({"invoice"}), EVERYTHING, limit=5) == []


def test_what_somebody_may_not_see_is_not_found_however_it_is_asked(index: SqliteIndex) -> None:
    index.keep(
        [
            entry("theirs", "合同"),
            entry("another's", "合同", minutes=1, class_code="personnel"),
            entry("stored", "合同", minutes=2, restricted=True),
        ],
        (),
        DONE,
    )
    theirs = Sight(classes=frozenset({"contract"}))
    for text in ("合同", "state:filed", "after:2000", "合"):
        assert found(index, text, theirs) == ["theirs"], text
    assert found(index, "合同", Sight(classes=frozenset())) == []
    assert found(index, "合同", Sight()) == ["another's", "theirs"]
    assert found(index, "合同") == ["stored", "another's", "theirs"]


def test_the_newest_come_first_page_by_page_however_late_they_were_put_in(index: SqliteIndex) -> None:
    order = [5, 3, 9, 1, 7, 0, 8, 2, 6, 4]
    for minutes in order:
        index.keep([entry(f"r{minutes}", "orchid", minutes=minutes)], (), DONE)
    newest_first = [f"r{minutes}" for minutes in range(9, -1, -1)]
    assert found(index, "orchid") == newest_first
    walked, before = list[str](), None
    while page := index.find(read_query("orchid"), None, EVERYTHING, before=before, limit=3):
        walked += page
        before = (START + timedelta(minutes=int(page[-1][1:])), page[-1])
    assert walked == newest_first
    # A page goes on where it was, even when the record that it ended with is gone.
    index.keep((), ["r5"], DONE)
    gone = (START + timedelta(minutes=5), "r5")
    assert list(index.find(read_query("orchid"), None, EVERYTHING, before=gone, limit=3)) == ["r4", "r3", "r2"]


def test_many_of_one_moment_and_many_between_two_are_all_kept(index: SqliteIndex) -> None:
    index.keep([entry("first", "orchid"), entry("last", "orchid", minutes=100)], (), DONE)
    for number in range(40):
        index.keep([entry(f"m{number}", "orchid", minutes=50)], (), DONE)
    listed = found(index, "orchid")
    assert len(listed) == 42
    assert len(set(listed)) == 42
    assert index.standing().records == 42


def test_what_was_replaced_is_found_by_its_new_words_alone(index: SqliteIndex) -> None:
    index.keep([entry("a", "租赁 alpha"), entry("b", "alpha", minutes=1)], (), DONE)
    index.keep([entry("a", "采购 beta", state="received")], (), DONE)
    assert found(index, "alpha") == ["b"]
    assert found(index, "租赁") == found(index, "租") == []
    assert found(index, "beta 采购") == ["a"]
    assert found(index, "state:received") == ["a"]
    assert index.standing().records == 2


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "*",
        "^a",
        "NEAR(a b)",
        "a AND",
        "facts:x",
        "{number}:1",
        "=r",
        "a\x00b",
        "\x00",
        "(",
        "-",
        "a:b:c",
        "'",
        "\\",
        "%",
    ],
)
def test_nothing_that_is_typed_is_syntax(index: SqliteIndex, text: str) -> None:
    index.keep([entry("a", "NEAR the AND facts", restricted=True)], (), DONE)
    assert found(index, text, Sight()) == []


SOME = st.sampled_from([*"租赁合同王伟ab01 -年\n", "lease", "2026", "agree"])


@given(title=st.lists(SOME, max_size=12).map("".join), text=st.lists(SOME, min_size=1, max_size=6).map("".join))
def test_what_the_index_finds_of_a_record_is_what_matches_it(title: str, text: str) -> None:
    index = SqliteIndex(None, SystemRandomness())
    try:
        assert index.lead()
        one, query = entry("one", title), read_query(text)
        index.keep([one], (), DONE)
        assert bool(index.find(query, None, EVERYTHING, limit=1)) == matches(query, one, None), (title, query)
    finally:
        index.close()


def _bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.name != f"{NAME}-shm")


def _traces(content: bytes, words: Sequence[str]) -> list[str]:
    return [word for word in words if word.encode("utf-8") in content]


def test_what_is_destroyed_leaves_the_file_for_good(tmp_path: Path) -> None:
    folder = index_folder(tmp_path, None)
    assert folder is not None
    index = SqliteIndex(folder, SystemRandomness())
    assert index.lead()
    try:
        many = [entry(f"r{each}", f"ordinary 合同 {each}", minutes=each) for each in range(3000)]
        secret = ["zanzibarquux", "龘靐齉", "龘靐", "靐齉"]
        doomed = entry("doomed", f"{secret[0]} {secret[1]}", minutes=1500, customer=("K-1", "quagmirecorp"))
        index.keep(many[:2000], (), DONE)
        index.keep([doomed], (), DONE)
        index.keep(many[2000:], (), DONE)
        assert _traces(_bytes_of(folder), [*secret, "quagmirecorp"]) != []
        index.keep((), ["doomed"], DONE)
        while index.cleanse():
            pass
        content = _bytes_of(folder)
        assert _traces(content, [*secret, "quagmirecorp", "zanzib", "quagmi", "doomed"]) == []
        assert _traces(content, ["ordinary"]) == ["ordinary"]
        assert found(index, "ordinary 2999") == ["r2999"]
        assert len(index.find(read_query("合同"), None, EVERYTHING, limit=5000)) == 3000
    finally:
        index.close()


def test_the_file_is_its_owners_alone_and_gone_when_the_leader_leaves(tmp_path: Path) -> None:
    folder = index_folder(tmp_path, None)
    assert folder is not None
    index = SqliteIndex(folder, SystemRandomness())
    assert index.lead()
    index.keep([entry("a", "orchid")], (), DONE)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    index.close()
    assert not folder.exists()


def test_one_leads_and_others_read_and_a_new_leader_begins_empty(tmp_path: Path) -> None:
    folder = index_folder(tmp_path, None)
    first, second = SqliteIndex(folder, SystemRandomness()), SqliteIndex(folder, SystemRandomness())
    try:
        assert found(second, "orchid") == []
        assert second.standing() == IndexStanding()
        assert first.lead()
        assert not second.lead()
        first.keep([entry("a", "orchid")], (), DONE)
        assert found(second, "orchid") == ["a"]
        assert second.standing().is_filled
        first.close()
        assert found(second, "orchid") == []
        assert second.lead()
        assert second.standing().records == 0
    finally:
        first.close()
        second.close()


def test_what_a_killed_leader_left_is_removed_by_the_next(tmp_path: Path) -> None:
    folder = index_folder(tmp_path, None)
    assert folder is not None
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        killed = SqliteIndex(folder, SystemRandomness())
        killed.lead()
        killed.keep([entry("a", "zanzibarquux")], (), DONE)
        os.write(writer, b".")
        os._exit(1)
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    os.waitpid(child, 0)
    assert b"zanzibarquux" in _bytes_of(folder)
    following = SqliteIndex(folder, SystemRandomness())
    try:
        assert following.lead()
        assert b"zanzibarquux" not in _bytes_of(folder)
    finally:
        following.close()


def test_a_query_for_nothing_finds_nothing(index: SqliteIndex) -> None:
    index.keep([entry("a", "orchid")], (), DONE)
    assert index.find(Query(), None, EVERYTHING, limit=5) == ()


def test_it_may_be_filled_and_asked_at_once(index: SqliteIndex) -> None:
    failed = list[BaseException]()

    def work(thread: int) -> None:
        try:
            for number in range(60):
                index.keep([entry(f"{thread}-{number}", "orchid", minutes=number)], (), DONE)
                assert found(index, "orchid")
                if number % 3 == 0:
                    index.keep((), [f"{thread}-{number}"], DONE)
                    index.cleanse()
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert index.standing().records == len(index.find(read_query("orchid"), None, EVERYTHING, limit=1000)) == 4 * 40


def test_texts_of_files_are_found_where_they_may_be_and_leave_with_their_record(index: SqliteIndex) -> None:
    index.keep([entry("open", "lease"), entry("gated", "lease", class_code="identity")], (), DONE)
    texts = {"open": "orchid 押金两千", "gated": "orchid", "unknown": "orchid"}
    index.keep_texts(texts, IndexStanding(position=1, is_filled=True, text_position=7))
    assert index.standing().text_position == 7
    theirs = Sight(text_in=frozenset({"contract"}))
    assert found(index, "orchid") == found(index, "orchid", Sight()) == []
    assert found(index, "orchid", theirs) == found(index, "押金 lease", theirs) == ["open"]
    assert sorted(found(index, "lease", theirs)) == ["gated", "open"]
    assert found(index, "number:orchid", theirs) == []
    index.keep([entry("open", "rent")], (), DONE)
    assert found(index, "rent 押金", theirs) == ["open"]
    index.keep_texts({"open": ""}, IndexStanding(position=1, is_filled=True, text_position=8))
    assert found(index, "押金", theirs) == []
    index.keep_texts({"open": "tulip"}, IndexStanding(position=1, is_filled=True, text_position=9))
    index.keep((), ["open"], DONE)
    assert found(index, "tulip", theirs) == []
    while index.cleanse():
        pass
    if index.folder is not None:
        assert not any(b"tulip" in path.read_bytes() for path in index.folder.iterdir())


def test_texts_stop_where_they_would_take_the_room_of_everything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = SqliteIndex(index_folder(tmp_path, None), SystemRandomness())
    assert made.lead()
    theirs = Sight(text_in=frozenset({"contract"}))
    made.keep([entry("one", "lease"), entry("two", "rent")], (), DONE)
    made.keep_texts({"one": "orchid"}, DONE)
    monkeypatch.setattr("storage.searchindex.file.TEXTS_LEAVE_FREE", 1.1)
    made.keep_texts({"two": "orchid"}, DONE)
    assert (made.standing().is_full_of_texts, made.standing().is_full) == (True, False)
    assert found(made, "orchid", theirs) == ["one"]
    made.keep_texts({"one": ""}, DONE)
    assert found(made, "orchid", theirs) == []
    made.keep([entry("three", "tulip")], ["two"], DONE)
    assert (found(made, "tulip"), found(made, "rent")) == (["three"], [])
    made.close()


def test_an_index_without_room_for_more_says_so_to_every_process(tmp_path: Path) -> None:
    with small_disk(tmp_path / "memory", 1 << 20) as disk:
        folder = index_folder(tmp_path, disk)
        assert folder is not None
        made, other = (SqliteIndex(folder, SystemRandomness()) for _ in range(2))
        assert (made.lead(), other.lead()) == (True, False)
        made.keep([entry("one", "lease")], (), DONE)
        assert not other.standing().is_full
        filler = fill(disk, leave_bytes=8 << 10)
        made.keep([entry(f"more-{number}", f"tulip {number} " * 50) for number in range(200)], (), DONE)
        for each in (made, other):
            assert each.standing().is_full
            assert (found(each, "lease"), found(each, "tulip")) == (["one"], [])
        other.close()
        made.close()
        again = SqliteIndex(folder, SystemRandomness())
        filler.unlink()
        filler = fill(disk, leave_bytes=8 << 10)
        assert (again.lead(), again.standing().is_full) == (False, True), "there is no room to begin"
        filler.unlink()
        assert (again.lead(), again.standing().is_full) == (True, False)
        again.close()
