"""Finding: by words, in Chinese and in English, as things stand now."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from storage.machine import SystemRandomness
from storage.searchindex.file import SqliteIndex
from tests.support.vault import add_bytes, staff
from vault.customers import Profile
from vault.destruction import Targets
from vault.errors import InvalidInput, NotAllowed
from vault.ids import PersonId, RecordId
from vault.permissions import Actor
from vault.records import Description
from vault.seal.secrets import Secret
from vault.workflows import customers, finding, indexing, intake
from vault.workflows.destruction import destroy
from vault.workflows.intake import Filing
from vault.workflows.vault import Vault


def found(vault: Vault, actor: Actor, text: str) -> list[RecordId]:
    return [view.record.id for view in finding.find(vault, actor, text).views]


def test_a_record_is_found_by_everything_that_is_said_of_it(vault: Vault, actor: Actor) -> None:
    customer = customers.add_customer(vault, actor, Profile.checked(name="成都锦江公司"))
    filing = Filing(
        class_code="contract",
        customer_id=customer.customer.id,
        description=Description.checked(title="房屋租赁合同 Lease", place="武侯区", note="押金两千"),
        file_name="扫描件01.PDF",
    )
    with intake.begin(vault, actor, filing) as receiving:
        receipt = intake.receive_from(vault, receiving, io.BytesIO(b"x").readinto)
    for query in (
        "租赁",
        "合同 武侯",
        "lease",
        "ＬＥＡＳＥ",
        "押金",
        "扫描件01.pdf",
        "锦江",
        receipt.number,
        customer.customer.number,
    ):
        assert found(vault, actor, query) == [receipt.record_id], query
    assert found(vault, actor, "赁租") == []


def test_what_was_corrected_is_found_by_its_new_words_only(vault: Vault, actor: Actor) -> None:
    receipt = add_bytes(vault, actor, b"x", title="錯別字 alphaword")
    assert found(vault, actor, "alphaword") == [receipt.record_id]
    intake.revise_description(
        vault, actor, receipt.record_id, Description.checked(title="betaword", reason="typing error")
    )
    assert found(vault, actor, "alphaword") == []
    assert found(vault, actor, "betaword") == [receipt.record_id]


def test_the_newest_are_found_first_and_no_more_than_asked(vault: Vault, actor: Actor) -> None:
    made = [add_bytes(vault, actor, b"x", title="gammaword").record_id for _ in range(3)]
    result = finding.find(vault, actor, "gammaword", limit=2)
    assert [view.record.id for view in result.views] == made[:0:-1]


def test_an_index_that_is_still_filling_says_so(vault: Vault, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [add_bytes(vault, actor, b"x", title="deltaword").record_id for _ in range(6)]
    monkeypatch.setattr(indexing, "BATCH", 1)
    monkeypatch.setattr(indexing, "CAUGHT_UP_WITH", 1)
    empty = replace(vault, search=SqliteIndex(None, SystemRandomness()))
    left = iter([False] * 4)
    indexing.keep_following(empty, lambda seconds: next(left, True), every_s=0.0)
    first = finding.find(empty, actor, "deltaword")
    assert not first.complete
    assert 0 < first.indexed < first.expected
    assert [view.record.id for view in first.views] == made[::-1][: first.indexed]  # the newest first
    assert indexing.follow(empty)
    last = finding.find(empty, actor, "deltaword")
    assert last.complete
    assert [view.record.id for view in last.views] == made[::-1]


def test_one_description_that_does_not_open_does_not_end_the_search_of_the_others(vault: Vault, actor: Actor) -> None:
    damaged = add_bytes(vault, actor, b"x", title="epsilonword")
    good = add_bytes(vault, actor, b"x", title="epsilonword")
    with vault.catalogue.read() as tx:
        revision = tx.records.description(damaged.record_id, 1)
    assert revision is not None
    lost = revision.leaf

    class Keys:
        """Gives the keys of every leaf but one: that one's were changed."""

        def leaf_keys(self, address: object) -> object:
            keys = vault.keys.leaf_keys(lost)
            other = replace(keys, metadata_key=Secret(bytes(32)))
            return other if address == lost else vault.keys.leaf_keys(address)  # type: ignore[arg-type]  # a leaf address

        def many_leaf_keys(self, addresses: Sequence[object], *, keep: bool = True) -> list[object]:
            return [self.leaf_keys(address) for address in addresses]

    broken = replace(vault, search=SqliteIndex(None, SystemRandomness()), keys=Keys())  # type: ignore[arg-type]  # it has what is called
    assert found(broken, actor, "epsilonword") == [good.record_id]
    assert finding.find(broken, actor, "epsilonword").complete


@pytest.mark.parametrize("text", ["", "   ", "\u3000"])
def test_a_search_for_nothing_finds_nothing(vault: Vault, actor: Actor, text: str) -> None:
    assert found(vault, actor, text) == []


def test_a_search_that_is_too_long_or_not_allowed_is_refused(vault: Vault, actor: Actor) -> None:
    with pytest.raises(InvalidInput):
        finding.find(vault, actor, "x" * 201)
    with pytest.raises(NotAllowed):
        finding.find(vault, Actor(person_id=PersonId("nobody"), roles=frozenset()), "x")


def test_a_record_that_is_destroyed_between_two_looks_takes_none_of_the_others_along(vault: Vault) -> None:
    actor = staff(vault)
    made = [add_bytes(vault, actor, b"x", title="zetaword").record_id for _ in range(5)][::-1]

    class Forgetting:
        """An index that forgets the last one of what it found first: it was destroyed just then."""

        looks = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(vault.search, name)

        def find(self, *asked: Any, **more: Any) -> Sequence[str]:
            ids = vault.search.find(*asked, **more)
            self.looks += 1
            if self.looks == 1:
                last = RecordId(ids[-1])
                destroy(vault, actor, Targets(records=frozenset({last})), alone=True, error=True)
                vault.search.keep((), [last], vault.search.standing())
            return ids

    result = finding.find(replace(vault, search=Forgetting()), actor, "zetaword", limit=3)
    assert [view.record.id for view in result.views] == made[:3]
    assert result.has_more, "the oldest one"
