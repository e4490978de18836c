"""Rules of destruction that tables alone cannot keep, as triggers of the second revision.

Rule 1: a tree moves on by one generation, to that of a batch with the same attempt and digest.
Rule 2: pages change for a batch that is ``erasing``, and carry its generation.
Rule 3: batches and customers move along their states; which records a batch took is never changed.

A refusal comes as an integrity error on both databases.
"""

from __future__ import annotations

from collections.abc import Iterator

from storage.catalogue.migrations.first_rules import Rule, differ

BATCH_COLUMNS = (
    "id fonds_id generation attempt digest predecessor removed requested_by alone record_count customer_count"
    " created_at"
)
BATCH_TRANSITIONS = (
    "NOT ((OLD.state = 'erasing' AND NEW.state = 'promoted') OR (OLD.state = 'promoted' AND NEW.state = 'effective'))"
)
CUSTOMER_TRANSITIONS = (
    "NOT (OLD.state = NEW.state OR (OLD.state = 'live' AND NEW.state = 'erasing')"
    " OR (OLD.state = 'erasing' AND NEW.state = 'destroyed'))"
)
A_BATCH_NAMES_IT = (
    "NOT EXISTS (SELECT 1 FROM batches AS b WHERE b.fonds_id = NEW.fonds_id AND b.generation = NEW.generation"
    " AND b.attempt = NEW.attempt AND b.digest = NEW.digest AND b.predecessor = OLD.digest AND b.state = 'erasing')"
)
NO_BATCH_WRITES = (
    "NOT EXISTS (SELECT 1 FROM batches AS b WHERE b.fonds_id = NEW.fonds_id AND b.generation = NEW.generation"
    " AND b.state = 'erasing')"
)
NO_BATCH_REMOVES = "NOT EXISTS (SELECT 1 FROM batches AS b WHERE b.fonds_id = OLD.fonds_id AND b.state = 'erasing')"

RULES: tuple[Rule, ...] = (
    Rule(
        *("trees", "upwards", "UPDATE", "OLD.fonds_id <> NEW.fonds_id OR NEW.generation <> OLD.generation + 1"),
        "a key tree moves on by one generation",
    ),
    Rule("trees", "no_delete", "DELETE", "", "a key tree is never deleted"),
    Rule("batches", "begins", "INSERT", "NEW.state <> 'erasing'", "a batch begins as erasing"),
    Rule("batches", "transition", "UPDATE", BATCH_TRANSITIONS, "a batch does not make this transition"),
    Rule("batches", "identity", "UPDATE", differ(BATCH_COLUMNS), "what a batch is, is never changed"),
    Rule("batches", "no_delete", "DELETE", "", "a batch is never deleted"),
    Rule(
        *("batch_records", "identity", "UPDATE", differ("batch_id position record_id")),
        "what a batch took is never changed",
    ),
    Rule("batch_records", "no_delete", "DELETE", "", "what a batch took stays on record"),
    Rule("batch_customers", "no_update", "UPDATE", "", "what a batch took is never changed"),
    Rule("batch_customers", "no_delete", "DELETE", "", "what a batch took stays on record"),
    Rule("customers", "transition", "UPDATE", CUSTOMER_TRANSITIONS, "a customer does not make this transition"),
    Rule("customers", "no_delete", "DELETE", "", "a customer is never deleted; the number stays"),
)
"""Rules that look at their own row only."""

LOOKING: tuple[Rule, ...] = (
    Rule("trees", "batch", "UPDATE", A_BATCH_NAMES_IT, "a key tree moves on by a batch only"),
    Rule("pages", "written", "INSERT", NO_BATCH_WRITES, "a key page is written by a batch only"),
    Rule("pages", "replaced", "UPDATE", NO_BATCH_WRITES, "a key page is replaced by a batch only"),
    Rule("pages", "removed", "DELETE", NO_BATCH_REMOVES, "a key page is removed by a batch only"),
)
"""Rules that look at another table, too; PostgreSQL does not take those in WHEN."""


def sqlite_rules() -> Iterator[str]:
    """Every rule as SQLite's DDL."""
    for rule in (*RULES, *LOOKING):
        when = f"WHEN {rule.condition} " if rule.condition else ""
        yield (
            f"CREATE TRIGGER {rule.table}_{rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW {when}"
            f"BEGIN SELECT RAISE(ABORT, '{rule.message}'); END"
        )


def postgres_rules() -> Iterator[str]:
    """Every rule as PostgreSQL's DDL; ``catalogue_refuses`` is of the first revision."""
    for rule in RULES:
        when = f"WHEN ({rule.condition}) " if rule.condition else ""
        yield (
            f"CREATE TRIGGER {rule.table}_{rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW {when}"
            f"EXECUTE FUNCTION catalogue_refuses('{rule.message}')"
        )
    for rule in LOOKING:
        kept = "OLD" if rule.event == "DELETE" else "NEW"
        yield (
            f"CREATE FUNCTION catalogue_{rule.table}_{rule.name}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN IF {rule.condition} THEN RAISE EXCEPTION USING MESSAGE = '{rule.message}', ERRCODE = '23000';"
            f" END IF; RETURN {kept}; END $$"
        )
        yield (
            f"CREATE TRIGGER {rule.table}_{rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW"
            f" EXECUTE FUNCTION catalogue_{rule.table}_{rule.name}()"
        )
    for table in sorted({rule.table for rule in (*RULES, *LOOKING) if rule.event == "DELETE"}):
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION catalogue_refuses('{table} is never emptied')"
        )
