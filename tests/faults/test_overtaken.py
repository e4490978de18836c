"""Two corrections of one record at once: one wins, and what the other had sent already is nobody's disagreement."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from storage.doctor import examine
from tests.support.faultworks import PART, content_of, limited
from tests.support.store import running_store
from tests.support.vault import add_bytes, read_bytes, running_vault, settings_over, staff
from vault.errors import Conflict
from vault.records import Description
from vault.workflows import intake, retrieval, upkeep

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("size", [2_000, PART + 1_000], ids=["small", "large"])
def test_of_two_corrections_at_once_one_wins_and_the_doctor_knows_what_is_left_of_the_other(
    tmp_path: Path, size: int
) -> None:
    home = tmp_path / "home"
    with running_store(tmp_path / "store") as store, running_vault(store.settings, home) as opened:
        vault, actor = limited(opened), staff(opened)
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
        upkeep.run_due(vault)
        findings = {finding.check: finding for finding in examine(settings_over(store.settings, home), deep=True)}
        assert [finding for finding in findings.values() if not finding.ok] == []
        assert findings["objects-in-catalogue"].text.endswith("1 of uploads that were given up")
