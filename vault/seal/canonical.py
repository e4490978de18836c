"""Canonical JSON (RFC 8785) for the values that the vault seals: one value, one spelling.

Rule 1: text, whole numbers within 2**53 - 1 either way, true, false, null, lists, and objects with text keys. Numbers
with a fraction are refused, so that the one hard part of RFC 8785 is not needed.
Rule 2: keys are sorted by their UTF-16 code units (RFC 8785 section 3.2.3); text that is not Unicode (a lone surrogate)
is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Final

from vault.errors import InvalidInput

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 32

_PLAIN: Final = frozenset({str, bool, type(None)})
_SPELL: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_SPELL_SORTED: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True
).encode

JSON = None | bool | int | str | list["JSON"] | dict[str, "JSON"]


def canonical_json(value: object) -> bytes:
    """The one spelling of ``value`` in UTF-8. Raises ``InvalidInput`` on a value that has none here."""
    # RFC 8785 3.2.2.2 escapes what json escapes: quote, backslash, \b \t \n \f \r, and other controls as \u00xx.
    try:
        return (_SPELL_SORTED(value) if _is_plain(value) else _SPELL(_ordered(value, MAX_DEPTH))).encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput("text to be sealed holds a lone surrogate; it is not Unicode") from exc


def canonical_text(value: str) -> bytes:
    """``canonical_json`` of one text. Raises ``InvalidInput`` when it is not Unicode, ``TypeError`` when it is none."""
    if not isinstance(value, str):
        raise TypeError(f"a value of type {type(value).__name__} is no text")
    try:
        return encode_basestring(value).encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput("text to be sealed holds a lone surrogate; it is not Unicode") from exc


def _is_plain(value: object, depth: int = 3) -> bool:
    """Whether everything in it is allowed, and the order of code points the canonical one: most values are so."""
    if type(value) is not dict or depth == 0:
        return False
    for key, each in value.items():
        # Names in ASCII: the order of code points is that of UTF-16 units.
        if type(key) is not str or not key.isascii():
            return False
        if type(each) in _PLAIN or (type(each) is int and abs(each) <= MAX_INTEGER):
            continue
        if not _is_plain(each, depth - 1):
            return False
    return True


def _ordered(value: object, depth: int) -> JSON:
    if depth == 0:
        raise InvalidInput(f"values to be sealed are nested more than {MAX_DEPTH} deep")
    match value:
        case None | bool() | str():
            return value
        case int():
            if abs(value) > MAX_INTEGER:
                raise InvalidInput("a whole number to be sealed is beyond 2**53 - 1; keep it as text")
            return value
        case list():
            return [_ordered(element, depth - 1) for element in value]
        case Mapping():
            return {key: _ordered(value[key], depth - 1) for key in sorted(value, key=_utf16)}
        case _:
            raise InvalidInput(f"a value of type {type(value).__name__} cannot be sealed")


def _utf16(key: object) -> bytes:
    if not isinstance(key, str):
        raise InvalidInput("an object to be sealed has a key that is not text")
    try:
        return key.encode("utf-16-be")
    except UnicodeEncodeError as exc:
        raise InvalidInput("a key to be sealed holds a lone surrogate; it is not Unicode") from exc
