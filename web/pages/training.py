"""Training: material and test for everybody, courses and attempts for security administrators."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from vault.errors import InvalidInput
from vault.training import Attempt, Bilingual, Course, parse_questions, write_questions
from vault.workflows import training
from web.forms import text_of, whole_number_of
from web.site import Visit

CHOICE_MAX = 100


async def show_course(visit: Visit) -> Response:
    """The current course with its test."""
    return await _page(visit, after=visit.local_path(visit.query("next")))


async def take_test(visit: Visit) -> Response:
    """Takes the test; whoever passes is led back to where they came from."""
    view = await visit.site.call(training.current_course, visit.vault, visit.actor)
    version = whole_number_of(visit.form, "version", default=0, low=0, high=1_000_000)
    answers = [
        whole_number_of(visit.form, f"q-{number}", default=CHOICE_MAX, low=0, high=CHOICE_MAX)
        for number in range(len(view.course.questions))
    ]
    given = [None if answer == CHOICE_MAX else answer for answer in answers]
    attempt = await visit.site.call(training.take_test, visit.vault, visit.actor, version, given)
    after = visit.local_path(text_of(visit.form, "next"))
    if attempt.expires_at is not None and after != visit.path("home"):
        return RedirectResponse(after, 303)
    return await _page(visit, after=after, attempt=attempt)


async def show_courses(visit: Visit) -> Response:
    """Who took the test, and the form for the next version."""
    view = await visit.site.call(training.current_course, visit.vault, visit.actor)
    attempts = await visit.site.call(training.list_attempts, visit.vault, visit.actor)
    return visit.site.templates.page(
        visit, "courses.html", view=view, attempts=attempts, questions=write_questions(view.course.questions)
    )


async def publish_course(visit: Visit) -> Response:
    """Puts a new version in force."""
    form = visit.form
    course = Course(
        material=Bilingual(zh=_lines(visit, "material_zh"), en=_lines(visit, "material_en")),
        questions=parse_questions(text_of(form, "questions")),
        pass_percent=whole_number_of(form, "pass_percent", default=0, low=0, high=100),
        valid_days=whole_number_of(form, "valid_days", default=0, low=0, high=100_000),
        asks_again=bool(text_of(form, "asks_again")),
    )
    await visit.site.call(training.publish_course, visit.vault, visit.actor, course)
    return RedirectResponse(visit.path("courses"), 303)


def _lines(visit: Visit, name: str) -> str:
    text = text_of(visit.form, name).replace("\r\n", "\n").strip()
    if not text:
        raise InvalidInput("the material has its text in Chinese and in English; give both", field=name)
    return text


async def _page(visit: Visit, *, after: str, attempt: Attempt | None = None) -> Response:
    view = await visit.site.call(training.current_course, visit.vault, visit.actor)
    return visit.site.templates.page(visit, "training.html", view=view, after=after, attempt=attempt)
