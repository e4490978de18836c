"""``strongroom drill``: proves on the newest backup that what lives comes back and what was destroyed does not.

1. The dump is loaded into a scratch catalogue and led forward by the backup's own key pages, as a restore would.
2. A sample of living records is opened from the backup's ciphertext; every byte goes through the digest that the record
   was sealed with, and nowhere else.
3. A sample of destroyed records stays dead: under the root in force no key of theirs can be derived, and no keeper has
   an older root.

Rule 1: keepers are opened for reading only, and the vault's own catalogue is changed by the verdict alone.
Rule 2: plaintext stays in memory, a block at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from storage.backup.forward import is_dead, lead_forward
from storage.backup.index import Copied, read_piece
from storage.backup.manifest import Manifest, get_manifest, require_genuine
from storage.backup.place import BackupPlace
from storage.backup.scratch import scratch_catalogue, scratch_folder
from storage.backup.tree import StoredTree, increments_in_place, read_tree
from storage.backup.verify import find_run
from storage.catalogue.database import open_catalogue
from storage.catalogue.rows import Rows
from storage.catalogue.transaction import SqlTransaction
from vault.audit import Detail, Event
from vault.errors import CatalogueBroken, ObjectMissing, SealBroken, StrongroomError
from vault.fonds import Fonds
from vault.ids import PersonId
from vault.ports import Randomness, RootKeeper
from vault.records import Record, RecordState, Version
from vault.seal.envelope import SealedSize, object_context, open_header, open_range, take_header
from vault.seal.fields import open_fields
from vault.shelves import Catalogue, Transaction
from vault.workflows.vault import Vault

JOB: Final = "drill"
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
        seen = f"backup {self.run or 'none'}: {self.opened} records opened, {self.dead} destroyed ones stay dead"
        return f"passed, {seen}" if self.passed else f"BROKEN, {seen}; {'; '.join(self.problems[:3])}"


def drill(
    vault: Vault, place: BackupPlace, keeper: RootKeeper, *, actor: PersonId, sample: int = SAMPLE
) -> DrillVerdict:
    """Runs a drill and keeps its verdict: in the log, and as the last run of the job ``drill``.

    Raises ``CatalogueUnavailable`` when the verdict cannot be kept; everything else is a problem of the verdict.
    """
    verdict = DrillVerdict()
    try:
        _drill(vault, place, keeper, verdict, sample)
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
        tx.jobs.ran(JOB, at=vault.now(), outcome=verdict.text)
        tx.audit.append(vault.entry(actor, Event.DRILL_RUN, vault.vault_id, detail))
    return verdict


def _drill(vault: Vault, place: BackupPlace, keeper: RootKeeper, verdict: DrillVerdict, sample: int) -> None:
    verdict.run = find_run(place, None)
    manifest = get_manifest(place, verdict.run)
    verdict.backup_at = manifest.created_at
    tree_id = vault.fonds.tree_id
    if manifest.tree_id != tree_id.hex():
        raise CatalogueBroken("the newest backup is of another vault; look at the settings of the backup place")
    tree = read_tree(keeper, tree_id, increments_in_place(place, tree_id))
    require_genuine(place, manifest, tree.leaf_keys(manifest.house_leaf))
    _require_no_older_root(keeper, tree, verdict)
    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder(room_bytes=manifest.dump.size_bytes))
        loaded = stack.enter_context(scratch_catalogue(place, manifest, folder))
        restored = stack.enter_context(closing(open_catalogue(loaded)))
        fonds = _led_forward(vault, loaded, tree)
        _open_living(vault, place, manifest, restored, fonds, tree, verdict, sample)
        _prove_dead(vault, restored, tree, verdict, sample)


def _require_no_older_root(keeper: RootKeeper, tree: StoredTree, verdict: DrillVerdict) -> None:
    older = [held for held in keeper.held(tree.head.tree_id) if held.generation < tree.head.generation]
    if older:
        verdict.problems.append(
            f"the keepers still have {len(older)} older roots: what was destroyed since can still be read with them"
        )


def _led_forward(vault: Vault, url: str, tree: StoredTree) -> Fonds:
    with closing(open_catalogue(url)) as catalogue, catalogue.maintain() as connection:
        rows = Rows(connection)
        tx = SqlTransaction(rows)
        fonds = tx.fonds.first()
        if fonds is None:
            raise CatalogueBroken("the dump has no fonds; take another backup")
        lead_forward(tx, fonds, tree, now=vault.now(), randomness=vault.randomness)
        rows.end()
    return fonds


def _open_living(
    vault: Vault,
    place: BackupPlace,
    manifest: Manifest,
    restored: Catalogue,
    fonds: Fonds,
    tree: StoredTree,
    verdict: DrillVerdict,
    sample: int,
) -> None:
    wanted: dict[tuple[str, str], tuple[Record, Version]] = {}
    left = SAMPLE_BYTES_MAX
    with restored.read() as tx:
        for record in _sampled(tx, vault.randomness, sample, alive=True):
            version = tx.records.version(record.id, record.current_ordinal)
            if version is not None and version.object.size_bytes <= left:
                left -= version.object.size_bytes
                wanted[version.object.key, version.version_id] = (record, version)
    for piece in reversed(manifest.index):
        for copied in read_piece(place, piece):
            found = wanted.pop((copied.key, copied.version_id), None)
            if found is not None:
                _open(place, copied, fonds, tree, found[1], verdict)
    for record, _ in wanted.values():
        verdict.problems.append(f"record {record.number} is in the dump, and its bytes are not in the backup")


def _open(
    place: BackupPlace, copied: Copied, fonds: Fonds, tree: StoredTree, version: Version, verdict: DrillVerdict
) -> None:
    sealed = version.object
    try:
        keys = tree.leaf_keys(sealed.leaf)
        content = open_fields(
            keys.metadata_key,
            version.sealed_content,
            subject_id=version.record_id,
            field_set="content",
            revision=version.ordinal,
        )
        context = object_context(vault_id=fonds.vault_id, leaf=sealed.leaf, object_id=sealed.object_id)
        size = SealedSize(
            plaintext_length=sealed.size_bytes, header_length=sealed.header_length, frame_length=sealed.frame_length
        )
        digest = hashlib.sha256()
        with place.read(copied.name) as chunks:
            header, frames = take_header(chunks, sealed.header_length)
            opener = open_header(header, keys.kek, context, frame_length=sealed.frame_length)
            for block in open_range(frames, opener, sealed.size_bytes, size.whole()):
                digest.update(block)
    except (SealBroken, ObjectMissing) as exc:
        verdict.problems.append(f"{sealed.key}: {exc.message}")
        return
    if digest.hexdigest() != content.get("sha256"):
        verdict.problems.append(f"{sealed.key} opened from the backup to other bytes than were received")
        return
    verdict.opened += 1
    verdict.opened_bytes += sealed.size_bytes


def _prove_dead(vault: Vault, restored: Catalogue, tree: StoredTree, verdict: DrillVerdict, sample: int) -> None:
    """Of what the vault knows as destroyed, and of what the restored catalogue took for dead."""
    for catalogue in (vault.catalogue, restored):
        with catalogue.read() as tx:
            for record in _sampled(tx, vault.randomness, sample, alive=False):
                versions = tx.records.versions(record.id)
                lives = [each for each in versions if not is_dead(tree, each.object.leaf)]
                if record.state is RecordState.DESTROYED and lives:
                    verdict.problems.append(
                        f"record {record.number} is destroyed, and a key of it can still be derived"
                    )
                elif not lives:
                    verdict.dead += catalogue is vault.catalogue


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
