"""A year in minutes, smaller: the counts belong to ``scripts/bench years``."""

from __future__ import annotations

from tests.support.years import live_through
from vault.workflows.vault import Vault


def test_nothing_dies_early_or_held_and_nothing_due_is_forgotten(vault: Vault) -> None:
    lived = live_through(vault, records=28, days=16, step_days=2)
    assert lived.wrong == 0, lived
    assert lived.destroyed > 3, lived
    assert lived.automatic > 0, lived
    assert lived.certificates == lived.batches, lived
