"""How the vault stands, described."""

from __future__ import annotations

from typing import Final

from vault.keepers import Standing
from web.api.operations import Operation
from web.api.shapes import (
    MAYBE_MOMENT,
    MAYBE_WHOLE,
    MOMENT,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    choice,
    many,
    maybe,
    ref,
    shape,
)

SCHEMAS: Final[dict[str, Schema]] = {
    "Job": shape({"job": TEXT, "at": MAYBE_MOMENT, "overdue": YES_NO, "outcome": maybe(ref("Outcome"))}),
    "State": shape(
        {
            "records": WHOLE,
            "indexed": WHOLE,
            "index_full": YES_NO,
            "index_full_of_texts": YES_NO,
            "unsettled_intents": WHOLE,
            "outbox_waiting": WHOLE,
            "outbox_since": MAYBE_MOMENT,
            "holds_waiting": WHOLE,
            "expiry_paused": YES_NO,
            "jobs": many(ref("Job")),
            "lock_proof": maybe(ref("Job")),
        }
    ),
    "Keepers": shape(
        {
            "generation": WHOLE,
            "single": YES_NO,
            "all_proven": YES_NO,
            "keepers": many(
                shape({"name": TEXT, "standing": choice(Standing), "generations_behind": MAYBE_WHOLE, "older": WHOLE})
            ),
        }
    ),
    "BackupVerdict": shape({"at": MOMENT, "outcome": ref("Outcome")}),
    "BackupRun": shape(
        {
            "name": TEXT,
            "taken_at": MOMENT,
            **dict.fromkeys(("records", "objects", "object_bytes", "generation"), MAYBE_WHOLE),
        }
    ),
    "Backups": shape(
        {
            **dict.fromkeys(("configured", "away", "late", "drill_late", "sound"), YES_NO),
            **dict.fromkeys(("attempt", "drill", "verify"), maybe(ref("BackupVerdict"))),
            "runs": many(ref("BackupRun")),
        }
    ),
    "Task": shape(
        {"kind": TEXT, "key": TEXT, "class": TEXT, "since": MOMENT, "by": TEXT, "yours": YES_NO, "count": WHOLE}
    ),
    "Tasks": shape({"tasks": many(ref("Task"))}),
}

OPERATIONS: Final[dict[str, Operation]] = {
    "api-state": Operation(
        tag="vault",
        summary="How the vault stands: counts, duties, and what came of proving the lock",
        answers={200: ("The state", "State")},
    ),
    "api-keepers": Operation(
        tag="vault", summary="How each keeper of the root key stands", answers={200: ("Keepers", "Keepers")}
    ),
    "api-backups": Operation(
        tag="vault",
        summary="The last backups, and what came of verifying and trying them",
        answers={200: ("Backups", "Backups")},
    ),
    "api-tasks": Operation(
        tag="vault",
        summary="What waits for you, then what waits for others and since when",
        answers={200: ("Tasks", "Tasks")},
    ),
}
