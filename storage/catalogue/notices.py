"""Notices of destruction: who is told of which disposal list, and when they were.

Rule 1: what a notice is, never changes; it is settled once, told or dropped, and stays. Triggers keep this, and that no
list is executed, and no objection window begins, while one of its notices waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    update,
)

from storage.catalogue.disposals import disposal_lists
from storage.catalogue.metadata import Counted, UtcDateTime, metadata, one_of
from storage.catalogue.rows import Rows, Values
from vault.errors import NotFound
from vault.ids import CustomerId, FondsId, ListId, NoticeId, PersonId
from vault.notices import Audience, Channel, Notice, NoticeState

notices = Table(
    "notices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("list_id", Text, ForeignKey("disposal_lists.id"), nullable=False),
    Column("audience", Text, nullable=False),
    Column("customer_id", Text, ForeignKey("customers.id")),
    Column("state", Text, nullable=False),
    Column("record_count", Counted, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("revision", Counted, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("channel", Text),
    Column("told_by", Text),
    Column("told_at", UtcDateTime),
    Column("change", Counted, nullable=False),
    one_of("audience", Audience),
    one_of("state", NoticeState),
    CheckConstraint(
        "channel IS NULL OR channel IN ('pages', 'mail', 'post', 'phone', 'in-person', 'published')", name="channel"
    ),
    CheckConstraint("revision >= 1 AND record_count >= 1", name="revision"),
    CheckConstraint(
        "(audience = 'customer') = (customer_id IS NOT NULL) AND (audience <> 'staff' OR state = 'told')",
        name="addressee",
    ),
    CheckConstraint(
        "(state = 'told') = (told_at IS NOT NULL) AND (told_at IS NULL) = (told_by IS NULL)"
        " AND (told_at IS NULL) = (channel IS NULL)",
        name="told",
    ),
    UniqueConstraint("list_id", "customer_id"),
    Index("ix_notices_made_at_id", "made_at", "id"),
    Index("ix_notices_change", "change"),
)

_ADD = insert(notices)
_UPDATE = update(notices).where(notices.c.id == bindparam("its_id"))
_GET = select(notices).where(notices.c.id == bindparam("its_id"))
_OF_LIST = (
    select(notices)
    .where(notices.c.list_id == bindparam("its_list"))
    .order_by(notices.c.audience.desc(), notices.c.customer_id, notices.c.id)
)
_IS_WAITING = notices.c.state == "waiting"
_WAITING = select(func.count()).select_from(notices).where(notices.c.list_id == bindparam("its_list"), _IS_WAITING)
_DROP = (
    update(notices)
    .where(notices.c.list_id == bindparam("its_list"), _IS_WAITING)
    .values(state="dropped", change=bindparam("its_change"))
)
_BETWEEN = (
    select(notices)
    .where(notices.c.change > bindparam("after_change"), notices.c.change <= bindparam("to_change"))
    .order_by(notices.c.change, notices.c.id)
)
_PAGE = (
    select(notices)
    .join(disposal_lists, disposal_lists.c.id == notices.c.list_id)
    .where(disposal_lists.c.fonds_id == bindparam("its_fonds"))
    .order_by(notices.c.made_at.desc(), notices.c.id.desc())
    .limit(bindparam("at_most"))
)
_BEFORE = tuple_(notices.c.made_at, notices.c.id) < tuple_(
    bindparam("before_moment", type_=UtcDateTime), bindparam("before_id", type_=Text)
)
_OF_CLASSES = disposal_lists.c.class_code.in_(bindparam("its_classes", expanding=True))
_PAGES: Final = {
    (only_waiting, only_staff, of_classes, behind): _PAGE.where(
        *([_IS_WAITING] if only_waiting else ()),
        *([notices.c.audience == "staff"] if only_staff else ()),
        *([_OF_CLASSES] if of_classes else ()),
        *([_BEFORE] if behind else ()),
    )
    for only_waiting in (False, True)
    for only_staff in (False, True)
    for of_classes in (False, True)
    for behind in (False, True)
}


class SqlNoticeShelf:
    """``vault.shelves.NoticeShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, made: Iterable[Notice]) -> None:
        self._rows.run_many(
            _ADD,
            [
                {
                    "id": each.id,
                    "list_id": each.list_id,
                    "audience": each.audience.value,
                    "customer_id": each.customer_id,
                    "record_count": each.record_count,
                    "made_at": each.made_at,
                    **_values(each),
                }
                for each in made
            ],
        )

    def update(self, notice: Notice) -> None:
        if self._rows.run(_UPDATE, {"its_id": notice.id, **_values(notice)}) != 1:
            raise NotFound("there is no such notice; look it up with `strongroom notice list`")

    def get(self, notice_id: NoticeId) -> Notice | None:
        row = self._rows.first(_GET, {"its_id": notice_id})
        return None if row is None else _notice_of(row)

    def of_list(self, list_id: ListId) -> Sequence[Notice]:
        return [_notice_of(row) for row in self._rows.all(_OF_LIST, {"its_list": list_id})]

    def waiting(self, list_id: ListId) -> int:
        row = self._rows.first(_WAITING, {"its_list": list_id})
        return 0 if row is None else int(row[0])

    def drop_waiting(self, list_id: ListId, *, change: int) -> None:
        self._rows.run(_DROP, {"its_list": list_id, "its_change": change})

    def between(self, since: int, to: int) -> Sequence[Notice]:
        return [_notice_of(row) for row in self._rows.all(_BETWEEN, {"after_change": since, "to_change": to})]

    def page(
        self,
        fonds_id: FondsId,
        *,
        only_waiting: bool = False,
        only_staff: bool = False,
        classes: frozenset[str] | None = None,
        before: Notice | None = None,
        limit: int = 50,
    ) -> Sequence[Notice]:
        values: dict[str, Any] = {"its_fonds": fonds_id, "at_most": limit}
        if before is not None:
            values |= {"before_moment": before.made_at, "before_id": before.id}
        if classes is not None:
            values["its_classes"] = sorted(classes)
        statement = _PAGES[only_waiting, only_staff, classes is not None, before is not None]
        return [_notice_of(row) for row in self._rows.all(statement, values)]


def _values(notice: Notice) -> Values:
    """What of a notice may change, once."""
    return {
        "state": notice.state.value,
        "sealed": notice.sealed,
        "revision": notice.revision,
        "channel": notice.channel.value if notice.channel else None,
        "told_by": notice.told_by,
        "told_at": notice.told_at,
        "change": notice.change,
    }


def _notice_of(row: Row[Any]) -> Notice:
    return Notice(
        id=NoticeId(row.id),
        list_id=ListId(row.list_id),
        audience=Audience(row.audience),
        customer_id=CustomerId(row.customer_id) if row.customer_id else None,
        state=NoticeState(row.state),
        record_count=row.record_count,
        sealed=bytes(row.sealed),
        revision=row.revision,
        made_at=row.made_at,
        channel=Channel(row.channel) if row.channel else None,
        told_by=PersonId(row.told_by) if row.told_by else None,
        told_at=row.told_at,
        change=row.change,
    )
