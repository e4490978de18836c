"""Rules that look at their own row only, as DDL of both databases (from the fourth revision on).

A refusal comes as an integrity error on both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from storage.catalogue.migrations.first_rules import Rule


def statements(rules: Sequence[Rule], *, on_postgres: bool) -> Iterator[str]:
    """The triggers of these rules; ``catalogue_refuses`` is of the first revision.

    A table whose rows are never deleted is never emptied either, on the database that has such a command.
    """
    for rule in rules:
        head = f"CREATE TRIGGER {rule.table}_{rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW "
        if on_postgres:
            when = f"WHEN ({rule.condition}) " if rule.condition else ""
            yield f"{head}{when}EXECUTE FUNCTION catalogue_refuses('{rule.message}')"
        else:
            when = f"WHEN {rule.condition} " if rule.condition else ""
            yield f"{head}{when}BEGIN SELECT RAISE(ABORT, '{rule.message}'); END"
    if on_postgres:
        for table in sorted({rule.table for rule in rules if rule.event == "DELETE" and not rule.condition}):
            yield (
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
                f"EXECUTE FUNCTION catalogue_refuses('{table} is never emptied')"
            )


def looking(rules: Sequence[Rule], *, on_postgres: bool) -> Iterator[str]:
    """The triggers of rules that look at another table, too; PostgreSQL does not take those in WHEN."""
    if not on_postgres:
        yield from statements(rules, on_postgres=False)
        return
    for rule in rules:
        name = f"{rule.table}_{rule.name}"
        yield (
            f"CREATE FUNCTION catalogue_{name}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN IF {rule.condition} THEN RAISE EXCEPTION USING MESSAGE = '{rule.message}', ERRCODE = '23000';"
            " END IF; RETURN NEW; END $$"
        )
        yield (
            f"CREATE TRIGGER {name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW"
            f" EXECUTE FUNCTION catalogue_{name}()"
        )
