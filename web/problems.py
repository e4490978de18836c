"""Errors as answers: the one place that turns an error's code into an HTTP status and a title.

Rule 1: every code of ``vault.errors`` has a row here, and so has every error that only the web knows.
Rule 2: programs get problem+json (RFC 9457) with the stable ``code``; people get a page in their language.
Rule 3: no traceback reaches anybody. What is broken or unexpected gets an opaque reference, which the log has too.
Rule 4: outsiders see "not found", except of a genuine link or download of theirs, a wrong pass code, and "try again
later". No search engine and no other site is told of what they see.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import structlog
from starlette.responses import JSONResponse, Response

from vault.errors import (
    Broken,
    InvalidInput,
    LinkUnusable,
    NotFound,
    Overloaded,
    PassCodeWrong,
    Refused,
    SecondFactorNeeded,
    StepUpNeeded,
    StrongroomError,
    TooManyAttempts,
    Unavailable,
)
from web.i18n import later
from web.lingering import LingeringResponse
from web.messages import message_text
from web.site import Kind, Visit

log = structlog.get_logger("strongroom.web")


class ForeignRequest(Refused):
    """The request was sent by another site, or without the form's token."""

    code = "foreign-request"


class HostUnknown(Refused):
    """The request names a host that this site is not."""

    code = "host-unknown"


class MethodNotAllowed(Refused):
    """The address exists, the method does not."""

    code = "method-not-allowed"


class BodyNotUnderstood(Refused):
    """The request's body is of a type that this address does not take."""

    code = "body-not-understood"


class ClientTooSlow(Refused):
    """The client stopped sending."""

    code = "client-too-slow"


class TusVersionUnknown(Refused):
    """The request is of another version of the protocol of resumable uploads, or names none."""

    code = "tus-version-unknown"


class RangeNotSatisfiable(Refused):
    """The range asked for lies outside the content."""

    code = "range-not-satisfiable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """How an error is answered. ``advice`` says in general what to do; the error's own message is more exact."""

    status: int
    title: str
    advice: str


def _problem(status: int, title: str, advice: str) -> Problem:
    return Problem(status=status, title=title, advice=advice)


_AGAIN = later("Nothing that was acknowledged is lost. Try again in a moment.")
_LOOK = later("Tell whoever runs this vault, and give the reference below.")
_SENDER = later("Ask whoever sent it to you for a new one.")

PROBLEMS: Final = MappingProxyType(
    {
        "error": _problem(500, later("Something went wrong"), _LOOK),
        "refused": _problem(400, later("That is not possible"), later("Go back and check what you asked for.")),
        "invalid-input": _problem(400, later("Something is missing or not right"), later("Check what you typed.")),
        "too-large": _problem(413, later("Too large"), later("This is more than the vault accepts at once.")),
        "not-signed-in": _problem(401, later("Not signed in"), later("Sign in, then try again.")),
        "second-factor-needed": _problem(
            401, later("A second proof is needed"), later("Send a code of your authenticator app, too.")
        ),
        "identity-unknown": _problem(
            401, later("Not known here"), later("Open your invitation first, or ask an administrator to bind you.")
        ),
        "step-up-needed": _problem(
            403,
            later("Prove again that it is you"),
            later("A code or a passkey is needed, or your password if you have neither. Then it goes on."),
        ),
        "not-allowed": _problem(
            403, later("Not allowed"), later("Your role does not allow this; ask an administrator.")
        ),
        "gate-closed": _problem(
            403, later("A gate is closed"), later("Its page says what is missing, and the way through.")
        ),
        "agreement-needed": _problem(
            403, later("An agreement is missing"), later("Sign the confidentiality agreement, then open it.")
        ),
        "training-needed": _problem(403, later("A test is missing"), later("Pass the test, then open it.")),
        "borrowing-needed": _problem(
            403, later("It has to be borrowed"), later("Ask to borrow it; somebody else decides.")
        ),
        "access-suspended": _problem(
            403, later("Your access is suspended"), later("A security administrator looks at why, and lifts it.")
        ),
        "purpose-needed": _problem(403, later("A purpose is missing"), later("Say in words what it is opened for.")),
        "not-found": _problem(404, later("Not found"), later("There is nothing here for you. Check the address.")),
        "too-many-attempts": _problem(
            429, later("Too many attempts"), later("Wait a quarter of an hour, then try again.")
        ),
        "link-unusable": _problem(410, later("This link no longer works"), _SENDER),
        "link-expired": _problem(410, later("This link has expired"), _SENDER),
        "link-revoked": _problem(410, later("This link was withdrawn"), _SENDER),
        "link-used-up": _problem(410, later("This link has been used as often as it may be"), _SENDER),
        "pass-code-wrong": _problem(403, later("The pass code is not right"), later("Check it and try again.")),
        "not-readable": _problem(422, later("It cannot be previewed"), later("Download it, and open it elsewhere.")),
        "key-destroyed": _problem(
            410, later("Destroyed"), later("Its key was destroyed; nothing can open it any more.")
        ),
        "conflict": _problem(409, later("Not possible now"), later("It has changed meanwhile. Look at it again.")),
        "already-exists": _problem(
            409, later("It exists already"), later("Choose another name, or use what is there.")
        ),
        "idempotency-mismatch": _problem(
            422, later("Used before for something else"), later("Start the upload again from the upload page.")
        ),
        "source-changed": _problem(
            409, later("The file is not what was announced"), later("It changed or ended early. Send it again.")
        ),
        "checksum-wrong": _problem(
            460, later("The checksum does not match"), later("Nothing of this piece counts. Send it again.")
        ),
        "offset-wrong": _problem(
            409, later("It goes on elsewhere"), later("Ask where the upload is, and send from there.")
        ),
        "upload-busy": _problem(
            423, later("Somebody is adding to it"), later("Ask where the upload is, and go on from there.")
        ),
        "upload-ended": _problem(
            410, later("This upload takes nothing any more"), later("It is finished, expired or ended; begin another.")
        ),
        "too-many-open": _problem(
            429, later("Too many uploads at once"), later("Finish or end some of your uploads first.")
        ),
        "tus-version-unknown": _problem(
            412, later("Another version of the protocol"), later("Version 1.0.0 of tus is spoken here.")
        ),
        "not-due": _problem(409, later("Not due"), later("The schedule keeps it; its page says why and until when.")),
        "still-locked": _problem(409, later("Still locked"), later("Its retention has not lapsed.")),
        "unavailable": _problem(503, later("Away for a moment"), _AGAIN),
        "store-unavailable": _problem(503, later("The object store does not answer"), _AGAIN),
        "store-full": _problem(503, later("The object store is full"), later("Make room, then try again.")),
        "catalogue-unavailable": _problem(503, later("The catalogue does not answer"), _AGAIN),
        "time-stamp-unavailable": _problem(503, later("The time stamping authority does not answer"), _AGAIN),
        "receiver-unavailable": _problem(503, later("The receiver does not answer"), _AGAIN),
        "keeper-unavailable": _problem(503, later("The root key's keeper does not answer"), _AGAIN),
        "parsers-unavailable": _problem(503, later("Files cannot be looked into now"), _AGAIN),
        "provider-unavailable": _problem(
            503,
            later("The company sign-in does not answer"),
            later("The company sign-in does not answer. Passwords and passkeys of this vault work meanwhile."),
        ),
        "overloaded": _problem(503, later("Too much at once"), _AGAIN),
        "broken": _problem(500, later("A promise does not hold"), _LOOK),
        "seal-broken": _problem(500, later("The seal is broken"), _LOOK),
        "object-missing": _problem(500, later("The store does not have this object"), _LOOK),
        "lock-not-kept": _problem(500, later("The store did not keep a lock"), _LOOK),
        "catalogue-broken": _problem(500, later("The catalogue is not sound"), _LOOK),
        "catalogue-older": _problem(500, later("The catalogue is not sound"), _LOOK),
        "keepers-behind": _problem(500, later("The root key's keeper does not answer"), _LOOK),
        "settings-wrong": _problem(500, later("The vault is not set up rightly"), _LOOK),
        "foreign-request": _problem(403, later("Not sent from this page"), later("Load the page anew and try again.")),
        "host-unknown": _problem(421, later("Wrong address"), later("This server does not answer to that host name.")),
        "method-not-allowed": _problem(405, later("Not possible here"), later("This address is not used that way.")),
        "body-not-understood": _problem(
            415, later("Wrong type of content"), later("Send what the API's description names.")
        ),
        "client-too-slow": _problem(408, later("Too slow"), later("No data came for too long. Send it again.")),
        "range-not-satisfiable": _problem(416, later("No such range"), later("The range lies outside the file.")),
    }
)

OUTSIDE_HEADERS: Final = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive"}
"""What every answer to somebody without an account has."""
_TO_OUTSIDERS: Final = (LinkUnusable, PassCodeWrong, TooManyAttempts)


def for_outsiders(error: StrongroomError) -> StrongroomError:
    """What somebody without an account is told instead (rule 4)."""
    if isinstance(error, Refused) and not isinstance(error, _TO_OUTSIDERS):
        kept = isinstance(error, ForeignRequest | ClientTooSlow | RangeNotSatisfiable)
        return error if kept else NotFound("there is nothing here for you")
    return error


def describe(visit: Visit, error: StrongroomError) -> str:
    """The error's message where the visitor's language has it, else the advice for its code.

    What is broken or away is told by its advice alone: its message names keys, folders and servers, and is for the log.
    """
    inner = isinstance(error, Broken | Unavailable) and not isinstance(error, Overloaded)
    told = message_text(visit.language, error.message) if not inner else None
    if told is not None:
        return sentence(told)
    return visit.language.text(PROBLEMS[error.code].advice)


def sentence(text: str) -> str:
    """A message begun with a capital and ended with a full stop."""
    closed = text if text.endswith((".", "。", "!", "?")) else text + ("." if text.isascii() else "。")
    return closed[:1].upper() + closed[1:]


def answer_error(visit: Visit, raised: StrongroomError, *, reference: str | None = None) -> Response:
    """The answer to an error, for programs or for people; ``reference`` where the log has one already."""
    error = for_outsiders(raised) if visit.row.kind is Kind.OUTSIDE else raised
    problem = PROBLEMS[error.code]
    if reference is None and problem.status >= 500:
        reference = _logged(visit, error)
    headers: dict[str, str] = {}
    if problem.status in (429, 503):
        headers["Retry-After"] = str(error.retry_after_s or (900 if problem.status == 429 else 5))
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="strongroom"'
    elif isinstance(error, StepUpNeeded):
        # RFC 9470: what the token proves is too old.
        headers["WWW-Authenticate"] = 'Bearer realm="strongroom", error="insufficient_user_authentication", max_age=300'
    if visit.row.kind in (Kind.API, Kind.PLAIN):
        body: dict[str, str | int] = {
            "type": f"urn:strongroom:problem:{error.code}",
            "title": visit.language.text(problem.title),
            "status": problem.status,
            "detail": describe(visit, error),
            "code": error.code,
        }
        if isinstance(error, InvalidInput) and error.field is not None:
            body["field"] = error.field
        if isinstance(error, SecondFactorNeeded):
            body["challenge"] = error.challenge
        if reference is not None:
            body["reference"] = reference
        response: Response = JSONResponse(body, problem.status, headers, media_type="application/problem+json")
    else:
        response = visit.site.templates.page(
            visit,
            "problem.html",
            status=problem.status,
            headers=headers,
            title=visit.language.text(problem.title),
            detail=describe(visit, error),
            reference=reference,
            outside=visit.row.kind is Kind.OUTSIDE,
        )
    if visit.row.kind is Kind.OUTSIDE:
        response.headers.update(OUTSIDE_HEADERS)
    return LingeringResponse(response) if visit.request.method not in ("GET", "HEAD") else response


def _logged(visit: Visit, error: StrongroomError) -> str:
    """Logs an error that somebody has to look at, or that tells of an outage; gives its reference."""
    reference = secrets.token_hex(6)
    level = log.error if isinstance(error, Broken) else log.warning
    level("problem", route=visit.row.name, code=error.code, message=error.message, reference=reference)
    return reference
