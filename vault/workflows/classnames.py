"""Classes by what people call them: a code, or a part of a title in either language."""

from __future__ import annotations

from vault.errors import InvalidInput
from vault.queries import Query
from vault.searchwords import fold
from vault.shelves import Transaction


def classes_named(tx: Transaction, query: Query) -> frozenset[str] | None:
    """The classes that a query names; None where it names none. Raises ``InvalidInput`` where nothing is called so."""
    if not query.classes:
        return None
    rules = [governing.rule for governing in tx.schedules.governing()]
    found: set[str] = set()
    for name in query.classes:
        exact = {rule.code for rule in rules if rule.code == name}
        named = exact or {rule.code for rule in rules if name in fold(rule.title_zh) or name in fold(rule.title_en)}
        if not named:
            raise InvalidInput("no class is called so; look it up in the list of classes", field="text")
        found |= named
    return frozenset(found)
