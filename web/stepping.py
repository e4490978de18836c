"""Asking somebody on a page to prove again that it is them, and going on with what they were about to do.

Rule 1: the vault asks (``StepUpNeeded``), wherever a workflow demands it; the page only shows the question.
Rule 2: what was in the form stays in the page: the question is asked on a page that carries the form's fields, and is
sent to where the form was going. Nothing of it goes into an address, a cookie or the catalogue.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from starlette.responses import RedirectResponse, Response

from vault.challenges import ChallengeKind
from vault.errors import NotSignedIn, StepUpNeeded, StrongroomError, TooManyAttempts
from vault.workflows import challenges, credentials, identities, sessions
from vault.workflows.proofs import SecondFactor
from web.passkeys import answer_of, party_of, request_options
from web.problems import describe
from web.sessions import CSRF_FIELD, client_of
from web.site import Body, Kind, Visit

PREFIX: Final = "step_up_"
CODE, PASSWORD, PASSKEY, CHALLENGE = (f"{PREFIX}{name}" for name in ("code", "password", "passkey", "challenge"))


def answers_step_up(visit: Visit) -> bool:
    """Whether the form carries a proof beside its own fields."""
    return visit.row.kind is Kind.PAGE and visit.row.body is Body.FORM and CHALLENGE in visit.form


async def step_up(visit: Visit) -> Visit:
    """The visit of somebody who has proved themselves, with a new session token. Raises ``NotSignedIn`` for a wrong
    proof, ``TooManyAttempts``."""
    form = visit.form
    passkey = answer_of(visit, form.get(PASSKEY, ""), form.get(CHALLENGE, ""))
    token, who = await visit.site.call_hashing(
        sessions.step_up,
        visit.vault,
        visit.session_token or "",
        client=client_of(visit),
        password=form.get(PASSWORD, ""),
        factor=SecondFactor(code=form.get(CODE, ""), passkey=passkey),
    )
    kept = MappingProxyType({name: value for name, value in form.items() if not name.startswith(PREFIX)})
    return replace(visit, signed_in=who, session_token=token, form=kept)


def asks_for_proof(visit: Visit, error: StrongroomError) -> bool:
    """Whether an error is answered by the question: a proof is needed, or the one that came with the form was wrong."""
    if visit.row.kind is not Kind.PAGE or visit.signed_in is None:
        return False
    wrong = isinstance(error, NotSignedIn | TooManyAttempts) and answers_step_up(visit)
    return wrong or isinstance(error, StepUpNeeded)


async def ask_for_proof(visit: Visit, error: StrongroomError) -> Response:
    """The question, with the form's own fields kept in the page."""
    again = visit.request.method == "POST"
    kept = {name: value for name, value in visit.form.items() if not name.startswith(PREFIX) and name != CSRF_FIELD}
    target = visit.here
    if not again:
        query = visit.request.url.query
        kept, target = {"next": f"{target}?{query}" if query else target}, visit.path("step-up")
    factors = await visit.site.call(credentials.own_factors, visit.vault, visit.actor)
    challenge = await visit.site.call(challenges.begin, visit.vault, ChallengeKind.STEP_UP, visit.actor.person_id)
    party = party_of(visit)
    options = None
    if factors.passkeys and party is not None:
        known = await visit.site.call(credentials.known_credentials, visit.vault, visit.actor)
        wanted = await visit.site.call(challenges.derived, visit.vault, challenge, "passkey")
        options = request_options(party, wanted, known)
    provided = await visit.site.call(identities.own_identity, visit.vault, visit.actor)
    return visit.site.templates.page(
        visit,
        "step_up.html",
        status=403,
        target=target,
        kept=kept,
        factors=factors,
        provider=visit.vault.provider.facts if provided is not None and visit.vault.provider is not None else None,
        challenge=challenge,
        options=options,
        error=None if isinstance(error, StepUpNeeded) else describe(visit, error),
    )


async def prove(visit: Visit) -> Response:
    """Goes on to the page that asked for a proof: the proof itself was taken before this row's handler ran."""
    return RedirectResponse(visit.local_path(visit.form.get("next", "")), 303)
