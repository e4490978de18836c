"""Labels: chosen records, the sheet or roll they are printed on, and the PDF."""

from __future__ import annotations

from starlette.responses import Response

from vault.errors import InvalidInput, Refused
from vault.ids import RecordId, could_be_key
from vault.labels import LABELS_MAX, STOCKS, USUAL
from vault.workflows import labels, retrieval
from web.contents import disposition
from web.forms import text_of, whole_number_of
from web.problems import PROBLEMS, describe
from web.site import Visit


async def show_labels(visit: Visit) -> Response:
    """What is chosen, and how it is to be printed."""
    return await visit.site.call(_page, visit, _ids(",".join(visit.request.query_params.getlist("record"))))


async def print_labels(visit: Visit) -> Response:
    """The labels as PDF."""
    return await visit.site.call(_print, visit)


def _print(visit: Visit) -> Response:
    record_ids = _ids(text_of(visit.form, "records"))
    try:
        printed = labels.print_record_labels(
            visit.vault,
            visit.actor,
            record_ids,
            address=visit.base_url + visit.site.prefix,
            stock=text_of(visit.form, "stock"),
            start=whole_number_of(visit.form, "start", default=1, low=1, high=LABELS_MAX),
            titles=text_of(visit.form, "titles") == "yes",
            copies=whole_number_of(visit.form, "copies", default=1, low=1, high=LABELS_MAX),
        )
    except InvalidInput as error:
        return _page(visit, record_ids, error=error)
    headers = {"Content-Disposition": disposition("labels.pdf"), "Cache-Control": "no-store"}
    return Response(printed, headers=headers, media_type="application/pdf")


def _page(visit: Visit, record_ids: list[RecordId], *, error: Refused | None = None) -> Response:
    views = retrieval.views_of(visit.vault, _known(visit, record_ids))
    return visit.site.templates.page(
        visit,
        "labels.html",
        status=PROBLEMS[error.code].status if error is not None else 200,
        views=views,
        stocks=tuple(STOCKS.values()),
        usual=USUAL,
        values=visit.form,
        error=describe(visit, error) if error is not None else None,
    )


def _known(visit: Visit, record_ids: list[RecordId]) -> list[RecordId]:
    """Those that exist for the visitor. Raises ``NotFound``, ``NotAllowed``."""
    return [retrieval.find_record(visit.vault, visit.actor, each).id for each in record_ids]


def _ids(told: str) -> list[RecordId]:
    named = [each for each in told.split(",") if each]
    if len(named) > LABELS_MAX or not all(could_be_key(each) for each in named):
        raise InvalidInput(f"at most {LABELS_MAX} labels are printed at once; print fewer", field="record")
    return [RecordId(each) for each in named]
