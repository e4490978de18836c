"""Intents."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest

from storage.catalogue.database import SqlCatalogue
from tests.storage.catalogue.samples import NOW, Home, an_id
from vault.errors import AlreadyExists, CatalogueBroken, Conflict
from vault.ids import IntentId
from vault.records import Intent, IntentState


def _kept(home: Home, **changes: object) -> Intent:
    with home.catalogue.write() as tx:
        intent = home.intent(tx, **changes)
        tx.intents.add(intent)
    return intent


def test_an_intent_goes_from_open_to_sealed_to_committed(catalogue: SqlCatalogue, home: Home) -> None:
    with catalogue.write() as tx:
        empty = replace(home.object(tx), size_bytes=0, sealed_size_bytes=0, sealed_sha256=b"", part_count=0)
        intent = home.intent(tx, object=empty)
        tx.intents.add(intent)
    final = replace(empty, size_bytes=9, sealed_size_bytes=200, sealed_sha256=secrets.token_bytes(32), part_count=1)
    with catalogue.write() as tx:
        tx.intents.set_upload(intent.id, "upload-1")
        tx.intents.seal(intent.id, object=final, sealed_content=b"sealed content")
    expected = replace(
        intent, state=IntentState.SEALED, upload_id="upload-1", object=final, sealed_content=b"sealed content"
    )
    with catalogue.write() as tx:
        assert tx.intents.get(intent.id, for_update=True) == expected
        tx.intents.settle(intent.id, IntentState.COMMITTED)
    with catalogue.read() as tx:
        assert tx.intents.get(intent.id) == replace(expected, state=IntentState.COMMITTED)
        assert intent.idempotency_key_hash is not None
        assert tx.intents.by_idempotency_key(intent.idempotency_key_hash) is not None
        assert tx.intents.get(IntentId(an_id())) is None


def test_an_intent_without_a_customer_or_key_comes_back_as_it_was(catalogue: SqlCatalogue, home: Home) -> None:
    intent = _kept(home, customer_id=None, idempotency_key_hash=None)
    with catalogue.read() as tx:
        assert tx.intents.get(intent.id) == intent


@pytest.mark.parametrize("settled", [IntentState.COMMITTED, IntentState.ABORTED])
def test_a_settled_intent_allows_no_further_step(catalogue: SqlCatalogue, home: Home, settled: IntentState) -> None:
    intent = _kept(home)
    with catalogue.write() as tx:
        tx.intents.seal(intent.id, object=intent.object, sealed_content=b"c")
        tx.intents.settle(intent.id, settled)
    for state in (IntentState.COMMITTED, IntentState.ABORTED):
        with pytest.raises(Conflict, match=settled.value), catalogue.write() as tx:
            tx.intents.settle(intent.id, state)
    with pytest.raises(Conflict), catalogue.write() as tx:
        tx.intents.seal(intent.id, object=intent.object, sealed_content=b"c")
    with pytest.raises(Conflict), catalogue.write() as tx:
        tx.intents.set_upload(intent.id, "upload-2")


def test_an_open_intent_cannot_be_committed(catalogue: SqlCatalogue, home: Home) -> None:
    intent = _kept(home)
    with pytest.raises(Conflict, match="open"), catalogue.write() as tx:
        tx.intents.settle(intent.id, IntentState.COMMITTED)


def test_an_idempotency_key_has_one_live_intent(catalogue: SqlCatalogue, home: Home) -> None:
    key_hash = secrets.token_bytes(32)
    first = _kept(home, idempotency_key_hash=key_hash)
    with pytest.raises(AlreadyExists):
        _kept(home, idempotency_key_hash=key_hash)
    with catalogue.write() as tx:
        tx.intents.settle(first.id, IntentState.ABORTED)
    with catalogue.read() as tx:
        assert tx.intents.by_idempotency_key(key_hash) is None
    second = _kept(home, idempotency_key_hash=key_hash)
    with catalogue.read() as tx:
        assert tx.intents.by_idempotency_key(key_hash) == second


def test_unsettled_intents_come_oldest_first(fresh_catalogue: SqlCatalogue) -> None:
    home = Home.make(fresh_catalogue)
    late, early, gone, done = (_kept(home, created_at=NOW + timedelta(seconds=seconds)) for seconds in (30, 10, 20, 5))
    with fresh_catalogue.write() as tx:
        tx.intents.seal(late.id, object=late.object, sealed_content=b"")
        tx.intents.settle(gone.id, IntentState.ABORTED)
        tx.intents.seal(done.id, object=done.object, sealed_content=b"")
        tx.intents.settle(done.id, IntentState.COMMITTED)
    with fresh_catalogue.read() as tx:
        assert [intent.id for intent in tx.intents.unsettled()] == [early.id, late.id]
        assert [intent.id for intent in tx.intents.unsettled(limit=1)] == [early.id]
        assert tx.intents.aborted_keys(since=NOW) == [(gone.id, gone.object.key)]
        assert tx.intents.aborted_keys(since=NOW + timedelta(seconds=21)) == []


def test_an_intent_under_the_tree_of_another_fonds_is_refused(catalogue: SqlCatalogue, home: Home) -> None:
    other = Home.make(catalogue)
    with pytest.raises(CatalogueBroken), catalogue.write() as tx:
        tx.intents.add(home.intent(tx, fonds_id=other.fonds.id))
