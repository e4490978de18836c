"""The parts that pages are put together from, side by side: for whoever makes pages, and for tests to look at."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from web.site import Visit


async def show_gallery(visit: Visit) -> Response:
    """Every part with samples of it."""
    now = visit.vault.now()
    return visit.site.templates.page(
        visit,
        "gallery.html",
        now=now,
        story=(("record-opened", now, "info"), ("record-filed", now - timedelta(days=3), "good")),
    )
