"""The doctor: looks at an installation from outside and says of each thing whether it is as it must be.

It changes nothing but the canaries of the lock proof. ``deep`` compares catalogue and store both ways, object by
object: every version is there, whole, locked as the catalogue says, and opens; every object there belongs to a version.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from storage.assembly import open_vault
from storage.backup.place import runs_of
from storage.layout import RECORDS_PREFIX
from storage.searchindex.place import NO_SHARED_MEMORY, bare_swap, bare_swap_told, index_folder
from storage.settings import Settings
from vault.backups import DRILL_JOB
from vault.errors import StrongroomError
from vault.outcomes import Outcome
from vault.records import Version
from vault.seal.envelope import object_context, open_header
from vault.shelves import Transaction
from vault.workflows import logcheck, upkeep
from vault.workflows.locks import reaches
from vault.workflows.people import machine_operator
from vault.workflows.recovery import is_orphan, sealed_digest
from vault.workflows.vault import Vault

EXAMPLES_MAX = 5
LAG_MAX = timedelta(minutes=10)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. ``check`` is a stable name; ``text`` tells what was seen, and the way out."""

    check: str
    ok: bool
    text: str


def examine(settings: Settings, *, deep: bool = False) -> Sequence[Finding]:
    """Everything the doctor sees. An installation that cannot even be opened is a finding, not an error."""
    try:
        with open_vault(settings, keepers_read_only=True) as vault:
            return list(_findings(settings, vault, deep=deep))
    except StrongroomError as exc:
        return [Finding(check="opens", ok=False, text=exc.message)]


def _findings(settings: Settings, vault: Vault, *, deep: bool) -> Iterator[Finding]:
    yield Finding(check="opens", ok=True, text="catalogue, object store and root keeper answer and belong together")
    yield _private(settings)
    yield from _guarded("search-index", lambda: _search_index(settings, vault))
    yield from _guarded("lock-proof", lambda: _lock_proof(vault))
    yield from _guarded("upkeep", lambda: _upkeep(vault))
    yield from _guarded("intents", lambda: _intents(vault))
    yield from _guarded("holds", lambda: _holds(vault))
    yield from _guarded("expiry", lambda: _expiry(vault))
    yield from _guarded("backup", lambda: _backup(settings, vault))
    if deep:
        yield from _guarded("versions-in-store", lambda: _versions(vault))
        yield from _guarded("objects-in-catalogue", lambda: _objects(vault))
        yield from _guarded("pending-uploads", lambda: _pending(vault))
        yield from _guarded("log", lambda: _log(vault))


def _guarded(check: str, look: Callable[[], Finding]) -> Iterator[Finding]:
    try:
        yield look()
    except StrongroomError as exc:
        yield Finding(check=check, ok=False, text=exc.message)


def _private(settings: Settings) -> Finding:
    open_to_others = [str(path) for path in (settings.home, settings.keeper) if path.exists() and _others_may(path)]
    if open_to_others:
        return Finding(check="private", ok=False, text=f"others may read {', '.join(open_to_others)}; chmod 700 them")
    return Finding(check="private", ok=True, text="home and keeper are readable by their owner only")


def _others_may(path: os.PathLike[str]) -> bool:
    return bool(os.stat(path).st_mode & 0o077)


def _search_index(settings: Settings, vault: Vault) -> Finding:
    folder = index_folder(settings.home, settings.index_folder)
    told = f"it is kept in {folder.parent}, in memory" if folder is not None else NO_SHARED_MEMORY
    if swap := bare_swap():
        return Finding(check="search-index", ok=False, text=f"{told}; {bare_swap_told(swap)}")
    standing = vault.search.standing()
    if standing.is_full:
        told += (
            f"; it has no room for more than the {standing.records} records that are in it: the others are not found "
            "by words. Enlarge that memory (mount -o remount,size=...), or name another by STRONGROOM_INDEX_FOLDER, "
            "then start the server anew"
        )
        return Finding(check="search-index", ok=False, text=told)
    if standing.is_full_of_texts:
        told += "; half of that memory is taken, so the texts of some files are not in it: enlarge it to find by them"
    return Finding(check="search-index", ok=True, text=told)


def _lock_proof(vault: Vault) -> Finding:
    verdict = vault.prove_lock()
    told = f"{verdict.held} of {verdict.tried} attacks with the application's credentials withstood"
    if verdict.proved:
        return Finding(check="lock-proof", ok=True, text=told)
    return Finding(check="lock-proof", ok=False, text=f"{told}; this store does not hold its locks: use another one")


def _upkeep(vault: Vault) -> Finding:
    state = upkeep.state(vault, machine_operator())
    failed = [run.job for run in state.jobs if run.outcome is not None and _is_bad(run.outcome)]
    late = state.outbox_since is not None and vault.now() - state.outbox_since > LAG_MAX
    told = f"{state.records} records; {state.outbox_waiting} metadata objects wait to be sent"
    if failed or late:
        return Finding(
            check="upkeep", ok=False, text=f"{told}; failed: {', '.join(failed) or 'none'}; see the server's log"
        )
    return Finding(check="upkeep", ok=True, text=told)


def _backup(settings: Settings, vault: Vault) -> Finding:
    from storage.backup.wiring import backup_place, taken_at

    with backup_place(settings) as place:
        if place is None:
            told = "no backup place is set; set STRONGROOM_BACKUP_FOLDER to a folder on another disk"
            return Finding(check="backup", ok=True, text=told)
        runs = runs_of(place)
    if not runs:
        return Finding(check="backup", ok=False, text="there is no backup yet; take one with 'strongroom backup run'")
    age = vault.now() - taken_at(runs[-1])
    with vault.catalogue.read() as tx:
        drilled = {job: Outcome.read(kept) for job, _, kept in tx.jobs.last_runs()}.get(DRILL_JOB)
    told = f"the newest of {len(runs)} is {runs[-1]}; "
    told += f"last drill: {drilled.text}" if drilled else "none was tried yet; run 'strongroom drill'"
    late = age > 3 * timedelta(hours=settings.backup_every_hours)
    if late:
        told += f"; it is {age.days} days old: look why upkeep takes none"
    return Finding(check="backup", ok=not late and (drilled is None or not _is_bad(drilled)), text=told)


def _is_bad(outcome: Outcome) -> bool:
    return outcome.is_failed or outcome.is_broken


def _holds(vault: Vault) -> Finding:
    with vault.catalogue.read() as tx:
        waiting = tx.holds.mirror_lag()
    told = "the store's legal holds follow the matters"
    if waiting:
        told = f"{waiting} legal holds wait to be set or lifted in the store; what is held is refused all the same"
    return Finding(check="holds", ok=True, text=told)


def _expiry(vault: Vault) -> Finding:
    with vault.catalogue.read() as tx:
        pause = tx.pauses.open(vault.fonds.id)
        classes = sum(rule.rule.automatic for rule in tx.schedules.governing())
    if pause is None:
        return Finding(check="expiry", ok=True, text=f"{classes} classes expire by themselves, and nothing stops them")
    told = (
        f"paused since {pause.at.isoformat(timespec='minutes')} ({pause.cause.value}, {pause.measure} found); look "
        "why, then run 'strongroom disposition resume'"
    )
    return Finding(check="expiry", ok=False, text=told)


def _intents(vault: Vault) -> Finding:
    with vault.catalogue.read() as tx:
        unsettled = tx.intents.unsettled()
    orphans = [intent.id for intent in unsettled if is_orphan(vault, intent)]
    if orphans:
        told = f"{len(orphans)} uploads wait to be settled; run 'strongroom upkeep run': {_some(orphans)}"
        return Finding(check="intents", ok=False, text=told)
    return Finding(check="intents", ok=True, text=f"{len(unsettled)} uploads under way, none left behind")


def _versions(vault: Vault) -> Finding:
    wrong, seen = [], 0
    with vault.catalogue.read() as tx:
        versions = list(tx.records.all_versions())
    for version in versions:
        seen += 1
        problem = _problem_of(vault, version)
        if problem:
            wrong.append(f"{version.object.object_id} ({problem})")
    if wrong:
        told = f"{len(wrong)} of {seen} versions are not as the catalogue says; restore them: {_some(wrong)}"
        return Finding(check="versions-in-store", ok=False, text=told)
    return Finding(check="versions-in-store", ok=True, text=f"{seen} versions are there, whole, locked, and open")


def _problem_of(vault: Vault, version: Version) -> str:
    sealed = version.object
    facts = vault.store.head(sealed.key, version.version_id)
    if facts is None:
        return "missing"
    if facts.size_bytes != sealed.sealed_size_bytes:
        return "another size"
    if facts.lock is None or not reaches(facts.lock, version.lock):
        return "its lock is shorter than promised"
    if version.legal_hold and not facts.legal_hold:
        return "its legal hold is off, though the store had confirmed it"
    try:
        with vault.store.read(sealed.key, version.version_id) as chunks:
            if sealed_digest(chunks, sealed) != sealed.sealed_sha256:
                return "other bytes"
        with vault.store.read(sealed.key, version.version_id, length=sealed.header_length) as chunks:
            header = b"".join(chunks)
        context = object_context(vault_id=vault.vault_id, leaf=sealed.leaf, object_id=sealed.object_id)
        open_header(header, vault.leaf_keys(sealed.leaf).kek, context, frame_length=sealed.frame_length)
    except StrongroomError as exc:
        return exc.code
    return ""


def _objects(vault: Vault) -> Finding:
    with vault.catalogue.read() as tx:
        known = {(version.object.key, version.version_id) for version in tx.records.all_versions()}
        underway = {intent.object.key for intent in tx.intents.unsettled()}
        given_up = {key for _, key in tx.intents.aborted_keys(since=LONG_AGO)}
        dead = set(_keys_of_the_dead(tx))
    seen, left, locked, strange = 0, 0, 0, []
    for listed in vault.store.versions(RECORDS_PREFIX):
        seen += 1
        if listed.key in given_up:
            # Whole in the store, yet overtaken by another correction, or landed after it was given up; never
            # acknowledged, opened by nobody, and locked for its first 30 days.
            left += 1
        elif listed.key in dead:
            # Nobody can open it any more; upkeep deletes it when its lock has lapsed.
            locked += 1
        elif (listed.key, listed.version_id) not in known and listed.key not in underway:
            strange.append(f"{listed.key} ({'delete marker' if listed.is_delete_marker else listed.version_id})")
    if strange:
        told = (
            f"{len(strange)} of {seen} objects belong to no record: never acknowledged, or written past the vault: "
            f"{_some(strange)}"
        )
        return Finding(check="objects-in-catalogue", ok=False, text=told)
    more = f"; {left} of uploads that were given up" if left else ""
    more += f"; {locked} of destroyed records, until their locks lapse" if locked else ""
    return Finding(check="objects-in-catalogue", ok=True, text=f"{seen} objects, each of a record or under way{more}")


def _keys_of_the_dead(tx: Transaction) -> Iterator[str]:
    after = ""
    while page := tx.batches.ciphertext_left(after=after):
        for record_id in page:
            yield from (key for _, key in tx.batches.objects_of(record_id))
        after = page[-1]


def _pending(vault: Vault) -> Finding:
    with vault.catalogue.read() as tx:
        underway = {intent.object.key for intent in tx.intents.unsettled()}
    left = [pending.key for pending in vault.store.pending_uploads() if pending.key not in underway]
    if left:
        told = f"{len(left)} multipart uploads were left behind; run 'strongroom upkeep run': {_some(left)}"
        return Finding(check="pending-uploads", ok=False, text=told)
    return Finding(check="pending-uploads", ok=True, text="no multipart upload was left behind")


def _log(vault: Vault) -> Finding:
    told = logcheck.verify(vault, machine_operator())
    if told.holds:
        text = f"{told.size} published entries hold together and are those of the catalogue; {told.waiting} wait"
        return Finding(check="log", ok=True, text=text)
    wrong = [*told.problems, *(f"entry {number} differs or is gone" for number in (*told.changed, *told.missing))]
    return Finding(check="log", ok=False, text=f"{_some(wrong)}; see `strongroom audit verify`")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:EXAMPLES_MAX])
    return shown if len(names) <= EXAMPLES_MAX else f"{shown} and {len(names) - EXAMPLES_MAX} more"
