"""Becoming a person by an invitation, signing in, signing out."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.challenges import ChallengeKind
from vault.errors import IdentityUnknown, NotSignedIn, Refused, SecondFactorNeeded, StrongroomError
from vault.providers import ProviderFacts
from vault.workflows import challenges, people, sessions
from vault.workflows.proofs import SecondFactor
from vault.workflows.sessions import Introduced
from web.attempts import drop_provided, was_provided
from web.passkeys import answer_of, party_of, request_options
from web.problems import PROBLEMS, describe
from web.sessions import client_of, drop_session, welcome
from web.site import Visit


async def show_welcome(visit: Visit) -> Response:
    """The page where somebody invited gives a name and a password. Looking at it does not use the invitation."""
    await visit.site.call(people.check_invitation, visit.vault, visit.parameter("token"))
    return _welcome_page(visit)


async def accept_welcome(visit: Visit) -> Response:
    """Makes the person and signs them in."""
    login, password = visit.form.get("login", ""), visit.form.get("password", "")
    token = visit.parameter("token")
    try:
        await visit.site.call_hashing(
            people.accept_invitation,
            visit.vault,
            token,
            login=login,
            name=visit.form.get("name", ""),
            password=password,
        )
    except Refused as error:
        await visit.site.call(people.check_invitation, visit.vault, token)
        return _welcome_page(visit, error)
    session_token, who = await visit.site.call_hashing(
        sessions.sign_in, visit.vault, login=login, password=password, client=client_of(visit)
    )
    response = RedirectResponse(visit.path("home"), 303)
    drop_provided(visit, response)
    await welcome(visit, response, session_token, who)
    return response


async def show_sign_in(visit: Visit) -> Response:
    """The sign-in page."""
    next_path = visit.local_path(visit.query("next"))
    if visit.signed_in is not None:
        return RedirectResponse(next_path, 303)
    return await sign_in_page(visit, next_path=next_path)


async def sign_in(visit: Visit) -> Response:
    """Signs somebody in and leads them where they wanted to go, or asks for their second factor first."""
    login, next_path = visit.form.get("login", ""), visit.local_path(visit.form.get("next", ""))
    try:
        token, who = await visit.site.call_hashing(
            sessions.sign_in,
            visit.vault,
            login=login,
            password=visit.form.get("password", ""),
            client=client_of(visit),
        )
    except SecondFactorNeeded as needed:
        response = await second_factor_page(visit, needed, next_path=next_path)
    except NotSignedIn as error:
        return await sign_in_page(visit, next_path=next_path, login=login, error=error)
    else:
        response = await _go_on(visit, token, who, next_path)
    # The provider has not signed this one in, whomever it signed in here before.
    drop_provided(visit, response)
    return response


async def answer_second_factor(visit: Visit) -> Response:
    """Takes the code or the passkey that was asked for after the password."""
    next_path, challenge = visit.local_path(visit.form.get("next", "")), visit.form.get("challenge", "")
    passkey = answer_of(visit, visit.form.get("passkey", ""), challenge)
    factor = SecondFactor(code=visit.form.get("code", ""), passkey=passkey)
    try:
        token, who = await visit.site.call(
            sessions.answer_second_factor, visit.vault, challenge, factor, client=client_of(visit)
        )
    except SecondFactorNeeded as needed:
        return await second_factor_page(visit, needed, next_path=next_path, wrong=True)
    except NotSignedIn as error:
        return await sign_in_page(visit, next_path=next_path, error=error)
    return await _go_on(visit, token, who, next_path)


async def sign_in_by_passkey(visit: Visit) -> Response:
    """Signs somebody in by a passkey alone: the device has verified who holds it."""
    next_path = visit.local_path(visit.form.get("next", ""))
    answer = answer_of(visit, visit.form.get("passkey", ""), visit.form.get("challenge", ""))
    try:
        if answer is None:
            raise NotSignedIn("this is not what a passkey answers; try again")
        token, who = await visit.site.call(sessions.sign_in_by_passkey, visit.vault, answer, client=client_of(visit))
    except NotSignedIn as error:
        return await sign_in_page(visit, next_path=next_path, error=error)
    response = await _go_on(visit, token, who, next_path)
    drop_provided(visit, response)
    return response


async def sign_out(visit: Visit) -> Response:
    """Ends the session."""
    await visit.site.call(sessions.sign_out, visit.vault, visit.session_token or "")
    offered = was_provided(visit) and visit.vault.provider is not None
    response = RedirectResponse(visit.path("signed-out" if offered else "sign-in"), 303)
    drop_session(visit.site, response)
    drop_provided(visit, response)
    return response


def _welcome_page(visit: Visit, error: Refused | None = None) -> Response:
    return visit.site.templates.page(
        visit,
        "welcome.html",
        status=200 if error is None else PROBLEMS[error.code].status,
        values={name: value for name, value in visit.form.items() if name != "password"},
        error=None if error is None else describe(visit, error),
        error_field=None if error is None else getattr(error, "field", None) or "login",
        provider=_provider(visit),
        token=visit.parameter("token"),
    )


def _provider(visit: Visit) -> ProviderFacts | None:
    return visit.vault.provider.facts if visit.vault.provider is not None else None


async def _go_on(visit: Visit, token: str, who: Introduced, next_path: str) -> Response:
    response = RedirectResponse(next_path, 303)
    await welcome(visit, response, token, who)
    return response


async def sign_in_page(
    visit: Visit, *, next_path: str, login: str = "", error: StrongroomError | None = None
) -> Response:
    """The sign-in page, with what went wrong."""
    party, options, challenge = party_of(visit), None, ""
    if party is not None:
        challenge = await visit.site.call(challenges.begin, visit.vault, ChallengeKind.PASSKEY)
        options = request_options(party, await visit.site.call(challenges.derived, visit.vault, challenge, "passkey"))
    return visit.site.templates.page(
        visit,
        "sign_in.html",
        status=200 if error is None else PROBLEMS[error.code].status,
        login=login,
        subject=error.subject if isinstance(error, IdentityUnknown) else "",
        provider=_provider(visit),
        next_path=next_path,
        error=None if error is None else describe(visit, error),
        challenge=challenge,
        options=options,
    )


async def second_factor_page(
    visit: Visit, needed: SecondFactorNeeded, *, next_path: str, wrong: bool = False
) -> Response:
    """Where the second factor is asked for."""
    party, options = party_of(visit), None
    if party is not None:
        wanted = await visit.site.call(challenges.derived, visit.vault, needed.challenge, "passkey")
        # Nobody is signed in yet, so whose passkeys there are is not told: the browser offers those of this host.
        options = request_options(party, wanted)
    return visit.site.templates.page(
        visit,
        "second_factor.html",
        status=401,
        next_path=next_path,
        challenge=needed.challenge,
        options=options,
        error=describe(visit, needed) if wrong else None,
    )
