"""``strongroom audit``: read the log, prove an entry, check everything, take it away."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vault.audit import Event, NumberedEntry
from vault.cli import exits
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, table
from vault.cli.speech import JSON
from vault.errors import Conflict, InvalidInput, StrongroomError
from vault.permissions import Action, Actor
from vault.workflows import log, logchecks, logdetails
from vault.workflows.vault import Vault

if TYPE_CHECKING:
    from vault.logchecks import KeptCheck, LogVerdict
    from vault.workflows.logcheck import Progress

LIMIT = 50
_PAGE = 500
_HEADINGS = ("NUMBER", "AT", "EVENT", "ACTOR", "SUBJECT", "DETAIL")


@click.command("tail")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@click.option("--words", is_flag=True, help="Open what is sealed beside the entries, where its key still lives.")
@speaking
@pass_invocation
def tail(invocation: Invocation, limit: int, words: bool) -> None:
    """Show the newest entries, the last one at the end."""
    with invocation.acting() as (vault, actor):
        actor.require(Action.READ_LOG)
        found = list(_found(vault, limit))[::-1]
        _tell(invocation, vault, actor, found, words=words)


@click.command("search")
@click.option("--subject", metavar="ID", help="Entries about this record, customer, link or person (its id).")
@click.option("--actor", "who", metavar="ID", help="Entries of what this person did (id, or operator, or clock).")
@click.option("--event", type=click.Choice([each.value for each in Event]), help="Entries that tell this.")
@click.option("--since", metavar="TIME", help="From this day or time on (ISO 8601).")
@click.option("--until", metavar="TIME", help="Up to this time, or the end of this day (ISO 8601).")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@click.option("--words", is_flag=True, help="Open what is sealed beside the entries, where its key still lives.")
@speaking
@pass_invocation
def search(
    invocation: Invocation,
    subject: str | None,
    who: str | None,
    event: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    words: bool,
) -> None:
    """Find entries, newest first."""
    wanted = {
        "subject": subject,
        "actor": who,
        "event": Event(event) if event else None,
        "since": _moment(since, "since", end=False) if since else None,
        "until": _moment(until, "until", end=True) if until else None,
    }
    with invocation.acting() as (vault, actor):
        actor.require(Action.READ_LOG)
        _tell(invocation, vault, actor, list(_found(vault, limit, **wanted)), words=words)


@click.command("prove")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--out", type=click.Path(path_type=Path), help="Write the proof (C2SP tlog-proof) to this new file.")
@speaking
@pass_invocation
def prove(invocation: Invocation, number: int, out: Path | None) -> None:
    """Prove that an entry is in the published log; publishes it first where it is not yet."""
    with invocation.acting() as (vault, actor):
        actor.require(Action.READ_LOG)
        proof = log.prove(vault, number)
    if out is not None:
        _write(out, proof.to_bytes())
    document: dict[str, JSON] = {
        "number": number,
        "index": proof.index,
        "entry": proof.entry.decode(),
        "path": [base64.b64encode(each).decode() for each in proof.path],
        "size": proof.checkpoint.size,
        "root": base64.b64encode(proof.checkpoint.root).decode(),
        "checkpoint": proof.note.decode(),
        "keys": [key.text for key in proof.keys],
    }
    invocation.speech.data(document, [plain(proof.entry.decode()), *proof.to_bytes().decode().splitlines()])


@click.command("verify")
@click.option(
    "--older",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A checkpoint that was taken away before; may be repeated.",
)
@speaking
@pass_invocation
def verify(invocation: Invocation, older: tuple[Path, ...]) -> int:
    """Check the whole published log against itself, against the catalogue, and against checkpoints kept elsewhere.

    The verdict is kept; `audit checks` shows it.
    """
    with invocation.acting() as (vault, actor), _progress(lively=invocation.speech.lively) as progress:
        check = logchecks.check_now(vault, actor, older=[each.read_bytes() for each in older], progress=progress)
    told = check.verdict
    if told is None:
        raise Conflict("another process has taken this check over; look at `strongroom audit checks`")
    invocation.speech.data(_check_document(check), _verdict_lines(told))
    return exits.OK if told.holds else exits.BROKEN


@click.command("checks")
@click.option("--limit", type=click.IntRange(min=1), default=logchecks.SHOWN_MAX, show_default=True)
@speaking
@pass_invocation
def checks(invocation: Invocation, limit: int) -> int:
    """Show the checks of the log that were made: who asked, when, up to which entry, and what came of each."""
    with invocation.acting() as (vault, actor):
        found = logchecks.newest(vault, actor, limit=limit)
        open_check = logchecks.underway(vault, actor)
    shown = [*([open_check] if open_check else []), *found]
    rows = [(local(each.ended_at or each.asked_at), each.asked_by, str(each.done), _came_of(each)) for each in shown]
    documents: list[JSON] = [_check_document(each) for each in shown]
    invocation.speech.data({"checks": documents}, table(("AT", "ASKED BY", "UP TO", "VERDICT"), rows) if rows else ())
    if not rows:
        invocation.speech.talk("the log was never checked; run `strongroom audit verify`")
    newest = next((each.verdict for each in found if each.verdict is not None), None)
    return exits.OK if newest is None or newest.holds else exits.BROKEN


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@speaking
@pass_invocation
def export(invocation: Invocation, folder: Path) -> None:
    """Write the whole published log into a new FOLDER, for an auditor to take away and check alone."""
    if folder.exists():
        raise Conflict(f"{folder} exists already; name a new folder")
    files = size_bytes = 0
    with invocation.acting() as (vault, actor):
        for name, body in log.export(vault, actor):
            _write(folder.joinpath(*name.split("/")), body)
            files, size_bytes = files + 1, size_bytes + len(body)
    document: dict[str, JSON] = {"folder": str(folder), "files": files, "size_bytes": size_bytes}
    invocation.speech.data(document, [f"{files} files in {plain(str(folder))}; check them with scripts/verify_audit"])


@click.command("keys")
@speaking
@pass_invocation
def keys(invocation: Invocation) -> None:
    """Show the log's verifier keys, oldest first: keep the newest one outside, to check exports with."""
    from vault.workflows.logstore import verifier_keys

    with invocation.acting() as (vault, actor):
        actor.require(Action.READ_LOG)
        texts = [key.text for key in verifier_keys(vault)]
    invocation.speech.data({"keys": texts}, texts)


@click.command("rotate-key")
@speaking
@pass_invocation
def rotate_key(invocation: Invocation) -> None:
    """Put a new signing key in force: the old one signs it in the log, and checkpoints too for another 30 days."""
    from vault.workflows import logkeys

    with invocation.acting(tends=True, fresh=True) as (vault, actor):
        text = logkeys.rotate_key(vault, actor).text
    invocation.speech.data({"key": text}, [text])
    invocation.speech.talk("keep this line outside the vault; exports are checked by it, or by the one before")


def _found(vault: Vault, limit: int, **wanted: object) -> Iterator[NumberedEntry]:
    before: int | None = None
    while limit:
        with vault.catalogue.read() as tx:
            page = tx.audit.page(before=before, limit=min(limit, _PAGE), **wanted)  # type: ignore[arg-type]  # filters by name
        if not page:
            return
        yield from page
        limit, before = limit - len(page), page[-1].number


def _tell(invocation: Invocation, vault: Vault, actor: Actor, found: Sequence[NumberedEntry], *, words: bool) -> None:
    sealed = {each.number: _words(vault, actor, each) for each in found} if words else {}
    documents: list[JSON] = [_document(each, sealed.get(each.number)) for each in found]
    rows = [
        (
            str(each.number),
            local(each.entry.at),
            each.entry.event.value,
            each.entry.actor,
            each.entry.subject,
            _detail_text(each, sealed.get(each.number)),
        )
        for each in found
    ]
    invocation.speech.data({"entries": documents}, table(_HEADINGS, rows) if rows else ())
    if not rows:
        invocation.speech.talk("no entries")


def _words(vault: Vault, actor: Actor, numbered: NumberedEntry) -> dict[str, str] | None:
    if logdetails.COMMITMENT not in numbered.entry.detail:
        return None
    try:
        return logdetails.read_sealed(vault, actor, numbered.number)
    except StrongroomError as error:
        return {"unreadable": error.code}


def _document(numbered: NumberedEntry, sealed: dict[str, str] | None) -> JSON:
    entry = numbered.entry
    return {
        "number": numbered.number,
        "at": iso(entry.at),
        "actor": entry.actor,
        "event": entry.event.value,
        "subject": entry.subject,
        "detail": dict(entry.detail),
        "words": sealed,
    }


def _detail_text(numbered: NumberedEntry, sealed: dict[str, str] | None) -> str:
    told = {**numbered.entry.detail, **(sealed or {})}
    return " ".join(f"{name}={value}" for name, value in told.items() if name != logdetails.COMMITMENT)


@contextmanager
def _progress(*, lively: bool) -> Iterator[Progress]:
    """How many entries are looked at, for whoever watches."""
    if not lively:
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("entries", total=None)
        yield lambda done, of: bars.update(task, completed=done, total=of)


def _check_document(check: KeptCheck) -> dict[str, JSON]:
    told = check.verdict
    document: dict[str, JSON] = {
        "id": check.id,
        "asked_by": check.asked_by,
        "asked_at": iso(check.asked_at),
        "ended_at": iso(check.ended_at) if check.ended_at else None,
        "done": check.done,
        "holds": told.holds if told else None,
    }
    if told is not None:
        document |= {
            "size": told.size,
            "root": base64.b64encode(told.root).decode(),
            "waiting": told.waiting,
            "changed": list(told.changed),
            "missing": list(told.missing),
            "problems": list(told.problems),
        }
    return document


def _came_of(check: KeptCheck) -> str:
    if check.verdict is None:
        return "waits" if check.begun_at is None else f"under way, of {check.total}"
    return "holds" if check.verdict.holds else "DOES NOT HOLD"


def _verdict_lines(told: LogVerdict) -> Iterator[str]:
    yield f"{told.size} entries are published, {told.waiting} wait; root {base64.b64encode(told.root).decode()}"
    for name, numbers in (("CHANGED in the catalogue", told.changed), ("MISSING in the catalogue", told.missing)):
        if numbers:
            yield f"{name}: entries {', '.join(map(str, numbers))}"
    yield from (f"BROKEN: {plain(each)}" for each in told.problems)
    yield "the log holds" if told.holds else "THE LOG DOES NOT HOLD"


def _moment(text: str, field: str, *, end: bool) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{field} is not a time; write 2026-03-01 or 2026-03-01T12:00", field=field) from None
    if end and len(text) == len("2026-03-01"):
        moment = moment.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return moment.astimezone(UTC)


def _write(path: Path, body: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise Conflict(f"{path} cannot be written: {exc.strerror}; name another place") from exc
