"""Views that somebody keeps for themselves, and searches as references that tell nothing.

Rule 1: a search stands in an address as sealed bytes under the leaf of whom it belongs to: for everybody else, and once
that leaf is destroyed for everybody, it is noise.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from vault.errors import Conflict, InvalidInput, NotFound, SealBroken
from vault.ids import ViewId, could_be_key
from vault.permissions import Action, Actor
from vault.savedviews import SavedView, ViewWords
from vault.seal.keytree import LeafAddress
from vault.workflows import descriptions
from vault.workflows.vault import Vault

VIEWS_MAX: Final = 30
REFERENCE_MAX_CHARACTERS: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedView:
    """A view as its owner sees it."""

    view: SavedView
    words: ViewWords


def list_views(vault: Vault, actor: Actor) -> Sequence[OpenedView]:
    """The views of whoever asks, oldest first. Raises ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        found = tx.saved_views.of_person(actor.person_id)
    if not found:
        return ()
    leaf = _leaf(vault, actor)
    opened = []
    for each in found:
        values = descriptions.unseal(vault, leaf, each.sealed, subject=each.id, field_set="saved-view", revision=1)
        kept = {str(key): str(value) for key, value in dict(values.get("filter", {})).items()}
        words = ViewWords(name=str(values["name"]), words=str(values["words"]), filter=MappingProxyType(kept))
        opened.append(OpenedView(view=each, words=words))
    return opened


def save_view(vault: Vault, actor: Actor, words: ViewWords) -> SavedView:
    """Keeps a view. Raises ``NotAllowed``, ``Conflict`` when there are too many or one is called so already."""
    actor.require(Action.LIST_RECORDS)
    known = list_views(vault, actor)
    if len(known) >= VIEWS_MAX:
        raise Conflict(f"you have {VIEWS_MAX} views; forget one first")
    if any(each.words.name == words.name for each in known):
        raise Conflict("one of your views is called so already; choose another name")
    view_id = ViewId(vault.new_id())
    values = {"name": words.name, "words": words.words, "filter": dict(words.filter)}
    view = SavedView(
        id=view_id,
        fonds_id=vault.fonds.id,
        person_id=actor.person_id,
        sealed=descriptions.seal(
            vault, _leaf(vault, actor), values, subject=view_id, field_set="saved-view", revision=1
        ),
        created_at=vault.now(),
    )
    with vault.catalogue.write() as tx:
        tx.saved_views.add(view)
    return view


def forget_view(vault: Vault, actor: Actor, key: str) -> None:
    """Removes a view of whoever asks. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.write() as tx:
        if not could_be_key(key) or not tx.saved_views.remove(actor.person_id, ViewId(key)):
            raise NotFound("there is no such view; look it up in your list")


def refer_to(vault: Vault, actor: Actor, words: str) -> str:
    """A reference to what somebody searches for, for addresses: sealed, in base64url. Raises ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    sealed = descriptions.seal(
        vault, _leaf(vault, actor), {"words": words}, subject=actor.person_id, field_set="search", revision=1
    )
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def words_of_reference(vault: Vault, actor: Actor, reference: str) -> str:
    """The words of a reference. Raises ``InvalidInput`` for one that is not of whoever asks."""
    actor.require(Action.LIST_RECORDS)
    wrong = InvalidInput("this search is not one of yours; search again", field="find")
    if len(reference) > REFERENCE_MAX_CHARACTERS or not reference.isascii():
        raise wrong
    try:
        sealed = base64.b64decode(reference + "=" * (-len(reference) % 4), altchars=b"-_", validate=True)
        values = descriptions.unseal(
            vault, _leaf(vault, actor), sealed, subject=actor.person_id, field_set="search", revision=1
        )
    except (binascii.Error, SealBroken):
        raise wrong from None
    return str(values.get("words", ""))


def _leaf(vault: Vault, actor: Actor) -> LeafAddress:
    """The leaf of a person. Raises ``NotFound`` for whoever is none: the operator keeps no views."""
    with vault.catalogue.read() as tx:
        person = tx.people.get(actor.person_id)
    if person is None:
        raise NotFound("only people who are signed in keep views")
    return person.profile_leaf
