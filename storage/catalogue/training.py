"""Courses and attempts at their tests. Rows are only added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    insert,
    select,
)

from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.ids import PersonId
from vault.training import Attempt, CourseVersion

courses = Table(
    "courses",
    metadata,
    Column("version", Counted, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("pass_percent", Counted, nullable=False),
    Column("valid_days", Counted, nullable=False),
    Column("asks_again", Boolean, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("pass_percent BETWEEN 1 AND 100", name="pass_percent"),
    CheckConstraint("valid_days >= 1", name="valid_days"),
)

course_attempts = Table(
    "course_attempts",
    metadata,
    Column("number", Counted, primary_key=True, autoincrement=True),
    Column("version", Counted, ForeignKey("courses.version"), nullable=False),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    Column("score_percent", Counted, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    CheckConstraint("score_percent BETWEEN 0 AND 100", name="score_percent"),
    CheckConstraint("expires_at IS NULL OR expires_at > at", name="expires_at"),
    Index("ix_course_attempts_person_id_at", "person_id", "at"),
)

_ADD = insert(courses)
_VERSIONS = select(courses).order_by(courses.c.version.desc())
_NEWEST = _VERSIONS.limit(1)
_ATTEMPT = insert(course_attempts)
_ATTEMPTS = select(course_attempts).order_by(course_attempts.c.at.desc(), course_attempts.c.number.desc())
_OF_PERSON = _ATTEMPTS.where(course_attempts.c.person_id == bindparam("its_person"))
_SINCE = course_attempts.c.at > bindparam("since")
_BEST = (
    select(course_attempts)
    .where(
        course_attempts.c.person_id == bindparam("its_person"),
        course_attempts.c.version >= bindparam("since_version"),
        course_attempts.c.expires_at.is_not(None),
    )
    .order_by(course_attempts.c.expires_at.desc())
    .limit(1)
)


class SqlTrainingShelf:
    """``vault.shelves.TrainingShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, version: CourseVersion) -> None:
        self._rows.run(
            _ADD,
            {
                "version": version.version,
                "sealed": version.sealed,
                "pass_percent": version.pass_percent,
                "valid_days": version.valid_days,
                "asks_again": version.asks_again,
                "published_by": version.published_by,
                "published_at": version.published_at,
            },
        )

    def newest(self) -> CourseVersion | None:
        row = self._rows.first(_NEWEST)
        return None if row is None else _version_of(row)

    def versions(self) -> Sequence[CourseVersion]:
        return [_version_of(row) for row in self._rows.all(_VERSIONS)]

    def attempt(self, attempt: Attempt) -> None:
        self._rows.run(
            _ATTEMPT,
            {
                "version": attempt.version,
                "person_id": attempt.person_id,
                "score_percent": attempt.score_percent,
                "at": attempt.at,
                "expires_at": attempt.expires_at,
            },
        )

    def attempts(self, *, person_id: PersonId | None = None, since: datetime | None = None) -> Sequence[Attempt]:
        statement = _ATTEMPTS if person_id is None else _OF_PERSON
        values: dict[str, object] = {} if person_id is None else {"its_person": person_id}
        if since is not None:
            statement, values = statement.where(_SINCE), {**values, "since": since}
        return [_attempt_of(row) for row in self._rows.all(statement, values)]

    def best(self, person_id: PersonId, *, since_version: int) -> Attempt | None:
        row = self._rows.first(_BEST, {"its_person": person_id, "since_version": since_version})
        return None if row is None else _attempt_of(row)


def _version_of(row: Row[Any]) -> CourseVersion:
    return CourseVersion(
        version=row.version,
        sealed=row.sealed,
        pass_percent=row.pass_percent,
        valid_days=row.valid_days,
        asks_again=row.asks_again,
        published_by=PersonId(row.published_by),
        published_at=row.published_at,
    )


def _attempt_of(row: Row[Any]) -> Attempt:
    return Attempt(
        version=row.version,
        person_id=PersonId(row.person_id),
        score_percent=row.score_percent,
        at=row.at,
        expires_at=row.expires_at,
    )
