"""Gates: nothing opens a sensitive or important record before what has to be in force is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.people import acting, everything
from tests.support.vault import add_bytes
from tests.vault.workflows.faults import with_clock
from vault.agreements import SHIPPED as FIRST_TEXT
from vault.agreements import AgreementText
from vault.audit import Event
from vault.borrowing import LoanState
from vault.errors import (
    AgreementNeeded,
    AlreadyExists,
    BorrowingNeeded,
    CatalogueBroken,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    PurposeNeeded,
    TooManyAttempts,
    TrainingNeeded,
)
from vault.gates import Gate
from vault.groups import FOUNDING
from vault.ids import RecordId
from vault.permissions import Actor
from vault.records import Description
from vault.training import SHIPPED, TRIES_A_DAY, parse_questions, write_questions
from vault.workflows import agreements, borrowing, gates, intake, logdetails, people, retrieval, sharing, training
from vault.workflows.awaiting import steps_awaiting
from vault.workflows.vault import Vault

SENSITIVE, IMPORTANT = "identity", "deal"
WORDS = "the bank asks for a copy"
RIGHT = [question.right for question in SHIPPED.questions]


@pytest.fixture(scope="module")
def one(vault: Vault) -> Actor:
    return joined(vault, "one")


@pytest.fixture(scope="module")
def two(vault: Vault, one: Actor) -> Actor:
    return joined(vault, "two")


def joined(vault: Vault, login: str) -> Actor:
    token = people.invite(vault, everything(), FOUNDING)
    return acting(
        vault, people.accept_invitation(vault, token, login=login, name=login, password="long enough it is").id
    )


def kept(vault: Vault, class_code: str, content: bytes = b"kept") -> RecordId:
    return add_bytes(vault, everything(), content, class_code=class_code).record_id


def ready(vault: Vault, actor: Actor) -> None:
    """Signs, and passes the test."""
    agreements.sign_agreement(vault, actor, agreements.current_agreement(vault, actor).text.sha256)
    if training.current_course(vault, actor).good is None:
        training.take_test(vault, actor, training.current_course(vault, actor).version, RIGHT)


def opened(vault: Vault, actor: Actor, record_id: RecordId, words: str = WORDS) -> bytes:
    return b"".join(retrieval.open_version(vault, actor, record_id, purpose="business", words=words).stream())


def ways_in(vault: Vault, actor: Actor, record_id: RecordId) -> list[Callable[[], object]]:
    """Every way to what a record says, or out of the vault with it."""
    said = Description.checked(title="x", reason="y")
    return [
        lambda: opened(vault, actor, record_id),
        lambda: retrieval.export_sealed(vault, actor, record_id, words=WORDS),
        lambda: sharing.make_link(vault, actor, record_id, lifetime=timedelta(days=1), uses_max=1, pass_code=None),
        lambda: intake.revise_description(vault, actor, record_id, said),
        lambda: intake.begin_correction(vault, actor, record_id, said, "a.txt"),
        lambda: gates.require_gates(vault, actor, record_id),
    ]


def test_the_gates_of_a_class_are_asked_one_after_the_other_on_every_way_in(vault: Vault, one: Actor) -> None:
    record_id = kept(vault, IMPORTANT)
    for error, passing in (
        (AgreementNeeded, lambda: agreements.sign_agreement(vault, one, FIRST_TEXT.sha256)),
        (TrainingNeeded, lambda: training.take_test(vault, one, 1, RIGHT)),
        (BorrowingNeeded, lambda: None),
    ):
        for way in ways_in(vault, one, record_id):
            with pytest.raises(error) as refused:
                way()
            assert refused.value.subject == record_id
        passing()
    with vault.catalogue.read() as tx:
        assert not [each for each in tx.audit.page(subject=record_id) if each.entry.event is Event.RECORD_OPENED]


def test_an_ordinary_record_opens_without_any(vault: Vault, two: Actor) -> None:
    record_id = kept(vault, "contract")
    assert opened(vault, two, record_id, words="") == b"kept"
    assert gates.show_gates(vault, two, record_id) == []


def test_a_sensitive_record_opens_for_a_purpose_in_words_which_are_sealed(vault: Vault, one: Actor) -> None:
    ready(vault, one)
    record_id = kept(vault, SENSITIVE)
    with pytest.raises(PurposeNeeded):
        opened(vault, one, record_id, words="")
    with pytest.raises(InvalidInput):
        opened(vault, one, record_id, words="x")
    assert not retrieval.is_opened(vault, one, record_id, "business")
    assert opened(vault, one, record_id) == b"kept"
    # The same opening goes on: person, record and purpose.
    assert opened(vault, one, record_id, words="") == b"kept"
    assert retrieval.is_opened(vault, one, record_id, "business")
    with pytest.raises(PurposeNeeded):
        retrieval.open_version(vault, one, record_id, purpose="legal")
    with vault.catalogue.read() as tx:
        told = [each for each in tx.audit.page(subject=record_id) if each.entry.event is Event.RECORD_OPENED]
    assert len(told) == 1
    assert WORDS not in str(told)
    assert logdetails.read_sealed(vault, everything(), told[0].number) == {"words": WORDS}


def test_a_new_version_of_the_agreement_asks_again(vault: Vault, one: Actor, two: Actor) -> None:
    ready(vault, one)
    record_id = kept(vault, SENSITIVE)
    opened(vault, one, record_id)
    before = agreements.current_agreement(vault, one)
    text = AgreementText.checked(zh="保密。", en=f"Keep it to yourself, also after version {before.version}.")
    version = agreements.publish_agreement(vault, two, text)
    assert version.version == before.version + 1
    with pytest.raises(AgreementNeeded):
        opened(vault, one, record_id, words="")
    with pytest.raises(Conflict, match="read it again"):
        agreements.sign_agreement(vault, one, before.text.sha256)
    with pytest.raises(AlreadyExists):
        agreements.publish_agreement(vault, two, text)
    signature = agreements.sign_agreement(vault, one, text.sha256)
    assert agreements.sign_agreement(vault, one, text.sha256) == signature
    assert opened(vault, one, record_id) == b"kept"
    signed = [(each.name, each.signature.version) for each in agreements.list_signatures(vault, two) if each.is_current]
    assert signed == [("one", version.version)]


def test_a_test_is_passed_by_knowing_and_runs_out(vault: Vault, two: Actor) -> None:
    late, clock = with_clock(vault)
    wrong = [(right + 1) % 3 for right in RIGHT]
    assert training.take_test(late, two, 1, wrong).expires_at is None
    assert training.current_course(late, two).good is None
    with pytest.raises(InvalidInput):
        training.take_test(late, two, 1, [*RIGHT[:-1], None])
    with pytest.raises(Conflict):
        training.take_test(late, two, 7, RIGHT)
    passed = training.take_test(late, two, 1, RIGHT)
    assert (passed.score_percent, passed.expires_at) == (100, clock.at + timedelta(days=SHIPPED.valid_days))
    clock.advance(timedelta(days=SHIPPED.valid_days))
    assert training.current_course(late, two).good is None
    for _ in range(TRIES_A_DAY):
        training.take_test(late, two, 1, wrong)
    with pytest.raises(TooManyAttempts):
        training.take_test(late, two, 1, RIGHT)


def test_an_important_record_is_lent_by_somebody_else_for_a_time(vault: Vault, one: Actor, two: Actor) -> None:
    lent, clock = with_clock(vault)
    ready(lent, one)
    record_id = kept(vault, IMPORTANT)
    loan = borrowing.ask_loan(lent, one, record_id, purpose="legal", words=WORDS, days=3)
    with pytest.raises(AlreadyExists):
        borrowing.ask_loan(lent, one, record_id, purpose="legal", words=WORDS, days=3)
    with pytest.raises(BorrowingNeeded):
        opened(lent, one, record_id)
    with pytest.raises(NotAllowed, match="somebody else"):
        borrowing.decide_loan(lent, one, loan.id, grant=True)
    assert [each.words for each in borrowing.loans_to_decide(lent, two) if each.loan.id == loan.id] == [WORDS]
    assert loan.id not in {each.loan.id for each in borrowing.loans_to_decide(lent, one)}
    borrowing.decide_loan(lent, two, loan.id, grant=True)
    assert opened(lent, one, record_id) == b"kept"
    views = {each.gate: each for each in gates.show_gates(lent, one, record_id)}
    assert views[Gate.BORROWING].until == clock.at + timedelta(days=3)
    clock.advance(timedelta(days=3))
    with pytest.raises(BorrowingNeeded):
        opened(lent, one, record_id)
    assert borrowing.return_due(lent).text
    assert [each.loan.state for each in borrowing.my_loans(lent, one) if each.loan.id == loan.id] == [
        LoanState.RETURNED
    ]
    with pytest.raises(Conflict):
        borrowing.decide_loan(lent, two, loan.id, grant=True)


def test_a_refusal_says_why_and_a_request_is_taken_back(vault: Vault, one: Actor, two: Actor) -> None:
    record_id = kept(vault, IMPORTANT)
    loan = borrowing.ask_loan(vault, one, record_id, purpose="legal", words=WORDS, days=3)
    with pytest.raises(InvalidInput):
        borrowing.decide_loan(vault, two, loan.id, grant=False)
    borrowing.decide_loan(vault, two, loan.id, grant=False, answer="ask the owner first")
    assert [each.answer for each in borrowing.my_loans(vault, one) if each.loan.id == loan.id] == [
        "ask the owner first"
    ]
    again = borrowing.ask_loan(vault, one, record_id, purpose="legal", words=WORDS, days=3)
    with pytest.raises(NotFound):
        borrowing.give_back(vault, two, again.id)
    assert borrowing.give_back(vault, one, again.id).state is LoanState.WITHDRAWN
    with pytest.raises(Conflict, match="does not ask"):
        borrowing.ask_loan(vault, one, kept(vault, SENSITIVE), purpose="legal", words=WORDS, days=3)


def test_the_database_lets_nobody_lend_to_themselves(vault: Vault, one: Actor) -> None:

    loan = borrowing.ask_loan(vault, one, kept(vault, IMPORTANT), purpose="legal", words=WORDS, days=3)
    own = replace(
        loan,
        state=LoanState.GRANTED,
        decided_by=one.person_id,
        decided_at=loan.asked_at,
        until=loan.asked_at + timedelta(days=3),
    )
    with pytest.raises(CatalogueBroken), vault.catalogue.write() as tx:
        tx.loans.update(own)


def test_what_waits_is_told_to_whoever_may_do_it(vault: Vault, one: Actor, two: Actor) -> None:
    three = joined(vault, "three")
    assert [step.kind for step in steps_awaiting(vault, three) if not step.key] == ["sign-agreement", "take-training"]
    ready(vault, three)
    assert [step.kind for step in steps_awaiting(vault, three) if not step.key] == []
    late, clock = with_clock(vault)
    clock.advance(timedelta(days=SHIPPED.valid_days - 20))
    assert [step.kind for step in steps_awaiting(late, three) if not step.key] == ["renew-training"]
    borrowing.ask_loan(vault, three, kept(vault, IMPORTANT), purpose="legal", words=WORDS, days=3)
    told = {person: [s for s in steps_awaiting(vault, person) if s.by == three.person_id] for person in (one, three)}
    assert [(step.kind, step.mine) for step in told[one]] == [("decide-loan", True)]
    assert [(step.kind, step.mine) for step in told[three]] == [("decide-loan", False)]


def test_questions_are_read_as_they_are_written() -> None:
    assert parse_questions(write_questions(SHIPPED.questions)) == SHIPPED.questions
    for wrong in ("Alone", "Q\n- a\n- b", "Q\n* a\n* b", "Q\n* a", "Q\n* a\nb"):
        with pytest.raises(InvalidInput, match="question 1"):
            parse_questions(wrong)
