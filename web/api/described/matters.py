"""Matters and their holds, described."""

from __future__ import annotations

from typing import Final

from vault.holds import (
    ISSUER_MAX_CHARACTERS,
    QUERY_MAX_CHARACTERS,
    REASON_MAX_CHARACTERS,
    TITLE_MAX_CHARACTERS,
    MatterState,
    ScopeKind,
)
from web.api.operations import AFTER, BEFORE, LIMIT, Operation
from web.api.shapes import (
    MAYBE_MOMENT,
    MAYBE_TEXT,
    MOMENT,
    TEXT,
    WHOLE,
    Schema,
    asked,
    choice,
    many,
    page,
    shape,
    text,
)

NAMED_MAX: Final = 500
_KEYS: Final = many(text(low=1, high=64), maxItems=NAMED_MAX)
_SCOPE: Final[dict[str, Schema]] = {
    "records": _KEYS,
    "customers": _KEYS,
    "classes": _KEYS,
    "queries": many(text(low=1, high=QUERY_MAX_CHARACTERS), maxItems=NAMED_MAX),
}
_MATTER: Final[dict[str, Schema]] = {
    "id": TEXT,
    "number": TEXT,
    "state": choice(MatterState),
    "title": TEXT,
    "reason": TEXT,
    "issuer": TEXT,
    "placed_at": MOMENT,
    "placed_by": TEXT,
    "release_proposed_at": MAYBE_MOMENT,
    "release_proposed_by": MAYBE_TEXT,
    "release_reason": TEXT,
    "released_at": MAYBE_MOMENT,
    "released_by": MAYBE_TEXT,
}
_COVERED: Final[dict[str, Schema]] = dict.fromkeys(
    ("records", "destroyed_before", "versions", "versions_held_in_store"), WHOLE
)
_REASON: Final = text(low=1, high=REASON_MAX_CHARACTERS)

SCHEMAS: Final[dict[str, Schema]] = {
    "Matter": shape(_MATTER),
    "MatterPage": page("matters", "Matter"),
    "MatterWithCoverage": shape({**_MATTER, **_COVERED}),
    "ScopeItem": shape(
        {
            "kind": choice(ScopeKind),
            "subject": TEXT,
            "label": TEXT,
            "found_by_query": MAYBE_TEXT,
            "added_at": MOMENT,
            "added_by": TEXT,
        }
    ),
    "ScopePage": page("items", "ScopeItem"),
    "NewMatter": asked(
        {
            "title": text(low=1, high=TITLE_MAX_CHARACTERS),
            "reason": _REASON,
            "issuer": text(low=1, high=ISSUER_MAX_CHARACTERS),
            **_SCOPE,
        },
        "title",
        "reason",
        "issuer",
    ),
    "MoreScope": asked(_SCOPE),
    "ReleaseReason": asked({"reason": _REASON}, "reason"),
}
_HELD: Final = ("What is held", "MatterWithCoverage")

OPERATIONS: Final[dict[str, Operation]] = {
    "api-matters": Operation(
        tag="matters", summary="Matters, newest first", answers={200: ("A page", "MatterPage")}, query=(BEFORE, LIMIT)
    ),
    "api-preview-hold": Operation(
        tag="matters",
        summary="What a matter would hold; changes nothing",
        answers={200: _HELD},
        body="NewMatter",
        problems=(404, 409),
    ),
    "api-place-hold": Operation(
        tag="matters",
        summary="Open a matter: what its scope names is held when this answers, and cannot be destroyed",
        answers={201: _HELD},
        body="NewMatter",
        problems=(404, 409),
        once=True,
    ),
    "api-matter": Operation(
        tag="matters", summary="One matter, by id or number", answers={200: _HELD}, problems=(404,)
    ),
    "api-scope": Operation(
        tag="matters",
        summary="What a matter names",
        answers={200: ("A page", "ScopePage")},
        query=(AFTER, LIMIT),
        problems=(404,),
    ),
    "api-add-to-hold": Operation(
        tag="matters",
        summary="Add to a matter's scope",
        answers={201: _HELD},
        body="MoreScope",
        problems=(404, 409),
        once=True,
    ),
    "api-propose-release": Operation(
        tag="matters",
        summary="Propose to release a matter; it holds on until another person releases it",
        answers={200: _HELD},
        body="ReleaseReason",
        problems=(404, 409),
        once=True,
    ),
    "api-withdraw-release": Operation(
        tag="matters", summary="Take a proposed release back", answers={200: _HELD}, problems=(404, 409)
    ),
    "api-release-hold": Operation(
        tag="matters",
        summary="Release a matter whose release somebody else proposed, for ever",
        answers={200: _HELD},
        problems=(404, 409),
        proof=True,
        once=True,
    ),
}
