"""Gates before opening: what has to stand before a key is derived, by the sensitivity of a record's class.

Rule 1: which gates stand before a class follows its sensitivity (一般 / 敏感 / 重要), and nothing else.
Rule 2: a gate is asked in the workflow that opens, on every opening; a page only says which one stands, and the way.
Rule 3: the purpose of an opening is one of a closed list; where its gate stands, with words, which are sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from vault.classes import Sensitivity
from vault.errors import InvalidInput

PURPOSES: Final = ("business", "customer-request", "audit", "legal", "upkeep")
WORDS_MIN_CHARACTERS: Final = 4
WORDS_MAX_CHARACTERS: Final = 500


class Gate(StrEnum):
    """What has to be in force."""

    AGREEMENT = "agreement"
    """The current version of the confidentiality agreement is signed."""
    TRAINING = "training"
    """A passed test is in force."""
    BORROWING = "borrowing"
    """Somebody else has lent the record, for a time."""
    PURPOSE = "purpose"
    """The opening says in words what it is for."""


GATES: Final[Mapping[Sensitivity, tuple[Gate, ...]]] = MappingProxyType(
    {
        Sensitivity.GENERAL: (),
        Sensitivity.SENSITIVE: (Gate.AGREEMENT, Gate.TRAINING, Gate.PURPOSE),
        Sensitivity.IMPORTANT: (Gate.AGREEMENT, Gate.TRAINING, Gate.BORROWING, Gate.PURPOSE),
    }
)


def checked_purpose(code: str) -> str:
    """A purpose of the list. Raises ``InvalidInput``."""
    if code not in PURPOSES:
        raise InvalidInput(f"a purpose is one of: {', '.join(PURPOSES)}", field="purpose")
    return code


def checked_words(words: str) -> str:
    """What an opening is for, in words: empty, or long enough to say something. Raises ``InvalidInput``."""
    clean = " ".join(words.split())
    if clean and not WORDS_MIN_CHARACTERS <= len(clean) <= WORDS_MAX_CHARACTERS:
        raise InvalidInput(
            f"say in {WORDS_MIN_CHARACTERS} to {WORDS_MAX_CHARACTERS} characters what it is for", field="words"
        )
    if not clean.isprintable():
        raise InvalidInput("what it is for holds a character that is not printed; remove it", field="words")
    return clean
