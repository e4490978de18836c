"""Loans for programs, and the gates before a record as they stand for whoever asks."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from vault.borrowing import DAYS_MAX, DAYS_USUAL, Loan
from vault.permissions import Action
from vault.workflows import borrowing, gates
from vault.workflows.borrowing import LoanView
from web.api.paging import JSON, moment
from web.forms import text_of, whole_number_of
from web.openings import record_id_of
from web.site import Visit


async def show_gates(visit: Visit) -> Response:
    """Every gate before a record, and whether it is open."""
    record_id = await record_id_of(visit)
    views = await visit.site.call(gates.show_gates, visit.vault, visit.actor, record_id)
    return JSONResponse(
        {"gates": [{"gate": each.gate.value, "open": each.is_open, "until": moment(each.until)} for each in views]}
    )


async def list_loans(visit: Visit) -> Response:
    """One's own loans; for whoever lends, those that wait and those that are out."""

    def seen() -> JSON:
        lends = visit.may(Action.LEND_RECORD)
        waiting = borrowing.loans_to_decide(visit.vault, visit.actor) if lends else ()
        out = borrowing.loans_out(visit.vault, visit.actor) if lends else ()
        return {
            "mine": [_view_json(each) for each in borrowing.my_loans(visit.vault, visit.actor)],
            "waiting": [_view_json(each) for each in waiting],
            "out": [_view_json(each) for each in out],
        }

    return JSONResponse(await visit.site.call(seen))


async def ask_loan(visit: Visit) -> Response:
    """Asks to borrow a record."""
    record_id = await record_id_of(visit)
    loan = await visit.site.call(
        borrowing.ask_loan,
        visit.vault,
        visit.actor,
        record_id,
        purpose=text_of(visit.json, "purpose"),
        words=text_of(visit.json, "words"),
        days=whole_number_of(visit.json, "days", default=DAYS_USUAL, low=1, high=DAYS_MAX),
    )
    return JSONResponse(_loan_json(loan), 201)


async def decide_loan(visit: Visit) -> Response:
    """Lends a record, or refuses."""
    grant, answer = visit.json["grant"] is True, text_of(visit.json, "answer")
    loan = await visit.site.call(
        borrowing.decide_loan, visit.vault, visit.actor, visit.parameter("loan"), grant=grant, answer=answer
    )
    return JSONResponse(_loan_json(loan))


async def give_back(visit: Visit) -> Response:
    """Ends one's own loan, or takes one's request back."""
    loan = await visit.site.call(borrowing.give_back, visit.vault, visit.actor, visit.parameter("loan"))
    return JSONResponse(_loan_json(loan))


def _view_json(view: LoanView) -> JSON:
    return {
        **_loan_json(view.loan),
        "record": view.record_number,
        "words": view.words,
        "answer": view.answer,
        "name": view.name,
    }


def _loan_json(loan: Loan) -> JSON:
    return {
        "id": loan.id,
        "record_id": loan.record_id,
        "person_id": loan.person_id,
        "state": loan.state.value,
        "purpose": loan.purpose,
        "days": loan.days,
        "asked_at": moment(loan.asked_at),
        "decided_by": loan.decided_by,
        "decided_at": moment(loan.decided_at),
        "until": moment(loan.until),
        "returned_at": moment(loan.returned_at),
    }
