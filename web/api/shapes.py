"""The parts that JSON Schemas (2020-12) of the API are put together from.

Rule 1: what is asked for is closed: a name that it does not have is refused. What is given may get more names in time.
Rule 2: what may be left out may be null, which is as good as absent.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
WHOLE: Final[Schema] = {"type": "integer", "minimum": 0}
MAYBE_WHOLE: Final[Schema] = {"type": ["integer", "null"], "minimum": 0}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
MAYBE_MOMENT: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
DATE: Final[Schema] = {"type": "string", "format": "date"}
MAYBE_DATE: Final[Schema] = {"type": ["string", "null"], "format": "date"}
SHA256: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
YES_NO: Final[Schema] = {"type": "boolean"}


def ref(name: str) -> Schema:
    """A schema of the description, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "null" in schema["type"]:
        return schema
    choices = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **choices}


def many(schema: Schema, **bounds: int) -> Schema:
    """A list of such; ``bounds`` are minItems and maxItems."""
    return {"type": "array", "items": schema, **bounds}


def text(*, low: int = 0, high: int) -> Schema:
    """A text of so many characters."""
    return {"type": "string", **({"minLength": low} if low else {}), "maxLength": high}


def secret(schema: Schema) -> Schema:
    """What is said and never told again, nor kept in any form."""
    return {**schema, "writeOnly": True}


def whole(low: int, high: int, *, usually: int | None = None) -> Schema:
    """A whole number, both ends included; ``usually`` is what stands for an absent one."""
    return {"type": "integer", "minimum": low, "maximum": high, **({} if usually is None else {"default": usually})}


def choice(values: type[StrEnum] | Iterable[str]) -> Schema:
    """One of the codes."""
    return {"type": "string", "enum": [str(each) for each in values]}


def shape(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """An object that is given."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def asked(properties: dict[str, Schema], *required: str) -> Schema:
    """An object that is asked for: without the names of ``required`` it is refused, and with others, too."""
    described = {name: each if name in required else maybe(each) for name, each in properties.items()}
    return {
        **shape(described, optional=tuple(name for name in properties if name not in required)),
        "additionalProperties": False,
    }


def page(of: str, name: str) -> Schema:
    """A page of a list; ``next`` is where the next one begins, null at the end."""
    return shape({of: many(ref(name)), "next": MAYBE_TEXT})
