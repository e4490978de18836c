"""Training at work: a course is read, its test taken, and passes run out.

Rule 1: people take the test for themselves; what was right is never told, only how much.
Rule 2: at most ``TRIES_A_DAY`` attempts in 24 hours: a test is not passed by trying everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from vault.audit import Detail, Event
from vault.errors import Conflict, NotAllowed, SealBroken, TooManyAttempts
from vault.ids import PersonId
from vault.permissions import Action, Actor
from vault.schedule import SHIPPED_BY
from vault.shelves import Transaction
from vault.training import SHIPPED, TRIES_A_DAY, Attempt, Bilingual, Course, CourseVersion, Question
from vault.workflows import descriptions
from vault.workflows.agreements import names_of
from vault.workflows.freshness import require_oneself
from vault.workflows.vault import Vault

SUBJECT: Final = "training"
FIELD_SET: Final = "course"
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseView:
    """The current course and how the asker stands: ``good`` is the pass in force, if any."""

    version: int
    course: Course
    published: CourseVersion | None
    good: Attempt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """Somebody's attempt, by name."""

    attempt: Attempt
    name: str


def current_course(vault: Vault, actor: Actor) -> CourseView:
    """What is to be learnt now. Raises ``SealBroken``."""
    with vault.catalogue.read() as tx:
        newest = tx.training.newest()
        good = pass_in_force(vault, tx, actor.person_id)
    return CourseView(
        version=newest.version if newest is not None else 1,
        course=SHIPPED if newest is None else _course(vault, newest),
        published=newest,
        good=good,
    )


def pass_in_force(vault: Vault, tx: Transaction, person_id: PersonId) -> Attempt | None:
    """Somebody's pass that is good now: of the current version, or of an earlier one that its successors let stand."""
    since = 1
    for version in tx.training.versions():
        if version.asks_again:
            since = version.version
            break
    best = tx.training.best(person_id, since_version=since)
    if best is None or best.expires_at is None or vault.now() >= best.expires_at:
        return None
    return best


def take_test(vault: Vault, actor: Actor, version: int, answers: Sequence[int | None]) -> Attempt:
    """Takes the test of the current version.

    Raises ``NotAllowed`` (nobody who could, an API token, too), ``InvalidInput`` (an answer is missing), ``Conflict``
    (another version is in force), ``TooManyAttempts``.
    """
    require_oneself(actor)
    view = current_course(vault, actor)
    if version != view.version:
        raise Conflict("another version of the course is in force now; read it and take its test")
    score = view.course.score_percent(answers)
    now = vault.now()
    passed = score >= view.course.pass_percent
    attempt = Attempt(
        version=view.version,
        person_id=actor.person_id,
        score_percent=score,
        at=now,
        expires_at=now + timedelta(days=view.course.valid_days) if passed else None,
    )
    with vault.catalogue.write() as tx:
        if tx.people.get(actor.person_id) is None:
            raise NotAllowed("people take tests; sign in as yourself first")
        if tx.training.newest() is None:
            _keep(vault, tx, SHIPPED, 1, SHIPPED_BY)
        if len(tx.training.attempts(person_id=actor.person_id, since=now - DAY)) >= TRIES_A_DAY:
            raise TooManyAttempts("the test was tried often enough for today; read the material and come back tomorrow")
        tx.training.attempt(attempt)
        detail: Detail = {"version": attempt.version, "score": score, "passed": passed}
        tx.audit.append(vault.entry(actor.person_id, Event.TEST_TAKEN, SUBJECT, detail))
    return attempt


def publish_course(vault: Vault, actor: Actor, course: Course) -> CourseVersion:
    """Puts a new version in force. Raises ``NotAllowed``, ``InvalidInput``."""
    actor.require(Action.SET_GATES)
    course.checked()
    with vault.catalogue.write() as tx:
        newest = tx.training.newest() or _keep(vault, tx, SHIPPED, 1, SHIPPED_BY)
        version = _keep(vault, tx, course, newest.version + 1, actor.person_id)
        detail: Detail = {
            "version": version.version,
            "questions": len(course.questions),
            "pass_percent": course.pass_percent,
            "valid_days": course.valid_days,
            "asks_again": course.asks_again,
        }
        tx.audit.append(vault.entry(actor.person_id, Event.COURSE_PUBLISHED, SUBJECT, detail))
    return version


def list_attempts(vault: Vault, actor: Actor) -> Sequence[AttemptView]:
    """Who took the test, the newest first. Raises ``NotAllowed``."""
    actor.require(Action.SET_GATES)
    with vault.catalogue.read() as tx:
        attempts, names = tx.training.attempts(), names_of(vault, tx)
    return [AttemptView(attempt=each, name=names.get(each.person_id, "")) for each in attempts]


def _keep(vault: Vault, tx: Transaction, course: Course, number: int, by: PersonId) -> CourseVersion:
    values = {"material": asdict(course.material), "questions": [_written(each) for each in course.questions]}
    version = CourseVersion(
        version=number,
        sealed=descriptions.seal(vault, vault.house, values, subject=SUBJECT, field_set=FIELD_SET, revision=number),
        pass_percent=course.pass_percent,
        valid_days=course.valid_days,
        asks_again=course.asks_again,
        published_by=by,
        published_at=vault.now(),
    )
    tx.training.add(version)
    return version


def _course(vault: Vault, version: CourseVersion) -> Course:
    values = descriptions.unseal(
        vault, vault.house, version.sealed, subject=SUBJECT, field_set=FIELD_SET, revision=version.version
    )
    try:
        return Course(
            material=Bilingual(**values["material"]),
            questions=tuple(_question(each) for each in values["questions"]),
            pass_percent=version.pass_percent,
            valid_days=version.valid_days,
            asks_again=version.asks_again,
        )
    except (KeyError, TypeError) as exc:
        raise SealBroken(f"version {version.version} of the course has another shape") from exc


def _written(question: Question) -> dict[str, Any]:
    choices = [asdict(choice) for choice in question.choices]
    return {"text": asdict(question.text), "choices": choices, "right": question.right}


def _question(values: dict[str, Any]) -> Question:
    return Question(
        text=Bilingual(**values["text"]),
        choices=tuple(Bilingual(**choice) for choice in values["choices"]),
        right=values["right"],
    )
