"""What stands against a destruction, and what one still waits for, in the visitor's language.

Rule 1: a reason is recognised by its form: one of ``REASONS`` with names, numbers and dates in place of the braces.
Rule 2: one that no form fits is told as it is in English, and elsewhere by the advice for its code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from vault.workflows.destructionscope import Blocker
from web.i18n import Language, later
from web.problems import PROBLEMS, sentence

REASONS: Final = (
    later("record {0} is {1} already; leave it out"),
    later("a file for record {0} is just being received; wait until it is done, or settled"),
    later("record {0} is locked until {1}; destroy it from that day on"),
    later("customer {0} is {1}; nothing can be kept for them any more"),
    later("a file for customer {0} is just being received; wait until it is done, or settled"),
    later("record {0} belongs to somebody else and stands under the keys of customer {1}; correct it first"),
    later("record {0} may not be destroyed: {1}"),
    later("class {0} is kept for ever ({1})"),
    later("class {0} is kept for ever"),
    later("it is not filed; file it with its class and its trigger ({0})"),
    later("the event from which its period runs ({0}) is not known; file it with the date"),
    later("class {0} keeps it until {1} ({2})"),
    later("class {0} keeps it until {1}"),
    later("it may only be stored ({0})"),
    later("debts or claims that it proves are not settled ({0})"),
    later("its period was over on {0}; class {1} proposes: {2}"),
    later("its destruction has not been approved"),
    later("its review has not been approved"),
    later("its transfer has not been approved"),
    later("record {0} is held by matter {1}; release the hold first"),
    later("customer {0} is held by matter {1}; release the hold first"),
    later("keeper {0}: {1}"),
    later("process {0}, last seen {1}"),
    later("its key pages are not in the object store yet"),
    later("the key pages of a later destruction are not in the object store yet"),
    later("up to date"),
    later("behind"),
    later("older roots not yet destroyed"),
    later("removed while out of reach"),
    later("erasing"),
    later("destroyed"),
)


def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\d\\\}", "(.+?)", re.escape(form)))


_FORMS: Final = tuple((form, _pattern(form)) for form in REASONS)


def _told(language: Language, reason: str, name: Callable[[str], str]) -> str | None:
    """A reason, or None where no form fits; ``name`` says what a code in it is called."""
    for form, pattern in _FORMS:
        found = pattern.fullmatch(reason)
        if found is not None:
            values = (_told(language, value, name) or name(value) for value in found.groups())
            return language.text(form).format(*values)
    return None


def waiting_text(language: Language, reason: str) -> str:
    """What a destruction waits for."""
    return sentence(_told(language, reason, lambda value: value) or reason)


def blocker_text(language: Language, blocker: Blocker, name: Callable[[str], str]) -> str:
    """Why something may not die now; what it is about stands in it, or before it."""
    if language.tag == "en":
        return sentence(blocker.message)
    told = _told(language, blocker.message, name)
    if told is not None:
        return sentence(told)
    return f"{blocker.subject}：{language.text(PROBLEMS[blocker.code].advice)}"
