"""Loans: what the visitor asked for, what waits for them to decide, what is lent now."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.borrowing import DAYS_USUAL
from vault.permissions import Action
from vault.workflows import borrowing
from web.forms import text_of, whole_number_of
from web.openings import record_id_of
from web.site import Visit


async def list_loans(visit: Visit) -> Response:
    """One's own loans, and for officers those of others."""
    return await visit.site.call(_page, visit)


async def ask_loan(visit: Visit) -> Response:
    """Asks to borrow a record."""
    record_id = await record_id_of(visit)
    days = whole_number_of(visit.form, "days", default=DAYS_USUAL, low=0, high=100_000)
    purpose, words = text_of(visit.form, "purpose"), text_of(visit.form, "words")
    await visit.site.call(
        borrowing.ask_loan, visit.vault, visit.actor, record_id, purpose=purpose, words=words, days=days
    )
    return RedirectResponse(visit.path("loans"), 303)


async def decide_loan(visit: Visit) -> Response:
    """Lends a record, or refuses."""
    grant = text_of(visit.form, "decision") == "grant"
    answer = text_of(visit.form, "answer").replace("\r\n", "\n")
    await visit.site.call(
        borrowing.decide_loan, visit.vault, visit.actor, visit.parameter("loan"), grant=grant, answer=answer
    )
    return RedirectResponse(visit.path("loans"), 303)


async def give_back(visit: Visit) -> Response:
    """Ends one's own loan, or takes one's request back."""
    await visit.site.call(borrowing.give_back, visit.vault, visit.actor, visit.parameter("loan"))
    return RedirectResponse(visit.path("loans"), 303)


def _page(visit: Visit) -> Response:
    lends = visit.may(Action.LEND_RECORD)
    return visit.site.templates.page(
        visit,
        "loans.html",
        mine=borrowing.my_loans(visit.vault, visit.actor),
        waiting=borrowing.loans_to_decide(visit.vault, visit.actor) if lends else (),
        out=borrowing.loans_out(visit.vault, visit.actor) if lends else (),
    )
