"""One record: what is seen of it, what is known of it, its whole story; and its bytes."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vault.ids import RecordId
from vault.paper import PaperMethod
from vault.permissions import Action
from vault.previews import kind_of
from vault.schedule import today
from vault.workflows import alarms, deriving, duplicates, filingreports, paper, retrieval, sharing
from web.openings import answer_opening, record_id_of
from web.pages.previews import viewer_of
from web.site import Visit
from web.stories import story_told
from web.verdicts import reasons_said

LINKS_COUNTED: Final = 100


async def show_record(visit: Visit) -> Response:
    """A record's page; with a purpose, and asked to, it shows one of the record's pages."""
    return await visit.site.call(_page, visit, await record_id_of(visit))


def _page(visit: Visit, record_id: RecordId) -> Response:
    story = retrieval.show(visit.vault, visit.actor, record_id)
    names = visit.site.names.of(visit)
    purpose = visit.query("purpose")
    content = story.view.content
    previewed = content is not None and kind_of(content.media_type, content.file_name) is not None
    # Looked at first, so that the story holds this opening, too.
    viewer = viewer_of(visit, record_id) if previewed else None
    story = retrieval.show(visit.vault, visit.actor, record_id) if viewer is not None else story
    return visit.site.templates.page(
        visit,
        "record.html",
        story=story,
        view=story.view,
        twins=duplicates.twins_of(visit.vault, visit.actor, record_id),
        record=story.view.record,
        reports=filingreports.list_reports(visit.vault, visit.actor, record_id) if content is not None else (),
        record_class=story.rule,
        paper=paper.show_paper(visit.vault, visit.actor, record_id),
        paper_methods=tuple(PaperMethod),
        links_open=_links_open(visit, record_id),
        reasons=reasons_said(visit.language, story.verdict),
        told=story_told(visit.language, story, names, me=visit.actor.person_id, today=today(visit.vault.now())),
        previewed=previewed,
        pictured=bool(deriving.pictured(visit.vault, visit.actor, [story.view.record])),
        viewer=viewer,
        purpose=purpose,
    )


def _links_open(visit: Visit, record_id: RecordId) -> int:
    """How many links to the record work now, of its newest ones."""
    if not visit.may(Action.LIST_LINKS) or alarms.am_suspended(visit.vault, visit.actor):
        return 0
    found = sharing.list_links(visit.vault, visit.actor, record_id=record_id, limit=LINKS_COUNTED)
    return sum(each.state == "open" for each in found)


def open_content(visit: Visit) -> Response:
    """A version as a download."""
    return answer_opening(visit)
