"""Links and uses: of many at once on the last one, exactly one wins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from storage.catalogue.database import SqlCatalogue
from tests.storage.catalogue.samples import NOW, Home, an_id, use_of
from vault.errors import CatalogueBroken
from vault.ids import LinkId, UseId


def test_links_page_newest_first(catalogue: SqlCatalogue, home: Home) -> None:
    record, _ = home.keep()
    links = [
        home.keep_link(record_id=record.id, created_at=NOW + timedelta(days=1, seconds=number // 2))
        for number in range(5)
    ]
    links.sort(key=lambda link: (link.created_at, link.id), reverse=True)
    with catalogue.read() as tx:
        assert tx.links.page(record_id=record.id) == links
        before = (links[1].created_at, links[1].id)
        assert tx.links.page(record_id=record.id, before=before, limit=2) == links[2:4]
        assert tx.links.page(before=before, limit=2) == links[2:4]
        assert tx.links.page(limit=5) == links
        assert tx.links.get(links[0].id) == links[0]
        assert tx.links.get(LinkId(an_id())) is None


def test_of_fifty_on_the_last_use_exactly_one_wins(catalogue: SqlCatalogue, home: Home) -> None:
    link = home.keep_link(uses_max=3, uses_taken=2)

    def take(_: int) -> bool:
        with catalogue.write() as tx:
            return tx.links.take_use(link.id, now=NOW)

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(take, range(50))) == 1
    with catalogue.read() as tx:
        assert tx.links.get(link.id) == replace(link, uses_taken=3)


def test_no_use_is_taken_of_a_link_that_is_revoked_or_expired(catalogue: SqlCatalogue, home: Home) -> None:
    revoked, expired = home.keep_link(), home.keep_link()
    with catalogue.write() as tx:
        assert tx.links.revoke(revoked.id, now=NOW)
        assert not tx.links.revoke(revoked.id, now=NOW + timedelta(seconds=1))
        assert not tx.links.take_use(revoked.id, now=NOW)
        assert not tx.links.take_use(expired.id, now=expired.expires_at)
        assert tx.links.take_use(expired.id, now=expired.expires_at - timedelta(microseconds=1))
        assert tx.links.get(revoked.id) == replace(revoked, revoked_at=NOW)


def test_bytes_are_reserved_up_to_the_allowance(catalogue: SqlCatalogue, home: Home) -> None:
    use = use_of(home.keep_link(uses_taken=1), bytes_max=1000)
    with catalogue.write() as tx:
        tx.links.add_use(use)
        assert tx.links.use(use.token_sha256) == use

    def reserve(_: int) -> bool:
        with catalogue.write() as tx:
            return tx.links.reserve_bytes(use.id, 300)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(reserve, range(16))) == 3
    with catalogue.write() as tx:
        assert tx.links.reserve_bytes(use.id, 100)
        assert not tx.links.reserve_bytes(use.id, 1)
        tx.links.release_bytes(use.id, 50)
        assert tx.links.use(use.token_sha256) == replace(use, bytes_sent=950)
        assert not tx.links.reserve_bytes(UseId(an_id()), 1)
    with pytest.raises(CatalogueBroken), catalogue.write() as tx:
        tx.links.release_bytes(use.id, 951)
    with pytest.raises(ValueError, match="negative"), catalogue.write() as tx:
        tx.links.reserve_bytes(use.id, -1)


def test_a_use_returns_once_and_only_while_nothing_was_sent(catalogue: SqlCatalogue, home: Home) -> None:
    link = home.keep_link(uses_max=2)
    kept, returned = use_of(link), use_of(link)
    with catalogue.write() as tx:
        for use in (kept, returned):
            assert tx.links.take_use(link.id, now=NOW)
            tx.links.add_use(use)
        assert tx.links.reserve_bytes(kept.id, 1)
        assert not tx.links.return_use(kept.id)
        assert tx.links.return_use(returned.id)
        assert not tx.links.return_use(returned.id)
        assert tx.links.use(returned.token_sha256) is None
        assert tx.links.get(link.id) == replace(link, uses_taken=1)
