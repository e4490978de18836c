"""The audit log: append-only, by trigger. Entries are numbered in the order in which they commit.

SQLite has one writer, so the next number is one above the highest. On PostgreSQL the number comes from a counter whose
row stays locked until the commit (``counters.py``); it is taken and the entry written in one statement, which travels
with the commit, last of all: whoever waits for the counter waits for the disk alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)

from storage.catalogue.counters import AUDIT, counters
from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.audit import Entry, Event, NumberedEntry
from vault.errors import CatalogueBroken, InvalidInput
from vault.seal.merkle import ENTRY_BYTES_MAX

_RARE: Final = "event IN ('glass-broken', 'log-key-changed')"
"""Written in every query for one of them, so that both databases know that the index answers it."""

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("number", Counted, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    CheckConstraint("number >= 1", name="number"),
    Index("ix_audit_entries_subject_number", "subject", "number"),
    Index("ix_audit_entries_rare", "event", "number", sqlite_where=text(_RARE), postgresql_where=text(_RARE)),
)

_ABOVE_THE_HIGHEST = select(func.coalesce(func.max(audit_entries.c.number), 0) + 1).scalar_subquery()
_APPEND_ON_SQLITE = insert(audit_entries).values(number=_ABOVE_THE_HIGHEST)
_COUNTED = (
    update(counters)
    .where(counters.c.name == literal_column(f"'{AUDIT}'"))
    .values(value=counters.c.value + 1)
    .returning(counters.c.value)
    .cte("counted")
)
# ``inline``: nothing is asked back, for nobody waits for an answer.
_APPEND_ON_POSTGRES = insert(audit_entries).values(number=select(_COUNTED.c.value).scalar_subquery()).inline()
_NUMBERED_ON_SQLITE = _APPEND_ON_SQLITE.returning(audit_entries.c.number)
_NUMBERED_ON_POSTGRES = _APPEND_ON_POSTGRES.returning(audit_entries.c.number)


_HIGHEST: Final = 2**53 - 1
_READ: Final = json.JSONDecoder().raw_decode
_EVENTS: Final = {each.value: each for each in Event}
_FILTERS = {
    "subject": audit_entries.c.subject == bindparam("its_subject"),
    "actor": audit_entries.c.actor == bindparam("its_actor"),
    "event": audit_entries.c.event == bindparam("its_event"),
    "since": audit_entries.c.at >= bindparam("since", type_=UtcDateTime),
    "until": audit_entries.c.at <= bindparam("until", type_=UtcDateTime),
    "before": audit_entries.c.number < bindparam("before"),
}
_BINDS = {"subject": "its_subject", "actor": "its_actor", "event": "its_event"}
_NEWEST = select(func.coalesce(func.max(audit_entries.c.number), 0).label("number"))
_BETWEEN = (
    select(audit_entries)
    .where(audit_entries.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(audit_entries.c.number)
)
_TAKE_BACK = insert(audit_entries)
_RAISE_COUNTER = text(
    "INSERT INTO counters (name, value) VALUES (:name, :least) ON CONFLICT (name)"
    " DO UPDATE SET value = excluded.value WHERE counters.value < excluded.value"
)


@cache
def _page(filters: frozenset[str], *, rare: bool) -> Select[Any]:
    statement = select(audit_entries).where(*(_FILTERS[name] for name in sorted(filters)))
    if rare:
        statement = statement.where(text(_RARE))
    return statement.order_by(audit_entries.c.number.desc()).limit(bindparam("at_most"))


class SqlAuditShelf:
    """``vault.shelves.AuditShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def append(self, entry: Entry) -> None:
        _require_publishable(entry)
        self._rows.run_at_end(_APPEND_ON_POSTGRES if self._rows.on_postgres else _APPEND_ON_SQLITE, _values(entry))

    def append_numbered(self, entry: Entry) -> int:
        _require_publishable(entry)
        self._rows.run_waiting()
        row = self._rows.first(
            _NUMBERED_ON_POSTGRES if self._rows.on_postgres else _NUMBERED_ON_SQLITE,
            _values(entry),
        )
        if row is None:
            raise CatalogueBroken("the audit log did not take an entry")
        return int(row.number)

    def page(
        self,
        *,
        subject: str | None = None,
        before: int | None = None,
        limit: int = 50,
        actor: str | None = None,
        event: Event | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[NumberedEntry]:
        wanted: dict[str, object] = {
            "subject": subject,
            "before": before,
            "actor": actor,
            "event": None if event is None else event.value,
            "since": since,
            "until": until,
        }
        self._rows.run_waiting()
        given = {name: value for name, value in wanted.items() if value is not None}
        values = {_BINDS.get(name, name): value for name, value in given.items()}
        statement = _page(frozenset(given), rare=event in (Event.GLASS_BROKEN, Event.LOG_KEY_CHANGED))
        return [_entry(row) for row in self._rows.all(statement, {**values, "at_most": limit})]

    def newest(self) -> int:
        self._rows.run_waiting()
        row = self._rows.first(_NEWEST)
        return 0 if row is None else int(row.number)

    def between(self, first: int, last: int) -> Sequence[NumberedEntry]:
        self._rows.run_waiting()
        return [_entry(row) for row in self._rows.all(_BETWEEN, {"first": first, "last": last})]

    def take_back(self, entries: Sequence[NumberedEntry]) -> None:
        if not entries:
            return
        self._rows.run_waiting()
        self._rows.run_many(_TAKE_BACK, [{"number": each.number, **_values(each.entry)} for each in entries])
        # SQLite counts from the highest; PostgreSQL goes on from its counter.
        self._rows.run(_RAISE_COUNTER, {"name": AUDIT, "least": max(each.number for each in entries)})


def _require_publishable(entry: Entry) -> None:
    # What is committed has to be publishable: one entry that is not would stop the log behind it.
    if not _is_plain(entry) and len(NumberedEntry(number=_HIGHEST, entry=entry).to_bytes()) > ENTRY_BYTES_MAX:
        raise InvalidInput("an entry of the log is longer than 65535 bytes; say less in its detail")


def _is_plain(entry: Entry) -> bool:
    """Whether it surely can be published, without spelling it out: short, of small numbers and ASCII alone."""
    if not (entry.actor.isascii() and entry.subject.isascii()):
        return False
    characters = len(entry.actor) + len(entry.subject)
    for name, value in entry.detail.items():
        if isinstance(value, str) and value.isascii() and name.isascii():
            characters += len(name) + len(value)
        elif isinstance(value, int) and -_HIGHEST <= value <= _HIGHEST and name.isascii():
            characters += len(name) + len(str(value))
        else:
            return False
    # No character takes more than six bytes, and what stands around them is far shorter than the other half.
    return 6 * characters <= ENTRY_BYTES_MAX // 2


def _values(entry: Entry) -> dict[str, object]:
    return {
        "at": entry.at,
        "actor": entry.actor,
        "event": entry.event.value,
        "subject": entry.subject,
        "detail": json.dumps(dict(entry.detail), ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    }


def _entry(row: Row[Any]) -> NumberedEntry:
    number, at, actor, event, subject, detail = tuple(row)
    try:
        said, end = _READ(detail)
        if end != len(detail):
            raise ValueError("there is more behind it")
        entry = Entry(at=at, actor=actor, event=_EVENTS[event], subject=subject, detail=said)
    except (ValueError, KeyError) as exc:
        raise CatalogueBroken(f"entry {number} of the audit log is not as it was written; run the doctor") from exc
    return NumberedEntry(number=number, entry=entry)
