"""The rules of signed links."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from vault.errors import InvalidInput, LinkExpired, LinkRevoked, LinkUnusable, LinkUsedUp
from vault.ids import LinkId, PersonId, RecordId
from vault.links import Link, byte_allowance, checked_pass_code
from vault.seal.keytree import LeafAddress

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINK = Link(
    id=LinkId("l"),
    record_id=RecordId("r"),
    ordinal=1,
    expires_at=NOW + timedelta(hours=1),
    uses_max=2,
    uses_taken=0,
    pass_code_hash="",
    leaf=LeafAddress(tree_id=bytes(16), extent=0, leaf=1),
    sealed_note=b"",
    created_at=NOW,
    created_by=PersonId("p"),
    revoked_at=None,
)


def test_a_link_is_open_until_the_moment_it_expires() -> None:
    LINK.require_open(now=LINK.expires_at - timedelta(microseconds=1))
    with pytest.raises(LinkExpired):
        LINK.require_open(now=LINK.expires_at)


def test_a_link_that_is_used_up_still_carries_the_uses_taken() -> None:
    used = replace(LINK, uses_taken=2)
    used.require_alive(now=NOW)
    with pytest.raises(LinkUsedUp):
        used.require_open(now=NOW)


def test_of_several_reasons_the_withdrawal_is_told() -> None:
    over = replace(LINK, uses_taken=2, revoked_at=NOW, expires_at=NOW - timedelta(days=1))
    for check in (over.require_open, over.require_alive):
        with pytest.raises(LinkRevoked):
            check(now=NOW)


def test_every_end_of_a_link_is_one_kind_of_error() -> None:
    assert {LinkExpired, LinkRevoked, LinkUsedUp} == set(LinkUnusable.__subclasses__())


@pytest.mark.parametrize(
    ("size", "allowance"),
    [(0, 1 << 20), (1, (1 << 20) + 1), (2 << 20, 3 << 20), (10 << 30, 15 << 30), (3 << 20, (3 << 20) * 3 // 2)],
)
def test_a_use_allows_half_as_much_again_and_a_mebibyte_for_small_files(size: int, allowance: int) -> None:
    assert byte_allowance(size) == allowance


@pytest.mark.parametrize("pass_code", ["", "12345", "x" * 65])
def test_a_pass_code_has_six_to_64_characters(pass_code: str) -> None:
    assert checked_pass_code("暗号暗号暗号") == "暗号暗号暗号"
    with pytest.raises(InvalidInput) as refused:
        checked_pass_code(pass_code)
    assert refused.value.field == "pass_code"
