"""Loans and gates, described."""

from __future__ import annotations

from typing import Final

from vault.borrowing import DAYS_MAX, DAYS_USUAL, LoanState
from vault.gates import PURPOSES, WORDS_MAX_CHARACTERS, WORDS_MIN_CHARACTERS, Gate
from vault.holds import REASON_MAX_CHARACTERS
from web.api.operations import Operation
from web.api.shapes import (
    MAYBE_MOMENT,
    MAYBE_TEXT,
    MOMENT,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    asked,
    choice,
    many,
    ref,
    shape,
    text,
    whole,
)

_LOAN: Final[dict[str, Schema]] = {
    "id": TEXT,
    "record_id": TEXT,
    "person_id": TEXT,
    "state": choice(LoanState),
    "purpose": TEXT,
    "days": WHOLE,
    "asked_at": MOMENT,
    "decided_by": MAYBE_TEXT,
    "decided_at": MAYBE_MOMENT,
    "until": MAYBE_MOMENT,
    "returned_at": MAYBE_MOMENT,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Gates": shape({"gates": many(shape({"gate": choice(Gate), "open": YES_NO, "until": MAYBE_MOMENT}))}),
    "Loan": shape(_LOAN),
    "LoanView": shape({**_LOAN, **dict.fromkeys(("record", "words", "answer", "name"), TEXT)}),
    "Loans": shape({name: many(ref("LoanView")) for name in ("mine", "waiting", "out")}),
    "NewLoan": asked(
        {
            "purpose": choice(PURPOSES),
            "words": text(low=WORDS_MIN_CHARACTERS, high=WORDS_MAX_CHARACTERS),
            "days": whole(1, DAYS_MAX, usually=DAYS_USUAL),
        },
        "purpose",
        "words",
    ),
    "LoanDecision": asked({"grant": YES_NO, "answer": text(high=REASON_MAX_CHARACTERS)}, "grant"),
}
_NOW: Final = ("The loan as it is now", "Loan")

OPERATIONS: Final[dict[str, Operation]] = {
    "api-gates": Operation(
        tag="gates",
        summary="The gates before a record, as they stand for you",
        answers={200: ("Gates; none before a record of a general class", "Gates")},
        problems=(404,),
    ),
    "api-loans": Operation(
        tag="loans",
        summary="Your own loans; for whoever lends, those that wait and those that are out",
        answers={200: ("Loans", "Loans")},
    ),
    "api-ask-loan": Operation(
        tag="loans",
        summary="Ask to borrow a record",
        answers={201: ("Asked", "Loan")},
        body="NewLoan",
        problems=(404, 409),
        once=True,
    ),
    "api-decide-loan": Operation(
        tag="loans",
        summary="Lend a record to whoever asked, or refuse with a reason",
        answers={200: _NOW},
        body="LoanDecision",
        problems=(404, 409),
        proof=True,
        once=True,
    ),
    "api-give-back": Operation(
        tag="loans",
        summary="End a loan of yours, or take your request back",
        answers={200: _NOW},
        problems=(404, 409),
        once=True,
    ),
}
