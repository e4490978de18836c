"""Training for programs: material and test for everybody, courses and attempts for security administrators."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from vault.training import Attempt, Bilingual, Course, Question
from vault.workflows import training
from web.api.paging import JSON, moment
from web.site import Visit


async def show_course(visit: Visit) -> Response:
    """The course in force with its test, and whether one's own pass is good."""
    view = await visit.site.call(training.current_course, visit.vault, visit.actor)
    course = view.course
    return JSONResponse(
        {
            "version": view.version,
            "material": _bilingual_json(course.material),
            "questions": [
                {"text": _bilingual_json(each.text), "choices": [_bilingual_json(choice) for choice in each.choices]}
                for each in course.questions
            ],
            "pass_percent": course.pass_percent,
            "valid_days": course.valid_days,
            "passed_until": None if view.good is None else moment(view.good.expires_at),
        }
    )


async def take_test(visit: Visit) -> Response:
    """Takes the test: the place of each question's answer among its choices, null for none."""
    version: Any = visit.json["version"]
    answers: Any = visit.json["answers"]
    attempt = await visit.site.call(training.take_test, visit.vault, visit.actor, version, answers)
    return JSONResponse(_attempt_json(attempt), 201)


async def list_attempts(visit: Visit) -> Response:
    """Who took the test."""
    views = await visit.site.call(training.list_attempts, visit.vault, visit.actor)
    return JSONResponse(
        {
            "attempts": [
                {**_attempt_json(each.attempt), "person_id": each.attempt.person_id, "name": each.name}
                for each in views
            ]
        }
    )


async def publish_course(visit: Visit) -> Response:
    """Puts a new version in force."""
    body: Any = visit.json
    course = Course(
        material=Bilingual(**body["material"]),
        questions=tuple(
            Question(
                text=Bilingual(**each["text"]),
                choices=tuple(Bilingual(**choice) for choice in each["choices"]),
                right=each["right"],
            )
            for each in body["questions"]
        ),
        pass_percent=body["pass_percent"],
        valid_days=body["valid_days"],
        asks_again=body["asks_again"],
    )
    version = await visit.site.call(training.publish_course, visit.vault, visit.actor, course)
    return JSONResponse({"version": version.version, "published_at": moment(version.published_at)}, 201)


def _bilingual_json(said: Bilingual) -> JSON:
    return {"zh": said.zh, "en": said.en}


def _attempt_json(attempt: Attempt) -> JSON:
    return {
        "version": attempt.version,
        "score_percent": attempt.score_percent,
        "passed": attempt.expires_at is not None,
        "at": moment(attempt.at),
        "good_until": moment(attempt.expires_at),
    }
