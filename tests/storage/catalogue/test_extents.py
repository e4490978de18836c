"""Fonds, extents and blocks: a leaf is issued once."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from storage.catalogue.database import SqlCatalogue
from tests.storage.catalogue.samples import Home, an_id
from vault.errors import AlreadyExists, CatalogueBroken
from vault.fonds import HOUSE_OWNER, Extent
from vault.seal.keytree import LeafAddress

ISSUE = """
import json, sys
from storage.catalogue.database import open_catalogue
url, fonds_id, owner, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
catalogue = open_catalogue(url)
places = []
for _ in range(count):
    with catalogue.write() as tx:
        places.append(tx.extents.issue_leaf(fonds_id, owner) or tx.extents.add_extent(fonds_id, owner))
catalogue.close()
print(json.dumps(places))
"""


def test_the_first_fonds_is_found(fresh_catalogue: SqlCatalogue) -> None:
    with fresh_catalogue.read() as tx:
        assert tx.fonds.first() is None
    home = Home.make(fresh_catalogue)
    with fresh_catalogue.read() as tx:
        assert tx.fonds.first() == home.fonds
    with pytest.raises(AlreadyExists), fresh_catalogue.write() as tx:
        tx.fonds.add(home.fonds)


def test_leaves_are_issued_until_the_extent_is_full(catalogue: SqlCatalogue) -> None:
    home = Home.make(catalogue, extent_count=3)
    owner = an_id()
    with catalogue.write() as tx:
        assert tx.extents.issue_leaf(home.fonds.id, owner) is None
        extent, leaf = tx.extents.add_extent(home.fonds.id, owner) or (-1, -1)
        assert leaf == 0
        issued = [tx.extents.issue_leaf(home.fonds.id, owner) for _ in range(63)]
        assert issued == [(extent, number) for number in range(1, 64)]
        assert tx.extents.issue_leaf(home.fonds.id, owner) is None
        assert tx.extents.add_extent(home.fonds.id, owner) == (extent + 1, 0)
        assert tx.extents.add_extent(home.fonds.id, owner) is None  # the customer of the home has the other one
    with catalogue.read() as tx:
        assert tx.extents.of_owner(home.fonds.id, owner) == [
            Extent(fonds_id=home.fonds.id, number=extent, owner=owner, next_leaf=64),
            Extent(fonds_id=home.fonds.id, number=extent + 1, owner=owner, next_leaf=1),
        ]


def test_extents_come_from_the_newest_block_only(catalogue: SqlCatalogue) -> None:
    home = Home.make(catalogue, extent_count=100)
    with catalogue.write() as tx:
        assert tx.extents.newest_block(home.fonds.id) == 0
        tx.extents.add_block(home.fonds.id, 7, first_extent=700, extent_count=100)
    with pytest.raises(AlreadyExists), catalogue.write() as tx:
        tx.extents.add_block(home.fonds.id, 7, first_extent=800, extent_count=100)
    with catalogue.write() as tx:
        assert tx.extents.newest_block(home.fonds.id) == 7
        assert tx.extents.add_extent(home.fonds.id, an_id()) == (700, 0)
    with catalogue.read() as tx:
        assert tx.extents.newest_block(Home.make(catalogue).fonds.id) == 0


def test_threads_never_issue_a_leaf_twice(catalogue: SqlCatalogue, home: Home) -> None:
    def issue(_: int) -> tuple[int, int]:
        with catalogue.write() as tx:
            address = home.leaf(tx)
            return address.extent, address.leaf

    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(issue, range(300)))
    assert len(set(places)) == 300


def test_processes_never_issue_a_leaf_twice(catalogue: SqlCatalogue, home: Home, url: str) -> None:
    command = [sys.executable, "-c", ISSUE, url, home.fonds.id, HOUSE_OWNER, "100"]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    outputs = [child.communicate(timeout=60)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    places = [tuple(place) for output in outputs for place in json.loads(output)]
    assert len(places) == len(set(places)) == 200


def test_a_leaf_outside_of_every_extent_is_refused(catalogue: SqlCatalogue, home: Home) -> None:
    nowhere = LeafAddress(tree_id=home.fonds.tree_id, extent=900_000, leaf=1)
    with pytest.raises(CatalogueBroken), catalogue.write() as tx:
        tx.customers.add(home.customer(tx, profile_leaf=nowhere))
