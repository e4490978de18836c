"""``strongroom record report``: what was found about a record's four properties (四性) whenever it was filed."""

from __future__ import annotations

from collections.abc import Iterator

import click

from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, plain_lines
from vault.cli.speech import JSON
from vault.filingreports import Examination, FilingReport, Verdict
from vault.findings import document_of, explain
from vault.workflows import filingreports, retrieval


@click.command("report")
@click.argument("record")
@speaking
@pass_invocation
def show_reports(invocation: Invocation, record: str) -> None:
    """Show what was found about a record's four properties whenever it was filed, the newest first."""
    with invocation.acting() as (vault, actor):
        known = retrieval.find_record(vault, actor, record)
        reports = [each.report for each in filingreports.list_reports(vault, actor, known.id)]
    lines = (line for each in reports for line in _report_lines(known.number, each))
    documents: list[JSON] = [_report_document(each) for each in reports]
    invocation.speech.data({"record": known.id, "number": known.number, "reports": documents}, lines)
    if not reports:
        invocation.speech.talk(f"{known.number} has no filing report: it is not filed, or was before there were any")


def examination_lines(number: str, examination: Examination) -> Iterator[str]:
    """What was found, for people."""
    yield f"{number}  version {examination.ordinal}"
    for its_property, verdict in examination.verdicts.items():
        yield f"  {its_property.value}: {verdict.value}"
        for found in examination.of(its_property):
            mark = "" if found.verdict is Verdict.PASSED else f"{found.verdict.value}: "
            yield f"    {mark}{plain(explain(found))}"


def _report_document(report: FilingReport) -> dict[str, JSON]:
    return {
        "number": report.number,
        "filed_by": report.filed_by,
        "filed_at": iso(report.filed_at),
        "way": report.way.value,
        "address": report.address,
        "reason": report.reason,
        **document_of(report.examination),
    }


def _report_lines(number: str, report: FilingReport) -> Iterator[str]:
    where = f" from {plain(report.address)}" if report.address else ""
    yield f"report {report.number}  {local(report.filed_at)}  by {report.filed_by}, {report.way.value}{where}"
    if report.reason:
        yield f"  filed all the same: {' / '.join(plain_lines(report.reason))}"
    yield from examination_lines(number, report.examination)
