"""The opinion on a disposal list becomes a record: composed, received and filed like any other (FEATURES A9)."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

from vault.appraisal import OPINION_CLASS, Opinion, opinion_text, opinion_title
from vault.disposal import DisposalList
from vault.errors import Conflict
from vault.permissions import Actor, Role
from vault.records import Description, RecordState
from vault.schedule import today
from vault.shelves import Transaction
from vault.workflows import descriptions, intake
from vault.workflows.holding import file_record
from vault.workflows.lists import every_item, open_reason
from vault.workflows.notices import rule_of_list
from vault.workflows.vault import Vault


def keep_opinion(vault: Vault, actor: Actor, disposal: DisposalList) -> str:
    """Keeps the opinion of whoever is about to sign a list as its proposer; gives the record's number.

    Tried again, it finds the record of before. Raises ``NotAllowed``, ``Conflict`` (no class for it),
    ``StoreUnavailable``.
    """
    with vault.catalogue.read() as tx:
        class_code = _class_for_it(tx)
        rule = rule_of_list(tx, disposal)
        items = every_item(tx, disposal.id)
        records = tx.records.many([each.record_id for each in items])
        appraiser = _name(vault, tx, actor)
    opinions = [
        Opinion(
            number=records[each.record_id].number,
            due_on=records[each.record_id].due_on,
            decision=each.decision,
            until=each.until,
            target=each.target,
            reason=open_reason(vault, disposal, each),
        )
        for each in items
    ]
    text = opinion_text(
        list_number=disposal.number,
        rule=rule,
        rule_version=disposal.rule_version,
        appraiser=appraiser,
        opinions=sorted(opinions, key=lambda each: each.number),
    )
    filing = intake.Filing(
        class_code=class_code,
        customer_id=None,
        description=Description(title=opinion_title(disposal.number)),
        file_name=f"{disposal.number}-opinion.txt",
    )
    body = text.encode()
    # Bound to what it says: after another review, or by another person, it is another opinion.
    key = f"opinion/{disposal.id}/{hashlib.sha256(body).hexdigest()}"
    # The vault keeps it for whoever signs: a reviewer need not be on the staff of the class of opinions.
    keeper = replace(actor, class_roles=actor.class_roles | {(Role.RECORDS, class_code)})
    with intake.begin(vault, keeper, filing, idempotency_key=key) as receiving:
        receipt = intake.receive_from(vault, receiving, io.BytesIO(body).readinto)
    with vault.catalogue.read() as tx:
        kept = tx.records.get(receipt.record_id)
    if kept is not None and kept.state is RecordState.RECEIVED:
        file_record(vault, keeper, receipt.record_id, trigger_on=today(vault.now()))
    return receipt.number


def _class_for_it(tx: Transaction) -> str:
    """The class of opinions, or of house files that are kept for ever, where a schedule has only such."""
    permanent = [each.code for each in tx.schedules.in_force() if each.rule.is_permanent]
    for code in (OPINION_CLASS, "house", *permanent):
        if code in permanent:
            return code
    raise Conflict(
        "the opinion on a list is kept for ever, and no class of the schedule is; propose one that is permanent"
    )


def _name(vault: Vault, tx: Transaction, actor: Actor) -> str:
    person = tx.people.get(actor.person_id)
    if person is None:
        return actor.person_id
    profile = descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id)
    return f"{profile.name} ({actor.person_id})"
