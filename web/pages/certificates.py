"""Certificates of destruction: the list, what one says, and the document to take away, for programs and on paper."""

from __future__ import annotations

from typing import Final

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput
from vault.ids import CertificateId
from vault.workflows import certificates
from vault.workflows.certificates import CertificateView
from web.classes import classes_of
from web.contents import disposition
from web.forms import PAGE_SIZE
from web.site import Visit

RECORDS_SHOWN: Final = 200
PRINTED: Final = {"zh": ("zh",), "en": ("en",), "both": ("zh", "en")}


async def list_certificates(visit: Visit) -> Response:
    """Every certificate, newest first."""
    before = visit.query("before")
    found = await visit.site.call(
        certificates.list_certificates,
        visit.vault,
        visit.actor,
        before=CertificateId(before) if before else None,
        limit=PAGE_SIZE + 1,
    )
    shown = found[:PAGE_SIZE]
    return visit.site.templates.page(
        visit,
        "certificates.html",
        certificates=shown,
        following=shown[-1].id if len(found) > PAGE_SIZE else None,
        first_page=not before,
    )


async def show_certificate(visit: Visit) -> Response:
    """What one certificate says; it is checked as an outsider checks it, before it is shown."""
    view = await _view(visit)
    named = await visit.site.call(certificates.named_people, visit.vault, visit.actor, view.certificate.number)
    said = view.checked.statement
    return visit.site.templates.page(
        visit,
        "certificate.html",
        certificate=view.certificate,
        said=said,
        checkpoint=view.checked.checkpoint,
        names={str(each.person_id): each.name for each in named},
        records=said["records"][:RECORDS_SHOWN],
        more=max(0, len(said["records"]) - RECORDS_SHOWN),
        class_title=(await visit.site.call(classes_of, visit)).title,
    )


async def download_document(visit: Visit) -> Response:
    """The document, byte for byte as it was signed."""
    view = await _view(visit)
    name = f"{view.certificate.number}.json"
    headers = {"Content-Disposition": disposition(name)}
    return Response(view.document, headers=headers, media_type="application/json")


async def download_print(visit: Visit) -> Response:
    """The certificate with its register, as PDF."""
    languages = PRINTED.get(visit.query("languages") or "both")
    if languages is None:
        raise InvalidInput("choose one of those that are offered", field="languages")
    view = await _view(visit)
    printed = await visit.site.call(
        certificates.print_certificate, visit.vault, visit.actor, view.certificate.number, languages=languages
    )
    headers = {"Content-Disposition": disposition(f"{view.certificate.number}.pdf")}
    return Response(printed, headers=headers, media_type="application/pdf")


async def issue_certificates(visit: Visit) -> Response:
    """Issues and completes now what upkeep would."""
    await visit.site.call(certificates.issue_now, visit.vault, visit.actor)
    return RedirectResponse(visit.path("certificates"), 303)


async def _view(visit: Visit) -> CertificateView:
    return await visit.site.call(
        certificates.show_certificate, visit.vault, visit.actor, visit.parameter("certificate")
    )
