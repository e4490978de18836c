"""Rows out of the text that PostgreSQL's COPY writes (its manual, "COPY", "Text Format"), as values of the columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Boolean, Date, Integer, LargeBinary, Table
from sqlalchemy.types import TypeEngine

from storage.catalogue.metadata import UtcDateTime
from vault.errors import SealBroken

_NULL: Final = "\\N"
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_LETTERS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def rows_of(pieces: Iterable[bytes], table: Table, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of one table. Raises ``SealBroken`` where a line is no row of it."""
    read = [_reader(table.c[name].type) for name in columns]
    for line in lines_of(pieces):
        fields = line.split("\t")
        if len(fields) != len(columns):
            raise SealBroken(f"a row of {table.name} in the dump has another count of columns; take another backup")
        try:
            yield {
                name: None if field == _NULL else reader(_unescaped(field))
                for name, reader, field in zip(columns, read, fields, strict=True)
            }
        except ValueError as exc:
            raise SealBroken(f"a row of {table.name} in the dump cannot be read; take another backup") from exc


def lines_of(pieces: Iterable[bytes]) -> Iterator[str]:
    """The lines of the text; each ends with a line break."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode()
    if rest:
        raise SealBroken("the dump of the catalogue ends within a row; take another backup")


def _unescaped(field: str) -> str:
    return _ESCAPED.sub(lambda found: _LETTERS.get(found[1], found[1]), field) if "\\" in field else field


def _reader(kind: TypeEngine[Any]) -> Callable[[str], Any]:
    if isinstance(kind, UtcDateTime):
        return _moment
    if isinstance(kind, LargeBinary):
        return lambda text: bytes.fromhex(text.removeprefix("\\x"))
    if isinstance(kind, Boolean):
        return lambda text: text == "t"
    if isinstance(kind, Integer):
        return int
    return date.fromisoformat if isinstance(kind, Date) else str


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
