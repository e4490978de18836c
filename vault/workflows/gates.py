"""Gates asked: in the workflows that open, before a key is derived, and for pages that show which one stands.

Rule 1: gates are asked in the order of ``GATES``; the first that is closed is said, with the way through.
Rule 2: the machine's operator passes them: they act only while there is nobody who could sign, learn or lend. What they
open is logged like anybody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from vault.borrowing import Loan
from vault.errors import AgreementNeeded, BorrowingNeeded, GateClosed, PurposeNeeded, TrainingNeeded
from vault.gates import GATES, Gate
from vault.ids import RecordId
from vault.permissions import Action, Actor, Role, require_on
from vault.records import Record
from vault.shelves import Transaction
from vault.training import Attempt
from vault.workflows.agreements import has_signed
from vault.workflows.schedules import rule_of
from vault.workflows.training import pass_in_force
from vault.workflows.vault import Vault
from vault.workflows.watching import require_unsuspended


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """A gate before a record, as it stands for whoever asks; ``until`` is when it closes again by itself."""

    gate: Gate
    is_open: bool
    until: datetime | None = None


def gates_of(tx: Transaction, record: Record) -> tuple[Gate, ...]:
    """The gates that stand before a record."""
    return GATES[rule_of(tx, record.class_code).sensitivity]


def require_passage(vault: Vault, tx: Transaction, actor: Actor, record: Record) -> None:
    """Every gate but the purpose's, which is a matter of the opening itself.

    Raises ``AccessSuspended``, ``AgreementNeeded``, ``TrainingNeeded``, ``BorrowingNeeded``.
    """
    if Role.OPERATOR in actor.roles:
        return
    require_unsuspended(tx, actor, record)
    for gate in gates_of(tx, record):
        if gate is not Gate.PURPOSE and not _stands_open(vault, tx, actor, record, gate):
            raise _closed(gate, record)


def require_purpose(tx: Transaction, actor: Actor, record: Record, words: str) -> None:
    """That an opening says in words what it is for, where its gate stands. Raises ``PurposeNeeded``."""
    if not words and Role.OPERATOR not in actor.roles and Gate.PURPOSE in gates_of(tx, record):
        raise _closed(Gate.PURPOSE, record)


def show_gates(vault: Vault, actor: Actor, record_id: RecordId) -> Sequence[GateView]:
    """The gates before a record, as they stand for the asker. Raises ``NotFound``, ``NotAllowed``."""
    with vault.catalogue.read() as tx:
        record = require_on(actor, Action.OPEN_RECORD, tx.records.get(record_id))
        return [_view(vault, tx, actor, record, gate) for gate in gates_of(tx, record)]


def require_gates(vault: Vault, actor: Actor, record_id: RecordId) -> None:
    """``require_passage`` in a transaction of its own, for a page that shows what would be corrected. Raises as it."""
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
        if record is not None:
            require_passage(vault, tx, actor, record)


def loan_in_force(vault: Vault, tx: Transaction, actor: Actor, record: Record) -> Loan | None:
    """The loan under which somebody may open a record now."""
    loan = tx.loans.granted(actor.person_id, record.id)
    return loan if loan is not None and loan.opens(vault.now()) else None


def _view(vault: Vault, tx: Transaction, actor: Actor, record: Record, gate: Gate) -> GateView:
    if gate is Gate.PURPOSE:
        return GateView(gate=gate, is_open=False)
    until: datetime | None = None
    if gate is Gate.TRAINING:
        good: Attempt | None = pass_in_force(vault, tx, actor.person_id)
        until = good.expires_at if good is not None else None
    elif gate is Gate.BORROWING:
        loan = loan_in_force(vault, tx, actor, record)
        until = loan.until if loan is not None else None
    is_open = Role.OPERATOR in actor.roles or _stands_open(vault, tx, actor, record, gate)
    return GateView(gate=gate, is_open=is_open, until=until)


def _stands_open(vault: Vault, tx: Transaction, actor: Actor, record: Record, gate: Gate) -> bool:
    if gate is Gate.AGREEMENT:
        return has_signed(tx, actor.person_id)
    if gate is Gate.TRAINING:
        return pass_in_force(vault, tx, actor.person_id) is not None
    return loan_in_force(vault, tx, actor, record) is not None


def _closed(gate: Gate, record: Record) -> GateClosed:
    number = record.number
    if gate is Gate.AGREEMENT:
        return AgreementNeeded(
            f"record {number} opens once you have signed the confidentiality agreement; sign it with "
            "`strongroom agreement sign`",
            subject=record.id,
        )
    if gate is Gate.TRAINING:
        return TrainingNeeded(
            f"record {number} opens once you have passed the test; take it with `strongroom training take`",
            subject=record.id,
        )
    if gate is Gate.BORROWING:
        return BorrowingNeeded(
            f"record {number} is lent before it opens; ask with `strongroom loan ask {number}`", subject=record.id
        )
    return PurposeNeeded(
        f"say in words what record {number} is opened for, beside the purpose's code (--words)", subject=record.id
    )
