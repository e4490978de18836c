"""``strongroom backup verify``: reads a whole backup again and says what of it would not come back.

1. The manifest was made by this vault; dump and index are what it names.
2. Every object has its bytes, by digest.
3. The dump loads, and every version that it has is among the objects, as long and with the digest it names.
4. The chain of key pages leads to the root in force, and every page under that root opens.

Rule 1: keepers are only read. Rule 2: everything that is wrong is named, not only the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from storage.backup.index import Copied, mark_of, read_piece
from storage.backup.manifest import Manifest, get_manifest, require_genuine
from storage.backup.place import BackupPlace, runs_of
from storage.backup.scratch import scratch_catalogue
from storage.backup.tree import StoredTree, increments_in_place, read_tree
from storage.catalogue.database import SqlCatalogue, open_catalogue
from vault.errors import NotFound, SealBroken, StrongroomError
from vault.outcomes import Outcome
from vault.ports import RootKeeper

READERS: Final = 4
NAMED_MAX: Final = 50

Progress = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was read, and what is wrong (the first fifty)."""

    run: str
    objects: int = 0
    object_bytes: int = 0
    versions: int = 0
    pages: int = 0
    generation: int = 0
    problems: list[str] = field(default_factory=list)
    problem_count: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem_count == 0

    @property
    def outcome(self) -> Outcome:
        """As it is kept for pages."""
        if self.sound:
            return Outcome.of("verified", backup=self.run, objects=self.objects, pages=self.pages)
        return Outcome.of("verify-broken", backup=self.run, problems=self.problem_count)

    def wrong(self, problem: str) -> None:
        """Takes a problem down."""
        self.problem_count += 1
        if len(self.problems) < NAMED_MAX:
            self.problems.append(problem)


def find_run(place: BackupPlace, run: str | None) -> str:
    """A run by name, or the newest. Raises ``NotFound``."""
    ended = runs_of(place)
    if run is None and ended:
        return ended[-1]
    if run is None or run not in ended:
        raise NotFound(f"there is no such backup in the {place.text}; see `strongroom backup list`")
    return run


def verify(
    place: BackupPlace,
    keeper: RootKeeper,
    scratch: Path,
    *,
    run: str | None = None,
    progress: Progress = lambda text: None,
) -> Verdict:
    """Verifies a backup, the newest when none is named. Raises ``NotFound``, ``StoreUnavailable``."""
    name = find_run(place, run)
    verdict = Verdict(run=name)
    try:
        manifest = get_manifest(place, name)
    except StrongroomError as exc:
        verdict.wrong(exc.message)
        return verdict
    tree = _verify_keys(place, manifest, keeper, verdict)
    if tree is not None:
        _guarded(verdict, lambda: require_genuine(place, manifest, tree.leaf_keys(manifest.house_leaf)))
    held = _verify_objects(place, manifest, verdict, progress)
    progress("loading the dump")
    try:
        with scratch_catalogue(place, manifest, scratch) as url, closing(open_catalogue(url)) as catalogue:
            _verify_versions(catalogue, held, verdict)
    except StrongroomError as exc:
        verdict.wrong(exc.message)
    return verdict


def _verify_keys(place: BackupPlace, manifest: Manifest, keeper: RootKeeper, verdict: Verdict) -> StoredTree | None:
    tree_id = bytes.fromhex(manifest.tree_id)
    try:
        tree = read_tree(keeper, tree_id, increments_in_place(place, tree_id))
    except StrongroomError as exc:
        verdict.wrong(exc.message)
        return None
    verdict.pages, verdict.generation = tree.page_count, tree.head.generation
    if tree.head.generation == manifest.generation and tree.head.digest.hex() != manifest.head:
        verdict.wrong(f"backup {manifest.run} was made beside other key pages of its generation; take another backup")
    return tree


def _verify_objects(
    place: BackupPlace, manifest: Manifest, verdict: Verdict, progress: Progress
) -> dict[bytes, tuple[int, str]]:
    """Reads every object; gives those that are whole: size and digest by key and version."""
    held: dict[bytes, tuple[int, str]] = {}
    with ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="verify") as pool:
        for piece in manifest.index:
            try:
                copied = list(read_piece(place, piece))
            except StrongroomError as exc:
                verdict.wrong(exc.message)
                continue
            for batch in _batches(copied, 64):
                for each, problem in zip(batch, pool.map(lambda one: _problem_of(place, one), batch), strict=True):
                    if problem:
                        verdict.wrong(problem)
                    else:
                        held[mark_of(each.key, each.version_id)] = (each.size_bytes, each.sha256)
                        verdict.objects += 1
                        verdict.object_bytes += each.size_bytes
            progress(f"read {verdict.objects} objects")
    return held


def _problem_of(place: BackupPlace, copied: Copied) -> str:
    digest, count = hashlib.sha256(), 0
    try:
        with place.read(copied.name) as chunks:
            for chunk in chunks:
                digest.update(chunk)
                count += len(chunk)
    except StrongroomError as exc:
        return exc.message
    if count != copied.size_bytes or digest.hexdigest() != copied.sha256:
        return f"{copied.name} in the backup has other bytes than were copied; delete it and run the backup again"
    return ""


def _verify_versions(catalogue: SqlCatalogue, held: dict[bytes, tuple[int, str]], verdict: Verdict) -> None:
    with catalogue.read() as tx:
        for version in tx.records.all_versions():
            verdict.versions += 1
            sealed = version.object
            found = held.get(mark_of(sealed.key, version.version_id))
            if found is None:
                verdict.wrong(f"{sealed.key}, which the dump names, is not in the backup, or not whole")
            elif found[0] != sealed.sealed_size_bytes or (
                sealed.part_count == 0 and found[1] != sealed.sealed_sha256.hex()
            ):
                verdict.wrong(f"{sealed.key} in the backup is not what the dump names")


def _guarded(verdict: Verdict, check: Callable[[], None]) -> None:
    try:
        check()
    except SealBroken as exc:
        verdict.wrong(exc.message)


def _batches(copied: Iterable[Copied], size: int) -> Iterator[list[Copied]]:
    rest = iter(copied)
    while batch := list(islice(rest, size)):
        yield batch
