"""``strongroom class``: the classes that records are filed under."""

from __future__ import annotations

import click

from vault.classes import BUILT_IN, RecordClass
from vault.cli.documents import class_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import table


@click.command("list")
@speaking
@pass_invocation
def list_classes(invocation: Invocation) -> None:
    """List the classes: what they hold, how sensitive it is, how long it is kept and under which law."""
    rows = [
        (each.code, f"{each.title_zh} {each.title_en}", each.sensitivity.value, _period(each), each.mandate)
        for each in BUILT_IN
    ]
    invocation.speech.data(
        {"classes": [class_document(each) for each in BUILT_IN]},
        table(("CLASS", "TITLE", "SENSITIVITY", "KEPT", "LAW"), rows),
    )


def _period(record_class: RecordClass) -> str:
    if record_class.period_years is None:
        return "permanently"
    return f"{record_class.period_years} years from {record_class.trigger.value}"
