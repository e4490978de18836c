"""``strongroom record add``: files, and folders with all that is in them, become records."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from vault.cli import exits, moments
from vault.cli.batch import Batch, Plan
from vault.cli.files import TemporaryFile
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.receipts import BatchReceipt, Line
from vault.cli.sources import Source, Unfit, walk
from vault.cli.speech import encode
from vault.errors import InvalidInput, StrongroomError
from vault.permissions import Action
from vault.records import Description
from vault.workflows.customers import find_customer
from vault.workflows.schedules import find_rule

BATCH_NAME_MAX_CHARACTERS = 200


@click.command("add")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())
@click.option("--class", "class_code", metavar="CODE", required=True, help="The class; see `strongroom class list`.")
@click.option("--customer", metavar="CUSTOMER", help="The customer's number (K-000001).")
@click.option("--title", default="", help="The title; otherwise each file's name without its extension.")
@click.option("--date", "dated_on", metavar="YYYY-MM-DD", help="The document's own date.")
@click.option("--place", default="", help="Where the document is from, or where its paper lies.")
@click.option("--note", default="", help="What else there is to say.")
@click.option("--batch", metavar="NAME", help="Names the batch: run it again, and nothing is added twice.")
@click.option("--receipt", type=click.Path(path_type=Path), help="Save the batch receipt (JSON) in a new file.")
@speaking
@pass_invocation
def add(
    invocation: Invocation,
    paths: tuple[str, ...],
    class_code: str,
    customer: str | None,
    title: str,
    dated_on: str | None,
    place: str,
    note: str,
    batch: str | None,
    receipt: Path | None,
) -> int:
    """Add files, and folders with all that is in them.

    Symbolic links are not followed. What cannot be added is said and the rest goes on; the exit code is then 3.
    At the end stands a receipt: declared (size and SHA-256 as this command read them) = stored = hashed, for each file.
    """
    speech = invocation.speech
    if batch is not None and not (0 < len(batch) <= BATCH_NAME_MAX_CHARACTERS and batch.isprintable()):
        raise InvalidInput(f"a batch name has 1 to {BATCH_NAME_MAX_CHARACTERS} printable characters", field="batch")
    said = Description.checked(title=title or "-", dated_on=moments.day(dated_on, field="date"), place=place, note=note)
    found = list(walk(paths))
    with contextlib.ExitStack() as stack:
        # Made now: that the receipt cannot be saved is better known before the batch than after it.
        receipt_file = stack.enter_context(TemporaryFile(receipt)) if receipt else None
        vault, actor = stack.enter_context(invocation.acting())
        actor.require(Action.ADD_RECORD)
        find_rule(vault, class_code)
        owner = find_customer(vault, actor, customer).customer if customer else None
        plan = Plan(
            class_code=class_code,
            customer_id=owner.id if owner else None,
            title=said.title if title else "",
            dated_on=said.dated_on,
            place=said.place,
            note=said.note,
            key_seed=f"named/{batch}" if batch is not None else f"once/{secrets.token_hex(16)}",
        )
        started_at = vault.now()
        with _progress(found, lively=speech.lively) as (moved, settled):
            run = Batch(vault, actor, plan, moved=moved, settled=settled, waits=speech.talk)
            lines = run.run(found)
        done = BatchReceipt(
            batch=batch,
            vault_id=vault.vault_id,
            class_code=class_code,
            customer=owner.number if owner else None,
            started_at=started_at,
            finished_at=vault.now(),
            interrupted=run.interrupted,
            lines=lines,
        )
        _tell(invocation, done)
        if receipt_file is not None:
            _save(invocation, receipt_file, done)
    if run.interrupted:
        return exits.INTERRUPTED
    return exits.gravest(line.exit_code for line in lines)


def _tell(invocation: Invocation, done: BatchReceipt) -> None:
    for line in done.lines:
        if line.acknowledged is None:
            invocation.speech.warn(f"{line.outcome.value.replace('-', ' ')}: {line.path}: {line.message}")
        elif not line.acknowledged.agrees:
            invocation.speech.warn(f"broken: {line.path} was acknowledged with another size or digest")
    invocation.speech.data(done.document(), done.text())
    invocation.speech.talk(done.summary())


def _save(invocation: Invocation, file: TemporaryFile, done: BatchReceipt) -> None:
    try:
        file.write(encode(done.document()))
        file.keep()
    except StrongroomError as error:
        invocation.speech.warn(f"the batch is in the vault, but its receipt is not saved: {error.message}")
        raise
    invocation.speech.talk(f"the receipt is in {file.target}")


@contextlib.contextmanager
def _progress(
    found: Sequence[Source | Unfit], *, lively: bool
) -> Iterator[tuple[Callable[[int], None], Callable[[Line], None]]]:
    """Two listeners, for bytes and for lines; they draw a bar on stderr where somebody watches."""
    if not lively:
        yield _ignore, _ignore
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    mutex = threading.Lock()
    total_bytes = sum(each.size_bytes for each in found if isinstance(each, Source))
    columns = (
        TextColumn("{task.fields[files]}/{task.fields[all_files]} files"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total_bytes, files=0, all_files=len(found))
        count = 0

        def settled(line: Line) -> None:
            nonlocal count
            with mutex:
                count += 1
                bar.update(task, files=count)

        yield lambda moved: bar.advance(task, moved), settled


def _ignore(value: object) -> None:
    """Hears, and does nothing."""
