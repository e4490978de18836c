"""Two processes that destroy and ingest in one vault at once, as a piece of work that tests and benchmarks share.

One has the root in its own memory, the other asks the key process. Each destroys one record after another in one thread
and files new ones in another; whoever is overtaken by the other's batch begins again.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

from storage.machine import SystemClock
from tests.support.histories import History
from tests.support.mortal import Place
from tests.support.vault import add_bytes, read_bytes, staff
from vault.destruction import BatchState, Targets
from vault.errors import Conflict
from vault.ids import RecordId
from vault.records import RecordState
from vault.workflows import destruction, effect
from vault.workflows.vault import Vault

SECONDS_MAX = 600
"""A deadlock of both would last for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What came of it. ``doubled`` are addresses that were issued twice."""

    destroyed: int
    added: int
    doubled: int
    wrong: tuple[str, ...]


def work_together(life: History, *, destroyed_by_each: int, added_by_each: int) -> Together:
    """Lets both work, and looks at what there is afterwards."""
    earlier = set(life.live)
    life.ingest(3 * destroyed_by_each)
    records = sorted(life.live.keys() - earlier)
    victims = life.chance.sample(records, 2 * destroyed_by_each)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        working = [
            pool.submit(_work, life.place, victims[part::2], added_by_each, by_process=bool(part)) for part in range(2)
        ]
        added = {record_id: content for each in working for record_id, content in each.result(SECONDS_MAX)}
    effect.resume(life.vault)
    life.vault.keys.renew()
    effect.resume(life.vault)
    with life.vault.catalogue.read() as tx:
        batches = tx.batches.page(life.vault.fonds.id, limit=len(victims) + 1)
        late = [each for each in batches if each.state is not BatchState.EFFECTIVE]
        gone = [tx.records.get(each) for each in victims]
        leaves = [tx.records.versions(each)[0].object.leaf for each in (*records, *added)]
    wrong = [f"batch {each.generation} is {each.state}" for each in late]
    contents = {**{each: life.live[each] for each in records if each not in victims}, **added}
    for record_id, content in contents.items():
        if read_bytes(life.vault, staff(life.vault), record_id) != content:
            wrong.append(f"record {record_id} has other bytes")
    return Together(
        destroyed=sum(each is not None and each.state is RecordState.DESTROYED for each in gone),
        added=len(added),
        doubled=len(leaves) - len(set(leaves)),
        wrong=tuple(wrong),
    )


def _work(
    place: Place, victims: Sequence[RecordId], count: int, *, by_process: bool
) -> Sequence[tuple[RecordId, bytes]]:
    with place.open(by_process=by_process) as vault, ThreadPoolExecutor(2) as pool:
        destroying, adding = pool.submit(_destroy, vault, victims), pool.submit(_add, vault, count)
        destroying.result()
        return adding.result()


def _destroy(vault: Vault, victims: Sequence[RecordId]) -> None:
    for record_id in victims:
        while True:
            try:
                targets = Targets(records=frozenset({record_id}))
                destruction.destroy(vault, staff(vault), targets, alone=True, error=True)
                break
            except Conflict as refusal:
                # Overtaken, or the other's key pages are just on their way; destroyed already would be an error.
                if "already" in refusal.message:
                    raise


def _add(vault: Vault, count: int) -> Sequence[tuple[RecordId, bytes]]:
    today = replace(vault, clock=SystemClock())
    return [
        (add_bytes(today, staff(today), content).record_id, content)
        for content in (b"%d" % each for each in range(count))
    ]
