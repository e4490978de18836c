"""``strongroom record correct|file``: a record is put right, and filed (归档). The original always stays."""

from __future__ import annotations

import os
import stat

import click

from vault.cli.documents import bare_record_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.moments import day
from vault.cli.plain import plain
from vault.cli.reporting import examination_lines
from vault.cli.sources import SteadyFile
from vault.errors import Conflict, InvalidInput, Refused
from vault.filingreports import Way
from vault.findings import document_of
from vault.permissions import Action, Actor
from vault.records import Description, Record
from vault.workflows import holding, intake, retrieval
from vault.workflows.vault import Vault


@click.command()
@click.argument("record")
@click.option("--file", "path", type=click.Path(), help="The right bytes: they become the next version.")
@click.option("--title", help="The right title.")
@click.option("--date", "dated_on", metavar="YYYY-MM-DD", help="The right date of the document; '' for none.")
@click.option("--place", help="The right place; '' for none.")
@click.option("--note", help="The right note; '' for none.")
@click.option("--reason", required=True, help="Why; it stays with the record.")
@speaking
@pass_invocation
def correct(
    invocation: Invocation,
    record: str,
    path: str | None,
    title: str | None,
    dated_on: str | None,
    place: str | None,
    note: str | None,
    reason: str,
) -> None:
    """Correct the bytes (--file), the description, or both. What is not named stays as it is; the original stays."""
    if path is None and title is None and dated_on is None and place is None and note is None:
        raise click.UsageError("nothing to correct; say --file, --title, --date, --place or --note")
    with invocation.acting() as (vault, actor):
        known = retrieval.find_record(vault, actor, record)
        actor.require(Action.CORRECT_RECORD, known.class_code)
        said = retrieval.show(vault, actor, known.id).view.description
        if said is None:
            raise Conflict(f"record {known.number} has no description any more; it cannot be corrected")
        description = Description.checked(
            title=said.title if title is None else title,
            dated_on=said.dated_on if dated_on is None else day(dated_on, field="date"),
            place=said.place if place is None else place,
            note=said.note if note is None else note,
            reason=reason,
        )
        if path is None:
            after = intake.revise_description(vault, actor, known.id, description)
        else:
            after = _replace(vault, actor, known, description, path)
    invocation.speech.data(bare_record_document(after), [after.number])
    invocation.speech.talk(
        f"{after.number} has version {after.current_ordinal} and description {after.current_revision} now; "
        "what was there before stays"
    )


def _replace(vault: Vault, actor: Actor, known: Record, description: Description, path: str) -> Record:
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise InvalidInput(f"{plain(path)} is not a file (a link is not followed); name a file", field="file")
    except OSError as error:
        raise InvalidInput(f"{plain(path)} cannot be read: {error.strerror}", field="file") from error
    try:
        with (
            SteadyFile(path) as file,
            intake.begin_correction(
                vault,
                actor,
                known.id,
                description,
                os.path.basename(path),
                declared_size_bytes=file.declared_size_bytes,
            ) as receiving,
        ):
            receipt = intake.receive_from(vault, receiving, file.read_into)
            if (receipt.size_bytes, receipt.sha256) != (file.size_bytes, file.sha256):
                raise Conflict("the vault acknowledged other bytes than were read; run `strongroom doctor --deep`")
    except Refused as error:
        error.message = f"{plain(path)}: {error.message}"
        raise
    return retrieval.find_record(vault, actor, known.id)


@click.command("file")
@click.argument("record")
@click.option("--class", "class_code", metavar="CODE", help="The class, if it was not right.")
@click.option("--trigger", "trigger_on", metavar="YYYY-MM-DD", help="The day from which the class's period runs.")
@click.option("--reason", default="", help="Why it is filed although a property failed; it stays with the report.")
@click.option("--dry-run", is_flag=True, help="Only show what is found.")
@speaking
@pass_invocation
def file_record(
    invocation: Invocation, record: str, class_code: str | None, trigger_on: str | None, reason: str, dry_run: bool
) -> None:
    """Confirm class and trigger (归档). With the trigger known, the lock is extended to the due date.

    What is found about the record's four properties is kept with it; --dry-run only shows it.
    """
    trigger = day(trigger_on, field="trigger")
    with invocation.acting() as (vault, actor):
        known = retrieval.find_record(vault, actor, record)
        if dry_run:
            found = holding.examine_filing(vault, actor, known.id, class_code=class_code, trigger_on=trigger)
            invocation.speech.data(document_of(found), examination_lines(known.number, found))
            return
        after = holding.file_record(
            vault, actor, known.id, class_code=class_code, trigger_on=trigger, reason=reason, way=Way.COMMAND
        )
    due = after.due_on.isoformat() if after.due_on else "open"
    invocation.speech.data(
        bare_record_document(after), [f"{after.number}  {after.state.value}  {after.class_code}  due {due}"]
    )
