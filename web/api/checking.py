"""What the door takes of a request for the API: exactly what the description says of its query and its body.

Rule 1: a name that is not described is refused, by that name: a mistyped one would change what is done, silently.
Rule 2: types, choices, bounds and lengths are checked against the same schemas that the description shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Final

from vault.errors import InvalidInput
from web.api.operations import Operation
from web.api.shapes import Schema

_NAME_MAX: Final = 64
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_WORDS: Final = {"string": "a text", "boolean": "true or false", "array": "a list", "object": "an object"}


def check_query(operation: Operation, given: Mapping[str, str]) -> None:
    """Raises ``InvalidInput`` naming a parameter that the operation does not have, or that is not as described."""
    described = {each["name"]: each["schema"] for each in operation.query}
    _require_known(given, described)
    for name, text in given.items():
        is_whole = described[name]["type"] == "integer" and text.isascii() and text.isdigit() and len(text) <= 18
        _check(name, int(text) if is_whole else text, described[name], _nothing)


def check_body(schema: Schema, body: Mapping[str, object], named: Callable[[str], Schema]) -> None:
    """Raises ``InvalidInput`` naming the field that is not as the schema says; ``named`` finds a schema by its name."""
    _check("", dict(body), schema, named)


def _nothing(name: str) -> Schema:
    """Parameters of a query are described in their place."""
    raise KeyError(name)


def _check(where: str, value: object, schema: Schema, named: Callable[[str], Schema]) -> None:
    if "$ref" in schema:
        schema = named(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        # A schema or null (``shapes.maybe``).
        if value is not None:
            _check(where, value, schema["anyOf"][0], named)
        return
    _require_kind(where, value, schema)
    if "enum" in schema and value not in schema["enum"]:
        raise InvalidInput(f"{where} must be one of: {', '.join(each for each in schema['enum'] if each)}", field=where)
    if isinstance(value, str):
        _check_text(where, value, schema)
    elif isinstance(value, list):
        _require_between(where, len(value), schema.get("minItems", 0), schema.get("maxItems"), "entries")
        for each in value:
            _check(where, each, schema["items"], named)
    elif isinstance(value, dict) and "properties" in schema:
        _check_object(where, value, schema, named)


def _check_object(where: str, value: dict[str, Any], schema: Schema, named: Callable[[str], Schema]) -> None:
    properties: dict[str, Schema] = schema["properties"]
    _require_known(value, properties, where)
    for name in schema.get("required", ()):
        if name not in value:
            raise InvalidInput(f"{_inside(where, name)} is missing; give it", field=_inside(where, name))
    for name, each in value.items():
        _check(_inside(where, name), each, properties[name], named)


def _require_kind(where: str, value: object, schema: Schema) -> None:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, bool) and "boolean" in kinds:
        return
    if "integer" in kinds and not (value is None and "null" in kinds):
        low, high = schema.get("minimum", 0), schema.get("maximum", 10**12)
        if not is_whole or not low <= value <= high:
            raise InvalidInput(f"{where} must be a whole number from {low} to {high}", field=where)
        return
    if isinstance(value, bool) or not isinstance(value, tuple(each for name in kinds for each in _KINDS[name])):
        raise InvalidInput(f"{where} must be {_WORDS[kinds[0]]}", field=where)


def _check_text(where: str, value: str, schema: Schema) -> None:
    _require_between(where, len(value), schema.get("minLength", 0), schema.get("maxLength"), "characters")
    if schema.get("format") == "date" and value:
        if _DAY.fullmatch(value) is None:
            raise InvalidInput("this is not a date; write it like 2026-03-31", field=where)
        try:
            date.fromisoformat(value)
        except ValueError:
            raise InvalidInput("this is not a date; write it like 2026-03-31", field=where) from None
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        raise InvalidInput(f"{where} is not written as it has to be; see the API's description", field=where)


def _require_between(where: str, count: int, low: int, high: int | None, what: str) -> None:
    if count < low or (high is not None and count > high):
        span = f"{low} to {10**6 if high is None else high}"
        raise InvalidInput(f"{where} must have {span} {what}", field=where)


def _require_known(given: Iterable[str], known: Iterable[str], where: str = "") -> None:
    names = set(known)
    for name in given:
        if name not in names:
            shown = _inside(where, name[:_NAME_MAX])
            told = ", ".join(sorted(names)) or "none"
            raise InvalidInput(f"{shown} is not known here; known are: {told}", field=shown)


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
