"""``strongroom drill``: proves on the newest backup that what lives comes back and what was destroyed does not.

1. The backup's manifest is this vault's, and its key pages lead, link by link, to the digest of the vault's own tree.
2. The dump is loaded into a scratch catalogue, and a sample of its records is opened from the backup's ciphertext:
   every byte goes through the digest that the record was received with, and nowhere else.
3. Destroyed records stay dead, those too that lived when the backup was taken: no key of theirs can be derived, and no
   keeper has an older root.

Rule 1: no keeper is touched, and no root is read: leaf keys come from the vault's own custody, pages are compared by
digest. The vault's catalogue is changed by the verdict alone.
Rule 2: plaintext stays in memory, a block at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from storage.backup.forward import is_dead
from storage.backup.index import Copied, read_piece
from storage.backup.manifest import Manifest, get_manifest, require_genuine
from storage.backup.place import BackupPlace
from storage.backup.scratch import scratch_catalogue, scratch_folder
from storage.backup.tree import chain_head, increments_in_place
from storage.backup.verify import find_run
from storage.catalogue.database import open_catalogue
from vault.audit import Detail, Event
from vault.backups import DRILL_JOB
from vault.errors import Broken, CatalogueBroken, KeyDestroyed, ObjectMissing, SealBroken, StrongroomError
from vault.ids import PersonId
from vault.outcomes import Outcome
from vault.ports import Randomness
from vault.records import Record, RecordState, Version
from vault.seal.envelope import SealedSize, object_context, open_header, open_range, take_header
from vault.seal.tree import FIRST_GENERATION
from vault.shelves import Catalogue, Transaction
from vault.workflows.descriptions import open_content
from vault.workflows.vault import Vault

SAMPLE: Final = 20
SAMPLE_BYTES_MAX: Final = 2 << 30
TRIES: Final = 50
_ALIVE: Final = frozenset({RecordState.RECEIVED, RecordState.FILED})


@dataclass(slots=True, kw_only=True)
class DrillVerdict:
    """What a drill saw. ``opened`` records came back whole, ``dead`` destroyed ones did not."""

    run: str = ""
    backup_at: datetime | None = None
    opened: int = 0
    opened_bytes: int = 0
    dead: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything was as it has to be."""
        return not self.problems

    @property
    def text(self) -> str:
        """In a line."""
        return self.outcome.text

    @property
    def outcome(self) -> Outcome:
        """As the outcome of a duty."""
        run = self.run or "none"
        if self.passed:
            return Outcome.of("drill-passed", backup=run, opened=self.opened, dead=self.dead)
        problems = "; ".join(self.problems[:3])
        return Outcome.of("drill-broken", backup=run, opened=self.opened, dead=self.dead, problems=problems)


def drill(vault: Vault, place: BackupPlace, *, actor: PersonId, sample: int = SAMPLE) -> DrillVerdict:
    """Runs a drill and keeps its verdict: in the log, and as the last run of the job ``drill``.

    Raises ``CatalogueUnavailable`` when the verdict cannot be kept; everything else is a problem of the verdict.
    """
    verdict = DrillVerdict()
    try:
        _drill(vault, place, verdict, sample)
    except StrongroomError as exc:
        verdict.problems.append(exc.message)
    with vault.catalogue.write() as tx:
        detail: Detail = {
            "run": verdict.run,
            "passed": verdict.passed,
            "opened": verdict.opened,
            "dead": verdict.dead,
            "problems": len(verdict.problems),
        }
        tx.jobs.ran(DRILL_JOB, at=vault.now(), outcome=verdict.outcome.kept())
        tx.audit.append(vault.entry(actor, Event.DRILL_RUN, vault.vault_id, detail))
    return verdict


def _drill(vault: Vault, place: BackupPlace, verdict: DrillVerdict, sample: int) -> None:
    verdict.run = find_run(place, None)
    manifest = get_manifest(place, verdict.run)
    verdict.backup_at = manifest.created_at
    if manifest.tree_id != vault.fonds.tree_id.hex():
        raise CatalogueBroken("the newest backup is of another vault; look at the settings of the backup place")
    require_genuine(place, manifest, vault.leaf_keys(manifest.house_leaf))
    _require_pages(vault, place, verdict)
    _require_no_older_root(vault, verdict)
    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder(room_bytes=manifest.dump.size_bytes))
        loaded = stack.enter_context(scratch_catalogue(place, manifest, folder))
        dumped = stack.enter_context(closing(open_catalogue(loaded)))
        _open_living(vault, place, manifest, dumped, verdict, sample)
        _prove_dead(vault, verdict, sample)


def _require_pages(vault: Vault, place: BackupPlace, verdict: DrillVerdict) -> None:
    """The key pages in the backup are those of the vault: without them a restore would open nothing."""
    with vault.catalogue.read() as tx:
        tree = tx.trees.get(vault.fonds.id)
    if tree is None:
        raise CatalogueBroken("the catalogue has no key tree for its fonds; restore it from a backup")
    if tree.generation == FIRST_GENERATION:
        return
    tree_id = vault.fonds.tree_id
    try:
        head = chain_head(tree_id, increments_in_place(place, tree_id), tree.generation, tree.attempt)
    except (Broken, ObjectMissing) as exc:
        verdict.problems.append(exc.message)
        return
    if head != tree.head:
        verdict.problems.append(f"the key pages of generation {tree.generation} in the backup are not the vault's")


def _require_no_older_root(vault: Vault, verdict: DrillVerdict) -> None:
    with vault.catalogue.read() as tx:
        underway = bool(tx.batches.unfinished(vault.fonds.id))
    for standing in vault.keys.standing():
        if standing.still_held and not underway:
            verdict.problems.append(
                f"the keeper {standing.name} still has {len(standing.still_held)} older roots: what was destroyed "
                "since can be read with them; run `strongroom destruction resume`"
            )


def _open_living(
    vault: Vault, place: BackupPlace, manifest: Manifest, dumped: Catalogue, verdict: DrillVerdict, sample: int
) -> None:
    wanted: dict[tuple[str, str], tuple[Record, Version]] = {}
    left = SAMPLE_BYTES_MAX
    with dumped.read() as tx:
        for record in _sampled(tx, vault.randomness, sample, alive=True):
            version = tx.records.version(record.id, record.current_ordinal)
            if version is not None and version.object.size_bytes <= left:
                left -= version.object.size_bytes
                wanted[version.object.key, version.version_id] = (record, version)
    for piece in reversed(manifest.index):
        for copied in read_piece(place, piece):
            found = wanted.pop((copied.key, copied.version_id), None)
            if found is not None:
                _try(vault, place, copied, *found, verdict)
    for record, _ in wanted.values():
        verdict.problems.append(f"record {record.number} is in the dump, and its bytes are not in the backup")


def _try(
    vault: Vault, place: BackupPlace, copied: Copied, record: Record, version: Version, verdict: DrillVerdict
) -> None:
    """One that lived when the backup was taken opens, unless it was destroyed since: then it must not."""
    with vault.catalogue.read() as tx:
        now = tx.records.get(record.id)
    lives = now is not None and now.state in _ALIVE
    try:
        whole = _opens(vault, place, copied, version)
    except KeyDestroyed:
        if lives:
            verdict.problems.append(f"the key of record {record.number}, which lives, is destroyed")
        return
    except (SealBroken, ObjectMissing) as exc:
        verdict.problems.append(f"{copied.key}: {exc.message}")
        return
    if now is not None and now.state is RecordState.DESTROYED:
        verdict.problems.append(f"record {record.number} is destroyed, and opens from the backup")
    elif not whole:
        verdict.problems.append(f"{copied.key} opens from the backup to other bytes than were received")
    else:
        verdict.opened += 1
        verdict.opened_bytes += version.object.size_bytes


def _opens(vault: Vault, place: BackupPlace, copied: Copied, version: Version) -> bool:
    """Opens a copy to its last byte; whether these are the bytes that were received."""
    sealed = version.object
    content = open_content(
        vault, sealed.leaf, version.sealed_content, record_id=version.record_id, ordinal=version.ordinal
    )
    context = object_context(vault_id=vault.vault_id, leaf=sealed.leaf, object_id=sealed.object_id)
    size = SealedSize(
        plaintext_length=sealed.size_bytes, header_length=sealed.header_length, frame_length=sealed.frame_length
    )
    digest = hashlib.sha256()
    with place.read(copied.name) as chunks:
        header, frames = take_header(chunks, sealed.header_length)
        opener = open_header(header, vault.leaf_keys(sealed.leaf).kek, context, frame_length=sealed.frame_length)
        for block in open_range(frames, opener, sealed.size_bytes, size.whole()):
            digest.update(block)
    return digest.digest() == content.sha256


def _prove_dead(vault: Vault, verdict: DrillVerdict, sample: int) -> None:
    with vault.catalogue.read() as tx:
        destroyed = [
            (record, tx.records.versions(record.id))
            for record in _sampled(tx, vault.randomness, sample, alive=False)
            if record.state is RecordState.DESTROYED
        ]
    for record, versions in destroyed:
        if all(is_dead(vault.keys, version.object.leaf) for version in versions):
            verdict.dead += 1
        else:
            verdict.problems.append(f"record {record.number} is destroyed, and a key of it can still be derived")


def _sampled(tx: Transaction, randomness: Randomness, sample: int, *, alive: bool) -> Iterator[Record]:
    """Records by chance: all of them where there are few."""
    newest = _newest_change(tx)
    few = list(tx.records.changed_since(0, limit=4 * sample))
    if len(few) < 4 * sample:
        chosen = [record for record in few if (record.state in _ALIVE) is alive]
        yield from sorted(chosen, key=lambda record: randomness.token_bytes(4))[:sample]
        return
    seen: set[str] = set()
    for _ in range(TRIES * sample):
        start = int.from_bytes(randomness.token_bytes(6), "big") % newest
        for record in tx.records.changed_since(start, limit=1):
            if record.id not in seen and (record.state in _ALIVE) is alive:
                seen.add(record.id)
                yield record
        if len(seen) >= sample:
            return


def _newest_change(tx: Transaction) -> int:
    low, high = 0, 1
    while tx.records.changed_since(high, limit=1):
        low, high = high, high * 2
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if tx.records.changed_since(middle, limit=1) else (low, middle)
    return high
