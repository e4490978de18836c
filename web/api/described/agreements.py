"""The confidentiality agreement, described."""

from __future__ import annotations

from typing import Final

from vault.agreements import TEXT_MAX_CHARACTERS
from web.api.operations import Operation
from web.api.shapes import MAYBE_MOMENT, MOMENT, SHA256, TEXT, WHOLE, YES_NO, Schema, asked, many, shape, text

_WORDING: Final = text(low=1, high=TEXT_MAX_CHARACTERS)

SCHEMAS: Final[dict[str, Schema]] = {
    "Agreement": shape({"version": WHOLE, "zh": TEXT, "en": TEXT, "sha256": SHA256, "signed_at": MAYBE_MOMENT}),
    "AgreementSigning": asked({"sha256": SHA256}, "sha256"),
    "SignedAgreement": shape({"version": WHOLE, "signed_at": MOMENT}),
    "AgreementSignatures": shape(
        {
            "signatures": many(
                shape({"version": WHOLE, "person_id": TEXT, "name": TEXT, "signed_at": MOMENT, "counts": YES_NO})
            )
        }
    ),
    "NewAgreement": asked({"zh": _WORDING, "en": _WORDING}, "zh", "en"),
    "PublishedAgreement": shape({"version": WHOLE, "sha256": SHA256}),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-agreement": Operation(
        tag="gates",
        summary="The confidentiality agreement in force, and whether you signed it",
        answers={200: ("The agreement", "Agreement")},
    ),
    "api-sign-agreement": Operation(
        tag="gates",
        summary="Sign the agreement whose digest you name; doing it again changes nothing",
        answers={201: ("Signed", "SignedAgreement")},
        body="AgreementSigning",
        problems=(409,),
        oneself=True,
        once=True,
    ),
    "api-agreement-signatures": Operation(
        tag="gates", summary="Who signed which version", answers={200: ("Signatures", "AgreementSignatures")}
    ),
    "api-publish-agreement": Operation(
        tag="gates",
        summary="Put a new version in force; everybody is asked again",
        answers={201: ("Published", "PublishedAgreement")},
        body="NewAgreement",
        problems=(409,),
        once=True,
    ),
}
