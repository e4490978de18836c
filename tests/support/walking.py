"""What walks of the permission table share: records in every state, and a catalogue that lets a deed come to the end of
its transaction and keeps nothing of it, so that each cell of a walk meets the same vault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from tests.support.people import everything
from tests.support.vault import add_bytes
from vault.audit import Event
from vault.destruction import BatchState, Targets
from vault.errors import StoreUnavailable
from vault.holds import HoldScope, MatterProfile
from vault.ids import PersonId, RecordId
from vault.permissions import Role
from vault.shelves import Catalogue, Transaction
from vault.workflows import destruction, holding, placing, restricting
from vault.workflows.vault import Vault

OWN, OTHER = "contract", "correspondence"
LIVING: Final = frozenset({"received", "filed", "held"})
ANY: Final = LIVING | {"restricted", "erasing", "destroyed"}
WALKED: Final = tuple(role for role in Role if role is not Role.OPERATOR)


class Reached(Exception):
    """The deed was allowed, and came to the end of its transaction, with an entry in the log or without."""

    def __init__(self, *, logged: bool) -> None:
        super().__init__()
        self.logged = logged


@dataclass(frozen=True)
class Undoing:
    """The real catalogue, which keeps nothing but that somebody was refused."""

    catalogue: Catalogue

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        with self.catalogue.write() as tx:
            before = tx.audit.newest()
            yield tx
            newest = tx.audit.newest()
            # That somebody was refused a record is noted, and this is an answer: it stays.
            if newest == before or tx.audit.page(limit=1)[0].entry.event is not Event.RECORD_REFUSED:
                raise Reached(logged=newest > before)

    def read(self) -> Any:
        return self.catalogue.read()


def undoing(vault: Vault) -> Vault:
    """The vault, over a catalogue that keeps nothing."""
    return replace(vault, catalogue=Undoing(vault.catalogue))


def records_in_every_state(vault: Vault) -> Mapping[tuple[str, str], RecordId]:
    """A record in each state, of each class, by both."""
    one = everything()
    records = {}
    for code in (OWN, OTHER):
        for state in sorted(ANY):
            records[state, code] = add_bytes(
                vault, one, b"walked", title=f"{state} of {code}", class_code=code
            ).record_id
        holding.file_record(vault, one, records["filed", code])
        placing.place_hold(
            vault,
            one,
            MatterProfile.checked(title="Walk", reason="walked", issuer="Court"),
            HoldScope(records=frozenset({records["held", code]})),
        )
        restricting.restrict_record(
            vault, replace(one, person_id=PersonId("somebody")), records["restricted", code], "walked"
        )
    destroyed, erasing = (
        frozenset({records[state, code] for code in (OWN, OTHER)}) for state in ("destroyed", "erasing")
    )
    destruction.destroy(vault, one, Targets(records=destroyed), alone=True, error=True)
    # The last step waits for a place of copies that does not answer: what dies is still being erased.
    waiting = replace(vault, page_copies=(_away,))
    batch = destruction.destroy(waiting, one, Targets(records=erasing), alone=True, error=True)
    assert batch.state is BatchState.ERASING
    return records


def _away(key: str, body: bytes) -> None:
    raise StoreUnavailable("the place of copies does not answer")
