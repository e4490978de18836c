"""Prebuilt statements, compiled by SQLAlchemy once and run by SQLite's own driver from then on.

Of a small statement SQLAlchemy's way of running it costs several times what SQLite does for it, anew each time; a file
that comes in takes a dozen of them. The text, the order of the values and the types stay SQLAlchemy's.

Rule 1: only a statement whose text is the same for all values is prepared; a list of values (``IN``) has to be written
out for each of them, and goes SQLAlchemy's way.
Rule 2: what comes out is SQLAlchemy's ``Row``, whichever way it came.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Dialect, Executable, Row
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

KEPT: Final = 1024

_Processor = Any  # a callable, or None


class Prepared:
    """One statement, for values of certain names."""

    __slots__ = ("_compiled", "_dialect", "_made", "_takes", "_types", "text")

    def __init__(self, compiled: SQLCompiler, dialect: Dialect, types: Sequence[TypeEngine[Any]] | None) -> None:
        self.text = str(compiled)
        self._dialect = dialect
        self._types = types
        self._takes = [_taking(compiled, name, dialect) for name in compiled.positiontup or ()]
        self._made: Callable[[tuple[Any, ...]], Row[Any]] | None = None

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the text. Raises ``InvalidRequestError`` when one is missing."""
        try:
            return [take(values) for take in self._takes]
        except KeyError as missing:
            raise InvalidRequestError(f"no value for {missing}") from None

    def rows(self, cursor: sqlite3.Cursor) -> Callable[[tuple[Any, ...]], Row[Any]]:
        """What makes a ``Row`` of what the driver gives."""
        if self._made is None:
            self._made = _making([column[0] for column in cursor.description], self._types, self._dialect)
        return self._made


@lru_cache(maxsize=KEPT)
def prepared(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> Prepared | None:
    """The statement for values of these names; None when its text depends on them."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]  # each of ours can be
    if compiled.post_compile_params or compiled.literal_execute_params:
        return None
    columns = getattr(statement, "exported_columns", None)
    types = [column.type for column in columns] if columns else None
    return Prepared(compiled, dialect, types)


def _taking(compiled: SQLCompiler, name: str, dialect: Dialect) -> Callable[[Mapping[str, Any]], Any]:
    """What takes one value out of those given, and makes of it what the driver takes."""
    bind = compiled.binds[name]
    key, process = bind.key, bind.type.dialect_impl(dialect).bind_processor(dialect)
    if not bind.required:
        fixed = bind.effective_value if process is None else process(bind.effective_value)
        if process is None:
            return lambda values: values.get(key, fixed)
        return lambda values: process(values[key]) if key in values else fixed
    if process is None:
        return lambda values: values[key]
    return lambda values: process(values[key])


def _making(
    names: Sequence[str], types: Sequence[TypeEngine[Any]] | None, dialect: Dialect
) -> Callable[[tuple[Any, ...]], Row[Any]]:
    parent = SimpleResultMetaData(names)
    index = parent._key_to_index
    processors: list[_Processor] | None = None
    if types is not None:
        processors = [kind.dialect_impl(dialect).result_processor(dialect, None) for kind in types]
        if len(processors) != len(names):
            raise InvalidRequestError(f"{len(names)} columns came where {len(processors)} were asked for")
        if not any(processors):
            processors = None
    return lambda data: Row(parent, processors, index, data)
