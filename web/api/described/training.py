"""Training, described."""

from __future__ import annotations

from typing import Final

from vault.training import CHOICES_MAX, QUESTIONS_MAX, TEXT_MAX_CHARACTERS, VALID_DAYS_MAX
from web.api.operations import Operation
from web.api.shapes import (
    MAYBE_MOMENT,
    MOMENT,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    asked,
    many,
    maybe,
    ref,
    shape,
    text,
    whole,
)

_WORDS: Final = text(low=1, high=TEXT_MAX_CHARACTERS)
_ATTEMPT: Final[dict[str, Schema]] = {
    "version": WHOLE,
    "score_percent": WHOLE,
    "passed": YES_NO,
    "at": MOMENT,
    "good_until": MAYBE_MOMENT,
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Bilingual": shape({"zh": TEXT, "en": TEXT}),
    "Course": shape(
        {
            "version": WHOLE,
            "material": ref("Bilingual"),
            "questions": many(shape({"text": ref("Bilingual"), "choices": many(ref("Bilingual"))})),
            "pass_percent": WHOLE,
            "valid_days": WHOLE,
            "passed_until": MAYBE_MOMENT,
        }
    ),
    "Answers": asked(
        {"version": whole(1, 10**6), "answers": many(maybe(whole(0, CHOICES_MAX - 1)), maxItems=QUESTIONS_MAX)},
        "version",
        "answers",
    ),
    "Attempt": shape(_ATTEMPT),
    "Attempts": shape({"attempts": many(shape({**_ATTEMPT, "person_id": TEXT, "name": TEXT}))}),
    "NewWords": asked({"zh": _WORDS, "en": _WORDS}, "zh", "en"),
    "NewQuestion": asked(
        {
            "text": ref("NewWords"),
            "choices": many(ref("NewWords"), minItems=2, maxItems=CHOICES_MAX),
            "right": whole(0, CHOICES_MAX - 1),
        },
        "text",
        "choices",
        "right",
    ),
    "NewCourse": asked(
        {
            "material": ref("NewWords"),
            "questions": many(ref("NewQuestion"), minItems=1, maxItems=QUESTIONS_MAX),
            "pass_percent": whole(1, 100),
            "valid_days": whole(1, VALID_DAYS_MAX),
            "asks_again": YES_NO,
        },
        "material",
        "questions",
        "pass_percent",
        "valid_days",
        "asks_again",
    ),
    "PublishedCourse": shape({"version": WHOLE, "published_at": MOMENT}),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-course": Operation(
        tag="gates",
        summary="The training course in force with its test, and until when your own pass is good",
        answers={200: ("The course", "Course")},
    ),
    "api-take-test": Operation(
        tag="gates",
        summary="Take the test: for each question the place of your answer among its choices",
        answers={201: ("Taken; `passed` says what came of it", "Attempt")},
        body="Answers",
        problems=(409, 429),
        oneself=True,
        once=True,
    ),
    "api-attempts": Operation(tag="gates", summary="Who took the test", answers={200: ("Attempts", "Attempts")}),
    "api-publish-course": Operation(
        tag="gates",
        summary="Put a new version of the course in force",
        answers={201: ("Published", "PublishedCourse")},
        body="NewCourse",
        once=True,
    ),
}
