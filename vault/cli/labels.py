"""``strongroom label print``: labels of records and boxes as PDF."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vault.cli.files import TemporaryFile
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import plain
from vault.errors import InvalidInput
from vault.labels import STOCKS, USUAL
from vault.workflows import labels, retrieval


@click.command("print")
@click.argument("record", nargs=-1)
@click.option("--box", "boxes", multiple=True, metavar="NUMBER", help="A box's label instead; may be repeated.")
@click.option("--stock", type=click.Choice(list(STOCKS)), default=USUAL, show_default=True, help="Sheet or roll.")
@click.option("--start", type=click.IntRange(min=1), default=1, help="The place of the first label on its sheet.")
@click.option("--copies", type=click.IntRange(min=1), default=1, help="How many of each.")
@click.option("--titles", is_flag=True, help="Print titles, too.")
@click.option("--output", "-o", required=True, metavar="FILE|-", help="Where to; - is stdout.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@speaking
@pass_invocation
def print_labels(
    invocation: Invocation,
    record: tuple[str, ...],
    boxes: tuple[str, ...],
    stock: str,
    start: int,
    copies: int,
    titles: bool,
    output: str,
    overwrite: bool,
) -> None:
    """Print labels of records, or of boxes, as PDF."""
    if bool(record) == bool(boxes):
        raise InvalidInput("name records, or boxes by --box; not both")
    address = invocation.address
    with invocation.acting() as (vault, actor):
        if boxes:
            printed = labels.print_box_labels(vault, actor, boxes, stock=stock, start=start, copies=copies)
        else:
            ids = [retrieval.find_record(vault, actor, each).id for each in record]
            printed = labels.print_record_labels(
                vault, actor, ids, address=address, stock=stock, start=start, titles=titles, copies=copies
            )
    if output == "-":
        sys.stdout.buffer.write(printed)
        return
    with TemporaryFile(Path(output), overwrite=overwrite) as file:
        file.write(printed)
        file.keep()
    count = (len(record) or len(boxes)) * copies
    invocation.speech.data({"labels": count, "file": output}, [f"{count} labels: {plain(output)}"])
