"""Receipts of batches, keys of batches, and words fit for a terminal."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from vault.cli import exits
from vault.cli.batch import Plan
from vault.cli.plain import plain, size, table
from vault.cli.receipts import Acknowledged, BatchReceipt, Line, Outcome
from vault.cli.sources import Source
from vault.cli.speech import encode
from vault.errors import InvalidInput

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def acknowledged(*, hashed: bytes = b"\1" * 32) -> Acknowledged:
    return Acknowledged(
        record_id="a" * 26,
        number="2026-000001",
        version=1,
        declared_size_bytes=10,
        declared_sha256=b"\1" * 32,
        stored_size_bytes=10,
        hashed_sha256=hashed,
    )


def receipt(*lines: Line) -> BatchReceipt:
    return BatchReceipt(
        batch="march",
        vault_id="v" * 26,
        class_code="contract",
        customer=None,
        started_at=NOW,
        finished_at=NOW,
        interrupted=False,
        lines=lines,
    )


STORED = Line(path="scans/合同.pdf", outcome=Outcome.STORED, acknowledged=acknowledged())
REFUSED = Line(path="scans/\x1b[2J\udcff", outcome=Outcome.REFUSED, code="pipe", message="no", exit_code=exits.REFUSED)


def test_a_receipt_has_a_line_for_every_path_and_agrees_on_both_sides() -> None:
    document = json.loads(encode(receipt(STORED, REFUSED).document()))
    assert document["agrees"] is True
    assert document["started_at"] == "2026-03-01T12:00:00Z"
    assert document["totals"] == {
        "files": 2,
        "stored": 1,
        "already_there": 0,
        "refused": 1,
        "not_tried": 0,
        "declared_bytes": 10,
        "stored_bytes": 10,
        "hashed_equal": 1,
    }
    stored, refused = document["files"]
    assert stored["declared"] == {"size_bytes": 10, "sha256": "01" * 32}
    assert stored["stored"] == {"size_bytes": 10}
    assert stored["hashed"] == {"sha256": "01" * 32}
    assert stored.keys() == refused.keys()
    assert refused["error"] == {"code": "pipe", "message": "no"}
    assert refused["path"] == "scans/\x1b[2J\udcff"


def test_a_digest_that_differs_is_not_hidden() -> None:
    broken = Line(path="a", outcome=Outcome.STORED, acknowledged=acknowledged(hashed=b"\2" * 32))
    assert not receipt(STORED, broken).agrees
    assert "2 files declared = 2 stored = 1 hashed equal" in receipt(STORED, broken).summary()


def plan(seed: str = "named/march", title: str = "") -> Plan:
    return Plan(
        class_code="contract",
        customer_id=None,
        title=title,
        dated_on=date(2026, 3, 1),
        place="",
        note="",
        key_seed=seed,
    )


def source(batch_path: str = "scans/secret name.pdf") -> Source:
    return Source(path="/x", batch_path=batch_path, file_name=batch_path.rsplit("/", 1)[-1], size_bytes=1)


def test_a_batch_key_stands_for_batch_and_path_and_tells_neither() -> None:
    key = plan().key(source())
    assert key == plan(title="other").key(source())
    assert len({key, plan("named/april").key(source()), plan().key(source("scans/other.pdf"))}) == 3
    assert "march" not in key
    assert "secret" not in key
    assert plan("ab").key(source("c")) != plan("a").key(source("bc"))


def test_what_is_said_of_a_file_is_checked_before_it_is_sent() -> None:
    assert plan().filing(source(), 1).description.title == "secret name"
    assert plan(title="Lease").filing(source(), 1).description.title == "Lease"
    with pytest.raises(InvalidInput):
        plan(title="x" * 301).filing(source(), 1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("合同 é.pdf", "合同 é.pdf"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("two\nlines", "two\\nlines"),
        ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
        ("\udcff", "\\xff"),
        ("\x9b", "\\x9b"),
    ],
)
def test_no_name_moves_the_cursor_or_turns_a_line_round(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_table_is_aligned_for_wide_characters_too() -> None:
    lines = list(table(("TITLE", "N"), [("合同", "1"), ("lease", "2")]))
    assert lines == ["TITLE  N", "合同   1", "lease  2"]


def test_sizes_are_written_for_people() -> None:
    assert [size(n) for n in (0, 1023, 1024, 5 * 1024**3)] == ["0 bytes", "1023 bytes", "1.0 KiB", "5.0 GiB"]
