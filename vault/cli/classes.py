"""``strongroom class``: the classes that records are filed under."""

from __future__ import annotations

import click

from vault.classes import RecordClass
from vault.cli.documents import class_document
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import table
from vault.workflows import schedules


@click.command("list")
@speaking
@pass_invocation
def list_classes(invocation: Invocation) -> None:
    """List the classes: what they hold, how sensitive it is, how long it is kept and under which law."""
    with invocation.acting() as (vault, actor):
        classes = [each.rule for each in schedules.governing_rules(vault, actor) if each.is_in_force]
    rows = [
        (each.code, f"{each.title_zh} {each.title_en}", each.sensitivity.value, period_text(each), each.mandate)
        for each in classes
    ]
    invocation.speech.data(
        {"classes": [class_document(each) for each in classes]},
        table(("CLASS", "TITLE", "SENSITIVITY", "KEPT", "LAW"), rows),
    )


def period_text(record_class: RecordClass) -> str:
    """How long, in English."""
    if record_class.period_years is None:
        return "permanently"
    parts = []
    if record_class.period_years or not record_class.period_months:
        parts.append(f"{record_class.period_years} years")
    if record_class.period_months:
        parts.append(f"{record_class.period_months} months")
    return f"{' and '.join(parts)} from {record_class.trigger.value}"
