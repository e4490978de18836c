"""What the description says of a row of the API, and what the door takes of a request by it.

Rule 1: an operation names every parameter of the query, every field of the body and every status of an answer. The door
refuses what is not named (``web/api/checking.py``), so the description cannot say less than the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from web.forms import PAGE_SIZE, PAGE_SIZE_MAX

Described = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What one row of the API does. ``answers`` maps a status to (description, schema name or media type or None).

    ``proof``: the workflow demands a fresh proof, which no API token can give.
    ``oneself``: it tends one's own account, which no API token may. ``once``: it makes something or takes a step,
    and takes an ``Idempotency-Key``; ``secret``: its answer holds a secret, and is not kept.
    """

    tag: str
    summary: str
    answers: Mapping[int, tuple[str, str | None]]
    query: tuple[Described, ...] = ()
    headers: tuple[Described, ...] = ()
    body: str | None = None
    problems: tuple[int, ...] = ()
    proof: bool = False
    oneself: bool = False
    once: bool = False
    secret: bool = False


def parameter(
    name: str, where: str, description: str, schema: Described | None = None, *, required: bool = False
) -> Described:
    """A parameter as OpenAPI describes it."""
    return {
        "name": name,
        "in": where,
        "description": description,
        "required": required,
        "schema": schema or {"type": "string"},
    }


def query(name: str, description: str, schema: Described | None = None, *, required: bool = False) -> Described:
    """A parameter of the query."""
    return parameter(name, "query", description, schema, required=required)


def header(name: str, description: str, *, required: bool = False) -> Described:
    """A header of the request."""
    return parameter(name, "header", description, required=required)


LIMIT: Final = query(
    "limit", "How many at most", {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX, "default": PAGE_SIZE}
)
BEFORE: Final = query("before", "Goes on where a page ended: its `next`")
AFTER: Final = query("after", "Goes on where a page ended: its `next`")
