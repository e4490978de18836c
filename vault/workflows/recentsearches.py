"""What somebody searched for lately: kept for them, cleared, or not kept at all.

Rule 1: a search is remembered when it is sent, never while it is typed.
"""

from __future__ import annotations

from vault.errors import NotFound
from vault.people import Person
from vault.permissions import Action, Actor
from vault.recentsearches import RecentSearches, SealedSearches
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.vault import Vault


def recent_searches(vault: Vault, actor: Actor) -> RecentSearches:
    """Those of whoever asks. Raises ``NotAllowed``, ``NotFound`` for whoever is no person."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        person = _person(tx, actor)
        found = tx.recent_searches.of_person(actor.person_id)
    return _opened(vault, person, found)


def remember_search(vault: Vault, actor: Actor, words: str) -> None:
    """Puts a search in front. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.write() as tx:
        person, before = _taken(vault, tx, actor)
        after = before.with_search(words)
        if after != before:
            _put(vault, tx, person, after)


def clear_searches(vault: Vault, actor: Actor) -> None:
    """Forgets all of them. Raises ``NotAllowed``, ``NotFound``."""
    _change(vault, actor)


def keep_searches(vault: Vault, actor: Actor, *, kept: bool) -> None:
    """Whether searches are kept from now on; nothing of before is. Raises ``NotAllowed``, ``NotFound``."""
    _change(vault, actor, kept=kept)


def _change(vault: Vault, actor: Actor, *, kept: bool | None = None) -> None:
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.write() as tx:
        person, before = _taken(vault, tx, actor)
        _put(vault, tx, person, RecentSearches(are_kept=before.are_kept if kept is None else kept))


def _taken(vault: Vault, tx: Transaction, actor: Actor) -> tuple[Person, RecentSearches]:
    """What is kept now, until the transaction ends: whoever changes it meanwhile comes after."""
    person = _person(tx, actor, for_update=True)
    return person, _opened(vault, person, tx.recent_searches.of_person(actor.person_id))


def _put(vault: Vault, tx: Transaction, person: Person, searches: RecentSearches) -> None:
    values = {"words": list(searches.words), "kept": searches.are_kept}
    sealed = descriptions.seal(
        vault, person.profile_leaf, values, subject=person.id, field_set="recent-searches", revision=1
    )
    tx.recent_searches.put(SealedSearches(fonds_id=vault.fonds.id, person_id=person.id, sealed=sealed))


def _opened(vault: Vault, person: Person, found: SealedSearches | None) -> RecentSearches:
    if found is None:
        return RecentSearches()
    values = descriptions.unseal(
        vault, person.profile_leaf, found.sealed, subject=person.id, field_set="recent-searches", revision=1
    )
    return RecentSearches(words=tuple(str(each) for each in values["words"]), are_kept=bool(values["kept"]))


def _person(tx: Transaction, actor: Actor, *, for_update: bool = False) -> Person:
    person = tx.people.get(actor.person_id, for_update=for_update)
    if person is None:
        raise NotFound("only people who are signed in have recent searches")
    return person
