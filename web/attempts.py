"""What a browser keeps while somebody is away at the provider of OpenID Connect: the attempt's token, and its purpose.

Rule 1: the token never leaves this browser and us; the provider gets what is made of it. It lives as the attempt does.
Rule 2: a second cookie says that the session came by the provider: only then is signing out there offered.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from starlette.responses import Response

from vault.challenges import CHALLENGE_LIFETIME, ChallengeKind
from vault.errors import NotSignedIn
from vault.workflows.identities import Answer
from web.site import Site, Visit

_PARAMETER_MAX_CHARACTERS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt. ``next_path`` is where it leads, ``invitation`` the token of one that is being accepted."""

    kind: ChallengeKind
    token: str
    next_path: str = ""
    invitation: str = ""


def keep_attempt(site: Site, response: Response, attempt: Attempt) -> None:
    """Hands an attempt to the browser."""
    next_path = base64.urlsafe_b64encode(site.local_path(attempt.next_path).encode()).decode("ascii")
    response.set_cookie(
        _name(site, "attempt"),
        ".".join((attempt.kind.value, attempt.token, next_path, attempt.invitation)),
        max_age=int(CHALLENGE_LIFETIME.total_seconds()),
        path="/",
        secure=site.secure,
        httponly=True,
        samesite="lax",
    )


def kept_attempt(visit: Visit) -> Attempt:
    """The attempt that this browser keeps. Raises ``NotSignedIn``."""
    said = visit.request.cookies.get(_name(visit.site, "attempt"), "").split(".")
    try:
        kind, token, next_path, invitation = said
        return Attempt(
            kind=ChallengeKind(kind),
            token=token,
            next_path=visit.local_path(base64.urlsafe_b64decode(next_path).decode("ascii")),
            invitation=invitation,
        )
    except ValueError:
        raise NotSignedIn("this is no answer to what this browser asked the provider; begin again") from None


def drop_attempt(site: Site, response: Response) -> None:
    """Takes the attempt back from the browser."""
    _delete(site, response, "attempt")


def answer_of(visit: Visit, attempt: Attempt) -> Answer:
    """What the browser brought back from the provider. Raises ``NotSignedIn``."""
    said = {name: visit.query(name) for name in ("state", "code", "iss", "error")}
    if any(len(value) > _PARAMETER_MAX_CHARACTERS for value in said.values()):
        raise NotSignedIn("this is no answer to what this browser asked the provider; begin again")
    return Answer(
        token=attempt.token,
        state=said["state"],
        code=said["code"],
        issuer=said["iss"] if "iss" in visit.request.query_params else None,
        redirect_uri=redirect_uri(visit),
        error=said["error"],
    )


def redirect_uri(visit: Visit) -> str:
    """Where the provider sends browsers back to; it has to know this address."""
    return visit.base_url + visit.path("provider-answer")


def mark_provided(site: Site, response: Response) -> None:
    """Remembers that this browser signed in by the provider."""
    name = _name(site, "provided")
    response.set_cookie(name, "1", path="/", secure=site.secure, httponly=True, samesite="lax")


def was_provided(visit: Visit) -> bool:
    """Whether this browser signed in by the provider."""
    return _name(visit.site, "provided") in visit.request.cookies


def drop_provided(visit: Visit, response: Response) -> None:
    """Forgets it: somebody signs in otherwise, or out."""
    if was_provided(visit):
        _delete(visit.site, response, "provided")


def _name(site: Site, what: str) -> str:
    return site.cookie(f"-{what}")


def _delete(site: Site, response: Response, what: str) -> None:
    response.delete_cookie(_name(site, what), path="/", secure=site.secure, httponly=True, samesite="lax")
