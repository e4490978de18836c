"""Certificates of destruction, described."""

from __future__ import annotations

from typing import Final

from vault.certificates import CertificateState
from web.api.operations import BEFORE, LIMIT, Operation, query
from web.api.shapes import MOMENT, SHA256, TEXT, WHOLE, Schema, choice, page, shape

_CERTIFICATE: Final[dict[str, Schema]] = {
    "id": TEXT,
    "number": TEXT,
    "state": choice(CertificateState),
    "destruction": TEXT,
    "generation": WHOLE,
    "issued_at": MOMENT,
    "statement_sha256": SHA256,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Certificate": shape(_CERTIFICATE),
    "CertificateView": shape({**_CERTIFICATE, "statement": {"type": "object"}}),
    "CertificatePage": page("certificates", "Certificate"),
    "Outcome": shape({"code": TEXT, "text": TEXT}),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-certificates": Operation(
        tag="certificates",
        summary="Certificates, newest first",
        answers={200: ("A page", "CertificatePage")},
        query=(BEFORE, LIMIT),
        problems=(404,),
    ),
    "api-issue-certificates": Operation(
        tag="certificates",
        summary="Issue and complete now what upkeep would; doing it again is harmless",
        answers={200: ("What came of it", "Outcome")},
    ),
    "api-certificate": Operation(
        tag="certificates",
        summary="One certificate, by number or id, checked as an outsider checks it",
        answers={200: ("The certificate", "CertificateView")},
        problems=(404,),
    ),
    "api-certificate-document": Operation(
        tag="certificates",
        summary="The document, byte for byte as it was signed",
        answers={200: ("The document", "application/json")},
        problems=(404,),
    ),
    "api-certificate-print": Operation(
        tag="certificates",
        summary="The certificate with its register, as PDF",
        answers={200: ("The print", "application/pdf")},
        query=(query("languages", "In which languages; both when absent", choice(("zh", "en", "both"))),),
        problems=(404,),
    ),
}
