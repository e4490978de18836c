"""The search index: one SQLite file in memory-backed storage, with FTS5; written by one process, read by all.

Rule 1: entries are contentless for FTS5; what was said is kept beside them once, folded, because forgetting an entry
takes exactly the words that it was made of.
Rule 2: nothing spills: temporary tables and journals are in memory too, freed pages are overwritten.
Rule 3: what was forgotten is gone for good once ``cleanse`` says so: segments that had it are merged into new ones, and
the write-ahead log is cut. Until then FTS5 only marks it.
Rule 4: that there is no more room stands in names of empty files beside it: where nothing can be written, these can.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from errno import ENOSPC
from pathlib import Path
from threading import Lock
from typing import Final

from storage.searchindex.expressions import COLUMNS, TOKENIZER, expression, facts_of, heads_words
from storage.searchindex.leading import Leadership
from storage.searchindex.places import Places, place_below
from vault.findable import Findable, Sight
from vault.ids import RecordId, new_id
from vault.ports import IndexStanding, Randomness
from vault.queries import Query
from vault.searchwords import spelled

NAME: Final = "index.sqlite"
FIRST_NAME: Final = "new.sqlite"
FULL_NAME: Final = "full"
FULL_OF_TEXTS_NAME: Final = "full-of-texts"
AT_ONCE: Final = 500
READERS_KEPT: Final = 8
BUSY_S: Final = 10.0
HASHED_BYTES: Final = 8 << 20
MERGED_PAGES: Final = 256
CACHE_KIB: Final = 32 << 10
MAPPED_BYTES: Final = 1 << 31
TEXTS_LEAVE_FREE: Final = 0.5
_PARTS: Final = "\x1e"

_SCHEMA: Final = f"""
CREATE TABLE docs (place INTEGER PRIMARY KEY, record TEXT NOT NULL UNIQUE, received INTEGER NOT NULL,
    day INTEGER NOT NULL, facts TEXT NOT NULL, said TEXT NOT NULL, twin BLOB);
CREATE INDEX twins ON docs (twin) WHERE twin IS NOT NULL;
CREATE VIRTUAL TABLE ft USING fts5({", ".join(COLUMNS)}, content='', columnsize=0, tokenize="{TOKENIZER}");
INSERT INTO ft (ft, rank) VALUES ('hashsize', {HASHED_BYTES});
CREATE TABLE standing (position INTEGER NOT NULL, filled INTEGER NOT NULL, down_at TEXT, down_id TEXT,
    records INTEGER NOT NULL, expected INTEGER NOT NULL, unclean INTEGER NOT NULL, with_text INTEGER NOT NULL,
    text_position INTEGER NOT NULL);
INSERT INTO standing VALUES (0, 0, NULL, NULL, 0, 0, 0, 0, 0);
"""  # noqa: S608 - constants only
_FIND: Final = "SELECT docs.record FROM ft JOIN docs ON docs.place = ft.rowid WHERE ft MATCH ?"
_TWINS: Final = (
    "SELECT record FROM docs WHERE twin = (SELECT twin FROM docs WHERE record = ?) AND record <> ?"
    " ORDER BY place DESC LIMIT ?"
)
_ADD: Final = f"INSERT INTO ft (rowid, {', '.join(COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants only
_DROP: Final = f"INSERT INTO ft (ft, rowid, {', '.join(COLUMNS)}) VALUES ('delete', ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants only

CLEAN, TO_MERGE, MERGING, TO_CUT = range(4)


class SqliteIndex:
    """Keeps the ``SearchIndex`` promise of ``vault.ports``. ``folder`` None: in this process's memory alone."""

    def __init__(self, folder: Path | None, randomness: Randomness) -> None:
        self._folder = folder
        self._leadership = Leadership(folder) if folder is not None else None
        self._own = f"file:/strongroom-{new_id(randomness)}?vfs=memdb"
        self._mutex = Lock()
        self._pool = Lock()
        self._writer: sqlite3.Connection | None = None
        self._readers: list[tuple[int, sqlite3.Connection]] = []
        self._no_room: set[str] = set()
        self._is_closed = False

    @property
    def folder(self) -> Path | None:
        """Where it lies; None where that is this process's own memory."""
        return self._folder

    def lead(self) -> bool:
        """Whether this process writes; it begins where nobody does."""
        with self._mutex:
            if self._writer is not None:
                return True
            if self._is_closed or (self._leadership is not None and not self._leadership.take()):
                return False
            self._writer = self._begun()
            return self._writer is not None

    def keep(self, entries: Sequence[Findable], gone: Sequence[str], standing: IndexStanding) -> None:
        """Adds or replaces entries, forgets records."""
        with self._writing() as index:
            if index is not None:
                self._keep(index, entries, gone, standing)

    def keep_texts(self, texts: Mapping[str, str], standing: IndexStanding) -> None:
        """Gives records that are in it the text of their files, while at least half of the storage is free."""
        with self._writing() as index:
            if index is not None:
                self._keep_texts(index, texts, standing)

    def cleanse(self) -> bool:
        """One step of removing for good what was forgotten."""
        with self._mutex:
            if self._writer is None:
                return False
            (unclean,) = self._writer.execute("SELECT unclean FROM standing").fetchone()
            if unclean == CLEAN:
                return False
            following = self._cleanse(self._writer, unclean)
            self._writer.execute("UPDATE standing SET unclean = ?", (following,))
            if following == CLEAN:
                # The line above is in the log, too, and nothing else is.
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return following != CLEAN

    def standing(self) -> IndexStanding:
        """How far it is."""
        with self._reading() as index:
            row = index.execute("SELECT * FROM standing").fetchone() if index is not None else None
        if row is None:
            return IndexStanding(is_full=self._is_marked(FULL_NAME))
        position, filled, at, record_id, records, expected, _, _, text_position = row
        return IndexStanding(
            position=position,
            is_filled=bool(filled),
            filled_down_to=(datetime.fromisoformat(at), RecordId(record_id)) if at is not None else None,
            records=records,
            expected=expected,
            text_position=text_position,
            is_full_of_texts=self._is_marked(FULL_OF_TEXTS_NAME),
            is_full=self._is_marked(FULL_NAME),
        )

    def find(
        self,
        query: Query,
        classes: frozenset[str] | None,
        sight: Sight,
        *,
        before: tuple[datetime, str] | None = None,
        limit: int,
    ) -> Sequence[str]:
        """Ids of records, newest first."""
        with self._reading() as index:
            if index is None:
                return ()
            (with_text,) = index.execute("SELECT with_text FROM standing").fetchone()
            wanted = expression(query, classes, sight, with_text=bool(with_text))
            if wanted is None:
                return ()
            statement, values = _FIND, list[str | int]([wanted])
            if before is not None:
                statement += " AND ft.rowid < ?"
                values.append(_behind(index, before))
            for limit_day, sign in ((query.before, "<"), (query.after, ">")):
                if limit_day is not None:
                    statement += f" AND docs.day {sign} ?"
                    values.append(limit_day.toordinal())
            found = index.execute(f"{statement} ORDER BY ft.rowid DESC LIMIT ?", (*values, limit))
            return [record for (record,) in found]

    def twins(self, record_id: str, *, limit: int) -> Sequence[str]:
        """Ids of other records with the same bytes, newest first."""
        with self._reading() as index:
            found = index.execute(_TWINS, (record_id, record_id, limit)) if index is not None else ()
            return [record for (record,) in found]

    def close(self) -> None:
        """Leaves; whoever leads removes the file."""
        with self._mutex:
            self._is_closed = True
            with self._pool:
                readers, self._readers = self._readers, []
            for _, reader in readers:
                reader.close()
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.close()
            if self._leadership is not None:
                self._leadership.leave()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection | None]:
        """One transaction; None where this process does not write, or there is no room."""
        with self._mutex:
            if self._writer is None or FULL_NAME in self._no_room:
                yield None
                return
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
            except sqlite3.OperationalError as exc:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                if exc.sqlite_errorcode != sqlite3.SQLITE_FULL:
                    raise
                self._mark(FULL_NAME)

    def _mark(self, name: str) -> None:
        self._no_room.add(name)
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / name).touch(mode=0o600)

    def _is_marked(self, name: str) -> bool:
        return name in self._no_room or (self._folder is not None and (self._folder / name).exists())

    def _begun(self) -> sqlite3.Connection | None:
        """An empty index; None where there is no room even for that, which the next one who asks tries again."""
        try:
            writer = self._begin()
        except (sqlite3.OperationalError, OSError) as exc:
            if self._folder is None or not _is_for_room(exc):
                raise
            for name in (FIRST_NAME, NAME):
                (self._folder / name).unlink(missing_ok=True)
            self._mark(FULL_NAME)
            return None
        self._no_room.clear()
        if self._folder is not None:
            (self._folder / FULL_NAME).unlink(missing_ok=True)
        return writer

    def _begin(self) -> sqlite3.Connection:
        """An empty index. In a folder it appears there whole: readers never see one that is half made."""
        if self._folder is None:
            writer = _opened(self._own)
            writer.executescript(_SCHEMA)
            return writer
        first = self._folder / FIRST_NAME
        os.close(os.open(first, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        making = _opened(f"{first.as_uri()}?mode=rw")
        making.execute("PRAGMA journal_mode = WAL").fetchone()
        making.executescript(_SCHEMA)
        making.close()
        first.rename(self._folder / NAME)
        return _opened(f"{(self._folder / NAME).as_uri()}?mode=rw")

    def _keep(
        self, index: sqlite3.Connection, entries: Sequence[Findable], gone: Sequence[str], standing: IndexStanding
    ) -> None:
        known = _known(index, [*(entry.record_id for entry in entries), *gone])
        fresh = sorted((each for each in entries if each.record_id not in known), key=lambda each: each.received_at)
        places = Places(index).give([_stamp(each.received_at) for each in fresh]) if fresh else []
        adding = dict(zip(places, fresh, strict=True))
        adding |= {known[entry.record_id][0]: entry for entry in entries if entry.record_id in known}
        dropping = {place: (facts, said) for place, facts, said in known.values()}
        repeated = _repeated(index, entries)
        docs, words = [], list[tuple[str, tuple[int | str, ...]]]()
        # In the order of places: FTS5 writes a segment whenever the next place is lower than the one before.
        for place in sorted({*adding, *dropping}):
            if place in dropping:
                words.append((_DROP, (place, *_columns(*dropping[place]))))
            if place in adding:
                entry = adding[place]
                text = dropping[place][1].rpartition(_PARTS)[2] if place in dropping else ""
                facts = facts_of(entry, has_twin=entry.record_id in repeated)
                said = _PARTS.join((entry.number, entry.customer, entry.words, text))
                words.append((_ADD, (place, *_columns(facts, said))))
                docs.append(
                    (place, entry.record_id, _stamp(entry.received_at), entry.day.toordinal(), facts, said, entry.twin)
                )
        index.executemany("DELETE FROM docs WHERE place = ?", [(place,) for place in dropping])
        index.executemany("INSERT INTO docs VALUES (?, ?, ?, ?, ?, ?, ?)", docs)
        if dropping:
            for statement, values in words:
                index.execute(statement, values)
        else:
            index.executemany(_ADD, [values for _, values in words])
        down_at, down_id = standing.filled_down_to or (None, None)
        index.execute(
            "UPDATE standing SET position = ?, filled = ?, down_at = ?, down_id = ?, expected = ?,"
            " records = records + ?, unclean = CASE WHEN ? THEN ? ELSE unclean END",
            (
                standing.position,
                standing.is_filled,
                down_at.isoformat() if down_at is not None else None,
                down_id,
                standing.expected,
                len(docs) - len(dropping),
                any(record_id in known for record_id in gone),
                TO_MERGE,
            ),
        )

    def _keep_texts(self, index: sqlite3.Connection, texts: Mapping[str, str], standing: IndexStanding) -> None:
        if not self._has_room_for_texts():
            self._mark(FULL_OF_TEXTS_NAME)
            texts = {record_id: text for record_id, text in texts.items() if not text}
        known = _known(index, list(texts))
        for record_id in sorted(known, key=lambda each: known[each][0]):
            place, facts, said = known[record_id]
            fresh = said.rpartition(_PARTS)[0] + _PARTS + texts[record_id]
            if fresh != said:
                index.execute(_DROP, (place, *_columns(facts, said)))
                index.execute(_ADD, (place, *_columns(facts, fresh)))
                index.execute("UPDATE docs SET said = ? WHERE place = ?", (fresh, place))
        index.execute(
            "UPDATE standing SET text_position = ?, with_text = with_text OR ?",
            (standing.text_position, any(texts.values())),
        )

    def _has_room_for_texts(self) -> bool:
        if self._folder is None:
            return True
        storage = os.statvfs(self._folder)
        return storage.f_bavail >= storage.f_blocks * TEXTS_LEAVE_FREE

    def _cleanse(self, index: sqlite3.Connection, unclean: int) -> int:
        if unclean == TO_MERGE:
            # Negative: all segments there are now become one, in as many steps as that takes.
            index.execute("INSERT INTO ft (ft, rank) VALUES ('merge', ?)", (-MERGED_PAGES,))
            return MERGING
        if unclean == MERGING:
            before = index.total_changes
            index.execute("INSERT INTO ft (ft, rank) VALUES ('merge', ?)", (MERGED_PAGES,))
            return MERGING if index.total_changes - before >= 2 else TO_CUT
        (is_busy, _, _) = index.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return TO_CUT if is_busy else CLEAN

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection to the index that is there now; None where there is none."""
        inode = self._inode()
        if inode is None:
            yield None
            return
        with self._pool:
            mine = next((kept for kept in self._readers if kept[0] == inode), None)
            stale = [kept for kept in self._readers if kept[0] != inode]
            self._readers = [kept for kept in self._readers if kept[0] == inode and kept is not mine]
        for _, reader in stale:
            reader.close()
        try:
            reader = mine[1] if mine is not None else self._reader()
        except sqlite3.OperationalError:
            yield None  # it was removed in between
            return
        try:
            yield reader
        finally:
            with self._pool:
                is_kept = len(self._readers) < READERS_KEPT and not self._is_closed
                if is_kept:
                    self._readers.append((inode, reader))
            if not is_kept:
                reader.close()

    def _inode(self) -> int | None:
        if self._folder is None:
            return 0 if self._writer is not None else None
        try:
            return (self._folder / NAME).stat().st_ino
        except OSError:
            return None

    def _reader(self) -> sqlite3.Connection:
        address = self._own if self._folder is None else f"{(self._folder / NAME).as_uri()}?mode=rw"
        reader = _opened(address)
        reader.execute("PRAGMA query_only = ON")
        return reader


def _opened(address: str) -> sqlite3.Connection:
    index = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_S)
    for setting in (
        "temp_store = MEMORY",
        "secure_delete = ON",
        "synchronous = OFF",
        f"mmap_size = {MAPPED_BYTES}",
        f"cache_size = -{CACHE_KIB}",
    ):
        index.execute(f"PRAGMA {setting}").fetchone()
    return index


def _is_for_room(error: sqlite3.OperationalError | OSError) -> bool:
    """Whether it is for want of room; of the memory that connections share SQLite says no more than that it failed."""
    if isinstance(error, OSError):
        return error.errno == ENOSPC
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def _known(index: sqlite3.Connection, records: Sequence[str]) -> dict[str, tuple[int, str, str]]:
    """Place, facts and words of those that are in it."""
    known: dict[str, tuple[int, str, str]] = {}
    for start in range(0, len(records), AT_ONCE):
        chunk = records[start : start + AT_ONCE]
        marks = ", ".join("?" * len(chunk))
        rows = index.execute(f"SELECT record, place, facts, said FROM docs WHERE record IN ({marks})", chunk)  # noqa: S608 - marks only
        known.update({record: (place, facts, said) for record, place, facts, said in rows})
    return known


def _repeated(index: sqlite3.Connection, entries: Sequence[Findable]) -> set[str]:
    """Those of new entries of which a twin is there, or comes with them: of several twins all but one at most."""
    kept = [(each.twin, each.record_id) for each in entries if each.twin is not None]
    holders: dict[bytes, set[str]] = {}
    for start in range(0, len(kept), AT_ONCE):
        chunk = [twin for twin, _ in kept[start : start + AT_ONCE]]
        rows = index.execute(f"SELECT twin, record FROM docs WHERE twin IN ({', '.join('?' * len(chunk))})", chunk)  # noqa: S608 - marks only
        for twin, record in rows:
            holders.setdefault(twin, set()).add(record)
    for twin, record in kept:
        holders.setdefault(twin, set()).add(record)
    return {record for twin, record in kept if len(holders[twin]) > 1}


def _columns(facts: str, said: str) -> tuple[str, str, str, str, str]:
    """The words of an entry, by column: the same whenever they are made."""
    number, customer, words, text = said.split(_PARTS, 3)
    return (
        " ".join(spelled(number)),
        " ".join(spelled(customer)),
        " ".join(spelled(words)),
        facts + heads_words(_PARTS.join((number, customer, words))),
        " ".join(spelled(text)),
    )


def _stamp(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000)


def _behind(index: sqlite3.Connection, before: tuple[datetime, str]) -> int:
    """The place of a record, or of where it would be."""
    row = index.execute("SELECT place FROM docs WHERE record = ?", (before[1],)).fetchone()
    if row is not None:
        return int(row[0])
    below = place_below(index, _stamp(before[0]))
    return 0 if below is None else below + 1
