"""Recent searches: whoever switches them off has none, whatever was sent at the same moment."""

from __future__ import annotations

import threading

from tests.support.accounts import PASSWORD
from tests.support.people import acting, everything
from vault.groups import FOUNDING
from vault.recentsearches import SealedSearches
from vault.workflows import descriptions, people, recentsearches
from vault.workflows.vault import Vault


def test_a_search_that_is_sent_while_they_are_switched_off_is_not_kept(vault: Vault) -> None:
    token = people.invite(vault, everything(), FOUNDING)
    invited = people.accept_invitation(vault, token, login="seeker", name="Seeker", password=PASSWORD)
    actor = acting(vault, invited.id)
    recentsearches.remember_search(vault, actor, "before")
    other = threading.Thread(target=recentsearches.remember_search, args=(vault, actor, "meanwhile"))
    with vault.catalogue.write() as tx:
        person = tx.people.get(actor.person_id, for_update=True)
        assert person is not None
        other.start()
        other.join(0.5)
        sealed = descriptions.seal(
            vault,
            person.profile_leaf,
            {"words": [], "kept": False},
            subject=person.id,
            field_set="recent-searches",
            revision=1,
        )
        tx.recent_searches.put(SealedSearches(fonds_id=vault.fonds.id, person_id=person.id, sealed=sealed))
    other.join(10)
    found = recentsearches.recent_searches(vault, actor)
    assert (found.are_kept, found.words) == (False, ())
