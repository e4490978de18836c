"""Borrowing at work: asked for, decided by somebody else, given back, or returned by the clock.

Rule 1: whoever may open a class may ask; who decides is an officer of the class, and never the one who asked.
Rule 2: a record that nobody needs to borrow is not lent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.borrowing import OPEN, Loan, LoanState, checked_days
from vault.errors import AlreadyExists, Conflict, InvalidInput, KeyDestroyed, NotAllowed, NotFound
from vault.gates import Gate, checked_purpose, checked_words
from vault.holds import checked_reason
from vault.ids import RecordId, could_be_key
from vault.outcomes import Outcome
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor, hides, require_on
from vault.records import RecordState, require_unrestricted
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.agreements import names_of
from vault.workflows.freshness import require_fresh
from vault.workflows.gates import gates_of
from vault.workflows.vault import Vault

FIELD_SET: Final = "loan"
_ENDED: Final = "that loan is over, or was decided before; look at the list again"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanView:
    """A loan with its record's number, its words, and who asked; empty where the record was destroyed."""

    loan: Loan
    record_number: str
    words: str
    answer: str
    name: str


def ask_loan(vault: Vault, actor: Actor, record_id: RecordId, *, purpose: str, words: str, days: int) -> Loan:
    """Asks to borrow a record.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput``, ``AlreadyExists`` (asked or lent already), ``Conflict`` (it
    is not lent: its class does not ask for it, or it does not live).
    """
    actor.require(Action.OPEN_RECORD)
    checked_purpose(purpose)
    checked_days(days)
    clean = checked_words(words)
    if not clean:
        raise InvalidInput("say in words what the record is borrowed for", field="words")
    with vault.catalogue.write() as tx:
        record = require_unrestricted(require_on(actor, Action.OPEN_RECORD, tx.records.get(record_id)))
        version = tx.records.version(record.id, record.current_ordinal)
        if version is None or record.state not in (RecordState.RECEIVED, RecordState.FILED):
            raise Conflict(f"record {record.number} is {record.state.value}; it is not lent any more")
        if Gate.BORROWING not in gates_of(tx, record):
            raise Conflict(f"record {record.number} opens without being borrowed; its class does not ask for it")
        if tx.people.get(actor.person_id) is None:
            raise NotAllowed("people borrow records; sign in as yourself first")
        if any(each.record_id == record.id and each.state in OPEN for each in tx.loans.of_person(actor.person_id)):
            raise AlreadyExists(f"you have asked for record {record.number} already, or have it")
        loan = Loan(
            id=vault.new_id(),
            record_id=record.id,
            person_id=actor.person_id,
            state=LoanState.REQUESTED,
            purpose=purpose,
            days=days,
            leaf=version.object.leaf,
            sealed=b"",
            revision=0,
            asked_at=vault.now(),
        )
        loan = _sealed(vault, loan, {"words": clean, "answer": ""})
        tx.loans.add(loan)
        detail: Detail = {"record": record.id, "purpose": purpose, "days": days}
        tx.audit.append(vault.entry(actor.person_id, Event.LOAN_REQUESTED, loan.id, detail))
    return loan


def decide_loan(vault: Vault, actor: Actor, loan_id: str, *, grant: bool, answer: str = "") -> Loan:
    """Lends a record to whoever asked, from now on for the days asked for, or refuses, for a reason.

    Raises ``NotAllowed`` (whoever asked, too), ``StepUpNeeded`` (to lend it), ``NotFound``, ``Conflict`` (decided, or
    withdrawn), ``InvalidInput``.
    """
    actor.require(Action.LEND_RECORD)
    if grant:
        require_fresh(vault, actor)
    said = answer.strip() if grant and not answer.strip() else checked_reason(answer)
    now = vault.now()
    with vault.catalogue.write() as tx:
        loan = _found(tx, actor, Action.LEND_RECORD, loan_id)
        if loan.person_id == actor.person_id:
            raise NotAllowed("you have asked for this loan; somebody else decides on it")
        if loan.state is not LoanState.REQUESTED:
            raise Conflict(_ENDED)
        decided = replace(
            loan,
            state=LoanState.GRANTED if grant else LoanState.REFUSED,
            decided_by=actor.person_id,
            decided_at=now,
            until=now + timedelta(days=loan.days) if grant else None,
        )
        decided = _sealed(vault, decided, {**_words(vault, loan), "answer": said})
        tx.loans.update(decided)
        event = Event.LOAN_GRANTED if grant else Event.LOAN_REFUSED
        detail: Detail = {"record": loan.record_id, "until": decided.until.isoformat() if decided.until else None}
        tx.audit.append(vault.entry(actor.person_id, event, loan.id, detail))
    return decided


def give_back(vault: Vault, actor: Actor, loan_id: str) -> Loan:
    """Ends one's own loan, or takes one's request back. Raises ``NotAllowed`` (an API token that is not for opening),
    ``NotFound``, ``Conflict``."""
    _require_in_scope(actor)
    now = vault.now()
    with vault.catalogue.write() as tx:
        loan = tx.loans.get(loan_id, for_update=True) if could_be_key(loan_id) else None
        if loan is None or loan.person_id != actor.person_id:
            raise NotFound("there is no such loan of yours; look it up in the list")
        if loan.state not in OPEN:
            raise Conflict(_ENDED)
        return _ended(vault, tx, actor.person_id, loan, now)


def return_due(vault: Vault) -> Outcome:
    """Upkeep: what was lent until now is returned."""
    now, returned = vault.now(), 0
    with vault.catalogue.read() as tx:
        due = tx.loans.overdue(now)
    for each in due:
        with vault.catalogue.write() as tx:
            loan = tx.loans.get(each.id, for_update=True)
            if loan is not None and loan.state is LoanState.GRANTED:
                _ended(vault, tx, CLOCK_ID, loan, now)
                returned += 1
    return Outcome.of("loans-returned", count=returned)


def _require_in_scope(actor: Actor) -> None:
    """Loans are one's own whatever one's roles became; a token is for what it names."""
    if not actor.in_scope(Action.OPEN_RECORD):
        actor.require(Action.OPEN_RECORD)


def my_loans(vault: Vault, actor: Actor) -> Sequence[LoanView]:
    """What the asker asked for, newest first. Raises ``NotAllowed`` for an API token that is not for opening."""
    _require_in_scope(actor)
    with vault.catalogue.read() as tx:
        loans = tx.loans.of_person(actor.person_id)
        return _views(vault, tx, actor, loans)


def loans_to_decide(vault: Vault, actor: Actor) -> Sequence[LoanView]:
    """What waits for somebody like the asker to decide, oldest first. Raises ``NotAllowed``."""
    actor.require(Action.LEND_RECORD)
    with vault.catalogue.read() as tx:
        loans = tx.loans.in_state(LoanState.REQUESTED, actor.reach(Action.LEND_RECORD))
        return _views(vault, tx, actor, [each for each in loans if each.person_id != actor.person_id])


def loans_out(vault: Vault, actor: Actor) -> Sequence[LoanView]:
    """What is lent now, oldest first. Raises ``NotAllowed``."""
    actor.require(Action.LEND_RECORD)
    with vault.catalogue.read() as tx:
        return _views(vault, tx, actor, tx.loans.in_state(LoanState.GRANTED, actor.reach(Action.LEND_RECORD)))


def _ended(vault: Vault, tx: Transaction, by: str, loan: Loan, now: datetime) -> Loan:
    lent = loan.state is LoanState.GRANTED
    ended = replace(loan, state=LoanState.RETURNED if lent else LoanState.WITHDRAWN, returned_at=now if lent else None)
    tx.loans.update(ended)
    event = Event.LOAN_RETURNED if lent else Event.LOAN_WITHDRAWN
    tx.audit.append(vault.entry(by, event, loan.id, {"record": loan.record_id}))
    return ended


def _found(tx: Transaction, actor: Actor, action: Action, loan_id: str) -> Loan:
    loan = tx.loans.get(loan_id, for_update=True) if could_be_key(loan_id) else None
    record = tx.records.get(loan.record_id) if loan is not None else None
    if loan is None or record is None or hides(actor, record):
        raise NotFound("there is no such loan; look it up in the list")
    actor.require(action, record.class_code)
    return loan


def _views(vault: Vault, tx: Transaction, actor: Actor, loans: Sequence[Loan]) -> Sequence[LoanView]:
    records = tx.records.many([each.record_id for each in loans])
    names = names_of(vault, tx)
    views = []
    for loan in loans:
        record = records[loan.record_id]
        if hides(actor, record):
            continue
        words = _words(vault, loan)
        views.append(
            LoanView(
                loan=loan,
                record_number=record.number,
                words=words["words"],
                answer=words["answer"],
                name=names.get(loan.person_id, ""),
            )
        )
    return views


def _sealed(vault: Vault, loan: Loan, words: dict[str, str]) -> Loan:
    revision = loan.revision + 1
    sealed = descriptions.seal(vault, loan.leaf, words, subject=loan.id, field_set=FIELD_SET, revision=revision)
    return replace(loan, sealed=sealed, revision=revision)


def _words(vault: Vault, loan: Loan) -> dict[str, str]:
    """What it is for, and the answer; nothing of a destroyed record's."""
    try:
        values = descriptions.unseal(
            vault, loan.leaf, loan.sealed, subject=loan.id, field_set=FIELD_SET, revision=loan.revision
        )
    except KeyDestroyed:
        values = {}
    return {"words": str(values.get("words", "")), "answer": str(values.get("answer", ""))}
