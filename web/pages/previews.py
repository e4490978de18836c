"""Looking at a record in its page: images of its pages, or their text, one at a time; and why it cannot be.

Rule 1: a page is looked at for a purpose that was named, and each look is an opening: the vault asks its gates.
Rule 2: what may say something about a person (a passage, an image) is kept by no cache.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from vault.errors import NotReadable, Unavailable
from vault.gates import PURPOSES
from vault.ids import RecordId
from vault.previews import PAGES_MAX
from vault.workflows import deriving, previews, retrieval
from vault.workflows.previews import Mark
from web.contents import SANDBOX
from web.forms import whole_number_of
from web.messages import message_text
from web.openings import VERSIONS_MAX, words_of
from web.sessions import is_led_here, require_not_led_here
from web.site import Visit

WIDTHS: Final = (900, 1400, 2200)
"""By zoom, in pixels of the image; the first one fits into its pane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """What the pane of a record's page shows. ``trouble`` says why nothing is shown."""

    page: int = 1
    pages: int = 0
    zoom: int = 1
    zooms: int = len(WIDTHS)
    image: str = ""
    size: tuple[int, int] = (1, 1)
    """Its proportions, so that nothing moves when it comes."""
    text: str | None = field(default=None, repr=False)
    mark: Mark | None = None
    address: str = ""
    query: str = ""
    trouble: str = ""

    def at(self, page: int, zoom: int | None = None) -> str:
        """Where another page, or this one in another size, is shown."""
        more = urlencode({"page": page, "zoom": zoom or self.zoom})
        return f"{self.address}?{self.query}&{more}#preview"


def viewer_of(visit: Visit, record_id: RecordId) -> Viewer | None:
    """What is to be shown now: nothing before a purpose is named and the gates let it pass. Blocking."""
    purpose = visit.query("purpose")
    if purpose not in PURPOSES or is_led_here(visit):
        return None
    if not retrieval.is_opened(visit.vault, visit.actor, record_id, purpose):
        return None
    query = visit.request.query_params
    asked = whole_number_of(query, "page", default=1, low=1, high=PAGES_MAX)
    zoom = whole_number_of(query, "zoom", default=1, low=1, high=len(WIDTHS))
    address = visit.path("record", record=record_id)
    try:
        look = previews.look_at(visit.vault, visit.actor, record_id, asked, purpose=purpose)
        page = look.page
        text, image = None, ""
        if look.is_text:
            text = previews.read_passage(visit.vault, visit.actor, record_id, page, purpose=purpose).text
        else:
            told = urlencode({"purpose": purpose, "page": page, "width": WIDTHS[zoom - 1]})
            image = visit.path("record-preview", record=record_id) + "?" + told
    except (NotReadable, Unavailable) as unreadable:
        return Viewer(address=address, trouble=message_text(visit.language, unreadable.message) or unreadable.message)
    return Viewer(
        page=page,
        pages=look.pages,
        zoom=zoom,
        image=image,
        size=(look.width, look.height),
        text=text,
        mark=look.mark,
        address=address,
        query=urlencode({"purpose": purpose}),
    )


def open_page(visit: Visit) -> Response:
    """One page as an image."""
    require_not_led_here(visit)
    query = visit.request.query_params
    drawn = previews.draw_page(
        visit.vault,
        visit.actor,
        visit.parameter("record"),
        whole_number_of(query, "page", default=1, low=1, high=PAGES_MAX),
        width=whole_number_of(query, "width", default=WIDTHS[0], low=WIDTHS[0], high=WIDTHS[-1]),
        ordinal=whole_number_of(query, "version", default=0, low=1, high=VERSIONS_MAX) or None,
        purpose=visit.query("purpose"),
        words=words_of(visit),
    )
    headers = {"Content-Disposition": "inline", "Content-Security-Policy": SANDBOX, "Cache-Control": "no-store"}
    return Response(drawn.body, media_type=drawn.media_type, headers=headers)


def open_picture(visit: Visit) -> Response:
    """The small picture of a record's first page, where its class has no gates."""
    require_not_led_here(visit)
    record = retrieval.find_record(visit.vault, visit.actor, visit.parameter("record"))
    picture = deriving.picture_of(visit.vault, visit.actor, record.id)
    headers = {"Content-Disposition": "inline", "Content-Security-Policy": SANDBOX, "Cache-Control": "no-store"}
    return Response(picture, media_type="image/webp", headers=headers)
