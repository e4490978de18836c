"""``strongroom certificate``: certificates of destruction, listed, shown, taken away, checked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, table
from vault.errors import Conflict, InvalidInput
from vault.workflows import certificates

if TYPE_CHECKING:
    from vault.certificates import Certificate
    from vault.cli.speech import JSON

LIMIT: Final = 50
SHOWN_MAX: Final = 20
_HEADINGS: Final = ("CERTIFICATE", "STATE", "GENERATION", "ISSUED", "DESTRUCTION")
_LANGUAGES: Final = ("zh", "en")


@click.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="At most so many.")
@speaking
@pass_invocation
def list_certificates(invocation: Invocation, limit: int) -> None:
    """List certificates of destruction, newest first."""
    with invocation.acting() as (vault, actor):
        found = certificates.list_certificates(vault, actor, limit=limit + 1)
    shown, more = found[:limit], len(found) > limit
    document: dict[str, JSON] = {"certificates": [_document(each) for each in shown], "more": more}
    rows = [
        (each.number, each.state.value, str(each.generation), local(each.issued_at), each.batch_id) for each in shown
    ]
    invocation.speech.data(document, table(_HEADINGS, rows) if rows else ())
    if not rows:
        invocation.speech.talk("no certificates")
    if more:
        invocation.speech.talk(f"there are more than {limit}; say --limit to see them")


@click.command("show")
@click.argument("certificate")
@speaking
@pass_invocation
def show(invocation: Invocation, certificate: str) -> None:
    """Show a certificate (by number or id), checked."""
    with invocation.acting() as (vault, actor):
        view = certificates.show_certificate(vault, actor, certificate)
    said = view.checked.statement
    document: dict[str, JSON] = {**_document(view.certificate), "statement": dict(said)}
    lines = [
        f"{view.certificate.number}  {view.certificate.state.value}",
        f"effective {said['effective_at']}, ground {said['ground']}, ordered by {said['ordered_by']}"
        + (", alone" if said["alone"] else ""),
        f"{len(said['records'])} records, {len(said['customers'])} customers",
        *(
            f"keeper {plain(each['name'])}: {'proven' if each['proven'] else 'NOT PROVEN'}"
            for each in said["keys"]["keepers"]
        ),
        *(f"  {each['number']}  {each['class']}" for each in said["records"][:SHOWN_MAX]),
    ]
    if len(said["records"]) > SHOWN_MAX:
        lines.append(f"  and {len(said['records']) - SHOWN_MAX} more; --json names all")
    invocation.speech.data(document, lines)


@click.command("export")
@click.argument("certificate")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--pdf", is_flag=True, help="A PDF for people, with the register (销毁清册), instead of the JSON.")
@click.option("--language", type=click.Choice(_LANGUAGES), multiple=True, help="Of the PDF; both where none is said.")
@speaking
@pass_invocation
def export(invocation: Invocation, certificate: str, file: Path, pdf: bool, language: tuple[str, ...]) -> None:
    """Write a certificate into a new FILE. scripts/verify_certificate checks the JSON, without Strongroom."""
    if language and not pdf:
        raise InvalidInput("only a PDF has a language; say --pdf, or leave --language out", field="language")
    with invocation.acting() as (vault, actor):
        if pdf:
            body = certificates.print_certificate(vault, actor, certificate, languages=language or _LANGUAGES)
        else:
            body = certificates.show_certificate(vault, actor, certificate).document
    _write(file, body)
    invocation.speech.data({"file": str(file), "size_bytes": len(body)}, [f"wrote {plain(str(file))}"])


@click.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@speaking
@pass_invocation
def verify(invocation: Invocation, file: Path) -> None:
    """Check a certificate's JSON against itself and the keys of this vault's log."""
    with invocation.acting() as (vault, actor):
        checked = certificates.verify_certificate(vault, actor, file.read_bytes())
    size = checked.checkpoint.size if checked.checkpoint is not None else None
    number = str(checked.statement["number"])
    told = f"in the log, under its checkpoint of {size} entries" if size else "the log does not prove it yet"
    invocation.speech.data({"number": number, "checkpoint": size}, [f"{plain(number)} is signed; {told}"])


@click.command("names")
@click.argument("certificate")
@speaking
@pass_invocation
def names(invocation: Invocation, certificate: str) -> None:
    """Show the names behind a certificate's ids, each with the nonce that proves it to an outsider."""
    with invocation.acting() as (vault, actor):
        found = certificates.named_people(vault, actor, certificate)
    document: dict[str, JSON] = {
        "names": [{"person": each.person_id, "name": each.name, "nonce": each.nonce.hex()} for each in found]
    }
    rows = [(each.person_id, each.name, each.nonce.hex()) for each in found]
    invocation.speech.data(document, table(("PERSON", "NAME", "NONCE"), rows) if rows else ())
    if not rows:
        invocation.speech.talk("it names nobody who is a person in this vault")


@click.command("issue")
@click.option("--without-paper", is_flag=True, help="Do not wait for the destruction of paper originals.")
@speaking
@pass_invocation
def issue(invocation: Invocation, without_paper: bool) -> None:
    """Issue what is due now. Upkeep does so by itself; doing it twice is harmless."""
    with invocation.acting() as (vault, actor):
        told = certificates.issue_now(vault, actor, without_paper=without_paper)
    invocation.speech.data(dict(told.values), [told.text])


def _document(certificate: Certificate) -> dict[str, JSON]:
    return {
        "id": certificate.id,
        "number": certificate.number,
        "state": certificate.state.value,
        "destruction": certificate.batch_id,
        "generation": certificate.generation,
        "issued_at": iso(certificate.issued_at),
        "statement_sha256": certificate.statement_sha256.hex(),
    }


def _write(path: Path, body: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise Conflict(f"{path} cannot be written: {exc.strerror}; name another place") from exc
