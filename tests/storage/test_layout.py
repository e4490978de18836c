"""Object keys: plain, and spelled in one place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.layout import ObjectLayout, object_id_of
from vault.ids import id_from_bytes

LAYOUT = ObjectLayout()
PLAIN = re.compile(r"[a-z0-9/-]+[a-z0-9]")


@given(st.binary(min_size=16, max_size=16), st.integers(0, 99_999_999))
def test_keys_are_plain(raw: bytes, number: int) -> None:
    name = id_from_bytes(raw)
    keys = (LAYOUT.record(name), LAYOUT.meta(name, f"{number:012d}-record"), LAYOUT.block(raw, number))
    for key in keys:
        assert PLAIN.fullmatch(key)
        assert "//" not in key
        assert not any(segment.endswith(".versions") for segment in key.split("/"))
    assert object_id_of(keys[0]) == name
    assert [object_id_of(key) for key in keys[1:]] == [None, None]


def test_what_the_vault_always_needs_is_told_from_what_goes_with_its_record() -> None:
    tree, name = bytes(range(16)), id_from_bytes(bytes(16))
    lasting = [
        LAYOUT.meta(f"register-{tree.hex()}", f"{7:012d}"),
        LAYOUT.meta(name, f"{7:012d}-certificate"),
        LAYOUT.meta(name, f"{7:012d}-paper"),
        LAYOUT.block(tree, 7),
        LAYOUT.increment(tree, 7, tree),
        LAYOUT.log_tile(tree, "tile/0/007"),
        LAYOUT.log_checkpoint(tree, 7),
    ]
    passing = [
        LAYOUT.record(name),
        *(LAYOUT.meta(name, f"{7:012d}-{kind}") for kind in ("record", "revision", "customer")),
        LAYOUT.log_tile(tree, "tile/0/007.p/7"),
    ]
    assert [LAYOUT.lasts(key) for key in lasting] == [True] * len(lasting)
    assert [LAYOUT.lasts(key) for key in passing] == [False] * len(passing)


@pytest.mark.parametrize("segment", ["", "A", "a/b", "..", "a.versions", "a b", "档", "a\n", "a" * 121])
def test_what_is_no_plain_segment_is_refused(segment: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        LAYOUT.record(segment)
    with pytest.raises(ValueError, match="plain"):
        LAYOUT.meta(segment, "1")
    with pytest.raises(ValueError, match="plain"):
        LAYOUT.meta("a", segment)


@pytest.mark.parametrize(
    "key", ["", "records", "records/ab/cd", "records/ab/abc/d", "meta/ab/abc", "records/ab/ab.versions"]
)
def test_a_strange_key_names_no_object(key: str) -> None:
    assert object_id_of(key) is None


def test_the_logs_keys_are_plain_and_the_newest_checkpoint_is_listed_first() -> None:
    tree = bytes(range(16))
    paths = ("tile/0/x001/x234/067", "tile/entries/000.p/17", "tile/1/000.p/255")
    keys = [LAYOUT.log_tile(tree, path) for path in paths]
    assert [key.removeprefix(f"log/{tree.hex()}/") for key in keys] == [path.replace(".p", "-p") for path in paths]
    assert LAYOUT.log_size_of(LAYOUT.log_stamp(tree, 70)) == 70
    assert LAYOUT.log_stamp(tree, 71) < LAYOUT.log_stamp(tree, 70), "newest first"
    keys += [LAYOUT.log_stamp(tree, 1), LAYOUT.log_crossing(tree, 2), LAYOUT.log_key(tree, 1)]
    checkpoints = [LAYOUT.log_checkpoint(tree, size) for size in (0, 1, 255, 256, 10**11)]
    assert sorted(checkpoints) == checkpoints[::-1]
    assert all(PLAIN.fullmatch(key) and key.startswith("log/") for key in (*keys, *checkpoints))
    assert all(key.startswith(LAYOUT.log_checkpoints(tree)) for key in checkpoints)
    for path in ("tile/0/../000", "tile//0", "tile/0/000.q/1", "Tile/0"):
        with pytest.raises(ValueError, match="plain"):
            LAYOUT.log_tile(tree, path)
    with pytest.raises(ValueError, match="at most"):
        LAYOUT.log_checkpoint(tree, 10**12)
