"""What stands between the router and a handler: language, body, session, permission, and errors turned into answers.

Rule 1: in this order: same origin, session, permission, query, body, form token; a handler runs only after all of
them.
Rule 2: the permission is the row's. A workflow checks it again: the table is for the door, the vault for the deed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from vault.errors import GateClosed, NotSignedIn, StrongroomError
from vault.permissions import Action
from web.api.checking import check_body, check_query
from web.api.openapi import schema_of
from web.bodies import FORM_BYTES_MAX, read_whole
from web.forms import parse_form, parse_json_object, require_texts
from web.i18n import COOKIE, choose_tag
from web.problems import OUTSIDE_HEADERS, BodyNotUnderstood, answer_error
from web.repeats import answer_once
from web.sessions import (
    CSRF_FIELD,
    CSRF_HEADER,
    find_session,
    keep_session,
    require_csrf,
    require_same_origin,
    require_token,
    with_session,
    with_session_if_any,
)
from web.site import ROUTE_KEY, Audience, Body, InThread, Kind, Row, Site, Visit
from web.stepping import answers_step_up, ask_for_proof, asks_for_proof, step_up

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
CLIENT_GONE: Final = 499


def endpoint(site: Site, row: Row) -> Callable[[Request], Awaitable[Response]]:
    """The function that Starlette calls for a row."""

    async def answer(request: Request) -> Response:
        request.scope[ROUTE_KEY] = row.name
        response = await attempt(begin_visit(site, row, request))
        if row.kind is Kind.OUTSIDE:
            response.headers.update(OUTSIDE_HEADERS)
        response.headers.update(row.headers)
        return response

    async def attempt(visit: Visit) -> Response:
        renewed = None
        try:
            if isinstance(row.handler, InThread):
                require_token(visit)
                return await site.call(_admit_and_answer, row.handler, visit)
            visit = await admit(visit)
            if answers_step_up(visit):
                visit = await step_up(visit)
                renewed = visit.session_token
            response = await answer_once(visit, row.handler)
        except StrongroomError as error:
            response = await refuse(visit, error)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)
        if renewed is not None:
            # Whatever came of the deed: the session has another token from here on.
            keep_session(site, response, renewed)
        return response

    async def refuse(visit: Visit, error: StrongroomError) -> Response:
        try:
            if asks_for_proof(visit, error):
                return await ask_for_proof(visit, error)
        except StrongroomError as another:
            return answer_error(visit, another)
        if isinstance(error, GateClosed) and error.subject and row.kind is Kind.PAGE:
            # The page of the gates says which one stands, the way through, and leads back to the record.
            return RedirectResponse(visit.path("gates", record=error.subject), 303)
        if isinstance(error, NotSignedIn) and row.kind is Kind.PAGE and row.permission is not Audience.PUBLIC:
            return _to_sign_in(visit)
        return answer_error(visit, error)

    return answer


def begin_visit(site: Site, row: Row, request: Request) -> Visit:
    """A visit of somebody unknown, in their language."""
    tag = choose_tag(request.cookies.get(COOKIE), request.headers.get("accept-language"))
    return Visit(request=request, site=site, row=row, language=site.languages[tag])


def _admit_and_answer(handler: InThread, visit: Visit) -> Response:
    """Session, permission and answer of a row that changes nothing and takes no body; blocking."""
    permission = visit.row.permission
    if not isinstance(permission, Action) or visit.request.method not in SAFE_METHODS:
        raise ValueError(f"{visit.row.name} is not a row that one who may only looks at")
    visit = find_session(visit)
    visit.actor.require(permission)
    require_query(visit)
    return handler.answer(visit)


async def admit(visit: Visit) -> Visit:
    """The visit with session and body. Raises what the row's demands raise when they are not met."""
    row, method = visit.row, visit.request.method
    changes = method not in SAFE_METHODS
    if changes and row.permission is not Audience.LINK and "authorization" not in visit.request.headers:
        require_same_origin(visit)
    if isinstance(row.permission, Action) or row.permission is Audience.SIGNED_IN:
        visit = await with_session(visit)
        if isinstance(row.permission, Action):
            visit.actor.require(row.permission)
    elif row.permission is Audience.PUBLIC and row.kind is Kind.PAGE:
        visit = await with_session_if_any(visit)
    require_query(visit)
    if not changes:
        return visit
    guarded = visit.signed_in is not None and row.permission is not Audience.PUBLIC
    header_token = visit.request.headers.get(CSRF_HEADER)
    if guarded and (row.body in (Body.RAW, Body.JSON) or (row.body is Body.NONE)):
        require_csrf(visit, header_token)
    visit = await _with_body(visit)
    if guarded and row.body is Body.FORM:
        require_csrf(visit, visit.form.get(CSRF_FIELD) or header_token)
    return visit


async def _with_body(visit: Visit) -> Visit:
    if visit.row.body not in (Body.FORM, Body.JSON):
        return visit
    request = visit.request
    content_type = request.headers.get("content-type", "")
    body = await read_whole(request, bytes_max=FORM_BYTES_MAX, idle_s=visit.site.client_idle_s)
    if visit.row.body is Body.FORM:
        return replace(visit, form=parse_form(content_type, body))
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise BodyNotUnderstood("send JSON (application/json)")
    given = parse_json_object(body)
    if visit.row.operation is not None and visit.row.operation.body is not None:
        check_body(schema_of(visit.row.operation.body), given, schema_of)
    return replace(visit, json=given)


def require_query(visit: Visit) -> None:
    """Raises ``InvalidInput`` for a parameter that a row of the API does not have, and what is no text in any."""
    given = visit.request.query_params
    if visit.row.operation is not None:
        check_query(visit.row.operation, given)
    for name, value in given.multi_items():
        require_texts(value, field=name)


def _to_sign_in(visit: Visit) -> Response:
    """People are led to the sign-in page, and back afterwards where that is safe: paths hold ids only, queries go."""
    target = visit.path("sign-in")
    if visit.request.method in SAFE_METHODS and visit.here != visit.path("home"):
        target += "?next=" + quote(visit.here, safe="/")
    return RedirectResponse(target, 303)
