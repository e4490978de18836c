"""What every step on a disposal list needs: its words, its rows, and its end once the destruction is effective."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, replace

from vault.audit import Detail, Event
from vault.destruction import Batch
from vault.disposal import DisposalItem, DisposalList, ListProfile, ListState
from vault.disposition import Ground
from vault.errors import InvalidInput, NotFound, SealBroken
from vault.ids import ListId, PersonId, RecordId
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor
from vault.records import REASON_MAX_CHARACTERS
from vault.seal.keytree import LeafAddress
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.vault import Vault

LIST_FIELDS = "disposal-list"
ITEM_FIELDS = "disposal-item"


def seal_profile(vault: Vault, leaf: LeafAddress, profile: ListProfile, *, list_id: ListId, revision: int) -> bytes:
    """What is said of a list, sealed."""
    return descriptions.seal(vault, leaf, asdict(profile), subject=list_id, field_set=LIST_FIELDS, revision=revision)


def open_profile(vault: Vault, disposal: DisposalList) -> ListProfile:
    """What is said of a list. Raises ``SealBroken``."""
    values = descriptions.unseal(
        vault,
        disposal.leaf,
        disposal.sealed,
        subject=disposal.id,
        field_set=LIST_FIELDS,
        revision=disposal.revision,
    )
    try:
        return ListProfile(**values)
    except TypeError as exc:
        raise SealBroken("what is said of a disposal list has another shape") from exc


def with_profile(vault: Vault, disposal: DisposalList, **said: str) -> DisposalList:
    """The list with something more said of it."""
    profile = replace(open_profile(vault, disposal), **said)
    revision = disposal.revision + 1
    sealed = seal_profile(vault, disposal.leaf, profile, list_id=disposal.id, revision=revision)
    return replace(disposal, sealed=sealed, revision=revision)


def seal_reason(vault: Vault, disposal: DisposalList, reason: str, record_id: RecordId) -> bytes:
    """The reason of a decision on one record, sealed."""
    # A fresh nonce each time: a second decision on the same record is sealed under the same name.
    return descriptions.seal(
        vault, disposal.leaf, {"reason": reason}, subject=record_id, field_set=ITEM_FIELDS, revision=1
    )


def open_reason(vault: Vault, disposal: DisposalList, item: DisposalItem) -> str:
    """The reason of a decision; empty where none was given. Raises ``SealBroken``."""
    if item.sealed is None:
        return ""
    values = descriptions.unseal(
        vault, disposal.leaf, item.sealed, subject=item.record_id, field_set=ITEM_FIELDS, revision=1
    )
    return str(values.get("reason", ""))


def require_list(tx: Transaction, list_id: ListId, *, for_update: bool = False) -> DisposalList:
    """The list. Raises ``NotFound``."""
    disposal = tx.disposals.get(list_id, for_update=for_update)
    if disposal is None:
        raise NotFound("there is no such disposal list; look it up with `strongroom disposition list`")
    return disposal


def require_own_list(
    tx: Transaction, actor: Actor, action: Action, list_id: ListId, *, for_update: bool = False
) -> DisposalList:
    """The list, if its class is somebody's who may do that to it. Raises ``NotFound``, ``NotAllowed``."""
    actor.require(action)
    disposal = require_list(tx, list_id, for_update=for_update)
    if not actor.may(Action.SEE_DISPOSALS, disposal.class_code):
        raise NotFound("there is no such disposal list; look it up with `strongroom disposition list`")
    actor.require(action, disposal.class_code)
    return disposal


def is_outdated(tx: Transaction, disposal: DisposalList) -> bool:
    """Whether a list of what is due was made under a rule that is no longer in force."""
    rule = tx.schedules.rule(disposal.class_code)
    return disposal.ground is Ground.DUE and (rule is None or rule.version != disposal.rule_version)


def every_item(tx: Transaction, list_id: ListId) -> list[DisposalItem]:
    """All items of a list, by record id."""
    found: list[DisposalItem] = []
    while page := tx.disposals.items(list_id, after=found[-1].record_id if found else ""):
        found += page
    return found


def close(
    vault: Vault, tx: Transaction, by: PersonId, disposal: DisposalList, state: ListState, event: Event, detail: Detail
) -> DisposalList:
    """Ends a list: nothing stands on it any more, and nobody is told of it any more."""
    change = tx.records.next_change()
    tx.notices.drop_waiting(disposal.id, change=change)
    tx.disposals.close_items(disposal.id, change=change)
    closed = replace(disposal, state=state, closed_at=vault.now(), change=change)
    tx.disposals.update(closed)
    tx.audit.append(vault.entry(by, event, disposal.id, {"number": disposal.number, **detail}))
    return closed


def close_executed(vault: Vault, tx: Transaction, batch: Batch) -> None:
    """The destruction that a list ordered is effective: the list is done."""
    disposal = tx.disposals.of_batch(batch.id)
    if disposal is not None and disposal.state is ListState.EXECUTING:
        detail: Detail = {"batch": batch.id, "records": batch.record_count}
        close(vault, tx, CLOCK_ID, disposal, ListState.DONE, Event.LIST_DONE, detail)


def digest_of(record_ids: Iterable[str]) -> str:
    """One digest of many ids, as the log names what a step was about."""
    return hashlib.sha256("\n".join(sorted(record_ids)).encode("ascii")).hexdigest()


def checked_words(text: str, *, field: str, needed: bool = True) -> str:
    """Words from outside; they may have several lines. Raises ``InvalidInput``."""
    clean = text.strip()
    if needed and not clean:
        raise InvalidInput(f"{field} is empty; say why, or how", field=field)
    if len(clean) > REASON_MAX_CHARACTERS:
        raise InvalidInput(f"{field} is longer than {REASON_MAX_CHARACTERS} characters; shorten it", field=field)
    if any((ord(each) < 32 and each not in "\n\r\t") or 127 <= ord(each) < 160 for each in clean):
        raise InvalidInput(f"{field} holds a control character; remove it", field=field)
    if any("\ud800" <= each <= "\udfff" for each in clean):
        raise InvalidInput(f"{field} is not valid Unicode; type it again", field=field)
    return clean
