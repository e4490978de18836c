"""A year in minutes: records of every class live through time told by hand, with holds, objections and upkeep.

What should be is kept beside the vault, in plain dictionaries: when each record becomes due, which matters hold it,
until when a decision leaves it alone. After each day both are compared. The records are rows with leaves of their own,
and an object of one byte each: none is ever opened.

With ``losses`` the catalogue is lost at random times and an older one restored; what should be stays as it was.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from tests.support.backups import Losses
from tests.support.disposing import ANN, BEA, CAI, DAN, Hands, in_hand, rule_in_force
from tests.support.holding import place, release
from vault.destruction import Batch
from vault.disposal import Decision, ListState
from vault.errors import KeyDestroyed, NotDue
from vault.fonds import HOUSE_OWNER
from vault.ids import ListId, MatterId, ObjectId, RecordId
from vault.objects import Lock, LockMode
from vault.records import Record, RecordState, SealedObject, Version
from vault.schedule import RuleVersion, today
from vault.seal.keytree import LeafAddress
from vault.workflows import (
    allocation,
    certificates,
    disposal,
    effect,
    execution,
    expiry,
    listing,
    log,
    reviewing,
    upkeep,
)
from vault.workflows.reviewing import Choice
from vault.workflows.vault import Vault

CHUNK = 200
BODY = b"x"
SHA256 = hashlib.sha256(BODY).digest()
WRITERS = 8
LOST_EVERY_DAYS = 300
"""How many days pass between two losses of the catalogue, on the average."""


@dataclass(slots=True, kw_only=True)
class Lived:
    """What came of it; the first five are to be zero."""

    early: int = 0
    held: int = 0
    unlisted: int = 0
    unapproved: int = 0
    uncertified: int = 0
    records: int = 0
    days: int = 0
    destroyed: int = 0
    automatic: int = 0
    batches: int = 0
    lists: int = 0
    left_out: int = 0
    holds: int = 0
    released: int = 0
    objected: int = 0
    extended: int = 0
    certificates: int = 0
    restores: int = 0

    @property
    def wrong(self) -> int:
        """How often something happened that never should."""
        return self.early + self.held + self.unlisted + self.unapproved + self.uncertified


@dataclass(slots=True, kw_only=True)
class _World:
    vault: Vault
    hands: Hands
    chance: random.Random
    lived: Lived
    due: dict[RecordId, date] = field(default_factory=dict)
    alive: set[RecordId] = field(default_factory=set)
    leaves: dict[RecordId, LeafAddress] = field(default_factory=dict)
    matters: dict[MatterId, set[RecordId]] = field(default_factory=dict)
    alone: dict[RecordId, date] = field(default_factory=dict)
    generation: int = 1

    def held(self) -> set[RecordId]:
        return set().union(*self.matters.values())


def live_through(
    vault: Vault,
    *,
    records: int,
    days: int,
    seed: int = 1,
    step_days: int = 1,
    losses: Losses | None = None,
    lost_every_days: int = LOST_EVERY_DAYS,
) -> Lived:
    """Lets so many records live so many days; gives what happened, counted."""
    held, hands = in_hand(vault)
    with held.catalogue.read() as tx:
        tree = tx.trees.get(held.fonds.id)
    assert tree is not None
    world = _World(vault=held, hands=hands, chance=random.Random(seed), lived=Lived(records=records, days=days))
    world.generation = tree.generation
    automatic = [rule_in_force(held, automatic=True, objection_days=each, period_years=3) for each in (0, 7)]
    with held.catalogue.read() as tx:
        shipped = [each for each in tx.schedules.governing() if not each.rule.is_permanent and each.shipped]
    _fill(world, [*automatic, *shipped], records, days)
    if losses is not None:
        losses.take(vault)
    for _ in range(0, days, step_days):
        if losses is not None and world.chance.random() < step_days / lost_every_days:
            _lose(world, losses)
        _one_day(world)
        hands.advance(days=step_days)
    _check_certificates(world)
    return world.lived


def _one_day(world: _World) -> None:
    vault, chance = world.vault, world.chance
    if chance.random() < 0.2 and world.alive:
        chosen = chance.sample(sorted(world.alive), min(3, len(world.alive)))
        world.matters[place(vault, ANN, *chosen).matter.id] = set(chosen)
        world.lived.holds += 1
    if chance.random() < 0.15 and world.matters:
        matter_id = chance.choice(sorted(world.matters))
        release(vault, matter_id)
        del world.matters[matter_id]
        world.lived.released += 1
    told = expiry.expire(vault)
    assert not told.is_broken, told.text
    listing.propose_lists(vault)
    _look_at_the_dead(world)
    _look_for_the_unlisted(world)
    with vault.catalogue.read() as tx:
        proposed = tx.disposals.page(vault.fonds.id, state=ListState.PROPOSED, limit=500)
        approved = tx.disposals.page(vault.fonds.id, state=ListState.APPROVED, limit=500)
    for each in proposed:
        if chance.random() < 0.7:
            _decide(world, each.id)
    for each in approved:
        if chance.random() < 0.05:
            _object(world, each.id)
        if not each.automatic:
            _execute(world, each.id)
    _look_at_the_dead(world)


def _lose(world: _World, losses: Losses) -> None:
    """What upkeep does every minute is done; then the catalogue is lost, and comes back."""
    _settle(world.vault)
    while upkeep.send_outbox(world.vault).values["changes"]:
        pass
    world.vault = replace(
        losses.lose(world.vault),
        clock=world.hands,
        outside_time=world.hands.store_now,
        limits=world.vault.limits,
    )
    # The last run of expiry is the older catalogue's: its guard stops it, and an officer looks.
    if expiry.expire(world.vault).code == "expiry-paused":
        expiry.resume(world.vault, ANN)
    world.lived.restores += 1


def _settle(vault: Vault) -> None:
    assert effect.resume(vault) == []
    for _ in range(2):
        log.publish_log(vault)
        certificates.issue_certificates(vault)


def _decide(world: _World, list_id: ListId) -> None:
    vault, chance = world.vault, world.chance
    items = disposal.list_items(vault, ANN, list_id, limit=1000)
    for view in items:
        if chance.random() < 0.1:
            until = max(today(vault.now()), world.due[view.record.id]) + timedelta(days=chance.randint(1, 90))
            choice = Choice(decision=Decision.EXTEND, reason="it is needed still", until=until)
            reviewing.review(vault, ANN, list_id, choice, [view.record.id])
            world.due[view.record.id] = world.alone[view.record.id] = until
            world.lived.extended += 1
    if disposal.show_list(vault, ANN, list_id).counts.get(Decision.PENDING):
        reviewing.review(vault, ANN, list_id, Choice(decision=Decision.DESTROY, reason="looked at"))
    if disposal.sign(vault, ANN, list_id).disposal.state is ListState.PROPOSED:
        disposal.sign(vault, BEA, list_id)


def _object(world: _World, list_id: ListId) -> None:
    listed = [each for each in disposal.list_items(world.vault, ANN, list_id, limit=1000) if each.item.listed]
    if listed:
        record_id = world.chance.choice(listed).record.id
        until = today(world.vault.now()) + timedelta(days=world.chance.randint(1, 30))
        reviewing.object_to(world.vault, ANN, list_id, [record_id], "somebody objects", until=until)
        world.alone[record_id] = until
        world.lived.objected += 1


def _execute(world: _World, list_id: ListId) -> None:
    vault = world.vault
    upcoming = disposal.show_list(vault, ANN, list_id).next
    if upcoming is not None:
        for each in (CAI, DAN)[upcoming[1] - 1 :]:
            if disposal.sign(vault, each, list_id).disposal.state is ListState.DONE:
                # Somebody objected to the last record that was on it.
                return
    try:
        done = execution.execute(vault, ANN, list_id, place="room 3", method="keys destroyed")
    except NotDue:
        return
    world.lived.left_out += len(done.left_out)


def _look_at_the_dead(world: _World) -> None:
    """Every record that died since was due, nothing held it, and a list with two names and more stands behind it."""
    vault, day, held = world.vault, today(world.vault.now()), world.held()
    with vault.catalogue.read() as tx:
        for batch in tx.batches.page(vault.fonds.id, limit=200):
            if batch.generation <= world.generation:
                break
            behind = tx.disposals.of_batch(batch.id)
            signed = tx.disposals.signatures(behind.id) if behind is not None else ()
            approved = behind is not None and len({each.person_id for each in signed}) >= 2 + behind.supervisors
            for _, record_id in tx.batches.records(batch.id, limit=10_000):
                world.alive.remove(record_id)
                world.lived.destroyed += 1
                world.lived.early += day < world.due[record_id]
                world.lived.held += record_id in held
                world.lived.unapproved += not approved
                world.lived.automatic += behind is not None and behind.automatic
        tree = tx.trees.get(vault.fonds.id)
    assert tree is not None
    world.generation = tree.generation


def _look_for_the_unlisted(world: _World) -> None:
    day, held = today(world.vault.now()), world.held()
    waiting = [
        each for each in sorted(world.alive - held) if world.due[each] <= day and world.alone.get(each, date.min) <= day
    ]
    with world.vault.catalogue.read() as tx:
        for record_id in waiting:
            world.lived.unlisted += not any(each.listed for each in tx.disposals.of_record(record_id))


def _check_certificates(world: _World) -> None:
    """Each batch has a certificate that verifies, and each dead record's key is gone."""
    vault = world.vault
    _settle(vault)
    _check_states(world)
    for record_id in sorted(set(world.due) - world.alive):
        try:
            vault.leaf_keys(world.leaves[record_id])
            world.lived.uncertified += 1
        except KeyDestroyed:
            pass
    for batch in _batches(vault):
        world.lived.batches += 1
        with vault.catalogue.read() as tx:
            certificate = tx.certificates.of_batch(batch)
        if certificate is None:
            world.lived.uncertified += batch.record_count
            continue
        certificates.show_certificate(vault, ANN, certificate.number)
        world.lived.certificates += 1
    with vault.catalogue.read() as tx:
        world.lived.lists = len(tx.disposals.page(vault.fonds.id, limit=100_000))


def _check_states(world: _World) -> None:
    """Nothing died that no batch tells of."""
    ordered = sorted(world.due)
    with world.vault.catalogue.read() as tx:
        for begin in range(0, len(ordered), CHUNK):
            for record in tx.records.many(ordered[begin : begin + CHUNK]).values():
                living = record.state in (RecordState.RECEIVED, RecordState.FILED)
                world.lived.unapproved += living != (record.id in world.alive)


def _batches(vault: Vault) -> list[Batch]:
    found: list[Batch] = []
    with vault.catalogue.read() as tx:
        while page := tx.batches.page(vault.fonds.id, before=found[-1].generation if found else None, limit=500):
            found += page
    return [each for each in found if each.record_count]


def _fill(world: _World, rules: Sequence[RuleVersion], records: int, days: int) -> None:
    """Records that become due on days of the span, and some after it."""
    vault = world.vault
    start = today(vault.now())
    allocation.with_block(vault)
    for begin in range(0, records, CHUNK):
        numbers = range(begin, min(begin + CHUNK, records))
        stored = _stored(vault, len(numbers))
        with vault.catalogue.write() as tx:
            for number, (object_id, version_id) in zip(numbers, stored, strict=True):
                rule = rules[number % len(rules)]
                trigger = _trigger(rule, start + timedelta(days=world.chance.randint(0, days * 5 // 4)))
                leaf = allocation.require_leaf(allocation.issue_leaf(vault, tx, HOUSE_OWNER))
                record = Record(
                    id=RecordId(vault.new_id()),
                    fonds_id=vault.fonds.id,
                    number=tx.records.next_number(vault.fonds.id, start.year),
                    class_code=rule.code,
                    customer_id=None,
                    state=RecordState.FILED,
                    received_at=vault.now(),
                    received_by=ANN.person_id,
                    filed_at=vault.now(),
                    filed_by=ANN.person_id,
                    trigger_on=trigger,
                    due_on=rule.rule.due_on(trigger),
                    current_ordinal=1,
                    current_revision=1,
                    change=tx.records.next_change(),
                    rule_version=rule.version,
                )
                tx.records.add(record)
                tx.records.add_version(_version(vault, record, leaf, object_id, version_id))
                world.due[record.id] = record.due_on or date.max
                world.leaves[record.id] = leaf
                world.alive.add(record.id)


def _stored(vault: Vault, count: int) -> list[tuple[ObjectId, str]]:
    """So many objects, each with the version id that the store gave it."""
    ids = [ObjectId(vault.new_id()) for _ in range(count)]
    with ThreadPoolExecutor(WRITERS) as pool:
        stored = pool.map(lambda each: vault.store.put(vault.layout.record(each), BODY, sha256=SHA256), ids)
        return [(each, made.version_id) for each, made in zip(ids, stored, strict=True)]


def _trigger(rule: RuleVersion, due: date) -> date:
    """A day from which the rule's period ends on, or near, a day that is wanted."""
    return date(due.year - (rule.rule.period_years or 0), due.month, min(due.day, 28))


def _version(vault: Vault, record: Record, leaf: LeafAddress, object_id: ObjectId, version_id: str) -> Version:
    return Version(
        record_id=record.id,
        ordinal=1,
        object=SealedObject(
            object_id=object_id,
            key=vault.layout.record(object_id),
            leaf=leaf,
            size_bytes=1,
            sealed_size_bytes=1,
            sealed_sha256=SHA256,
            part_count=0,
            part_size_bytes=8 << 20,
            header_length=1,
            frame_length=1,
        ),
        version_id=version_id,
        lock=Lock(mode=LockMode.GOVERNANCE, retain_until=vault.now()),
        sealed_content=b"x",
        created_at=vault.now(),
        created_by=ANN.person_id,
    )
