"""The tables of matters and their scopes, and the join that says what a matter covers.

Rule 1: what is held is a join of matters in force with records, looked at when it is asked; nothing is copied.
Rule 2: a scope is only added to; a released matter takes nothing more. Triggers keep this rule and the states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    CompoundSelect,
    ForeignKey,
    Index,
    LargeBinary,
    Select,
    Table,
    Text,
    UniqueConstraint,
    and_,
    select,
    union,
)

from storage.catalogue.fonds import fonds_column
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.objects import leaf_columns
from storage.catalogue.records import records
from vault.holds import MatterState, ScopeKind

matters = Table(
    "matters",
    metadata,
    Column("id", Text, primary_key=True),
    fonds_column(),
    Column("number", Text, nullable=False),
    Column("state", Text, nullable=False),
    *leaf_columns(),
    Column("sealed", LargeBinary, nullable=False),
    Column("revision", Counted, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("release_proposed_by", Text),
    Column("release_proposed_at", UtcDateTime),
    Column("released_by", Text),
    Column("released_at", UtcDateTime),
    Column("change", Counted, nullable=False, unique=True),
    UniqueConstraint("fonds_id", "number"),
    Index("uq_matters_leaf", "fonds_id", "extent", "leaf", unique=True),
    one_of("state", MatterState),
    CheckConstraint("revision >= 1", name="revision"),
    CheckConstraint("(release_proposed_by IS NULL) = (release_proposed_at IS NULL)", name="release_proposed"),
    CheckConstraint("(state = 'in-force') = (release_proposed_by IS NULL)", name="proposal"),
    CheckConstraint("(released_by IS NULL) = (released_at IS NULL)", name="release"),
    CheckConstraint("(state = 'released') = (released_by IS NOT NULL)", name="released"),
    CheckConstraint("released_by IS NULL OR released_by <> release_proposed_by", name="two_people"),
)

matter_scopes = Table(
    "matter_scopes",
    metadata,
    Column("matter_id", Text, ForeignKey("matters.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("sealed", LargeBinary),
    Column("origin", Text),
    Column("added_by", Text, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("change", Counted, nullable=False),
    one_of("kind", ScopeKind),
    CheckConstraint("(kind = 'query') = (sealed IS NOT NULL)", name="sealed"),
    CheckConstraint("origin IS NULL OR kind = 'record'", name="origin"),
    Index("ix_matter_scopes_kind_subject", "kind", "subject"),
    Index("ix_matter_scopes_change", "change"),
)

HOLDING: Final = matters.c.state != "released"
"""A matter that holds."""
LIVING: Final = records.c.state.in_(["received", "filed"])
"""A record that lives."""
COLUMNS: Final[Mapping[ScopeKind, Any]] = {
    ScopeKind.RECORD: records.c.id,
    ScopeKind.CUSTOMER: records.c.customer_id,
    ScopeKind.CLASS: records.c.class_code,
}
"""What of a record an item of a scope names; queries name records one by one."""


def covered(kind: ScopeKind, *columns: Any) -> Select[Any]:
    """These columns of matters and the records in their scope, by items of one kind."""
    column = COLUMNS[kind]
    return (
        select(*columns)
        .select_from(matter_scopes)
        .join(matters, matters.c.id == matter_scopes.c.matter_id)
        .join(records, and_(column == matter_scopes.c.subject, records.c.fonds_id == matters.c.fonds_id))
        .where(matter_scopes.c.kind == kind.value)
    )


def by_all_kinds(*columns: Any, where: Sequence[Any]) -> CompoundSelect[Any]:
    """The same by items of every kind that names records by a column."""
    return union(*(covered(kind, *columns).where(*where) for kind in COLUMNS))
