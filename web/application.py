"""The application, wired: route table, guards, the front door around them. It knows the vault, not what keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vault.errors import Broken, CatalogueUnavailable, NotFound, Refused, StrongroomError
from vault.workflows.vault import Vault
from web.admission import Admission
from web.frontdoor import FrontDoor, host_name
from web.guards import begin_visit, endpoint
from web.hall import CLOSED
from web.names import Names
from web.neighbours import Neighbours
from web.problems import MethodNotAllowed, answer_error
from web.remembered import Remembered
from web.routes import ROWS
from web.site import Audience, Kind, Row, Site, Visit
from web.submissions import Submissions
from web.texts import Texts
from web.underway import Underway

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
CLIENT_IDLE_S: Final = 120.0
THREADS: Final = 48
HASHES_AT_ONCE: Final = 4
HASHES_WAITING: Final = 200
KEPT_LASTS: Final = timedelta(minutes=10)
"""How long what each class takes up is shown before it is found out again: that looks at every version."""


def create_application(
    vault: Vault,
    *,
    public_url: str | None = None,
    hosts: Iterable[str] = (),
    client_idle_s: float = CLIENT_IDLE_S,
    prefix: str = "",
    neighbours: Neighbours | None = None,
    texts: Texts | None = None,
) -> Starlette:
    """The ASGI application over an opened vault.

    ``public_url`` is where people reach it when that is not the listen address (behind a proxy, say); with https it
    makes cookies secure. ``hosts`` are further names that requests may name; loopback names always count. ``prefix`` is
    what addresses of this fonds begin with (``web.hall``), ``neighbours`` the others of the process; ``texts`` are what
    every page is made of, where that is loaded already.
    """
    neighbours = neighbours if neighbours is not None else Neighbours()
    beside = neighbours.any()
    if beside is not None:
        # Texts, threads and what the process takes on at once are the same for all.
        site = replace(
            beside,
            vault=vault,
            submissions=Submissions(),
            kept=Remembered(KEPT_LASTS),
            names=Names(),
            underway=Underway(),
            prefix=prefix,
        )
        return _application(site)
    texts = texts if texts is not None else Texts.load()
    named = {host_name(host) for host in hosts}
    if public_url is not None:
        named.add(host_name(urlsplit(public_url).netloc.rpartition("@")[2]))
    site = Site(
        vault=vault,
        public_url=public_url,
        hosts=LOOPBACK | named,
        languages=texts.languages,
        templates=texts.templates,
        static=texts.static,
        uploads=Admission(vault.limits.uploads_at_once),
        hashing=Admission(HASHES_AT_ONCE, waiting_max=HASHES_WAITING),
        rows=ROWS,
        client_idle_s=client_idle_s,
        threads=ThreadPoolExecutor(THREADS, thread_name_prefix="request"),
        routes={row.name: Route(row.path, _nothing, name=row.name) for row in reversed(ROWS)},
        submissions=Submissions(),
        kept=Remembered(KEPT_LASTS),
        names=Names(),
        prefix=prefix,
        neighbours=neighbours,
    )
    return _application(site)


def _application(site: Site) -> Starlette:
    site.neighbours.join(site)
    return Starlette(
        routes=[Route(row.path, endpoint(site, row), methods=list(row.methods), name=row.name) for row in ROWS],
        middleware=[Middleware(FrontDoor, site=site, refuse=partial(_refuse, site))],
        exception_handlers={HTTPException: partial(_answer_stray, site)},
    )


def _stray_visit(site: Site, request: Request) -> Visit:
    """A visit to an address that has no row, or whose row nobody reached."""
    path = request.scope.get(CLOSED) or request.scope.get("path", "")
    outside = path.startswith(("/l/", "/welcome/", "/reset/"))
    kind = Kind.API if path.startswith("/api/") else Kind.OUTSIDE if outside else Kind.PAGE
    row = Row(methods=(), path="", name="", handler=_never, permission=Audience.PUBLIC, kind=kind)
    return begin_visit(site, row, request)


async def _never(visit: Visit) -> Response:
    raise NotFound("there is no such address")


async def _answer_stray(site: Site, request: Request, raised: Exception) -> Response:
    """The answer to what the router refused: an unknown address or method."""
    if request.scope.get(CLOSED):
        return answer_error(
            _stray_visit(site, request), CatalogueUnavailable("this fonds does not answer; try again later")
        )
    status = raised.status_code if isinstance(raised, HTTPException) else 404
    error: Refused = NotFound("there is no such address")
    if status == 405:
        allowed = sorted({method for row in site.rows if _matches(row, request) for method in row.methods})
        error = MethodNotAllowed(f"this address takes {', '.join(allowed)}")
        response = answer_error(_stray_visit(site, request), error)
        response.headers["Allow"] = ", ".join([*allowed, "HEAD"] if "GET" in allowed else allowed)
        return response
    return answer_error(_stray_visit(site, request), error)


def _matches(row: Row, request: Request) -> bool:
    return Route(row.path, _nothing).path_regex.fullmatch(request.scope["path"]) is not None


async def _nothing(request: Request) -> Response:
    return Response(status_code=404)


def _refuse(site: Site, request: Request, reference: str) -> Response:
    """The answer to what nobody expected."""
    error: StrongroomError = Broken("something went wrong here")
    return answer_error(_stray_visit(site, request), error, reference=reference)
