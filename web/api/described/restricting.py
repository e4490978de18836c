"""What may only be stored, and what proves unsettled debts, described."""

from __future__ import annotations

from typing import Final

from vault.holds import REASON_MAX_CHARACTERS
from web.api.operations import Operation
from web.api.shapes import TEXT, YES_NO, Schema, asked, shape, text

SCHEMAS: Final[dict[str, Schema]] = {
    "Restriction": shape({"record_id": TEXT, "number": TEXT, "restricted": YES_NO, "unsettled": YES_NO}),
    "Why": asked({"reason": text(low=1, high=REASON_MAX_CHARACTERS)}, "reason"),
}


def _said(summary: str, *, proof: bool = False) -> Operation:
    return Operation(
        tag="records",
        summary=summary,
        answers={200: ("As it is now", "Restriction")},
        body="Why",
        problems=(404, 409),
        proof=proof,
        once=True,
    )


OPERATIONS: Final[dict[str, Operation]] = {
    "api-restrict": _said("Let a record only be stored: nobody opens or lists it but who may see such"),
    "api-lift": _said("Lift a restriction that somebody else placed", proof=True),
    "api-unsettle": _said("Say that debts or claims which a record proves are not settled"),
    "api-settle": _said("Say that they are settled"),
}
