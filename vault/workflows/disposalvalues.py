"""Disposal lists, their items and signatures as values of a register; what is sealed stands there sealed.

An item is an array, for a list has up to a thousand: list, record, decision, listed, by, at, sealed, until, target,
cause, change.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from vault.disposal import Decision, DisposalItem, DisposalList, ListState, Part, Signature
from vault.disposition import Ground
from vault.ids import BatchId, FondsId, ListId, PersonId, RecordId
from vault.seal.keytree import LeafAddress

_MOMENTS = ("window_until", "approved_at", "executed_at", "closed_at")


def list_values(disposal: DisposalList) -> dict[str, Any]:
    """A list as a register has it."""
    return {
        "id": disposal.id,
        "number": disposal.number,
        "class": disposal.class_code,
        "rule_version": disposal.rule_version,
        "ground": disposal.ground.value,
        "state": disposal.state.value,
        "automatic": disposal.automatic,
        "leaf": disposal.leaf.text,
        "sealed": base64.b64encode(disposal.sealed).decode("ascii"),
        "revision": disposal.revision,
        "proposed_by": disposal.proposed_by,
        "proposed_at": disposal.proposed_at.isoformat(),
        "approvers": disposal.approvers,
        "supervisors": disposal.supervisors,
        "due_until": _text(disposal.due_until),
        **{name: _text(getattr(disposal, name)) for name in _MOMENTS},
        "batch": disposal.batch_id,
        "change": disposal.change,
    }


def list_of(values: Mapping[str, Any], fonds_id: FondsId) -> DisposalList:
    """The list of ``list_values``. Raises ``KeyError``, ``TypeError``, ``ValueError``."""
    return DisposalList(
        id=ListId(values["id"]),
        fonds_id=fonds_id,
        number=values["number"],
        class_code=values["class"],
        rule_version=values["rule_version"],
        ground=Ground(values["ground"]),
        state=ListState(values["state"]),
        automatic=values["automatic"],
        leaf=LeafAddress.parse(values["leaf"]),
        sealed=base64.b64decode(values["sealed"]),
        revision=values["revision"],
        proposed_by=PersonId(values["proposed_by"]),
        proposed_at=datetime.fromisoformat(values["proposed_at"]),
        approvers=values["approvers"],
        supervisors=values["supervisors"],
        due_until=_day(values["due_until"]),
        window_until=_moment(values["window_until"]),
        approved_at=_moment(values["approved_at"]),
        executed_at=_moment(values["executed_at"]),
        batch_id=BatchId(values["batch"]) if values["batch"] else None,
        closed_at=_moment(values["closed_at"]),
        change=values["change"],
    )


def item_values(item: DisposalItem) -> list[Any]:
    """An item as a register has it."""
    return [
        item.list_id,
        item.record_id,
        item.decision.value,
        item.listed,
        item.decided_by,
        _text(item.decided_at),
        base64.b64encode(item.sealed).decode("ascii") if item.sealed is not None else None,
        _text(item.until),
        item.target,
        item.cause,
        item.change,
    ]


def item_of(values: Sequence[Any]) -> DisposalItem:
    """The item of ``item_values``. Raises ``TypeError``, ``ValueError``."""
    list_id, record_id, decision, listed, decided_by, decided_at, sealed, until, target, cause, change = values
    return DisposalItem(
        list_id=ListId(list_id),
        record_id=RecordId(record_id),
        decision=Decision(decision),
        listed=listed,
        decided_by=PersonId(decided_by) if decided_by else None,
        decided_at=_moment(decided_at),
        sealed=base64.b64decode(sealed) if sealed is not None else None,
        until=_day(until),
        target=target,
        cause=cause,
        change=change,
    )


def signature_values(signature: Signature) -> list[Any]:
    """A signature as a register has it."""
    return [
        signature.list_id,
        signature.person_id,
        signature.part.value,
        signature.step,
        signature.at.isoformat(),
        signature.change,
    ]


def signature_of(values: Sequence[Any]) -> Signature:
    """The signature of ``signature_values``. Raises ``TypeError``, ``ValueError``."""
    list_id, person_id, part, step, at, change = values
    return Signature(
        list_id=ListId(list_id),
        person_id=PersonId(person_id),
        part=Part(part),
        step=step,
        at=datetime.fromisoformat(at),
        change=change,
    )


def _text(moment: datetime | date | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
