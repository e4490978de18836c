"""Notices of destruction at work: made when a list is approved, shown, and said to have reached whom they are for (R8).

Rule 1: a list's notices are made in the transaction that approves it, so none is approved without them.
Rule 2: the objection window begins with the approval, or, where customers have to be told, when the last of them was;
only what is recorded counts, from the moment at which it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Final

from vault.audit import Detail, Event
from vault.classes import RecordClass
from vault.disposal import DisposalList, ListState
from vault.disposition import Ground
from vault.errors import Conflict, InvalidInput, NotFound, SealBroken
from vault.ids import CustomerId, ListId, NoticeId, could_be_key
from vault.notices import (
    BY_PEOPLE,
    Audience,
    Channel,
    Notice,
    NoticeState,
    NoticeWords,
    checked_remark,
    notice_words,
)
from vault.people import CLOCK_ID
from vault.permissions import Action, Actor
from vault.records import Record
from vault.schedule import today
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.dryrun import writing
from vault.workflows.lists import digest_of, every_item, require_list, require_own_list
from vault.workflows.vault import Vault

FIELD_SET: Final = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """A notice with what it says, the number of its list, and that of the customer whom it is for."""

    notice: Notice
    words: NoticeWords
    list_number: str
    customer_number: str | None


def announce(vault: Vault, tx: Transaction, disposal: DisposalList, rule: RecordClass) -> DisposalList:
    """Makes the notices of a list that is just being approved, and begins its window where nobody is told first.

    The list that it gives still has to be kept.
    """
    if rule.notify and disposal.ground is Ground.DUE:
        listed = [each.record_id for each in every_item(tx, disposal.id) if each.listed]
        made = _made(vault, disposal, rule, list(tx.records.many(listed).values()))
        tx.notices.add(made)
        if made:
            detail: Detail = {
                "number": disposal.number,
                "records": len(listed),
                "customers": sum(each.audience is Audience.CUSTOMER for each in made),
            }
            tx.audit.append(vault.entry(CLOCK_ID, Event.LIST_ANNOUNCED, disposal.id, detail))
    return begin_window(vault, tx, disposal, rule)


def begin_window(vault: Vault, tx: Transaction, disposal: DisposalList, rule: RecordClass) -> DisposalList:
    """An approved list whose window begins now, where it has one and nobody has to be told any more."""
    wanted = rule.objection_days and disposal.ground is Ground.DUE and disposal.window_until is None
    if not wanted or tx.notices.waiting(disposal.id):
        return disposal
    return replace(disposal, window_until=vault.now() + timedelta(days=rule.objection_days))


def drop_moot(vault: Vault, tx: Transaction, disposal: DisposalList, change: int) -> DisposalList:
    """After records left an approved list: who has none on it any more is not told. The list is still to be kept."""
    waiting = [each for each in tx.notices.of_list(disposal.id) if each.state is NoticeState.WAITING]
    if not waiting or disposal.state is not ListState.APPROVED:
        return disposal
    listed = [each.record_id for each in every_item(tx, disposal.id) if each.listed]
    concerned = {record.customer_id for record in tx.records.many(listed).values()}
    for each in waiting:
        if each.customer_id not in concerned:
            tx.notices.update(replace(each, state=NoticeState.DROPPED, change=change))
    return begin_window(vault, tx, disposal, rule_of_list(tx, disposal))


def rule_of_list(tx: Transaction, disposal: DisposalList) -> RecordClass:
    """The rule under which a list was made. Raises ``NotFound``."""
    for version in tx.schedules.versions(disposal.class_code):
        if version.version == disposal.rule_version:
            return version.rule
    raise NotFound(f"class {disposal.class_code} has no version {disposal.rule_version} of its rule; run the doctor")


def tell(
    vault: Vault,
    actor: Actor,
    list_id: ListId,
    channel: Channel,
    *,
    customers: Sequence[CustomerId] | None = None,
    remark: str = "",
    dry_run: bool = False,
) -> Sequence[NoticeView]:
    """Says that customers were told of a list, all that wait where none is named; gives all notices of the list.

    With the last one the objection window begins. Raises ``NotAllowed``, ``NotFound`` (the list, or a customer whose
    records do not stand on it), ``InvalidInput``, ``Conflict`` (nobody waits to be told).
    """
    actor.require(Action.GIVE_NOTICE)
    if channel not in BY_PEOPLE:
        raise InvalidInput(f"a person tells by one of: {', '.join(BY_PEOPLE)}", field="channel")
    said = checked_remark(remark)
    with writing(vault, dry_run=dry_run) as tx:
        disposal = require_own_list(tx, actor, Action.GIVE_NOTICE, list_id, for_update=True)
        chosen = _chosen(tx, disposal, customers)
        now, change = vault.now(), tx.records.next_change()
        for each in chosen:
            told = replace(
                each,
                state=NoticeState.TOLD,
                channel=channel,
                told_by=actor.person_id,
                told_at=now,
                revision=each.revision + 1,
                change=change,
            )
            words = replace(open_words(vault, disposal, each), remark=said)
            tx.notices.update(replace(told, sealed=_seal(vault, disposal, told.id, told.revision, words)))
        disposal = begin_window(vault, tx, replace(disposal, change=change), rule_of_list(tx, disposal))
        tx.disposals.update(disposal)
        detail: Detail = {
            "number": disposal.number,
            "channel": channel.value,
            "customers": len(chosen),
            "customers_sha256": digest_of([str(each.customer_id) for each in chosen]),
            "waiting": tx.notices.waiting(list_id),
            "window_until": disposal.window_until.isoformat() if disposal.window_until else None,
        }
        tx.audit.append(vault.entry(actor.person_id, Event.NOTICE_TOLD, list_id, detail))
        return [_view(vault, tx, disposal, each) for each in tx.notices.of_list(list_id)]


def notices_of_list(vault: Vault, actor: Actor, list_id: ListId) -> Sequence[NoticeView]:
    """All notices of a list, the staff's first. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_DISPOSALS)
    with vault.catalogue.read() as tx:
        disposal = require_own_list(tx, actor, Action.SEE_DISPOSALS, list_id)
        return [_view(vault, tx, disposal, each) for each in tx.notices.of_list(list_id)]


def list_notices(
    vault: Vault, actor: Actor, *, only_waiting: bool = False, before: str | None = None, limit: int = 50
) -> Sequence[NoticeView]:
    """A page of notices, newest first; whoever may not see disposal lists sees those to the staff.

    ``before`` is the id of the last one of the page before. Raises ``NotAllowed``, ``NotFound``.
    """
    actor.require(Action.SEE_NOTICES)
    only_staff = not actor.may(Action.SEE_DISPOSALS)
    with vault.catalogue.read() as tx:
        last = tx.notices.get(NoticeId(before)) if before is not None and could_be_key(before) else None
        if before is not None and last is None:
            raise NotFound("there is no such notice; begin with the first page")
        found = tx.notices.page(
            vault.fonds.id,
            only_waiting=only_waiting,
            only_staff=only_staff,
            classes=actor.reach(Action.SEE_NOTICES),
            before=last,
            limit=limit,
        )
        return [_view(vault, tx, require_list(tx, each.list_id), each) for each in found]


def show_notice(vault: Vault, actor: Actor, key: str) -> NoticeView:
    """One notice by its id. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.SEE_NOTICES)
    with vault.catalogue.read() as tx:
        notice = tx.notices.get(NoticeId(key)) if could_be_key(key) else None
        disposal = require_list(tx, notice.list_id) if notice is not None else None
        sees = Action.SEE_NOTICES if notice is not None and notice.audience is Audience.STAFF else Action.SEE_DISPOSALS
        if notice is None or disposal is None or not actor.may(sees, disposal.class_code):
            raise NotFound("there is no such notice; look it up with `strongroom notice list`")
        return _view(vault, tx, disposal, notice)


def open_words(vault: Vault, disposal: DisposalList, notice: Notice) -> NoticeWords:
    """What a notice says. Raises ``SealBroken``."""
    values = descriptions.unseal(
        vault, disposal.leaf, notice.sealed, subject=notice.id, field_set=FIELD_SET, revision=notice.revision
    )
    try:
        return NoticeWords(**values)
    except TypeError as exc:
        raise SealBroken("what a notice says has another shape") from exc


def _made(vault: Vault, disposal: DisposalList, rule: RecordClass, records: Sequence[Record]) -> list[Notice]:
    if not records:
        return []
    concerned: dict[CustomerId, list[Record]] = {}
    for record in records:
        if record.customer_id is not None:
            concerned.setdefault(record.customer_id, []).append(record)
    made = [_one(vault, disposal, rule, records, None)]
    return made + [_one(vault, disposal, rule, theirs, customer) for customer, theirs in sorted(concerned.items())]


def _one(
    vault: Vault, disposal: DisposalList, rule: RecordClass, records: Sequence[Record], customer: CustomerId | None
) -> Notice:
    notice_id, now = NoticeId(vault.new_id()), vault.now()
    audience = Audience.STAFF if customer is None else Audience.CUSTOMER
    due_until = disposal.due_until
    to_come = due_until is not None and due_until > today(now)
    words = notice_words(
        audience=audience,
        rule=rule,
        list_number=disposal.number,
        numbers=sorted(each.number for each in records),
        not_before=due_until if to_come else None,
    )
    there = audience is Audience.STAFF
    return Notice(
        id=notice_id,
        list_id=disposal.id,
        audience=audience,
        customer_id=customer,
        state=NoticeState.TOLD if there else NoticeState.WAITING,
        record_count=len(records),
        sealed=_seal(vault, disposal, notice_id, 1, words),
        revision=1,
        made_at=now,
        channel=Channel.PAGES if there else None,
        told_by=CLOCK_ID if there else None,
        told_at=now if there else None,
        change=disposal.change,
    )


def _seal(vault: Vault, disposal: DisposalList, notice_id: NoticeId, revision: int, words: NoticeWords) -> bytes:
    return descriptions.seal(
        vault, disposal.leaf, asdict(words), subject=notice_id, field_set=FIELD_SET, revision=revision
    )


def _chosen(tx: Transaction, disposal: DisposalList, customers: Sequence[CustomerId] | None) -> list[Notice]:
    found = [each for each in tx.notices.of_list(disposal.id) if each.audience is Audience.CUSTOMER]
    waiting = [each for each in found if each.state is NoticeState.WAITING]
    if customers is None:
        if not waiting:
            raise Conflict(f"nobody waits to be told of list {disposal.number}")
        return waiting
    chosen = []
    for customer_id in sorted(set(customers)):
        mine = next((each for each in found if each.customer_id == customer_id), None)
        if mine is None:
            raise NotFound(f"no notice of list {disposal.number} is for this customer; look at the list's notices")
        if mine.state is not NoticeState.WAITING:
            raise Conflict(
                f"this customer's notice of list {disposal.number} is {mine.state.value} already; leave it out"
            )
        chosen.append(mine)
    if not chosen:
        raise InvalidInput("no customer is named; name some, or all that wait", field="customers")
    return chosen


def _view(vault: Vault, tx: Transaction, disposal: DisposalList, notice: Notice) -> NoticeView:
    customer = tx.customers.get(notice.customer_id) if notice.customer_id is not None else None
    return NoticeView(
        notice=notice,
        words=open_words(vault, disposal, notice),
        list_number=disposal.number,
        customer_number=customer.number if customer is not None else None,
    )
