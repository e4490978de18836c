"""Rules that tables alone cannot keep, as triggers of the first revision, in the words of both databases.

Rule 1: the audit log and descriptions are only added to; of a version only the lock may change.
Rule 2: records and intents move along their transitions; what identifies them stays.
Rule 3: counters, leaves and extents only go up, and their rows stay, so that nothing is given twice.
Rule 4: a leaf has one use: an intent and the version that it became, or one customer's or person's profile.

A refusal comes as an integrity error on both databases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Rule(NamedTuple):
    """``event`` on ``table`` is refused where ``condition`` holds (always, when it is empty)."""

    table: str
    name: str
    event: str
    condition: str
    message: str


def differ(columns: str) -> str:
    """Some of these columns would change; none of them may be NULL."""
    return " OR ".join(f"OLD.{column} <> NEW.{column}" for column in columns.split())


VERSION_COLUMNS = (
    "record_id ordinal fonds_id object_id object_key extent leaf size_bytes sealed_size_bytes sealed_sha256 part_count"
    " part_size_bytes header_length frame_length version_id sealed_content created_at created_by"
)
INTENT_COLUMNS = (
    "id fonds_id record_id ordinal revision class_code person_id process_id object_id object_key extent leaf created_at"
)
RECORD_TRANSITIONS = (
    "NOT ((OLD.state = 'received' AND NEW.state IN ('received', 'filed', 'erasing'))"
    " OR (OLD.state = 'filed' AND NEW.state IN ('filed', 'erasing'))"
    " OR (OLD.state = 'erasing' AND NEW.state = 'destroyed'))"
)
INTENT_TRANSITIONS = (
    "NOT ((OLD.state = 'open' AND NEW.state IN ('open', 'sealed', 'aborted'))"
    " OR (OLD.state = 'sealed' AND NEW.state IN ('committed', 'aborted')))"
)

RULES: tuple[Rule, ...] = (
    Rule("audit_entries", "no_update", "UPDATE", "", "an audit entry is never changed"),
    Rule("audit_entries", "no_delete", "DELETE", "", "an audit entry is never deleted"),
    Rule("descriptions", "no_update", "UPDATE", "", "a description is never changed; add a revision"),
    Rule("descriptions", "no_delete", "DELETE", "", "a description is never deleted"),
    Rule("versions", "no_change", "UPDATE", differ(VERSION_COLUMNS), "only the lock of a version may change"),
    Rule("versions", "no_delete", "DELETE", "", "a version is never deleted"),
    Rule("records", "transition", "UPDATE", RECORD_TRANSITIONS, "a record does not make this transition"),
    Rule("records", "change", "UPDATE", "NEW.change <= OLD.change", "a changed record takes a new change number"),
    Rule(
        *("records", "identity", "UPDATE", differ("id fonds_id number received_at received_by")),
        "the identity of a record is never changed",
    ),
    Rule("records", "no_delete", "DELETE", "", "a record is never deleted; its stub stays"),
    Rule("intents", "transition", "UPDATE", INTENT_TRANSITIONS, "an intent does not make this transition"),
    Rule("intents", "identity", "UPDATE", differ(INTENT_COLUMNS), "the identity of an intent is never changed"),
    Rule("fonds", "identity", "UPDATE", differ("id vault_id tree_id created_at"), "a fonds keeps its tree"),
    Rule("fonds", "no_delete", "DELETE", "", "a fonds is never deleted"),
    Rule(
        *("extents", "upwards", "UPDATE", f"{differ('fonds_id number owner')} OR NEW.next_leaf < OLD.next_leaf"),
        "leaves of an extent are issued upwards, to one owner",
    ),
    Rule("extents", "no_delete", "DELETE", "", "an extent is never deleted"),
    Rule(
        "blocks",
        "upwards",
        "UPDATE",
        f"{differ('fonds_id block first_extent extent_count')} OR NEW.next_extent < OLD.next_extent",
        "extents of a block are taken upwards",
    ),
    Rule("blocks", "no_delete", "DELETE", "", "a block is never deleted"),
    Rule("counters", "upwards", "UPDATE", "OLD.name <> NEW.name OR NEW.value <= OLD.value", "a counter counts upwards"),
    Rule("counters", "no_delete", "DELETE", "", "a counter is never deleted"),
)

LEAF_TAKEN = "this leaf has another use already"
LEAF_USERS = ("intents", "versions", "customers", "people")


def sqlite_rules() -> Iterator[str]:
    """Every rule as SQLite's DDL."""
    for rule in RULES:
        when = f"WHEN {rule.condition} " if rule.condition else ""
        yield (
            f"CREATE TRIGGER {rule.table}_{rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW {when}"
            f"BEGIN SELECT RAISE(ABORT, '{rule.message}'); END"
        )
    for table in LEAF_USERS:
        yield (
            f"CREATE TRIGGER {table}_leaf BEFORE INSERT ON {table} FOR EACH ROW WHEN {_leaf_taken(table)} "
            f"BEGIN SELECT RAISE(ABORT, '{LEAF_TAKEN}'); END"
        )
    # INSERT OR REPLACE deletes without asking the trigger above (unless recursive_triggers is on).
    yield (
        "CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries FOR EACH ROW"
        " WHEN NEW.number <= (SELECT coalesce(max(number), 0) FROM audit_entries)"
        " BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END"
    )


def postgres_rules() -> Iterator[str]:
    """Every rule as PostgreSQL's DDL."""
    yield (
        "CREATE FUNCTION catalogue_refuses() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = '23000'; END $$"
    )
    for rule in RULES:
        when = f"WHEN ({rule.condition}) " if rule.condition else ""
        yield (
            f"CREATE TRIGGER {rule.table}_{rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW {when}"
            f"EXECUTE FUNCTION catalogue_refuses('{rule.message}')"
        )
    for table in _kept_tables():
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION catalogue_refuses('{table} is never emptied')"
        )
    for table in LEAF_USERS:
        yield (
            f"CREATE FUNCTION catalogue_{table}_leaf() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN IF {_leaf_taken(table)} THEN RAISE EXCEPTION USING MESSAGE = '{LEAF_TAKEN}', ERRCODE = '23000';"
            " END IF; RETURN NEW; END $$"
        )
        yield (
            f"CREATE TRIGGER {table}_leaf BEFORE INSERT ON {table} FOR EACH ROW"
            f" EXECUTE FUNCTION catalogue_{table}_leaf()"
        )


def _kept_tables() -> Sequence[str]:
    return sorted({rule.table for rule in RULES if rule.event == "DELETE"})


def _leaf_taken(table: str) -> str:
    """Another table has the leaf of the new row; an intent and its own version share one."""
    clauses = []
    for other in LEAF_USERS:
        if other == table:
            continue
        same_object = " AND o.object_id <> NEW.object_id" if {table, other} == {"intents", "versions"} else ""
        clauses.append(
            f"EXISTS (SELECT 1 FROM {other} AS o WHERE o.fonds_id = NEW.fonds_id"  # noqa: S608 - of LEAF_USERS
            " AND o.extent = NEW.extent"
            f" AND o.leaf = NEW.leaf{same_object})"
        )
    return " OR ".join(clauses)
