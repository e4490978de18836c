"""The log, described."""

from __future__ import annotations

from typing import Final

from vault.audit import Event
from web.api.operations import BEFORE, LIMIT, Operation, query
from web.api.shapes import MAYBE_MOMENT, MOMENT, TEXT, WHOLE, YES_NO, Schema, choice, many, maybe, page, ref, shape

_BY: Final = tuple(query(name, f"Only those whose `{name}` is this id") for name in ("subject", "actor"))

SCHEMAS: Final[dict[str, Schema]] = {
    "LogEntry": shape(
        {"number": WHOLE, "at": MOMENT, "actor": TEXT, "event": TEXT, "subject": TEXT, "detail": {"type": "object"}}
    ),
    "LogEntryPage": page("entries", "LogEntry"),
    "LogProof": shape({"number": WHOLE, "entry": TEXT, "proof": TEXT, "keys": many(TEXT)}),
    "LogKeys": shape({"keys": many(TEXT)}),
    "LogVerdict": shape(
        {
            "holds": YES_NO,
            "size": WHOLE,
            "root": TEXT,
            "waiting": WHOLE,
            "changed": many(WHOLE),
            "missing": many(WHOLE),
            "problems": many(TEXT),
        }
    ),
    "LogCheck": shape(
        {
            "id": TEXT,
            "asked_by": TEXT,
            "asked_at": MOMENT,
            "begun_at": MAYBE_MOMENT,
            "ended_at": MAYBE_MOMENT,
            "done": WHOLE,
            "total": WHOLE,
            "verdict": maybe(ref("LogVerdict")),
        }
    ),
    "LogChecks": shape({"checks": many(ref("LogCheck"))}),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-log": Operation(
        tag="log",
        summary="Entries of the log, newest first",
        answers={200: ("A page", "LogEntryPage")},
        query=(*_BY, query("event", "Only those that tell this", choice(Event)), BEFORE, LIMIT),
    ),
    "api-prove-entry": Operation(
        tag="log",
        summary="The proof that an entry is in the published log (C2SP tlog-proof), and the keys that signed it",
        answers={200: ("The proof", "LogProof")},
        problems=(404,),
    ),
    "api-log-keys": Operation(
        tag="log", summary="The log's verifier keys, oldest first", answers={200: ("The keys", "LogKeys")}
    ),
    "api-log-checks": Operation(
        tag="log",
        summary="The newest checks of the whole log; one that is open comes first",
        answers={200: ("The checks", "LogChecks")},
    ),
    "api-ask-check": Operation(
        tag="log",
        summary="Ask for a check of the whole log; the one that is open already, if there is one",
        answers={202: ("Asked for", "LogCheck")},
        once=True,
    ),
    "api-log-check": Operation(
        tag="log",
        summary="One check, and how far it is",
        answers={200: ("The check", "LogCheck")},
        problems=(404,),
    ),
}
