"""Outcomes of upkeep's duties, in the visitor's language.

Rule 1: an outcome is one of ``OUTCOMES`` with its counts in place of the braces; they are the duties' own texts, letter
for letter.
Rule 2: any other one (a backup's name, a list of problems) is told by what it comes to; its own words are in the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from web.i18n import Language, later

OUTCOMES: Final = frozenset(
    {
        later("settled {0}, {1} left to the doctor"),
        later("settled {0}, {1} left to the doctor; {2} stray uploads aborted"),
        later("extended {0}, {1} left to the doctor"),
        later("sent {0}, with {1} changes of the register"),
        later("{0} destructions not effective yet"),
        later("deleted the bytes of {0} records, {1} still locked"),
        later("ended {0} sessions"),
        later("held: {0} of {1} attacks withstood"),
        later("BROKEN: {0} of {1} attacks withstood"),
        later("copied {0} objects, goes on"),
        later("there is no backup yet"),
    }
)
BROKEN: Final = later("something is not as it must be; run the doctor and look at the log")
FAILED: Final = later("could not be done now; it is tried again by itself")
DONE: Final = later("done")

_COUNT = re.compile(r"\d+")


def outcome_text(language: Language, outcome: str) -> str:
    """What came of a duty."""
    counts = _COUNT.findall(outcome)
    form = _COUNT.sub(_places(), outcome)
    if form in OUTCOMES:
        return language.text(form).format(*counts)
    if outcome.startswith("BROKEN"):
        return language.text(BROKEN)
    return language.text(FAILED if outcome.startswith("failed") else DONE)


def _places() -> Callable[[re.Match[str]], str]:
    numbers = iter(range(1_000_000))
    return lambda _: f"{{{next(numbers)}}}"
