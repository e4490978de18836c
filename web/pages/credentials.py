"""One's own second factors: an authenticator app with its picture to scan, recovery codes, passkeys."""

from __future__ import annotations

from collections.abc import Sequence

import segno
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput, NotFound, NotSignedIn
from vault.ids import PasskeyId
from vault.workflows import credentials, people
from vault.workflows.credentials import Enrolment
from web.passkeys import creation_options, party_of
from web.problems import describe
from web.site import Visit


async def show_factors(visit: Visit) -> Response:
    """What one proves oneself by."""
    return await _factors_page(visit)


async def begin_authenticator(visit: Visit) -> Response:
    """Makes a secret and shows its picture."""
    enrolment = await visit.site.call(credentials.begin_authenticator, visit.vault, visit.actor)
    return _authenticator_page(visit, enrolment)


async def confirm_authenticator(visit: Visit) -> Response:
    """Takes the first code; shows the recovery codes, once."""
    try:
        codes = await visit.site.call(
            credentials.confirm_authenticator, visit.vault, visit.actor, visit.form.get("code", "")
        )
    except InvalidInput as error:
        enrolment = await visit.site.call(credentials.pending_authenticator, visit.vault, visit.actor)
        return _authenticator_page(visit, enrolment, error=describe(visit, error))
    return await _after(visit, codes)


async def remove_authenticator(visit: Visit) -> Response:
    """Takes the app away."""
    await visit.site.call(credentials.remove_authenticator, visit.vault, visit.actor)
    return RedirectResponse(visit.path("account-factors"), 303)


async def make_recovery_codes(visit: Visit) -> Response:
    """New recovery codes, shown once."""
    codes = await visit.site.call(credentials.make_recovery_codes, visit.vault, visit.actor)
    return await _factors_page(visit, codes=codes)


async def begin_passkey(visit: Visit) -> Response:
    """The page whose script lets the device make a passkey."""
    party = party_of(visit)
    if party is None:
        raise NotFound("passkeys need a host name; come by one, such as localhost")
    challenge, wanted = await visit.site.call(credentials.begin_passkey, visit.vault, visit.actor)
    profile = await visit.site.call(people.own_profile, visit.vault, visit.actor)
    options = creation_options(
        party,
        wanted,
        person_id=visit.actor.person_id,
        login=profile.login,
        name=profile.name,
        known=await visit.site.call(credentials.known_credentials, visit.vault, visit.actor),
    )
    return visit.site.templates.page(visit, "passkey_new.html", challenge=challenge, options=options)


async def add_passkey(visit: Visit) -> Response:
    """Keeps what the device made."""
    party = party_of(visit)
    if party is None:
        raise NotFound("passkeys need a host name; come by one, such as localhost")
    try:
        codes = await visit.site.call(
            credentials.add_passkey,
            visit.vault,
            visit.actor,
            name=visit.form.get("name", ""),
            attestation=visit.form.get("passkey", ""),
            challenge=visit.form.get("challenge", ""),
            party=party,
        )
    except (InvalidInput, NotSignedIn) as error:
        return await _factors_page(visit, error=describe(visit, error))
    return await _after(visit, codes)


async def rename_passkey(visit: Visit) -> Response:
    """Gives a passkey another name."""
    passkey_id, name = PasskeyId(visit.parameter("passkey")), visit.form.get("name", "")
    try:
        await visit.site.call(credentials.rename_passkey, visit.vault, visit.actor, passkey_id, name=name)
    except InvalidInput as error:
        return await _factors_page(visit, error=describe(visit, error))
    return RedirectResponse(visit.path("account-factors"), 303)


async def remove_passkey(visit: Visit) -> Response:
    """Takes a passkey away."""
    passkey_id = PasskeyId(visit.parameter("passkey"))
    await visit.site.call(credentials.remove_passkey, visit.vault, visit.actor, passkey_id)
    return RedirectResponse(visit.path("account-factors"), 303)


async def _after(visit: Visit, codes: Sequence[str]) -> Response:
    return await _factors_page(visit, codes=codes) if codes else RedirectResponse(visit.path("account-factors"), 303)


async def _factors_page(visit: Visit, *, codes: Sequence[str] = (), error: str | None = None) -> Response:
    return visit.site.templates.page(
        visit,
        "account_factors.html",
        status=200 if error is None else 400,
        factors=await visit.site.call(credentials.own_factors, visit.vault, visit.actor),
        named=party_of(visit) is not None,
        codes=codes,
        error=error,
    )


def _authenticator_page(visit: Visit, enrolment: Enrolment, *, error: str | None = None) -> Response:
    # The picture is drawn by us of our own text: black modules on white, no style, no script.
    picture = Markup(segno.make(enrolment.uri, error="m").svg_inline(scale=4, border=4, light="white"))  # noqa: S704
    return visit.site.templates.page(
        visit,
        "authenticator.html",
        status=200 if error is None else 400,
        enrolment=enrolment,
        picture=picture,
        error=error,
    )
