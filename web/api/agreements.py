"""The confidentiality agreement for programs: read and signed by everybody, published by security administrators."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.agreements import AgreementText
from vault.workflows import agreements
from web.api.paging import moment
from web.forms import text_of
from web.site import Visit


async def show_agreement(visit: Visit) -> Response:
    """The version in force, in both languages, and whether one signed it."""
    view = await visit.site.call(agreements.current_agreement, visit.vault, visit.actor)
    return JSONResponse(
        {
            "version": view.version,
            "zh": view.text.zh,
            "en": view.text.en,
            "sha256": view.text.sha256.hex(),
            "signed_at": None if view.signature is None else moment(view.signature.signed_at),
        }
    )


async def sign_agreement(visit: Visit) -> Response:
    """Signs it: the text whose digest is given."""
    digest = bytes.fromhex(text_of(visit.json, "sha256"))
    signed = await visit.site.call(agreements.sign_agreement, visit.vault, visit.actor, digest)
    return JSONResponse({"version": signed.version, "signed_at": moment(signed.signed_at)}, 201)


async def list_signatures(visit: Visit) -> Response:
    """Who signed which version."""
    views = await visit.site.call(agreements.list_signatures, visit.vault, visit.actor)
    return JSONResponse(
        {
            "signatures": [
                {
                    "version": each.signature.version,
                    "person_id": each.signature.person_id,
                    "name": each.name,
                    "signed_at": moment(each.signature.signed_at),
                    "counts": each.is_current,
                }
                for each in views
            ]
        }
    )


async def publish_agreement(visit: Visit) -> Response:
    """Puts a new version in force: everybody is asked again."""
    said = AgreementText.checked(zh=text_of(visit.json, "zh"), en=text_of(visit.json, "en"))
    version = await visit.site.call(agreements.publish_agreement, visit.vault, visit.actor, said)
    return JSONResponse({"version": version.version, "sha256": version.text_sha256.hex()}, 201)
