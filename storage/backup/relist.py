"""Disposal lists from the registers, brought to where they were, step by step as the catalogue's rules want it.

Rule 1: the higher change number is the newer word; what is decided, signed or closed here already stays.
Rule 2: a list whose execution was committed is done: whether its records are dead, the key pages say. Nothing else is
carried out because of what is found; an approved list waits as it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeVar

from vault.disposal import DisposalItem, DisposalList, ListState, Part, Signature
from vault.ids import ListId, NoticeId, RecordId
from vault.notices import Notice, NoticeState
from vault.shelves import Transaction
from vault.workflows.register import Register

_OfList = TypeVar("_OfList", DisposalItem, Signature, Notice)

_WAY: Final[Mapping[ListState, tuple[ListState, ...]]] = {
    ListState.PROPOSED: (),
    ListState.APPROVED: (ListState.APPROVED,),
    ListState.EXECUTING: (ListState.APPROVED, ListState.EXECUTING),
}


@dataclass(slots=True, kw_only=True)
class Lists:
    """What registers say of lists, the newest word on each."""

    lists: dict[ListId, DisposalList] = field(default_factory=dict)
    items: dict[tuple[ListId, RecordId], DisposalItem] = field(default_factory=dict)
    signatures: dict[tuple[ListId, str], Signature] = field(default_factory=dict)
    notices: dict[NoticeId, Notice] = field(default_factory=dict)

    def hear(self, register: Register) -> None:
        """Adds one register; a later one comes later."""
        self.lists |= {each.id: each for each in register.lists}
        self.items |= {(each.list_id, each.record_id): each for each in register.list_items}
        self.signatures |= {(each.list_id, each.person_id): each for each in register.signatures}
        self.notices |= {each.id: each for each in register.notices}


def take_lists(tx: Transaction, found: Lists, *, now: datetime) -> int:
    """Takes them into a catalogue that has their records; gives the highest change number among them."""
    newest = 0
    items, signatures = _by_list(found.items.values()), _by_list(found.signatures.values())
    told = _by_list(found.notices.values())
    # Before any list moves on: what was taken off one list since may stand on another one.
    for each in found.items.values():
        had = tx.disposals.item(each.list_id, each.record_id)
        if had is not None and had.listed and had.change < each.change:
            tx.disposals.update_item(each)
    for disposal in sorted(found.lists.values(), key=lambda each: each.change):
        newest = max(newest, disposal.change)
        existing = tx.disposals.get(disposal.id, for_update=True)
        if existing is not None and existing.change >= disposal.change:
            continue
        if existing is None:
            tx.extents.retire(disposal.fonds_id, disposal.leaf.extent, disposal.id)
            existing = replace(
                disposal,
                state=ListState.PROPOSED,
                window_until=None,
                approved_at=None,
                executed_at=None,
                batch_id=None,
                closed_at=None,
            )
            tx.disposals.add(existing)
        _add_items(tx, disposal, items.get(disposal.id, []))
        _take_notices(tx, told.get(disposal.id, []))
        _bring_on(tx, existing, disposal, signatures.get(disposal.id, []), now)
    return newest


def _by_list(found: Iterable[_OfList]) -> dict[ListId, list[_OfList]]:
    grouped: dict[ListId, list[_OfList]] = {}
    for each in found:
        grouped.setdefault(each.list_id, []).append(each)
    return grouped


def _add_items(tx: Transaction, disposal: DisposalList, items: Sequence[DisposalItem]) -> None:
    # A record that nothing in the store tells of cannot be named; its key is gone, or it was damaged and is told.
    known = tx.records.many([each.record_id for each in items])
    tx.disposals.add_items(
        each for each in items if each.record_id in known and tx.disposals.item(disposal.id, each.record_id) is None
    )


def _take_notices(tx: Transaction, notices: Iterable[Notice]) -> None:
    """Before the list moves on: it does not while somebody waits to be told."""
    for notice in notices:
        had = tx.notices.get(notice.id)
        if had is None and (notice.customer_id is None or tx.customers.get(notice.customer_id) is not None):
            tx.notices.add([notice])
        elif had is not None and had.state is NoticeState.WAITING and had.change < notice.change:
            tx.notices.update(notice)


def _bring_on(
    tx: Transaction, existing: DisposalList, disposal: DisposalList, signatures: Iterable[Signature], now: datetime
) -> None:
    signed = {each.person_id for each in tx.disposals.signatures(disposal.id)}
    missing = [each for each in signatures if each.person_id not in signed]
    # A supervisor signs what is approved, everybody else what is proposed.
    for each in missing:
        if (each.part is Part.SUPERVISOR) == (existing.state is ListState.APPROVED):
            tx.disposals.sign(each)
    way = _WAY.get(disposal.state)
    if way is None:
        # Done or cancelled: as far as it came before that.
        way = (ListState.APPROVED,) if disposal.approved_at else ()
        way += (ListState.EXECUTING,) if disposal.batch_id else ()
        way += (disposal.state,)
    elif disposal.state is ListState.EXECUTING:
        way += (ListState.DONE,)
    here = existing.state
    steps = way[way.index(here) + 1 :] if here in way else way
    # Where it stays in its state, its window, its opinion and its change number are news all the same.
    for state in steps or ((here,) if existing.is_open else ()):
        closed = state in (ListState.DONE, ListState.CANCELLED)
        executed = state is ListState.EXECUTING or (closed and disposal.batch_id is not None)
        tx.disposals.update(
            replace(
                disposal,
                state=state,
                executed_at=disposal.executed_at if executed else None,
                batch_id=disposal.batch_id if executed else None,
                closed_at=(disposal.closed_at or now) if closed else None,
            )
        )
        if state is ListState.APPROVED and existing.state is ListState.PROPOSED:
            for each in missing:
                if each.part is Part.SUPERVISOR:
                    tx.disposals.sign(each)
