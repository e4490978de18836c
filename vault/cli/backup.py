"""``strongroom backup|restore|rebuild|drill``: copies of everything but the root, and the way back from them."""

from __future__ import annotations

from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

import click

from vault.cli import exits
from vault.cli.everyfonds import through_every_fonds
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, size, table
from vault.errors import StrongroomError
from vault.people import OPERATOR_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.backup.manifest import Manifest
    from storage.backup.memory import Recollected
    from storage.backup.verify import Verdict
    from storage.settings import Settings
    from vault.cli.speech import JSON

NAMED_MAX = 20


def _one_backup(*, name: str | None, **options: object) -> bool:
    """A backup that is named is one fonds's: the first's, or that of --fonds."""
    return name is not None


def _confirming(*, confirm_holds: bool, **options: object) -> bool:
    """Whoever confirms holds does so as a person of one fonds."""
    return confirm_holds


def _every_lost(settings: Settings) -> Sequence[Settings]:
    from storage.fondshomes import every_lost

    return every_lost(settings)


@click.command()
@speaking
@pass_invocation
@through_every_fonds()
def run(invocation: Invocation) -> int:
    """Take a backup: copy what is new, dump the catalogue. The first one makes an empty place this vault's."""
    from storage.backup.run import back_up
    from storage.backup.wiring import make_place, required_place

    make_place(invocation.settings)
    settings, speech = invocation.settings, invocation.speech
    with required_place(settings) as place, invocation.vault() as vault:
        outcome = back_up(
            vault,
            place,
            settings.database_url,
            actor=OPERATOR_ID,
            set_up=True,
            runs_kept=settings.backups_kept,
            progress=speech.talk if speech.lively else _untold,
        )
    document: dict[str, JSON] = {
        "backup": None if outcome.manifest is None else _document(outcome.manifest),
        "copied": outcome.copied,
        "copied_bytes": outcome.copied_bytes,
        "damaged": list(outcome.damaged),
    }
    name = outcome.manifest.run if outcome.manifest is not None else "none"
    speech.data(document, [f"{name}: {outcome.copied} objects copied, {size(outcome.copied_bytes)}"])
    _tell_damaged(invocation, "not as they were sealed, or gone; see `strongroom doctor --deep`", outcome.damaged)
    speech.talk("the root keys are not in it: keep a copy of the keeper's folder apart, or a second keeper")
    return exits.BROKEN if outcome.damaged else exits.OK


@click.command("list")
@speaking
@pass_invocation
def list_backups(invocation: Invocation) -> None:
    """List the backups, newest first."""
    from storage.backup.manifest import get_manifest
    from storage.backup.place import runs_of
    from storage.backup.wiring import required_place

    with required_place(invocation.settings) as place:
        manifests = [get_manifest(place, name) for name in reversed(runs_of(place))]
    rows = [
        (each.run, local(each.created_at), str(each.records), str(each.objects), size(each.object_bytes))
        for each in manifests
    ]
    lines = table(("BACKUP", "TAKEN", "RECORDS", "OBJECTS", "BYTES"), rows) if rows else ()
    invocation.speech.data({"backups": [_document(each) for each in manifests]}, lines)
    if not rows:
        invocation.speech.talk("there is no backup yet; take one with `strongroom backup run`")


@click.command()
@click.argument("name", required=False, metavar="[BACKUP]")
@speaking
@pass_invocation
@through_every_fonds(unless=_one_backup)
def verify(invocation: Invocation, name: str | None) -> int:
    """Read a whole backup again (the newest, if none is named) and say what of it would not come back."""
    from storage.backup.scratch import scratch_folder
    from storage.backup.verify import verify as verify_backup
    from storage.backup.wiring import reading_keepers, required_place

    speech = invocation.speech
    with required_place(invocation.settings) as place, scratch_folder() as folder:
        verdict = verify_backup(
            place,
            reading_keepers(invocation.settings),
            folder,
            run=name,
            progress=speech.talk if speech.lively else _untold,
        )
    _keep(invocation.settings, verdict)
    document: dict[str, JSON] = {
        "backup": verdict.run,
        "sound": verdict.sound,
        "objects": verdict.objects,
        "object_bytes": verdict.object_bytes,
        "versions": verdict.versions,
        "key_pages": verdict.pages,
        "generation": verdict.generation,
        "problem_count": verdict.problem_count,
        "problems": list(verdict.problems),
    }
    told = (
        f"{verdict.run}: {verdict.objects} objects ({size(verdict.object_bytes)}), {verdict.versions} versions, "
        f"{verdict.pages} key pages of generation {verdict.generation}"
    )
    problems = [f"NOT OK  {plain(problem)}" for problem in verdict.problems]
    speech.data(document, [told, *problems] if problems else [f"{told}: all of it is whole"])
    return exits.OK if verdict.sound else exits.BROKEN


@click.command()
@click.argument("name", required=False, metavar="[BACKUP]")
@click.option(
    "--replace", is_flag=True, help="Put it in the place of the catalogue that is there, which is kept beside."
)
@speaking
@pass_invocation
@through_every_fonds(_every_lost, unless=_one_backup)
def restore(invocation: Invocation, name: str | None, replace: bool) -> int:
    """Restore a backup (the newest, if none is named) into this home, led forward to what was destroyed since."""
    from storage.backup.restore import restore as restore_backup
    from storage.backup.wiring import opened_store, reading_keepers, required_place
    from storage.machine import SystemClock, SystemRandomness

    settings, speech = invocation.settings, invocation.speech
    with ExitStack() as stack:
        place = stack.enter_context(required_place(settings))
        store = stack.enter_context(opened_store(settings, speech.talk))
        outcome = restore_backup(
            place,
            store,
            reading_keepers(settings),
            settings.home,
            settings.database_url,
            now=SystemClock().now(),
            randomness=SystemRandomness(),
            run=name,
            replace=replace,
            progress=speech.talk,
        )
    _finish(invocation)
    document: dict[str, JSON] = {
        "backup": outcome.run,
        "generation_before": outcome.generation_before,
        "generation": outcome.generation,
        "objects_put_back": outcome.put_back.objects,
        "object_bytes_put_back": outcome.put_back.object_bytes,
        "objects_there": outcome.put_back.there,
        "records_destroyed": outcome.records_destroyed,
        "customers_destroyed": outcome.customers_destroyed,
        "links_withdrawn": outcome.links_withdrawn,
        "damaged": list(outcome.put_back.damaged),
        **_taken_in(outcome.recollected),
    }
    put_back = f"{outcome.put_back.objects} objects put back ({size(outcome.put_back.object_bytes)})"
    lines = [
        f"{outcome.run}: {put_back}, {outcome.put_back.there} were there",
        (
            f"key pages of generation {outcome.generation_before}, led forward to {outcome.generation}: "
            f"{outcome.records_destroyed} records and {outcome.customers_destroyed} customers were destroyed since"
        ),
        *_taken_in_lines(outcome.recollected),
        f"{outcome.links_withdrawn} open links were withdrawn; whoever was signed in signs in again",
    ]
    speech.data(document, lines)
    damaged = [*outcome.put_back.damaged, *outcome.recollected.damaged]
    _tell_damaged(invocation, "not whole in the backup; try another place", damaged)
    speech.talk(
        "passwords, roles and people are those of the backup: look at them; then run `strongroom doctor --deep`"
    )
    return exits.BROKEN if damaged else exits.OK


@click.command()
@click.option(
    "--replace", is_flag=True, help="Put it in the place of the catalogue that is there, which is kept beside."
)
@click.option("--confirm-holds", is_flag=True, help="Confirm, as the person signed in, that the holds are in force.")
@speaking
@pass_invocation
@through_every_fonds(_every_lost, unless=_confirming)
def rebuild(invocation: Invocation, replace: bool, confirm_holds: bool) -> int:
    """Make the catalogue again from the object store and the root alone, where no backup of it is left."""
    if confirm_holds:
        return _confirm_holds(invocation)
    from storage.backup.rebuild import rebuild as rebuild_catalogue
    from storage.backup.wiring import opened_store, reading_keepers
    from storage.machine import SystemClock, SystemRandomness

    settings, speech = invocation.settings, invocation.speech
    with opened_store(settings, speech.talk) as store:
        outcome = rebuild_catalogue(
            store,
            reading_keepers(settings),
            settings.home,
            settings.database_url,
            now=SystemClock().now(),
            randomness=SystemRandomness(),
            replace=replace,
            progress=speech.talk,
        )
    _finish(invocation)
    document: dict[str, JSON] = {
        "vault_id": outcome.vault_id,
        "generation": outcome.generation,
        "records_destroyed": outcome.records_destroyed,
        "customers_destroyed": outcome.customers_destroyed,
        "damaged": list(outcome.recollected.damaged),
        **_taken_in(outcome.recollected),
    }
    lines = [
        *_taken_in_lines(outcome.recollected),
        (
            f"generation {outcome.generation}: {outcome.records_destroyed} records and {outcome.customers_destroyed} "
            "customers are destroyed"
        ),
    ]
    speech.data(document, lines)
    _tell_damaged(invocation, "damaged, or of no customer that is known", outcome.recollected.damaged)
    speech.talk("not recovered: people, sessions, links, openings, and the log before today")
    speech.talk("nothing is destroyed until two people ran `strongroom rebuild --confirm-holds`; invite them first")
    return exits.BROKEN if outcome.recollected.damaged else exits.OK


@click.command()
@click.option("--sample", type=click.IntRange(min=1), default=20, show_default=True, help="How many records to open.")
@speaking
@pass_invocation
@through_every_fonds()
def drill(invocation: Invocation, sample: int) -> int:
    """Prove on the newest backup that living records come back and destroyed ones do not. Nothing is changed."""
    from storage.backup.drill import drill as run_drill
    from storage.backup.wiring import required_place

    with required_place(invocation.settings) as place, invocation.vault() as vault:
        verdict = run_drill(vault, place, actor=OPERATOR_ID, sample=sample)
    document: dict[str, JSON] = {
        "backup": verdict.run or None,
        "backup_at": iso(verdict.backup_at),
        "passed": verdict.passed,
        "opened": verdict.opened,
        "opened_bytes": verdict.opened_bytes,
        "stay_dead": verdict.dead,
        "problems": list(verdict.problems),
    }
    problems = [f"NOT OK  {plain(problem)}" for problem in verdict.problems]
    invocation.speech.data(document, [plain(verdict.text), *problems])
    return exits.OK if verdict.passed else exits.BROKEN


def _keep(settings: Settings, verdict: Verdict) -> None:
    """Keeps the verdict for pages, in the catalogue where there is one; nothing else of the vault is opened."""
    from storage.catalogue.database import open_catalogue
    from storage.catalogue.schema import SchemaState
    from storage.machine import SystemClock
    from vault.backups import VERIFY_JOB

    if settings.catalogue_url is None and not (settings.home / "catalogue.sqlite").exists():
        return
    # A verdict that cannot be kept is told all the same.
    with suppress(StrongroomError), closing(open_catalogue(settings.database_url)) as catalogue:
        if catalogue.check_schema() is SchemaState.CURRENT:
            with catalogue.write() as tx:
                tx.jobs.ran(VERIFY_JOB, at=SystemClock().now(), outcome=verdict.outcome.kept())


def _confirm_holds(invocation: Invocation) -> int:
    from vault.workflows import backups

    with invocation.acting(fresh=True) as (vault, actor):
        confirmed = backups.confirm_holds(vault, actor)
    both = confirmed.second_by is not None
    told = (
        "the holds are confirmed; records may be destroyed again" if both else "confirmed; a second person has to, too"
    )
    invocation.speech.data({"confirmed_by_two": both}, [told])
    return exits.OK


def _finish(invocation: Invocation) -> None:
    """Opens the vault as it now is: batches that were led forward take effect, uploads are settled."""
    from vault.workflows import upkeep

    with invocation.vault() as vault:
        upkeep.run_due(vault)


def _document(manifest: Manifest) -> dict[str, JSON]:
    return {
        "backup": manifest.run,
        "taken_at": iso(manifest.created_at),
        "records": manifest.records,
        "objects": manifest.objects,
        "object_bytes": manifest.object_bytes,
        "dump_bytes": manifest.dump.size_bytes,
        "database": manifest.database,
        "generation": manifest.generation,
    }


def _taken_in(recollected: Recollected) -> dict[str, JSON]:
    return {
        "records_taken_in": recollected.records + recollected.from_objects,
        "customers_taken_in": recollected.customers,
        "new_numbers": list(recollected.renumbered),
    }


def _taken_in_lines(recollected: Recollected) -> list[str]:
    records = recollected.records + recollected.from_objects
    lines = [f"{records} records and {recollected.customers} customers were taken in from the store"]
    if recollected.renumbered:
        shown = ", ".join(recollected.renumbered[:NAMED_MAX])
        more = " and more" if len(recollected.renumbered) > NAMED_MAX else ""
        lines.append(f"{len(recollected.renumbered)} of them have new numbers: {shown}{more}")
    return lines


def _tell_damaged(invocation: Invocation, how: str, damaged: Sequence[str]) -> None:
    if damaged:
        shown = ", ".join(damaged[:NAMED_MAX])
        invocation.speech.warn(f"{len(damaged)} objects are {how}: {shown}")


def _untold(step: str) -> None:
    """A step that nobody watches."""
