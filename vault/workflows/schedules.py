"""The schedule at work: who proposes a rule, what it would change, who lets it come in force, and how records follow.

Rule 1: before a rule changes, ``preview`` says how many records it touches and which dates they get.
Rule 2: whoever proposed a rule does not approve it (the catalogue refuses that, too). Withdrawing takes one person.
Rule 3: approval takes effect at once for what is filed from then on; what was filed before follows by upkeep
(``follow``), and is protected by the longer of both rules until it has.
Rule 4: a due date may come nearer by a rule that two people changed; the locks in the store stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from vault.audit import Detail, Event
from vault.classes import RecordClass
from vault.errors import Conflict, InvalidInput, NotAllowed, NotFound
from vault.people import CLOCK_ID
from vault.permissions import ALL_CLASSES, Action, Actor
from vault.records import REASON_MAX_CHARACTERS
from vault.schedule import RuleState, RuleVersion, ungoverned
from vault.shelves import Transaction
from vault.statutes import SHIPPED
from vault.workflows import descriptions
from vault.workflows.freshness import require_fresh
from vault.workflows.rulepreview import Affected, RulePreview, affected_in, is_earlier, new_due_on, preview_in
from vault.workflows.vault import Vault

FOLLOWED_AT_ONCE: Final = 500
FOLLOWED_A_RUN: Final = 50_000
FIELD_SET: Final = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A version of a rule with the reason that was given for it."""

    rule: RuleVersion
    reason: str


def require_rule(tx: Transaction, code: str) -> RuleVersion:
    """The rule that new records of a class take. Raises ``NotFound`` naming those that are in force."""
    rule = tx.schedules.rule(code)
    if rule is None or not rule.is_in_force:
        known = ", ".join(each.code for each in tx.schedules.in_force())
        raise NotFound(f"there is no such class; the classes are: {known}")
    return rule


def find_rule(vault: Vault, code: str) -> RuleVersion:
    """``require_rule`` in a transaction of its own. Raises ``NotFound``."""
    with vault.catalogue.read() as tx:
        return require_rule(tx, code)


def rule_of(tx: Transaction, code: str) -> RecordClass:
    """The rule that the records of a class follow, be it retired or not."""
    governing = tx.schedules.rule(code)
    return governing.rule if governing is not None else ungoverned(code)


def governing_rules(vault: Vault, actor: Actor) -> Sequence[RuleVersion]:
    """What governs each class, by code; new records take those that are in force. Raises ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        return tx.schedules.governing()


def list_rules(vault: Vault, actor: Actor) -> Sequence[RuleVersion]:
    """What governs and what is proposed, by code. Raises ``NotAllowed``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        found = [*tx.schedules.governing(), *tx.schedules.proposals()]
    return sorted(found, key=lambda each: (each.code, each.version))


def show_class(vault: Vault, actor: Actor, code: str) -> Sequence[RuleView]:
    """Every version of a class's rule, newest first, with the reasons. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.LIST_RECORDS)
    with vault.catalogue.read() as tx:
        found = tx.schedules.versions(code)
    if not found:
        raise NotFound("there is no such class; look it up with `strongroom schedule list`")
    return [RuleView(rule=each, reason=_reason(vault, each)) for each in found]


def preview(vault: Vault, actor: Actor, rule: RecordClass) -> RulePreview:
    """What a rule would change. Raises ``NotAllowed``, ``InvalidInput``."""
    actor.require(Action.PROPOSE_RULE, rule.code)
    rule.checked()
    with vault.catalogue.read() as tx:
        return preview_in(tx, rule)


def preview_proposal(vault: Vault, actor: Actor, code: str) -> RulePreview:
    """What the proposed rule of a class would change. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.APPROVE_RULE, code)
    with vault.catalogue.read() as tx:
        return preview_in(tx, require_proposal(tx, code, for_update=False).rule)


def affected(vault: Vault, actor: Actor, rule: RecordClass, *, after: str = "", limit: int = 500) -> Affected:
    """A page of the records that a rule would move, with their dates. Raises ``NotAllowed``, ``InvalidInput``."""
    actor.require(Action.PROPOSE_RULE, rule.code)
    rule.checked()
    with vault.catalogue.read() as tx:
        return affected_in(tx, rule, after=after, limit=limit)


def propose(vault: Vault, actor: Actor, rule: RecordClass, reason: str) -> RuleVersion:
    """Proposes a rule: a class of its own, or the next version of one. Nothing changes until another person approves.

    Raises ``NotAllowed``, ``InvalidInput``, ``Conflict`` (a proposal of the class waits, or nothing would change).
    """
    actor.require(Action.PROPOSE_RULE, rule.code)
    rule.checked()
    clean = _checked_reason(reason)
    with vault.catalogue.read() as tx:
        seen = preview_in(tx, rule)
    with vault.catalogue.write() as tx:
        waiting = tx.schedules.proposal(rule.code, for_update=True)
        if waiting is not None:
            raise Conflict(
                f"version {waiting.version} of class {rule.code} is proposed already; approve or withdraw it first"
            )
        governing = tx.schedules.rule(rule.code)
        if governing is not None and governing.is_in_force and governing.rule == rule:
            raise Conflict(f"class {rule.code} says so already; change something, or leave it as it is")
        _require_same_trigger(tx, governing, rule)
        version = tx.schedules.newest(rule.code) + 1
        proposed = RuleVersion(
            code=rule.code,
            version=version,
            rule=rule,
            state=RuleState.PROPOSED,
            shipped=False,
            sealed_reason=descriptions.seal(
                vault, vault.house, {"reason": clean}, subject=rule.code, field_set=FIELD_SET, revision=version
            ),
            proposed_by=actor.person_id,
            proposed_at=vault.now(),
            decided_by=None,
            decided_at=None,
            change=tx.records.next_change(),
        )
        tx.schedules.add(proposed)
        tx.audit.append(vault.entry(actor.person_id, Event.RULE_PROPOSED, rule.code, _detail(version, seen)))
    return proposed


def approve(vault: Vault, actor: Actor, code: str) -> RuleVersion:
    """Puts a proposed rule in force. Raises ``NotAllowed`` (its proposer, too), ``StepUpNeeded``, ``NotFound``."""
    actor.require(Action.APPROVE_RULE, code)
    require_fresh(vault, actor)
    with vault.catalogue.read() as tx:
        seen = preview_in(tx, require_proposal(tx, code, for_update=False).rule)
    with vault.catalogue.write() as tx:
        proposed = require_proposal(tx, code)
        if proposed.proposed_by == actor.person_id:
            raise NotAllowed(
                f"version {proposed.version} of class {code} was proposed by you; somebody else has to approve it"
            )
        governing = tx.schedules.rule(code, for_update=True)
        _require_same_trigger(tx, governing, proposed.rule)
        if governing is not None:
            tx.schedules.decide(replace(governing, state=RuleState.SUPERSEDED, change=tx.records.next_change()))
        approved = replace(
            proposed,
            state=RuleState.IN_FORCE,
            decided_by=actor.person_id,
            decided_at=vault.now(),
            change=tx.records.next_change(),
        )
        tx.schedules.decide(approved)
        tx.audit.append(vault.entry(actor.person_id, Event.RULE_APPROVED, code, _detail(approved.version, seen)))
    return approved


def withdraw(vault: Vault, actor: Actor, code: str) -> RuleVersion:
    """Takes a proposed rule back. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.PROPOSE_RULE, code)
    with vault.catalogue.write() as tx:
        proposed = require_proposal(tx, code)
        withdrawn = replace(
            proposed,
            state=RuleState.WITHDRAWN,
            decided_by=actor.person_id,
            decided_at=vault.now(),
            change=tx.records.next_change(),
        )
        tx.schedules.decide(withdrawn)
        detail: Detail = {"version": withdrawn.version}
        tx.audit.append(vault.entry(actor.person_id, Event.RULE_WITHDRAWN, code, detail))
    return withdrawn


def adopt(vault: Vault, actor: Actor, name: str, reason: str) -> Sequence[RuleVersion]:
    """Proposes the classes of a set that ships, but for those that are in force as it has them or wait already.

    Raises ``NotAllowed``, ``NotFound`` (no such set), ``InvalidInput``.
    """
    actor.require(Action.PROPOSE_RULE, ALL_CLASSES)
    return [propose(vault, actor, rule, reason) for rule in adoptable(vault, actor, name)]


def adoptable(vault: Vault, actor: Actor, name: str) -> Sequence[RecordClass]:
    """What ``adopt`` would propose. Raises ``NotAllowed``, ``NotFound``."""
    actor.require(Action.PROPOSE_RULE, ALL_CLASSES)
    if name not in SHIPPED:
        raise NotFound(f"there is no such set of classes; the sets are: {', '.join(sorted(SHIPPED))}")
    with vault.catalogue.read() as tx:
        has = {each.code: each.rule for each in tx.schedules.in_force()}
        waiting = {each.code for each in tx.schedules.proposals()}
    return [rule for rule in SHIPPED[name] if rule.code not in waiting and has.get(rule.code) != rule]


def retire(vault: Vault, actor: Actor, code: str) -> RuleVersion:
    """Retires a class: no record takes it any more. Its history stays; a new version brings it back.

    Raises ``NotAllowed``, ``NotFound``, ``Conflict`` (living records have it, how many is said; or it is retired).
    """
    actor.require(Action.PROPOSE_RULE, code)
    with vault.catalogue.write() as tx:
        governing = _require_retirable(tx, code, for_update=True)
        retired = replace(governing, state=RuleState.RETIRED, change=tx.records.next_change())
        tx.schedules.decide(retired)
        detail: Detail = {"version": retired.version}
        tx.audit.append(vault.entry(actor.person_id, Event.CLASS_RETIRED, code, detail))
    return retired


def require_retirable(vault: Vault, actor: Actor, code: str) -> RuleVersion:
    """What ``retire`` would retire. Raises as it does."""
    actor.require(Action.PROPOSE_RULE, code)
    with vault.catalogue.read() as tx:
        return _require_retirable(tx, code, for_update=False)


def follow(vault: Vault) -> tuple[int, int]:
    """Upkeep: filed records whose rule has changed get its due date; gives how many did, and how many moved.

    Bounded for a run; what is left is found again by the same query.
    """
    followed = moved = 0
    with vault.catalogue.read() as tx:
        rules = tx.schedules.governing()
    for rule in rules:
        while followed < FOLLOWED_A_RUN:
            with vault.catalogue.read() as tx:
                if not tx.records.behind_rule(rule.code, rule.version, limit=1):
                    break
            count, changed = _follow(vault, rule.code)
            followed, moved = followed + count, moved + changed
            if not count:
                break
    return followed, moved


def _follow(vault: Vault, code: str) -> tuple[int, int]:
    earlier = later = 0
    with vault.catalogue.write() as tx:
        rule = tx.schedules.rule(code)
        if rule is None:
            return 0, 0
        behind = tx.records.behind_rule(code, rule.version, limit=FOLLOWED_AT_ONCE, for_update=True)
        extended = tx.disposals.extended(record.id for record in behind)
        for record in behind:
            due_on = new_due_on(rule.rule, record.trigger_on, extended.get(record.id))
            earlier += is_earlier(record.due_on, due_on)
            later += is_earlier(due_on, record.due_on)
            # The register carries it to the store: each has a new change number.
            tx.records.update(
                replace(record, due_on=due_on, rule_version=rule.version, change=tx.records.next_change())
            )
        if behind:
            detail: Detail = {"version": rule.version, "records": len(behind), "earlier": earlier, "later": later}
            tx.audit.append(vault.entry(CLOCK_ID, Event.RULE_FOLLOWED, code, detail))
    return len(behind), earlier + later


def _detail(version: int, seen: RulePreview) -> Detail:
    return {
        "version": version,
        "records": seen.filed,
        "earlier": seen.earlier,
        "later": seen.later,
        "automatic": seen.rule.automatic,
    }


def _require_same_trigger(tx: Transaction, governing: RuleVersion | None, rule: RecordClass) -> None:
    """A date that was named for one event says nothing about another."""
    if governing is None or governing.rule.trigger is rule.trigger:
        return
    dated = sum(count for trigger_on, _, count in tx.records.due_dates(rule.code) if trigger_on is not None)
    if dated:
        raise Conflict(
            f"{dated} records of class {rule.code} have a date for '{governing.rule.trigger.value}', which says "
            f"nothing about '{rule.trigger.value}'; make it a class of its own"
        )


def require_proposal(tx: Transaction, code: str, *, for_update: bool = True) -> RuleVersion:
    """What is proposed for a class. Raises ``NotFound``."""
    proposed = tx.schedules.proposal(code, for_update=for_update)
    if proposed is None:
        raise NotFound(f"nothing is proposed for class {code}; look it up with `strongroom schedule list`")
    return proposed


def _require_retirable(tx: Transaction, code: str, *, for_update: bool) -> RuleVersion:
    governing = tx.schedules.rule(code, for_update=for_update)
    if governing is None:
        raise NotFound("there is no such class; look it up with `strongroom schedule list`")
    if not governing.is_in_force:
        raise Conflict(f"class {code} is retired already")
    living = tx.records.count_of_class(code)
    if living:
        raise Conflict(f"{living} records have class {code}; file them under another class first, or keep it for them")
    return governing


def _checked_reason(reason: str) -> str:
    clean = reason.strip()
    if not clean:
        raise InvalidInput("a rule needs a reason; say why it is to change", field="reason")
    if len(clean) > REASON_MAX_CHARACTERS:
        raise InvalidInput(f"the reason is longer than {REASON_MAX_CHARACTERS} characters; shorten it", field="reason")
    if any(ord(character) < 32 and character not in "\n\r\t" for character in clean):
        raise InvalidInput("the reason holds a control character; remove it", field="reason")
    return clean


def _reason(vault: Vault, rule: RuleVersion) -> str:
    if not rule.sealed_reason:
        return ""
    values = descriptions.unseal(
        vault, vault.house, rule.sealed_reason, subject=rule.code, field_set=FIELD_SET, revision=rule.version
    )
    return str(values["reason"])
