"""Certificates of destruction for programs: the list, the document as it was signed, the print."""

from __future__ import annotations

from typing import Final

from starlette.responses import JSONResponse, Response

from vault.certificates import Certificate
from vault.errors import InvalidInput
from vault.ids import CertificateId
from vault.workflows import certificates
from web.api.paging import JSON, key_of, limit_of, moment, page_of
from web.contents import disposition
from web.site import Visit

PRINTED: Final = {"zh": ("zh",), "en": ("en",), "both": ("zh", "en")}


async def list_certificates(visit: Visit) -> Response:
    """A page of certificates, newest first."""
    before, limit = key_of(visit, "before"), limit_of(visit)
    found = await visit.site.call(
        certificates.list_certificates,
        visit.vault,
        visit.actor,
        before=CertificateId(before) if before else None,
        limit=limit + 1,
    )
    return JSONResponse(page_of("certificates", found, limit, shown=_certificate_json, key=lambda each: each.id))


async def issue_certificates(visit: Visit) -> Response:
    """Issues and completes now what upkeep would."""
    told = await visit.site.call(certificates.issue_now, visit.vault, visit.actor)
    return JSONResponse({"code": told.code, "text": told.text})


async def show_certificate(visit: Visit) -> Response:
    """One certificate, checked as an outsider checks it, with what it states."""
    key = visit.parameter("certificate")
    view = await visit.site.call(certificates.show_certificate, visit.vault, visit.actor, key)
    return JSONResponse({**_certificate_json(view.certificate), "statement": dict(view.checked.statement)})


async def download_document(visit: Visit) -> Response:
    """The document, byte for byte as it was signed."""
    key = visit.parameter("certificate")
    view = await visit.site.call(certificates.show_certificate, visit.vault, visit.actor, key)
    headers = {"Content-Disposition": disposition(f"{view.certificate.number}.json")}
    return Response(view.document, headers=headers, media_type="application/json")


async def download_print(visit: Visit) -> Response:
    """The certificate with its register, as PDF."""
    languages = PRINTED.get(visit.query("languages") or "both")
    if languages is None:
        raise InvalidInput("choose one of those that are offered", field="languages")
    key = visit.parameter("certificate")
    view = await visit.site.call(certificates.show_certificate, visit.vault, visit.actor, key)
    printed = await visit.site.call(
        certificates.print_certificate, visit.vault, visit.actor, view.certificate.number, languages=languages
    )
    headers = {"Content-Disposition": disposition(f"{view.certificate.number}.pdf")}
    return Response(printed, headers=headers, media_type="application/pdf")


def _certificate_json(certificate: Certificate) -> JSON:
    return {
        "id": certificate.id,
        "number": certificate.number,
        "state": certificate.state.value,
        "destruction": certificate.batch_id,
        "generation": certificate.generation,
        "issued_at": moment(certificate.issued_at),
        "statement_sha256": certificate.statement_sha256.hex(),
    }
