"""The parts that pages are put together from, side by side: for whoever makes pages, and for tests to look at."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from vault.filingreports import Examination, Finding, Property, Verdict
from vault.workflows.previews import Mark
from web.findings import properties_said
from web.pages.previews import Viewer
from web.site import Visit

_EXAMINED: Final = Examination(
    ordinal=1,
    findings=(
        Finding(property=Property.AUTHENTIC, code="declared", verdict=Verdict.PASSED, facts={}),
        Finding(property=Property.COMPLETE, code="size-same", verdict=Verdict.PASSED, facts={"bytes": 48213}),
        Finding(property=Property.USABLE, code="type-unknown", verdict=Verdict.WARNED, facts={}),
        Finding(property=Property.SAFE, code="has-macro", verdict=Verdict.FAILED, facts={}),
    ),
)


async def show_gallery(visit: Visit) -> Response:
    """Every part with samples of it."""
    now = visit.vault.now()
    return visit.site.templates.page(
        visit,
        "gallery.html",
        now=now,
        viewer=Viewer(
            page=2,
            pages=3,
            text="1. The tenant pays on the first day of each month.",
            mark=Mark(name="Anna Berger", person_id="", at=now, entry=117),
            address=visit.path("gallery"),
            query="purpose=business",
        ),
        properties=properties_said(visit.language, _EXAMINED, []),
        story=(("record-opened", now, "info"), ("record-filed", now - timedelta(days=3), "good")),
    )
