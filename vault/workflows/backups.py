"""After a catalogue was made again from the store: the holds in it are confirmed by two people before anything dies.

Rule 1: until then every destruction is refused; one person cannot be both.
"""

from __future__ import annotations

from dataclasses import replace

from vault.audit import Event
from vault.errors import Conflict, NotAllowed, NotFound
from vault.fonds import Fonds, Rebuild
from vault.people import Action, Actor
from vault.shelves import Transaction
from vault.workflows.vault import Vault


def confirm_holds(vault: Vault, actor: Actor) -> Rebuild:
    """Confirms that the holds in a rebuilt catalogue are those in force; gives the rebuild as it then is.

    Raises ``NotFound`` where there is nothing to confirm, ``NotAllowed`` for the second time by one person.
    """
    actor.require(Action.DESTROY_RECORDS)
    now = vault.now()
    with vault.catalogue.write() as tx:
        rebuild = tx.rebuilds.unconfirmed(vault.fonds.id, for_update=True)
        if rebuild is None:
            raise NotFound("the catalogue was not rebuilt, or its holds are confirmed; there is nothing to do")
        if rebuild.first_by is None:
            confirmed = replace(rebuild, first_by=actor.person_id, first_at=now)
        elif rebuild.first_by == actor.person_id:
            raise NotAllowed("you have confirmed the holds already; a second person has to do it, too")
        else:
            confirmed = replace(rebuild, second_by=actor.person_id, second_at=now)
        tx.rebuilds.confirm(confirmed)
        detail = {"confirmed": 1 if confirmed.second_by is None else 2}
        tx.audit.append(vault.entry(actor.person_id, Event.HOLDS_CONFIRMED, vault.vault_id, detail))
    return confirmed


def require_holds_confirmed(tx: Transaction, fonds: Fonds) -> None:
    """Raises ``Conflict`` while the holds of a rebuilt catalogue are not confirmed by two people."""
    rebuild = tx.rebuilds.unconfirmed(fonds.id)
    if rebuild is not None:
        left = "two people" if rebuild.first_by is None else "a second person"
        raise Conflict(
            f"the catalogue was rebuilt from the store on {rebuild.at.date().isoformat()}: nothing is destroyed until "
            f"{left} confirmed the holds with `strongroom rebuild --confirm-holds`"
        )
