"""Who is asking: session cookies and bearer tokens, and proof that a change was asked for from our own pages.

Rule 1: a browser's session is a cookie that scripts cannot read; with https its name binds it to us (``__Host-``).
Rule 2: whatever changes something under a cookie carries the session's form token, and comes from our own origin. A
bearer token is sent on purpose, so it needs neither.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from vault.errors import NotSignedIn, StrongroomError
from vault.sessions import Client, SessionKind
from vault.workflows import sessions
from vault.workflows.sessions import Introduced
from web.i18n import COOKIE
from web.neighbours import UNNAMED, Elsewhere, Whereabouts
from web.preferences import KEPT_S
from web.problems import ForeignRequest
from web.site import Kind, Site, Visit

CSRF_FIELD: Final = "csrf_token"
CSRF_HEADER: Final = "Strongroom-CSRF"
DEVICE_KEPT_S: Final = 180 * 86400
_TOKEN_MAX_CHARACTERS: Final = 512


def cookie_name(site: Site) -> str:
    """The session cookie's name."""
    return site.cookie()


def keep_session(site: Site, response: Response, token: str) -> None:
    """Hands the session to the browser, until it is closed; the vault ends it earlier."""
    response.set_cookie(cookie_name(site), token, path="/", secure=site.secure, httponly=True, samesite="lax")


def device_cookie_name(site: Site) -> str:
    """The name of the cookie by which a device is known from which somebody signed in before."""
    return site.cookie("-device")


async def welcome(visit: Visit, response: Response, token: str, who: Introduced) -> None:
    """Hands a new session, and the device's own cookie, to the browser."""
    keep_session(visit.site, response, token)
    device = await visit.site.call(sessions.device_cookie, visit.vault, who)
    response.set_cookie(
        device_cookie_name(visit.site),
        device,
        max_age=DEVICE_KEPT_S,
        path="/",
        secure=visit.site.secure,
        httponly=True,
        samesite="lax",
    )
    if who.profile.language:
        keep_language(visit.site, response, who.profile.language)


def keep_language(site: Site, response: Response, tag: str) -> None:
    """Remembers a language in the browser."""
    response.set_cookie(COOKIE, tag, max_age=KEPT_S, path="/", secure=site.secure, httponly=True, samesite="lax")


def drop_session(site: Site, response: Response) -> None:
    """Takes the session back from the browser."""
    response.delete_cookie(cookie_name(site), path="/", secure=site.secure, httponly=True, samesite="lax")


def _presented(visit: Visit) -> tuple[str | None, bool]:
    """The session token that the request carries, and whether as a bearer token."""
    authorization = visit.request.headers.get("authorization")
    if authorization is not None and visit.row.kind is Kind.API:
        scheme, _, token = authorization.partition(" ")
        return (token.strip() if scheme.lower() == "bearer" else None), True
    return visit.request.cookies.get(cookie_name(visit.site)), False


def client_of(visit: Visit) -> Client:
    """From where somebody comes."""
    headers = visit.request.headers
    kind = SessionKind.PROGRAM if visit.row.kind is Kind.API else SessionKind.BROWSER
    device = visit.request.cookies.get(device_cookie_name(visit.site), "")
    agent = headers.get("user-agent", "")[:_TOKEN_MAX_CHARACTERS]
    return Client(kind=kind, address=visit.origin, agent=agent, device=device if device.isascii() else None)


def find_session(visit: Visit) -> Visit:
    """The visit with whoever is signed in, on pages by name; blocking. Raises ``NotSignedIn``."""
    token, bearer = require_token(visit)
    if visit.row.kind is Kind.API:
        return replace(visit, signed_in=sessions.signed_in(visit.vault, token), session_token=token, bearer=bearer)
    who = sessions.introduced(visit.vault, token)
    return replace(visit, signed_in=who, session_token=token, bearer=bearer, whereabouts=whereabouts_of(visit))


def whereabouts_of(visit: Visit) -> Whereabouts:
    """In which fonds somebody is who is signed in, and in which others this browser is, too; blocking."""
    known = visit.site.neighbours
    others = [
        Elsewhere(name=known.name_of(site) or UNNAMED, address=site.local_path(""))
        for site in known.beside(visit.site)
        if _is_open(site, visit.request.cookies.get(cookie_name(site), ""))
    ]
    return Whereabouts(name=known.name_of(visit.site), others=others)


def _is_open(site: Site, token: str) -> bool:
    if not token or len(token) > _TOKEN_MAX_CHARACTERS or not token.isascii():
        return False
    with suppress(StrongroomError):
        return sessions.is_open(site.vault, token)
    return False


def require_token(visit: Visit) -> tuple[str, bool]:
    """The token that the request carries, and whether as a bearer token. Raises ``NotSignedIn`` when it has none."""
    token, bearer = _presented(visit)
    if not token or len(token) > _TOKEN_MAX_CHARACTERS or not token.isascii():
        raise NotSignedIn("sign in first")
    return token, bearer


async def with_session(visit: Visit) -> Visit:
    """The visit with whoever is signed in. Raises ``NotSignedIn``."""
    require_token(visit)  # whoever brings none takes no thread
    return await visit.site.call(find_session, visit)


async def with_session_if_any(visit: Visit) -> Visit:
    """The visit with whoever is signed in, or as it is."""
    try:
        return await with_session(visit)
    except NotSignedIn:
        return visit


def require_csrf(visit: Visit, token: str | None) -> None:
    """Raises ``ForeignRequest`` unless the form token is the session's; a bearer token needs none."""
    if visit.bearer:
        return
    session = visit.signed_in.session if visit.signed_in is not None else None
    expected = session.csrf_token if session is not None else ""
    if not expected or not hmac.compare_digest(expected.encode(), (token or "").encode("utf-8", "replace")):
        raise ForeignRequest("the form's token is missing or old; load the page anew and try again")


def require_same_origin(visit: Visit) -> None:
    """Raises ``ForeignRequest`` for what a browser sends on behalf of another site.

    Browsers tell by Sec-Fetch-Site (on https and loopback) and by Origin; what is no browser sends neither.
    """
    headers = visit.request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        raise ForeignRequest("another site asked for this; open the page here and try again")
    if origin is None or (origin == "null" and site == "same-origin"):
        return
    if origin not in _our_origins(visit):
        raise ForeignRequest("another site asked for this; open the page here and try again")


def is_led_here(visit: Visit) -> bool:
    """Whether another site made the browser ask for this."""
    return visit.request.headers.get("sec-fetch-site") == "cross-site"


def require_not_led_here(visit: Visit) -> None:
    """Raises ``ForeignRequest`` when another site made the browser open a record: the log would name the wrong one."""
    if is_led_here(visit):
        raise ForeignRequest("another site asked for this; open the page here and try again")


def _our_origins(visit: Visit) -> set[str]:
    """The origins of our own pages (RFC 6454): the public one, and, beside it, the host that was asked."""
    asked = urlsplit(str(visit.request.base_url))
    public = urlsplit(visit.site.public_url or "")
    origins = {f"{public.scheme}://{public.netloc}"}
    if asked.hostname != public.hostname:
        origins.add(f"{asked.scheme}://{asked.netloc}")
    return origins
