"""The parts that pages are put together from, side by side: for whoever makes pages, and for tests to look at."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from vault.workflows.previews import Mark
from web.pages.previews import Viewer
from web.site import Visit


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
        story=(("record-opened", now, "info"), ("record-filed", now - timedelta(days=3), "good")),
    )
