"""The page of backups: where they go, how old the newest is, what came of trying them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.web.conftest import Served, serving
from tests.web.visitors import Staff, sign_in
from vault.backups import BACKUP_JOB, DRILL_JOB, VERIFY_JOB, BackupPlan, BackupRun
from vault.errors import StoreUnavailable
from vault.outcomes import Outcome
from vault.workflows.vault import Vault

DAY = timedelta(days=1)


def run_of(vault: Vault, age: timedelta) -> BackupRun:
    return BackupRun(
        name="20261121t101500000000z-0a1b2c3d",
        taken_at=vault.now() - age,
        records=1234,
        objects=2345,
        object_bytes=5 * 1024 * 1024,
        generation=7,
    )


def planned(vault: Vault, *runs: BackupRun, away: bool = False) -> Vault:
    def newest(limit: int) -> Sequence[BackupRun]:
        if away:
            raise StoreUnavailable("the folder is not there")
        return runs[:limit]

    plan = BackupPlan(place="folder /mnt/backup", every=DAY, drill_every=7 * DAY, kept=14, runs=newest)
    return replace(vault, backups=plan)


def page_of(vault: Vault, path: str = "/backups", *, language: str = "en") -> str:
    with serving(vault) as running, running.client() as client:
        sign_in(client)
        answer = client.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200
        return answer.text


def test_without_a_place_the_page_says_how_to_set_one(staff: Staff) -> None:
    page = staff.client.get("/backups").text
    assert "There is no backup: no place for one is set" in page
    assert 'value="export STRONGROOM_BACKUP_FOLDER=' in page
    assert "look at it" in staff.client.get("/state").text


@pytest.mark.parametrize(
    ("ages", "away", "told"),
    [
        ([], False, "There is no backup yet."),
        ([], True, "The backup place does not answer."),
        ([4 * DAY], False, "The newest backup is too old."),
    ],
    ids=["none", "away", "old"],
)
def test_what_is_wrong_is_told_first(served: Served, ages: list[timedelta], away: bool, told: str) -> None:
    vault = planned(served.vault, *(run_of(served.vault, age) for age in ages), away=away)
    assert told in page_of(vault)


def test_runs_and_verdicts_are_shown_in_both_languages(served: Served) -> None:
    vault = planned(served.vault, run_of(served.vault, timedelta(hours=5)))
    with vault.catalogue.write() as tx:
        taken = Outcome.of("backup-taken", backup="x", copied=3)
        tx.jobs.ran(BACKUP_JOB, at=vault.now(), outcome=taken.kept())
        passed = Outcome.of("drill-passed", backup="x", opened=20, dead=4)
        tx.jobs.ran(DRILL_JOB, at=vault.now(), outcome=passed.kept())
        whole = Outcome.of("verified", backup="x", objects=9, pages=3)
        tx.jobs.ran(VERIFY_JOB, at=vault.now(), outcome=whole.kept())
    english = page_of(vault)
    assert "Backups are taken and come back." in english
    assert all(said in english for said in ("folder /mnt/backup", "5 hours", "1,234", "5 MiB", "7 days"))
    assert "passed: 20 records opened, 4 destroyed ones stay dead" in english
    chinese = page_of(vault, language="zh")
    assert "通过：20 份档案可以恢复，4 份已销毁的无法恢复" in chinese
    assert "5小时" in chinese.replace(" ", "")
    with vault.catalogue.write() as tx:
        failed = Outcome.of("failed", error="store-unavailable")
        tx.jobs.ran(BACKUP_JOB, at=vault.now() - timedelta(hours=6), outcome=failed.kept())
    assert "Backups are taken and come back." in page_of(vault)  # the one of an hour later made it good
    with vault.catalogue.write() as tx:
        tx.jobs.ran(BACKUP_JOB, at=vault.now(), outcome=failed.kept())
    assert "was not as it must be" in page_of(vault)
    with vault.catalogue.write() as tx:
        tx.jobs.ran(BACKUP_JOB, at=vault.now(), outcome=taken.kept())
        broken = Outcome.of("drill-broken", backup="x", opened=19, dead=4, problems="one")
        tx.jobs.ran(DRILL_JOB, at=vault.now(), outcome=broken.kept())
    assert "was not as it must be" in page_of(vault)
    with vault.catalogue.write() as tx:
        tx.jobs.ran(DRILL_JOB, at=vault.now() - 30 * DAY, outcome=passed.kept())
    assert "a drill is overdue" in page_of(vault)


def test_a_backup_whose_manifest_is_damaged_is_not_counted_on(served: Served) -> None:
    damaged = replace(run_of(served.vault, DAY), records=None, objects=None, object_bytes=None, generation=None)
    assert "Its manifest cannot be read" in page_of(planned(served.vault, damaged))
