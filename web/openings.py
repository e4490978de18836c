"""Opening a record over HTTP, for pages and programs alike: purpose, version, range, HEAD."""

from __future__ import annotations

import base64
from typing import Final

from starlette.responses import Response

from vault.errors import InvalidInput, NotFound
from vault.gates import PURPOSES
from vault.ids import RecordId
from vault.records import ContentFacts, Version
from vault.workflows import retrieval
from web.contents import answer_content, answer_head, answer_unsatisfiable, content_headers, span_of
from web.forms import whole_number_of
from web.problems import RangeNotSatisfiable
from web.sessions import require_not_led_here
from web.site import Visit

VERSIONS_MAX = 1_000_000
WORDS_HEADER: Final = "Strongroom-Purpose-Words"


async def record_id_of(visit: Visit) -> RecordId:
    """The id of the record that the path names by id or file number. Raises ``NotFound``, ``NotAllowed``."""
    record = await visit.site.call(retrieval.find_record, visit.vault, visit.actor, visit.parameter("record"))
    return record.id


def etag_of(version: Version) -> str:
    """A strong ETag: the object's opaque id, for a version's bytes never change."""
    return f'"{version.object.object_id}"'


def answer_opening(visit: Visit) -> Response:
    """Opens a version for the purpose named in the query; blocking."""
    require_not_led_here(visit)
    query = visit.request.query_params
    ordinal = whole_number_of(query, "version", default=0, low=1, high=VERSIONS_MAX) or None
    if visit.request.method == "HEAD":
        record = retrieval.find_record(visit.vault, visit.actor, visit.parameter("record"))
        version, content = _facts(visit, record.id, ordinal)
        return answer_head(content_headers(content, etag=etag_of(version)), content.size_bytes)
    purpose = visit.query("purpose")
    if not purpose:
        raise InvalidInput(f"say what for: purpose is one of {', '.join(PURPOSES)}", field="purpose")
    return _open(visit, ordinal, purpose)


def _open(visit: Visit, ordinal: int | None, purpose: str) -> Response:
    key = visit.parameter("record")
    opening = retrieval.open_version(
        visit.vault, visit.actor, key, ordinal=ordinal, purpose=purpose, words=words_of(visit)
    )
    etag = etag_of(opening.version)
    try:
        span = span_of(visit, etag=etag, size_bytes=opening.size_bytes)
    except RangeNotSatisfiable as error:
        return answer_unsatisfiable(visit, error, opening.size_bytes)
    blocks = opening.stream(span.start, span.length) if span is not None else opening.stream()
    headers = content_headers(opening.content, etag=etag)
    return answer_content(visit.site, blocks, span, size_bytes=opening.size_bytes, headers=headers)


def words_of(visit: Visit) -> str:
    """What an opening is for, in words, as a header carries it in base64url: such words stand in no address.

    Raises ``InvalidInput``.
    """
    given = visit.request.headers.get(WORDS_HEADER, "")
    try:
        return base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode("utf-8")
    except ValueError:
        raise InvalidInput(f"{WORDS_HEADER} is UTF-8 in base64url", field="words") from None


def _facts(visit: Visit, record_id: RecordId, ordinal: int | None) -> tuple[Version, ContentFacts]:
    """What HEAD tells; nothing is opened, so nothing is logged."""
    for view in reversed(retrieval.show(visit.vault, visit.actor, record_id).versions):
        if ordinal in (None, view.version.ordinal):
            return view.version, view.content
    raise NotFound("there is no such version")
