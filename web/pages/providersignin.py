"""Signing in, joining and proving oneself by the provider of OpenID Connect; and signing out there, too.

A browser is led away by a link, and comes back by one: forms of ours go to ourselves only (content security policy).
"""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.challenges import ChallengeKind
from vault.errors import Conflict, NotFound, NotSignedIn, SecondFactorNeeded, Unavailable
from vault.workflows import identities, people
from vault.workflows.identities import Answer
from web.attempts import (
    Attempt,
    answer_of,
    drop_attempt,
    keep_attempt,
    kept_attempt,
    mark_provided,
    redirect_uri,
)
from web.pages.sessions import second_factor_page, sign_in_page
from web.sessions import client_of, keep_session, require_not_led_here, welcome
from web.site import Visit


async def begin(visit: Visit) -> Response:
    """Leads somebody to the provider, to sign in."""
    next_path = visit.local_path(visit.query("next"))
    try:
        return await _lead_away(visit, ChallengeKind.PROVIDER, next_path=next_path)
    except Unavailable as error:
        return await sign_in_page(visit, next_path=next_path, error=error)


async def begin_joining(visit: Visit) -> Response:
    """Leads somebody invited to the provider; the invitation is used once they come back."""
    token = visit.parameter("token")
    await visit.site.call(people.check_invitation, visit.vault, token)
    return await _lead_away(visit, ChallengeKind.PROVIDER, invitation=token)


async def begin_proof(visit: Visit) -> Response:
    """Leads somebody who is signed in to the provider, to prove again that it is them."""
    require_not_led_here(visit)
    return await _lead_away(visit, ChallengeKind.PROVIDER_STEP_UP)


async def answer(visit: Visit) -> Response:
    """Takes what the browser brings back, in the way in which it was led away."""
    response = await _answer(visit)
    drop_attempt(visit.site, response)
    return response


async def show_proved(visit: Visit) -> Response:
    """Says that the proof holds; what it was for waits in another tab."""
    return visit.site.templates.page(visit, "proved.html")


async def show_signed_out(visit: Visit) -> Response:
    """Says that the session here is over, and offers to end the provider's as well."""
    provider = visit.vault.provider
    return visit.site.templates.page(
        visit, "signed_out.html", provider=provider.facts if provider is not None else None
    )


async def leave_provider(visit: Visit) -> Response:
    """Leads somebody who has signed out here to where they sign out of the provider."""
    provider = identities.require_provider(visit.vault)
    address = await visit.site.call(provider.leave_address, back=visit.base_url + visit.path("sign-in"))
    return RedirectResponse(address or visit.path("sign-in"), 303)


async def _answer(visit: Visit) -> Response:
    next_path = visit.path("home")
    try:
        attempt = kept_attempt(visit)
        brought, next_path = answer_of(visit, attempt), attempt.next_path
        if attempt.kind is ChallengeKind.PROVIDER_STEP_UP:
            return await _prove(visit, brought)
        if attempt.invitation:
            token, who = await visit.site.call_hashing(
                identities.join, visit.vault, brought, attempt.invitation, client=client_of(visit)
            )
        else:
            token, who = await visit.site.call(identities.sign_in, visit.vault, brought, client=client_of(visit))
    except SecondFactorNeeded as needed:
        response = await second_factor_page(visit, needed, next_path=next_path)
        mark_provided(visit.site, response)
        return response
    except (NotSignedIn, NotFound, Conflict, Unavailable) as error:
        return await sign_in_page(visit, next_path=next_path, error=error)
    response = RedirectResponse(next_path, 303)
    await welcome(visit, response, token, who)
    mark_provided(visit.site, response)
    return response


async def _prove(visit: Visit, brought: Answer) -> Response:
    """The session of whoever has proved themselves has a new token from here on."""
    token, _ = await visit.site.call(identities.step_up, visit.vault, visit.session_token or "", brought)
    response = RedirectResponse(visit.path("proved"), 303)
    keep_session(visit.site, response, token)
    return response


async def _lead_away(visit: Visit, kind: ChallengeKind, *, next_path: str = "", invitation: str = "") -> Response:
    person_id = visit.actor.person_id if kind is ChallengeKind.PROVIDER_STEP_UP else None
    begun = await visit.site.call(
        identities.begin, visit.vault, kind, redirect_uri=redirect_uri(visit), person_id=person_id
    )
    response = RedirectResponse(begun.address, 303)
    keep_attempt(
        visit.site, response, Attempt(kind=kind, token=begun.token, next_path=next_path, invitation=invitation)
    )
    return response
