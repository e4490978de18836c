"""Weeks in seconds, with losses of the catalogue between: what was destroyed stays so, what is held stays held.

The counts belong to ``scripts/bench years``.
"""

from __future__ import annotations

from tests.support.backups import Sites
from tests.support.years import live_through


def test_nothing_that_died_comes_back_and_nothing_held_dies_by_a_restore(sites: Sites) -> None:
    with sites.losing() as losses:
        lived = live_through(losses.vault, records=28, days=12, step_days=2, losses=losses, lost_every_days=5)
    assert lived.wrong == 0, lived
    assert lived.restores >= 1, lived
    assert lived.destroyed > 3, lived
    assert lived.certificates == lived.batches, lived
