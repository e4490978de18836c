"""The confidentiality agreement: read and signed by everybody, published by security administrators."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.agreements import AgreementText
from vault.errors import InvalidInput
from vault.workflows import agreements
from web.forms import text_of
from web.site import Visit


async def show_agreement(visit: Visit) -> Response:
    """The current version, in the visitor's language, to be signed or signed already."""
    view = await visit.site.call(agreements.current_agreement, visit.vault, visit.actor)
    return visit.site.templates.page(visit, "agreement.html", view=view, after=visit.local_path(visit.query("next")))


async def sign_agreement(visit: Visit) -> Response:
    """Signs it, and leads back to where somebody came from."""
    try:
        digest = bytes.fromhex(text_of(visit.form, "sha256"))
    except ValueError:
        raise InvalidInput("the form is malformed; load the page anew and try again") from None
    await visit.site.call(agreements.sign_agreement, visit.vault, visit.actor, digest)
    return RedirectResponse(visit.local_path(text_of(visit.form, "next")), 303)


async def show_versions(visit: Visit) -> Response:
    """Who signed which version, and the form for the next one."""
    view = await visit.site.call(agreements.current_agreement, visit.vault, visit.actor)
    signatures = await visit.site.call(agreements.list_signatures, visit.vault, visit.actor)
    return visit.site.templates.page(visit, "agreement_versions.html", view=view, signatures=signatures)


async def publish_agreement(visit: Visit) -> Response:
    """Puts a new version in force."""
    text = AgreementText.checked(zh=text_of(visit.form, "zh"), en=text_of(visit.form, "en"))
    await visit.site.call(agreements.publish_agreement, visit.vault, visit.actor, text)
    return RedirectResponse(visit.path("agreement-versions"), 303)
