"""Two corrections of one record at once: one wins; what the other had sent already goes once its lock has lapsed."""

from __future__ import annotations

import io
import time
from datetime import timedelta
from pathlib import Path

import pytest

from storage.doctor import examine
from tests.support.faultworks import PART, content_of, limited
from tests.support.store import running_store
from tests.support.vault import add_bytes, read_bytes, running_vault, settings_over, staff
from tests.vault.workflows.faults import with_clock
from vault.audit import Event
from vault.errors import Conflict
from vault.records import Description
from vault.workflows import intake, retrieval, upkeep
from vault.workflows.ciphertext import clear_given_up
from vault.workflows.locks import RECEIPT_LOCK
from vault.workflows.vault import Vault

pytestmark = pytest.mark.faults

STILL = "deleted what 0 uploads that were given up had left, 1 still locked"


def overtaken(vault: Vault, size: int) -> None:
    """Two corrections of a new record: the first wins, and what the second stored is given up."""
    actor = staff(vault)
    record_id = add_bytes(vault, actor, b"the original").record_id
    said = Description.checked(title="corrected", reason="scanned anew")
    first = intake.begin_correction(vault, actor, record_id, said, "first.bin")
    second = intake.begin_correction(vault, actor, record_id, said, "second.bin")
    with first:
        intake.receive_from(vault, first, io.BytesIO(content_of("first", size)).readinto)
    with pytest.raises(Conflict), second:
        intake.receive_from(vault, second, io.BytesIO(content_of("second", size)).readinto)
    upkeep.settle_intents(vault)
    assert read_bytes(vault, actor, record_id) == content_of("first", size)
    assert len(retrieval.show(vault, actor, record_id).versions) == 2


@pytest.mark.parametrize("size", [2_000, PART + 1_000], ids=["small", "large"])
def test_of_two_corrections_at_once_one_wins_and_what_is_left_of_the_other_goes_with_its_lock(
    tmp_path: Path, size: int
) -> None:
    home = tmp_path / "home"
    with running_store(tmp_path / "store") as store, running_vault(store.settings, home) as opened:
        vault, settings = limited(opened), settings_over(store.settings, home)
        overtaken(vault, size)
        upkeep.run_due(vault)
        findings = {finding.check: finding for finding in examine(settings, deep=True)}
        assert [finding for finding in findings.values() if not finding.ok] == []
        assert findings["objects-in-catalogue"].text.endswith("1 of uploads that were given up")
        assert clear_given_up(vault).text == STILL.replace("1 still", "0 still")  # not due for 30 days
        for seconds_locked in (4, 16, 64):  # on a busy machine a short lock may be over before it was tried
            early, clock = with_clock(vault)
            clock.advance(timedelta(seconds=seconds_locked) - RECEIPT_LOCK)
            begun = time.monotonic()
            overtaken(early, size)
            clock.advance(RECEIPT_LOCK)
            told = clear_given_up(early).text
            if told == STILL:
                break
            assert time.monotonic() - begun >= seconds_locked, told
        assert told == STILL
        time.sleep(max(0.0, begun + seconds_locked + 1.5 - time.monotonic()))
        assert clear_given_up(early).text == "deleted what 1 uploads that were given up had left, 0 still locked"
        assert clear_given_up(early).text == STILL.replace("1 still", "0 still")
        with vault.catalogue.read() as tx:
            assert tx.audit.page(limit=1)[0].entry.event is Event.CIPHERTEXT_DELETED
        left = next(each for each in examine(settings, deep=True) if each.check == "objects-in-catalogue").text
        assert left.endswith("1 of uploads that were given up")  # that of the other, locked for 30 days still
