"""The application and the store are killed at named writes; what was acknowledged is there, and nothing by halves.

The same code as ``scripts/bench faults``, which kills at every point of every work, a thousand times and more.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.faultpoints import Arm
from tests.support.faults import Campaign, campaign, founding_campaign
from tests.support.faultworks import WORKS
from tests.support.postgres import PostgresCluster
from tests.support.vault import add_bytes, staff
from vault.workflows.upkeep import settle_intents

pytestmark = pytest.mark.faults

KILLS = 8
FOUNDINGS = 4
STORE_KILLS = (
    ("small-intake", Arm(point="records-put", phase="before", turn=1)),
    ("large-intake", Arm(point="upload-completed", phase="during", turn=1)),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def fighting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """A vault and a store of their own, to be killed at will."""
    folder: Path = tmp_path_factory.mktemp("faults") / "campaign"
    if request.param == "sqlite":
        with campaign(folder) as made:
            yield made
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    with cluster.fresh_database(migrated=True) as url, campaign(folder, catalogue_url=url) as made:
        yield made


def test_an_application_killed_at_any_write_loses_nothing_acknowledged_and_leaves_no_half(fighting: Campaign) -> None:
    works = list(WORKS)[fighting.on_postgres :: 2]
    places = [(work, arm) for work in works for arm in fighting.arms_of(work)]
    assert {"before", "during", "after", "uncommitted"} == {arm.phase for _, arm in places}
    for work, arm in random.Random(7).sample(places, KILLS):
        fighting.kill_application(work, arm)
    fighting.close_batch()
    assert fighting.tally.findings.all() == []
    assert fighting.tally.application_kills >= KILLS - 2
    assert fighting.tally.doctored >= 8


def test_a_store_killed_under_a_live_application_loses_nothing_acknowledged(fighting: Campaign) -> None:
    for work, arm in STORE_KILLS:
        fighting.kill_store(work, arm)
    fighting.close_batch()
    assert fighting.tally.findings.all() == []
    assert fighting.tally.store_kills == len(STORE_KILLS)


def test_a_first_start_killed_at_any_write_is_gone_on_with_by_the_next(
    tmp_path: Path, postgres: PostgresCluster
) -> None:
    with founding_campaign(tmp_path / "founding") as founding:
        arms = founding.first_start(None)
        assert "blocks-put" in {arm.point for arm in arms}
        chosen = random.Random(7).sample(arms, FOUNDINGS)
        for number, arm in enumerate(chosen):
            if number % 2:
                founding.first_start(arm)
            else:
                with postgres.fresh_database() as url:
                    founding.first_start(arm, catalogue_url=url)
        assert founding.tally.findings.all() == []
        assert founding.tally.application_kills == FOUNDINGS


def test_what_a_campaign_looks_for_it_finds(fighting: Campaign) -> None:
    vault = fighting.vault
    receipt = add_bytes(vault, staff(vault), b"in the vault, in no ledger")
    fighting.ledger.versions[receipt.record_id, 2] = "of a version that never was"
    upload_id = vault.store.start_upload("records/zz/zzleft")
    stray = vault.store.put("records/zz/zzstray", b"", sha256=bytes.fromhex(EMPTY))
    fighting._recover(fighting.tally.findings)
    fighting.close_batch()
    found = fighting.tally.findings
    assert len(found.lost) == 1
    assert len(found.multiparts) == 1
    assert sorted(text.partition(":")[0] for text in found.doctor) == ["objects-in-catalogue", "pending-uploads"]
    vault.store.abort_upload("records/zz/zzleft", upload_id)
    vault.store.delete_version("records/zz/zzstray", stray.version_id)
    del fighting.ledger.versions[receipt.record_id, 2]
    fighting.ledger.versions[receipt.record_id, 1] = receipt.sha256.hex()
    found.clear()
    assert settle_intents(vault).text.startswith("settled 0")


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
