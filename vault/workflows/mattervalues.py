"""Matters and scope items as values of a register: what is sealed stands there as sealed as in the catalogue.

An item is a list, for a query may have found thousands: matter, kind, subject, sealed, origin, by, at, change.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from vault.holds import Matter, MatterState, ScopeItem, ScopeKind
from vault.ids import FondsId, MatterId, PersonId
from vault.seal.keytree import LeafAddress


def matter_values(matter: Matter) -> dict[str, Any]:
    """A matter as a register has it."""
    return {
        "id": matter.id,
        "number": matter.number,
        "state": matter.state.value,
        "leaf": matter.leaf.text,
        "sealed": base64.b64encode(matter.sealed).decode("ascii"),
        "revision": matter.revision,
        "placed_by": matter.placed_by,
        "placed_at": matter.placed_at.isoformat(),
        "release_proposed_by": matter.release_proposed_by,
        "release_proposed_at": _text(matter.release_proposed_at),
        "released_by": matter.released_by,
        "released_at": _text(matter.released_at),
        "change": matter.change,
    }


def matter_of(values: Mapping[str, Any], fonds_id: FondsId) -> Matter:
    """The matter of ``matter_values``. Raises ``KeyError``, ``TypeError``, ``ValueError``."""
    return Matter(
        id=MatterId(values["id"]),
        fonds_id=fonds_id,
        number=values["number"],
        state=MatterState(values["state"]),
        leaf=LeafAddress.parse(values["leaf"]),
        sealed=base64.b64decode(values["sealed"]),
        revision=values["revision"],
        placed_by=PersonId(values["placed_by"]),
        placed_at=datetime.fromisoformat(values["placed_at"]),
        release_proposed_by=PersonId(values["release_proposed_by"]) if values["release_proposed_by"] else None,
        release_proposed_at=_moment(values["release_proposed_at"]),
        released_by=PersonId(values["released_by"]) if values["released_by"] else None,
        released_at=_moment(values["released_at"]),
        change=values["change"],
    )


def item_values(item: ScopeItem) -> list[Any]:
    """An item of a scope as a register has it."""
    return [
        item.matter_id,
        item.kind.value,
        item.subject,
        base64.b64encode(item.sealed).decode("ascii") if item.sealed is not None else None,
        item.origin,
        item.added_by,
        item.added_at.isoformat(),
        item.change,
    ]


def item_of(values: Sequence[Any]) -> ScopeItem:
    """The item of ``item_values``. Raises ``TypeError``, ``ValueError``."""
    matter_id, kind, subject, sealed, origin, added_by, added_at, change = values
    return ScopeItem(
        matter_id=MatterId(matter_id),
        kind=ScopeKind(kind),
        subject=subject,
        sealed=base64.b64decode(sealed) if sealed is not None else None,
        origin=origin,
        added_by=PersonId(added_by),
        added_at=datetime.fromisoformat(added_at),
        change=change,
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
