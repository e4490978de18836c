"""Where a query was found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.highlights import pieces_of_hits
from vault.queries import Field, read_query


@pytest.mark.parametrize(
    ("text", "asked", "hits"),
    [
        ("房屋租赁合同 Lease", "租赁 lease", ["租赁", "Lease"]),
        ("租赁合同，租赁", "租赁合同 租", ["租赁合同", "租"]),
        ("Release of a lease", "lease", ["lease"]),
        ("leases", "lease", ["lease"]),
        ("leases", '"lease"', []),
        ("ＬＥＡＳＥ № 5", "lease", ["ＬＥＡＳＥ"]),
        ("Straße", "strasse", ["Straße"]),
        ("<b>lease</b>", "lease", ["lease"]),
        ("锦江 K-000001", "customer:锦江 class:contract", []),
    ],
)
def test_hits_are_marked_in_the_text_as_it_is(text: str, asked: str, hits: list[str]) -> None:
    pieces = pieces_of_hits(text, read_query(asked))
    assert [piece for piece, is_hit in pieces if is_hit] == hits


def test_a_filter_of_a_field_marks_that_field() -> None:
    assert pieces_of_hits("锦江公司", read_query("customer:锦江"), Field.CUSTOMER) == [("锦江", True), ("公司", False)]


@given(text=st.text(max_size=60), asked=st.text(alphabet="aß租赁 .É", max_size=8))
def test_the_pieces_are_the_text(text: str, asked: str) -> None:
    assert "".join(piece for piece, _ in pieces_of_hits(text, read_query(asked))) == text
