"""``strongroom agreement|training|loan``: what has to be in force before sensitive and important records open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from vault.agreements import AgreementText
from vault.borrowing import DAYS_USUAL
from vault.cli.asking import ask
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import iso, local, plain, plain_lines, table
from vault.gates import PURPOSES
from vault.permissions import Action
from vault.training import Bilingual, Course, Question, parse_questions
from vault.workflows import agreements, borrowing, retrieval, training

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vault.cli.speech import JSON
    from vault.workflows.borrowing import LoanView

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_LANGUAGE: Final = click.option("--language", type=click.Choice(["zh", "en"]), default="en", show_default=True)


@click.command("show")
@_LANGUAGE
@speaking
@pass_invocation
def show_agreement(invocation: Invocation, language: str) -> None:
    """Show the confidentiality agreement, and whether you signed it."""
    with invocation.acting() as (vault, actor):
        view = agreements.current_agreement(vault, actor)
    text = view.text.zh if language == "zh" else view.text.en
    signed = iso(view.signature.signed_at) if view.signature is not None else None
    document: dict[str, JSON] = {
        "version": view.version,
        "zh": view.text.zh,
        "en": view.text.en,
        "sha256": view.text.sha256.hex(),
        "signed_at": signed,
    }
    invocation.speech.data(document, [f"version {view.version}, sha256 {view.text.sha256.hex()}", *plain_lines(text)])


@click.command("sign")
@click.option("--sha256", required=True, help="The digest of the text that you read, as `agreement show` says it.")
@speaking
@pass_invocation
def sign_agreement(invocation: Invocation, sha256: str) -> None:
    """Sign the confidentiality agreement that you read."""
    try:
        digest = bytes.fromhex(sha256)
    except ValueError:
        raise click.UsageError("--sha256 is the digest in hexadecimal, as `agreement show` says it") from None
    with invocation.acting() as (vault, actor):
        signature = agreements.sign_agreement(vault, actor, digest)
    invocation.speech.data({"version": signature.version, "signed_at": iso(signature.signed_at)}, ())
    invocation.speech.talk(f"you have signed version {signature.version}")


@click.command("publish")
@click.option("--zh", "zh", required=True, type=_FILE, help="A file with the text in Chinese.")
@click.option("--en", "en", required=True, type=_FILE, help="A file with the text in English.")
@speaking
@pass_invocation
def publish_agreement(invocation: Invocation, zh: Path, en: Path) -> None:
    """Put another version of the agreement in force; everybody is asked again."""
    text = AgreementText.checked(zh=zh.read_text(encoding="utf-8"), en=en.read_text(encoding="utf-8"))
    with invocation.acting() as (vault, actor):
        version = agreements.publish_agreement(vault, actor, text)
    invocation.speech.data({"version": version.version}, [f"version {version.version} is in force"])


@click.command("signatures")
@speaking
@pass_invocation
def list_signatures(invocation: Invocation) -> None:
    """List who signed which version of the agreement."""
    with invocation.acting() as (vault, actor):
        views = agreements.list_signatures(vault, actor)
    rows = [
        (str(each.signature.version), plain(each.name), local(each.signature.signed_at), str(each.is_current))
        for each in views
    ]
    document: dict[str, JSON] = {
        "signatures": [
            {
                "version": each.signature.version,
                "person_id": each.signature.person_id,
                "name": each.name,
                "signed_at": iso(each.signature.signed_at),
                "current": each.is_current,
            }
            for each in views
        ]
    }
    invocation.speech.data(document, table(("VERSION", "NAME", "SIGNED", "CURRENT"), rows) if rows else ())


@click.command("show")
@_LANGUAGE
@speaking
@pass_invocation
def show_training(invocation: Invocation, language: str) -> None:
    """Show the training material, and until when you have passed its test."""
    with invocation.acting() as (vault, actor):
        view = training.current_course(vault, actor)
    text = view.course.material.zh if language == "zh" else view.course.material.en
    until = iso(view.good.expires_at) if view.good is not None and view.good.expires_at is not None else None
    document: dict[str, JSON] = {"version": view.version, "material": text, "passed_until": until}
    invocation.speech.data(document, [*plain_lines(text), f"passed until {until or 'never'}"])


@click.command("take")
@_LANGUAGE
@click.option("--answer", "answers", multiple=True, type=click.IntRange(min=1), help="In order; otherwise asked for.")
@speaking
@pass_invocation
def take_test(invocation: Invocation, language: str, answers: tuple[int, ...]) -> None:
    """Take the test of the training."""
    with invocation.acting() as (vault, actor):
        view = training.current_course(vault, actor)
        given: Sequence[int] = answers
        if not given:
            given = [_asked(question, language) for question in view.course.questions]
        attempt = training.take_test(vault, actor, view.version, [each - 1 for each in given])
    until = iso(attempt.expires_at) if attempt.expires_at is not None else None
    invocation.speech.data({"score": attempt.score_percent, "passed_until": until}, ())
    invocation.speech.talk(f"{attempt.score_percent} of 100: {'passed' if until else 'not passed'}")


@click.command("publish")
@click.option("--zh", required=True, type=_FILE, help="A file with the material in Chinese.")
@click.option("--en", required=True, type=_FILE, help="A file with the material in English.")
@click.option("--questions", required=True, type=_FILE, help="A file of questions, as the page of courses explains.")
@click.option("--pass-percent", default=80, show_default=True, help="The pass mark.")
@click.option("--valid-days", default=365, show_default=True, help="For how long a pass is good.")
@click.option("--keeps-passes", is_flag=True, help="Passes of earlier versions stay good.")
@speaking
@pass_invocation
def publish_course(
    invocation: Invocation, zh: Path, en: Path, questions: Path, pass_percent: int, valid_days: int, keeps_passes: bool
) -> None:
    """Put another version of the training in force."""
    course = Course(
        material=Bilingual(zh=zh.read_text(encoding="utf-8"), en=en.read_text(encoding="utf-8")),
        questions=parse_questions(questions.read_text(encoding="utf-8")),
        pass_percent=pass_percent,
        valid_days=valid_days,
        asks_again=not keeps_passes,
    )
    with invocation.acting() as (vault, actor):
        version = training.publish_course(vault, actor, course)
    invocation.speech.data({"version": version.version}, [f"version {version.version} is in force"])


@click.command("attempts")
@speaking
@pass_invocation
def list_attempts(invocation: Invocation) -> None:
    """List who took the test, the newest first."""
    with invocation.acting() as (vault, actor):
        views = training.list_attempts(vault, actor)
    rows = [
        (
            str(each.attempt.version),
            plain(each.name),
            str(each.attempt.score_percent),
            local(each.attempt.expires_at) if each.attempt.expires_at else "not passed",
        )
        for each in views
    ]
    document: dict[str, JSON] = {
        "attempts": [
            {
                "version": each.attempt.version,
                "person_id": each.attempt.person_id,
                "name": each.name,
                "score": each.attempt.score_percent,
                "passed_until": iso(each.attempt.expires_at) if each.attempt.expires_at else None,
            }
            for each in views
        ]
    }
    invocation.speech.data(document, table(("VERSION", "NAME", "SCORE", "GOOD UNTIL"), rows) if rows else ())


@click.command("ask")
@click.argument("record")
@click.option("--purpose", type=click.Choice(PURPOSES), default=PURPOSES[0], show_default=True, help="What for.")
@click.option("--words", required=True, help="What for, in words; they are sealed.")
@click.option("--days", default=DAYS_USUAL, show_default=True, help="For how many days.")
@speaking
@pass_invocation
def ask_loan(invocation: Invocation, record: str, purpose: str, words: str, days: int) -> None:
    """Ask to borrow a record of an important class; somebody else decides."""
    with invocation.acting() as (vault, actor):
        found = retrieval.find_record(vault, actor, record)
        loan = borrowing.ask_loan(vault, actor, found.id, purpose=purpose, words=words, days=days)
    invocation.speech.data({"loan": loan.id, "state": loan.state.value}, [loan.id])


@click.command("list")
@speaking
@pass_invocation
def list_loans(invocation: Invocation) -> None:
    """List your loans, and those that wait for you to decide."""
    with invocation.acting() as (vault, actor):
        mine = borrowing.my_loans(vault, actor)
        waiting = borrowing.loans_to_decide(vault, actor) if actor.may(Action.LEND_RECORD) else ()
    rows = [(each.loan.id, each.loan.state.value, each.record_number, plain(each.name)) for each in (*mine, *waiting)]
    document: dict[str, JSON] = {
        "mine": [_loan_document(each) for each in mine],
        "to_decide": [_loan_document(each) for each in waiting],
    }
    invocation.speech.data(document, table(("LOAN", "STATE", "RECORD", "FOR"), rows) if rows else ())


@click.command("grant")
@click.argument("loan")
@speaking
@pass_invocation
def grant_loan(invocation: Invocation, loan: str) -> None:
    """Lend the record that somebody else asked for."""
    with invocation.acting(fresh=True) as (vault, actor):
        lent = borrowing.decide_loan(vault, actor, loan, grant=True)
    invocation.speech.data({"loan": lent.id, "until": iso(lent.until) if lent.until else None}, ())
    invocation.speech.talk(f"lent until {local(lent.until) if lent.until else ''}")


@click.command("refuse")
@click.argument("loan")
@click.option("--reason", required=True, help="Why not; whoever asked reads it.")
@speaking
@pass_invocation
def refuse_loan(invocation: Invocation, loan: str, reason: str) -> None:
    """Refuse what somebody asked to borrow."""
    with invocation.acting() as (vault, actor):
        refused = borrowing.decide_loan(vault, actor, loan, grant=False, answer=reason)
    invocation.speech.data({"loan": refused.id, "state": refused.state.value}, ())
    invocation.speech.talk("refused")


@click.command("return")
@click.argument("loan")
@speaking
@pass_invocation
def give_back(invocation: Invocation, loan: str) -> None:
    """Give a record back, or take back what you asked for."""
    with invocation.acting() as (vault, actor):
        ended = borrowing.give_back(vault, actor, loan)
    invocation.speech.data({"loan": ended.id, "state": ended.state.value}, ())
    invocation.speech.talk(ended.state.value)


def _asked(question: Question, language: str) -> int:
    lines = [getattr(question.text, language)]
    lines += [f"  {number}. {getattr(choice, language)}" for number, choice in enumerate(question.choices, 1)]
    click.echo("\n".join(plain(line) for line in lines), err=True)
    said = ask("Answer")
    return int(said) if said.isascii() and said.isdigit() else 0


def _loan_document(view: LoanView) -> dict[str, JSON]:
    return {
        "loan": view.loan.id,
        "record": view.record_number,
        "state": view.loan.state.value,
        "purpose": view.loan.purpose,
        "words": view.words,
        "answer": view.answer,
        "asked_by": view.loan.person_id,
        "days": view.loan.days,
        "until": iso(view.loan.until) if view.loan.until else None,
    }
