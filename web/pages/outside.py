"""Links as their holders see them: a landing page, a use taken by POST, a download bound to that use.

Rule 1: GET and HEAD of a landing page take nothing: mail scanners follow links.
Rule 2: the use's token is the last segment of the download's path. A cookie would fail whoever follows the redirect
without a cookie jar (``curl -L``), and download managers that are handed an address only; the price is that the address
opens the file until the use ends, 24 hours and 1.5 times the file at most, and only while the link is alive.
Rule 3: what a link leads to is always a download; nothing is shown in our origin, and nothing is told before its pass
code.
"""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.errors import PassCodeWrong
from vault.workflows import sharing
from web.contents import answer_content, answer_head, answer_unsatisfiable, content_headers, span_of
from web.openings import etag_of
from web.problems import RangeNotSatisfiable, describe
from web.site import Visit


async def show_link(visit: Visit) -> Response:
    """The landing page."""
    return await _landing(visit, status=200)


async def take_use(visit: Visit) -> Response:
    """Takes one use and leads to the download."""
    token = visit.parameter("token")
    try:
        use_token = await visit.site.call_hashing(
            sharing.take_use, visit.vault, token, pass_code=visit.form.get("pass_code") or None, origin=visit.origin
        )
    except PassCodeWrong as error:
        return await _landing(visit, status=403, error=describe(visit, error))
    return RedirectResponse(visit.path("link-download", token=token, use=use_token), 303)


async def download(visit: Visit) -> Response:
    """The file, whole or a range, under a use."""
    token, use_token = visit.parameter("token"), visit.parameter("use")
    content, version = await visit.site.call(sharing.peek_use, visit.vault, token, use_token)
    etag, size_bytes = etag_of(version), version.object.size_bytes
    headers = content_headers(content, etag=etag)
    if visit.request.method == "HEAD":
        return answer_head(headers, size_bytes)
    try:
        span = span_of(visit, etag=etag, size_bytes=size_bytes)
    except RangeNotSatisfiable as error:
        return answer_unsatisfiable(visit, error, size_bytes)
    start, length = (span.start, span.length) if span is not None else (0, size_bytes)

    def open_use() -> Response:
        opened = sharing.open_use(visit.vault, token, use_token, start=start, length=length)
        return answer_content(visit.site, opened.stream(), span, size_bytes=size_bytes, headers=headers)

    return await visit.site.call(open_use)


async def _landing(visit: Visit, *, status: int, error: str | None = None) -> Response:
    landing = await visit.site.call(sharing.landing, visit.vault, visit.parameter("token"))
    return visit.site.templates.page(visit, "landing.html", status=status, landing=landing, error=error)
