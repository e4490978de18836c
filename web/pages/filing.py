"""Filing records (归档): class and trigger are confirmed, and what is found is shown before.

Rule 1: where a property failed, a record is filed by somebody who saw that and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput, NotAllowed, NotFound, Refused, StrongroomError
from vault.filingreports import Examination, Property, Verdict, Way, worst
from vault.ids import RecordId, could_be_key
from vault.permissions import Action
from vault.records import Record
from vault.workflows import filingreports, holding, retrieval
from vault.workflows.examining import Reading
from web.classes import classes_of
from web.findings import SaidProperty, properties_said
from web.forms import date_of, text_of
from web.notices import say
from web.openings import record_id_of
from web.problems import PROBLEMS, describe
from web.site import Visit

AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A chosen record with what is found about it, or why it cannot be filed."""

    record: Record
    title: str
    verdicts: Mapping[Property, Verdict]
    refusal: str = ""

    @property
    def worst(self) -> Verdict:
        """The gravest of the four."""
        return worst(self.verdicts.values())


async def show_filing(visit: Visit) -> Response:
    """The form that files a record."""
    return await visit.site.call(_page, visit, await record_id_of(visit))


async def file_record(visit: Visit) -> Response:
    """Files a record."""
    return await visit.site.call(_file, visit, await record_id_of(visit))


async def show_report(visit: Visit) -> Response:
    """One report of a record, on a page that can be printed."""
    return await visit.site.call(_report, visit, await record_id_of(visit))


async def show_many(visit: Visit) -> Response:
    """What is found about the chosen records, with its counts."""
    return await visit.site.call(_many, visit, _ids(",".join(visit.request.query_params.getlist("record"))))


async def file_many(visit: Visit) -> Response:
    """Files the chosen records, each under its class."""
    return await visit.site.call(_file_many, visit)


def said_of(visit: Visit, examination: Examination, twins: Sequence[Record]) -> Sequence[SaidProperty]:
    """The findings of an examination, in the visitor's language."""
    return properties_said(visit.language, examination, twins)


def _file(visit: Visit, record_id: RecordId) -> Response:
    try:
        class_code = text_of(visit.form, "class")
        if not class_code:
            raise InvalidInput("a record needs a class; choose one", field="class")
        holding.file_record(
            visit.vault,
            visit.actor,
            record_id,
            class_code=class_code,
            trigger_on=date_of(visit.form, "trigger_on"),
            reason=text_of(visit.form, "reason"),
            way=Way.PAGE,
            address=visit.origin,
        )
    except Refused as error:
        return _page(visit, record_id, error=error)
    return say(visit, RedirectResponse(visit.path("record", record=record_id), 303), "record-filed")


def _page(visit: Visit, record_id: RecordId, *, error: Refused | None = None) -> Response:
    story = retrieval.show(visit.vault, visit.actor, record_id)
    known = classes_of(visit, Action.FILE_RECORD)
    try:
        examination = holding.examine_filing(
            visit.vault,
            visit.actor,
            record_id,
            class_code=text_of(visit.form, "class") or None,
            trigger_on=date_of(visit.form, "trigger_on"),
        )
    except (InvalidInput, NotFound):  # of the form's own values, which are told beside it
        examination = holding.examine_filing(visit.vault, visit.actor, record_id)
    return visit.site.templates.page(
        visit,
        "filing.html",
        classes=known.offered,
        status=PROBLEMS[error.code].status if error is not None else 200,
        view=story.view,
        record=story.view.record,
        properties=said_of(visit, examination, filingreports.twins_named(visit.vault, visit.actor, examination)),
        failed=examination.failed,
        values=visit.form,
        error=describe(visit, error) if error is not None else None,
        error_field=getattr(error, "field", None) or "class",
    )


def _report(visit: Visit, record_id: RecordId) -> Response:
    told = visit.parameter("number")
    if not told.isdecimal() or len(told) > 9:
        raise NotFound("this record has no such filing report; look at its page")
    view = filingreports.show_report(visit.vault, visit.actor, record_id, int(told))
    story = retrieval.show(visit.vault, visit.actor, record_id)
    return visit.site.templates.page(
        visit,
        "filing_report.html",
        story=story,
        record=view.record,
        report=view.report,
        properties=said_of(visit, view.report.examination, view.twins),
    )


def _many(
    visit: Visit, record_ids: Sequence[RecordId], *, filed: Sequence[str] = (), error: StrongroomError | None = None
) -> Response:
    reading = Reading()
    rows = [_row(visit, record_id, reading) for record_id in record_ids]
    return visit.site.templates.page(
        visit,
        "filings.html",
        status=PROBLEMS[error.code].status if error is not None else 200,
        rows=rows,
        fileable=[each for each in rows if not each.refusal],
        failing=[each for each in rows if not each.refusal and each.worst is Verdict.FAILED],
        counts=[(verdict, sum(not each.refusal and each.worst is verdict for each in rows)) for verdict in Verdict],
        filed=filed,
        values=visit.form,
        error=describe(visit, error) if error is not None else None,
        class_title=classes_of(visit).title,
    )


def _file_many(visit: Visit) -> Response:
    filed: list[str] = []
    left: list[RecordId] = []
    error: StrongroomError | None = None
    reading = Reading()
    knowing = set(text_of(visit.form, "failing").split(","))
    reason, trigger_on = text_of(visit.form, "reason"), date_of(visit.form, "trigger_on")
    for record_id in _ids(text_of(visit.form, "records")):
        try:
            done = holding.file_record(
                visit.vault,
                visit.actor,
                record_id,
                trigger_on=trigger_on,
                # The reason is for what was shown as failing, and for nothing that fails only now.
                reason=reason if record_id in knowing else "",
                way=Way.PAGE,
                address=visit.origin,
                reading=reading,
            )
        except (NotFound, NotAllowed) as gone:  # it is not there any more, for whoever asks
            error = error or gone
        except StrongroomError as refusal:  # what was filed before is told all the same
            left.append(record_id)
            error = error or refusal
        else:
            filed.append(done.number)
    if error is not None:
        return _many(visit, left, filed=filed, error=error)
    return say(visit, RedirectResponse(visit.path("records"), 303), "records-filed")


def _row(visit: Visit, record_id: RecordId, reading: Reading) -> Row:
    """Raises ``NotFound``, ``NotAllowed``."""
    record = retrieval.find_record(visit.vault, visit.actor, record_id)
    (view,) = retrieval.views_of(visit.vault, [record.id])
    title = view.description.title if view.description is not None else ""
    try:
        examination = holding.examine_filing(visit.vault, visit.actor, record.id, reading=reading)
    except StrongroomError as refusal:
        return Row(record=record, title=title, verdicts={}, refusal=describe(visit, refusal))
    return Row(record=record, title=title, verdicts=examination.verdicts)


def _ids(told: str) -> list[RecordId]:
    named = list(dict.fromkeys(each for each in told.split(",") if each))
    if len(named) > AT_ONCE or not all(could_be_key(each) for each in named):
        raise InvalidInput(f"at most {AT_ONCE} records are filed at once; choose fewer", field="record")
    return [RecordId(each) for each in named]
