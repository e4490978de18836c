"""``strongroom record open|export``: a record's bytes, opened for whoever asks or sealed for other tools.

Rule 1: what may be refused is refused before the opening goes into the log, and a file stands under its name only when
every byte of it was verified.
Rule 2: on stdout bytes appear as they are verified, frame by frame; a later frame that is broken ends the command with
an error, so the exit code belongs to the bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from vault.cli.documents import content_document
from vault.cli.files import TemporaryFile
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.moments import byte_range
from vault.cli.plain import size
from vault.cli.speech import JSON
from vault.errors import InvalidInput, SealBroken
from vault.gates import PURPOSES
from vault.records import checked_file_name
from vault.workflows import retrieval
from vault.workflows.retrieval import Opening

STDOUT: Final = "-"


@click.command("open")
@click.argument("record")
@click.option("--version", "ordinal", type=click.IntRange(min=1), help="The version; otherwise the current one.")
@click.option("--output", "-o", metavar="FILE|FOLDER|-", help="Where to; - is stdout, as without it in a pipe.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.option(
    "--purpose", type=click.Choice(PURPOSES), default=PURPOSES[0], show_default=True, help="What for; the log keeps it."
)
@click.option("--words", default="", help="What for, in words; sensitive and important records ask for them.")
@click.option(
    "--range", "wanted", metavar="FIRST-LAST", help="Only these bytes, counted from 0; also FIRST- or -COUNT."
)
@speaking
@pass_invocation
def open_record(
    invocation: Invocation,
    record: str,
    ordinal: int | None,
    output: str | None,
    overwrite: bool,
    purpose: str,
    words: str,
    wanted: str | None,
) -> None:
    """Write a record's bytes to stdout or to a file. The opening is logged before the first byte."""
    speech = invocation.speech
    if output is None and sys.stdout.isatty():
        raise click.UsageError("the bytes would go to the terminal; say --output FILE, or --output - to have that")
    to_stdout = output in (None, STDOUT)
    if to_stdout and speech.json:
        raise click.UsageError("with --json stdout is the document's; say --output FILE")
    with invocation.acting() as (vault, actor):
        known = retrieval.find_record(vault, actor, record)
        if to_stdout:
            opening = retrieval.open_version(vault, actor, known.id, ordinal=ordinal, purpose=purpose, words=words)
            for block in opening.stream(*_span(opening, wanted)):
                sys.stdout.buffer.write(block)
            sys.stdout.flush()
            return
        target = Path(output or "")
        if str(output).endswith("/") and not target.is_dir():
            raise InvalidInput(f"there is no folder {target}; make it, or name a file", field="output")
        if target.is_dir():
            story = retrieval.show(vault, actor, known.id)
            target = target / _own_name(story, ordinal or known.current_ordinal)
        with TemporaryFile(target, overwrite=overwrite) as file:
            opening = retrieval.open_version(vault, actor, known.id, ordinal=ordinal, purpose=purpose, words=words)
            start, length = _span(opening, wanted)
            _copy(opening.stream(start, length), file, None if wanted else opening.content.sha256)
            file.keep()
    document: dict[str, JSON] = {
        "id": known.id,
        "number": known.number,
        "version": opening.version.ordinal,
        **content_document(opening.content),
        "range": {"start": start, "length": length} if wanted else None,
        "path": str(target),
    }
    speech.data(document, [str(target)])
    speech.talk(f"{size(opening.size_bytes if length is None else length)} of {known.number} are in {target}, opened")


def _span(opening: Opening, wanted: str | None) -> tuple[int, int | None]:
    return (0, None) if wanted is None else byte_range(wanted, size_bytes=opening.size_bytes)


def _own_name(story: retrieval.RecordStory, ordinal: int) -> str:
    for each in story.versions:
        if each.version.ordinal == ordinal:
            return checked_file_name(each.content.file_name)
    raise InvalidInput(f"record {story.view.record.number} has no version {ordinal}", field="version")


def _copy(blocks: Iterator[bytes], file: TemporaryFile, sha256: bytes | None) -> None:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
        file.write(block)
    if sha256 is not None and not hmac.compare_digest(digest.digest(), sha256):
        raise SealBroken("the bytes are not those that were filed; nothing was written; run `strongroom doctor --deep`")


@click.command("export")
@click.argument("record")
@click.option("--sealed", is_flag=True, required=True, help="The sealed object and its key: the one form there is yet.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), required=True, help="The folder; it is made if missing."
)
@click.option("--version", "ordinal", type=click.IntRange(min=1), help="The version; otherwise the current one.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@speaking
@pass_invocation
def export(
    invocation: Invocation, record: str, sealed: bool, output: Path, ordinal: int | None, overwrite: bool
) -> None:
    """Write the sealed object and its key, so that the stock AWS Encryption SDK or scripts/open_sealed can open it."""
    with invocation.acting(fresh=True) as (vault, actor):
        known = retrieval.find_record(vault, actor, record)
        name = f"{known.number}-v{ordinal or known.current_ordinal}"
        _make_folder(output)
        object_path, key_path = output / f"{name}.sealed", output / f"{name}.key.json"
        with (
            TemporaryFile(object_path, overwrite=overwrite) as object_file,
            TemporaryFile(key_path, overwrite=overwrite) as key_file,
        ):
            exported = retrieval.export_sealed(vault, actor, known.id, ordinal=ordinal)
            written = 0
            for block in exported.stream():
                object_file.write(block)
                written += len(block)
            if written != exported.sealed_size_bytes:
                raise SealBroken(f"the store gave {written} of {exported.sealed_size_bytes} bytes; nothing was written")
            key_file.write(exported.key_file)
            object_file.keep()
            key_file.keep()
    document: dict[str, JSON] = {
        "id": known.id,
        "number": known.number,
        "version": ordinal or known.current_ordinal,
        "sealed_path": str(object_path),
        "sealed_size_bytes": written,
        "key_path": str(key_path),
    }
    invocation.speech.data(document, [str(object_path), str(key_path)])
    invocation.speech.warn(
        f"{key_path} opens this record for whoever has it, and destroying the record does not reach it: "
        "keep it apart from the object, and delete it when it has served"
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"{folder} cannot be made ({error.strerror}); name another folder", field="output"
        ) from error
