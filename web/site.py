"""What a request meets: the site (one a process), the row of the route table that it matched, and the visit itself.

Rule 1: a handler is given a ``Visit`` and answers a ``Response``; what its row demands has been checked before.
Rule 2: the vault's workflows block, so they are called by ``Site.call``: in a bounded pool of threads, not on the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vault.errors import NotFound, NotSignedIn
from vault.permissions import Action, Actor
from vault.workflows.overview import Kept
from vault.workflows.sessions import SignedIn
from vault.workflows.vault import Vault
from web.i18n import Language
from web.names import Names
from web.neighbours import NOWHERE, Neighbours, Whereabouts
from web.remembered import Remembered
from web.submissions import Submissions
from web.underway import Underway

if TYPE_CHECKING:
    from web.admission import Admission
    from web.api.operations import Operation
    from web.rendering import Templates
    from web.static import StaticFiles

P = ParamSpec("P")
T = TypeVar("T")

ROUTE_KEY: Final = "strongroom.route"
"""Where the scope carries the name of the matched row, for the access log."""
BODY_READ_KEY: Final = "strongroom.body-read"
"""Set in the scope once the request's body has been read to its end."""


class Audience(Enum):
    """Whom a row serves when no ``Action`` guards it."""

    PUBLIC = "public"
    """Anybody; unsafe methods are taken from our own pages or from programs only."""
    SIGNED_IN = "signed-in"
    """Anybody who is signed in."""
    LINK = "link"
    """Whoever holds the token in the path: a link or an invitation."""


class Body(Enum):
    """What a row does with the body of a request, and so where the form token stands."""

    NONE = "none"
    FORM = "form"
    """URL-encoded, at most 64 KiB, read before the handler; ``csrf_token`` is a field."""
    JSON = "json"
    """A JSON object, at most 64 KiB, read before the handler."""
    RAW = "raw"
    """The bytes of a file; the handler reads them."""
    MULTIPART = "multipart"
    """A form with files; the handler reads it and checks ``csrf_token``, its first field, by ``Visit.require_csrf``."""


class Kind(Enum):
    """Who reads the answers of a row."""

    PAGE = "page"
    OUTSIDE = "outside"
    """A page for somebody without an account: it tells nothing but "not found" of what is not theirs."""
    API = "api"
    PLAIN = "plain"


Handler = Callable[["Visit"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class InThread:
    """A handler of a row that only shows, all of which blocks: session, permission and answer take one hop together."""

    answer: Callable[[Visit], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the route table. ``permission`` is an action of ``vault.people`` or an audience.

    ``operation`` describes a row of the API, and says what the door takes of a request. ``headers`` are what every
    answer has.
    """

    methods: tuple[str, ...]
    path: str
    name: str
    handler: Handler | InThread
    permission: Action | Audience
    body: Body = Body.NONE
    kind: Kind = Kind.PAGE
    operation: Operation | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything that lasts as long as the process. ``public_url`` is None when people come to the listen address.

    ``routes`` are the rows by name, to make their paths: the router would look through all of them each time.
    ``prefix`` is what the paths of this fonds begin with, nothing for the first; the router sees them without it.
    """

    vault: Vault
    public_url: str | None
    hosts: frozenset[str]
    languages: Mapping[str, Language]
    templates: Templates
    static: StaticFiles
    uploads: Admission
    hashing: Admission
    rows: tuple[Row, ...]
    client_idle_s: float
    threads: Executor
    routes: Mapping[str, Route]
    submissions: Submissions
    kept: Remembered[Sequence[Kept]]
    names: Names
    underway: Underway = field(default_factory=Underway)
    prefix: str = ""
    neighbours: Neighbours = field(default_factory=Neighbours)

    @property
    def secure(self) -> bool:
        """Whether people come by https."""
        return self.public_url is not None and self.public_url.startswith("https://")

    def cookie(self, suffix: str = "") -> str:
        """The name of a cookie of this fonds alone; with https it binds the cookie to us."""
        name = f"strongroom{suffix}{self.prefix.replace('/', '-')}"
        return f"__Host-{name}" if self.secure else name

    def local_path(self, text: str) -> str:
        """A path of this fonds to go back to; its first page for anything else (no open redirects)."""
        plain = text.isascii() and text.isprintable() and "\\" not in text
        return text if plain and text.startswith(f"{self.prefix}/") and not text.startswith("//") else f"{self.prefix}/"

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs something that blocks in a thread. Waits for its end even when the request is cancelled."""
        working = asyncio.get_running_loop().run_in_executor(self.threads, partial(function, *args, **kwargs))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            while not working.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([working])
            working.exception()
            raise

    async def call_hashing(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for what may hash a password: few at once, the others wait in line. Raises ``Overloaded``."""
        async with self.hashing.place():
            return await self.call(function, *args, **kwargs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request, with what is known of who makes it. ``bearer`` is True when a program sent its session's token;
    ``whereabouts`` says in which fonds somebody is who looks at a page."""

    request: Request
    site: Site
    row: Row
    language: Language
    signed_in: SignedIn | None = None
    session_token: str | None = None
    bearer: bool = False
    form: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    json: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    whereabouts: Whereabouts = NOWHERE

    @property
    def vault(self) -> Vault:
        """The vault."""
        return self.site.vault

    @property
    def actor(self) -> Actor:
        """Who acts. Raises ``NotSignedIn``."""
        if self.signed_in is None:
            raise NotSignedIn("sign in first")
        return self.signed_in.actor

    @property
    def csrf_token(self) -> str:
        """What the forms of a page carry; empty for who is not signed in."""
        session = self.signed_in.session if self.signed_in is not None else None
        return session.csrf_token if session is not None else ""

    def may(self, action: Action, class_code: str | None = None) -> bool:
        """Whether whoever acts may, for a class or for any; for menus."""
        return self.signed_in is not None and self.signed_in.actor.may(action, class_code)

    def path(self, name: str, /, **parameters: str) -> str:
        """The path of a row by its name."""
        return self.site.prefix + str(self.site.routes[name].url_path_for(name, **parameters))

    @property
    def here(self) -> str:
        """The path that was asked for."""
        return self.site.prefix + self.request.url.path

    def local_path(self, text: str) -> str:
        """See ``Site``."""
        return self.site.local_path(text)

    def parameter(self, name: str) -> str:
        """A parameter of the path. Raises ``NotFound`` for one with characters that none of ours has."""
        value = str(self.request.path_params[name])
        if not value.isascii() or not value.isprintable() or len(value) > 512:
            raise NotFound("there is no such thing")
        return value

    def query(self, name: str) -> str:
        """A parameter of the query, stripped, empty when absent."""
        return self.request.query_params.get(name, "").strip()

    @property
    def origin(self) -> str:
        """The client's address, for counting guesses, which keeps it keyed only; filing reports keep it sealed."""
        return self.request.client.host if self.request.client is not None else "unknown"

    @property
    def base_url(self) -> str:
        """Where people reach this site, without a slash at the end."""
        if self.site.public_url is not None:
            return self.site.public_url.rstrip("/")
        return str(self.request.base_url).rstrip("/")
