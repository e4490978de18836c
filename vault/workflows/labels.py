"""Printing labels: of records, by their opaque addresses, and of boxes, by their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from vault.errors import InvalidInput
from vault.ids import RecordId
from vault.labels import LABELS_MAX, Label, checked_stock
from vault.paper import BOX_SHAPE
from vault.permissions import Action, Actor, require_on
from vault.records import RecordState
from vault.workflows.retrieval import views_of
from vault.workflows.vault import Vault


def print_record_labels(
    vault: Vault,
    actor: Actor,
    record_ids: Sequence[RecordId],
    *,
    address: str,
    stock: str,
    start: int = 1,
    titles: bool = False,
    copies: int = 1,
) -> bytes:
    """Labels of records as PDF. ``address`` is where pages are reached; the code leads to the record's from there.

    ``titles`` prints titles below the numbers. Raises ``NotFound``, ``NotAllowed``, ``InvalidInput``.
    """
    actor.require(Action.LIST_RECORDS)
    kind = checked_stock(stock, start)
    _require_some(len(record_ids), copies)
    wanted = list(dict.fromkeys(record_ids))
    with vault.catalogue.read() as tx:
        found = tx.records.many(wanted)
        records = [require_on(actor, Action.LIST_RECORDS, found.get(each)) for each in wanted]
    told = {view.record.id: view for view in views_of(vault, wanted)} if titles else {}
    labels = []
    for record in records:
        if record.state not in (RecordState.RECEIVED, RecordState.FILED):
            raise InvalidInput(f"record {record.number} is {record.state.value}; leave it out", field="record")
        view = told.get(record.id)
        lines = [view.description.title] if view is not None and view.description is not None else []
        labels.append(Label(code=f"{address}/records/{record.id}", number=record.number, lines=lines))
    return vault.print_labels([label for label in labels for _ in range(copies)], kind, start)


def print_box_labels(
    vault: Vault, actor: Actor, boxes: Sequence[str], *, stock: str, start: int = 1, copies: int = 1
) -> bytes:
    """Labels of boxes as PDF; the code holds the box's number. Raises ``NotAllowed``, ``InvalidInput``."""
    actor.require(Action.KEEP_PAPER)
    kind = checked_stock(stock, start)
    _require_some(len(boxes), copies)
    for box in boxes:
        if BOX_SHAPE.fullmatch(box) is None:
            raise InvalidInput("a box's number has 1 to 40 letters, digits, '.', '/' and '-'", field="box")
    labels = [Label(code=box, number=box) for box in boxes for _ in range(copies)]
    return vault.print_labels(labels, kind, start)


def _require_some(count: int, copies: int) -> None:
    if not count:
        raise InvalidInput("nothing is named that gets a label; choose some", field="record")
    if not 1 <= copies <= LABELS_MAX or count * copies > LABELS_MAX:
        raise InvalidInput(f"at most {LABELS_MAX} labels are printed at once; print fewer", field="copies")
