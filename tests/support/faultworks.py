"""What the vault is doing when it is struck, and what has to hold afterwards.

Each work prepares its ground, acts while it may be struck, acknowledges what was answered to it, and is looked into
afterwards by a process that lives: what was acknowledged is there, what was not is either wholly there or not at all,
and doing it again under the same idempotency key ends in one and the same record.
"""

from __future__ import annotations

import hashlib
import io
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from tests.support.faultpoints import Arm, FaultPoints, watch
from tests.support.vault import add_bytes, read_bytes
from vault.customers import Profile
from vault.errors import CatalogueUnavailable, LinkRevoked, LinkUsedUp, NotFound, StrongroomError
from vault.ids import CustomerId, LinkId, RecordId
from vault.permissions import Actor
from vault.records import Description, RecordState
from vault.workflows import customers, holding, intake, outbox, retrieval, sharing, upkeep
from vault.workflows.intake import Filing, Receipt
from vault.workflows.vault import Limits, Vault

MIB = 1024 * 1024
PART = 5 * MIB  # the least that S3 takes for a part that is not the last
LIMITS = Limits(part_size_bytes=PART, parts_in_flight=2)

Values = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Findings:
    """What did not hold, by kind."""

    lost: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    multiparts: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    doctor: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    def all(self) -> list[str]:
        """Every one of them, with its kind."""
        return [f"{kind}: {text}" for kind in self.__slots__ for text in getattr(self, kind)]

    def clear(self) -> None:
        """Forgets them."""
        for kind in self.__slots__:
            getattr(self, kind).clear()

    def add(self, others: Findings) -> None:
        """Takes others along."""
        for kind in self.__slots__:
            getattr(self, kind).extend(getattr(others, kind))


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Every upload that is known to be in the vault: record, ordinal, SHA-256 of its bytes."""

    versions: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """How many records there have to be."""
        return len({record_id for record_id, _ in self.versions})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a work is done: a vault, an actor, a token of its own, somewhere to say what was acknowledged."""

    vault: Vault
    actor: Actor
    token: str
    acknowledge: Callable[[Values], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is looked at afterwards: the vault through the eyes of a process that lived."""

    vault: Vault
    actor: Actor
    token: str
    ledger: Ledger
    findings: Findings

    def read(self, record_id: str, ordinal: int) -> str:
        """SHA-256 of a version's bytes, opened."""
        return _sha(read_bytes(self.vault, self.actor, RecordId(record_id), ordinal=ordinal))


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content_of(token: str, size: int) -> bytes:
    """Bytes that belong to a token; nothing compresses them."""
    return random.Random(token).randbytes(size)


class Work(ABC):
    """One thing that people ask of the vault."""

    name: str

    def prepare(self, stage: Stage) -> Values:
        """Makes what the work needs; nothing strikes yet."""
        return {}

    @abstractmethod
    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Does it; may be struck. May be done again in the same process after an ``Unavailable``."""

    @abstractmethod
    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """Looks, does it again, looks again."""


def _record(stage: Stage, label: str = "ground", size: int = 2_000) -> Values:
    content = content_of(stage.token + label, size)
    receipt = add_bytes(stage.vault, stage.actor, content, title=label, idempotency_key=stage.token + label)
    return _told(receipt)


def _told(receipt: Receipt) -> Values:
    return {"record": receipt.record_id, "ordinal": receipt.ordinal, "sha256": receipt.sha256.hex()}


def _enter(scene: Scene, told: Mapping[str, Any]) -> None:
    scene.ledger.versions[told["record"], told["ordinal"]] = told["sha256"]


class Upload(Work):
    """A new record, from its first byte to its receipt."""

    def __init__(self, name: str, size: int, *, note: str = "", with_customer: bool = False) -> None:
        self.name = name
        self._size = size
        self._note = note
        self._with_customer = with_customer

    def prepare(self, stage: Stage) -> Values:
        """A customer, where the record has one."""
        if not self._with_customer:
            return {"customer": None}
        view = customers.add_customer(stage.vault, stage.actor, Profile(name=stage.token, note=""))
        return {"customer": view.customer.id}

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Sends it."""
        stage.acknowledge(_told(self._send(stage.vault, stage.actor, stage.token, state)))

    def _send(self, vault: Vault, actor: Actor, token: str, state: Mapping[str, Any]) -> Receipt:
        customer = state["customer"]
        filing = Filing(
            class_code="contract",
            customer_id=CustomerId(customer) if customer else None,
            description=Description.checked(title=token, note=self._note),
            file_name=f"{token}.bin",
        )
        with intake.begin(vault, actor, filing, idempotency_key=token) as receiving:
            return intake.receive_from(vault, receiving, io.BytesIO(content_of(token, self._size)).readinto)

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """What was acknowledged opens; what comes again under the same key is the same record."""
        wanted = _sha(content_of(scene.token, self._size))
        for told in answers:
            _enter(scene, told)
            if told["sha256"] != wanted or scene.read(told["record"], told["ordinal"]) != wanted:
                scene.findings.lost.append(f"{self.name} {scene.token}: acknowledged, and opens to other bytes")
        again = _told(self._send(scene.vault, scene.actor, scene.token, state))
        _enter(scene, again)
        if scene.read(again["record"], 1) != wanted:
            scene.findings.half.append(f"{self.name} {scene.token}: sent again, and opens to other bytes")
        if answers and answers[0]["record"] != again["record"]:
            scene.findings.doubled.append(f"{self.name} {scene.token}: sent again, and another record")
        story = retrieval.show(scene.vault, scene.actor, RecordId(again["record"]))
        if len(story.versions) != 1 or len(story.revisions) != 1 or story.view.description is None:
            scene.findings.half.append(f"{self.name} {scene.token}: {len(story.versions)} versions")


class Correction(Work):
    """New bytes for a record that is there."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self._size = size

    def prepare(self, stage: Stage) -> Values:
        """The record."""
        return _record(stage)

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Corrects it."""
        stage.acknowledge(_told(self._send(stage.vault, stage.actor, stage.token, state)))

    def _send(self, vault: Vault, actor: Actor, token: str, state: Mapping[str, Any]) -> Receipt:
        said = Description.checked(title=token, reason="scanned anew")
        begun = intake.begin_correction(
            vault, actor, RecordId(state["record"]), said, "new.bin", idempotency_key=token + "correction"
        )
        with begun as receiving:
            return intake.receive_from(vault, receiving, io.BytesIO(content_of(token, self._size)).readinto)

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """The original stays; the correction is there once."""
        wanted = _sha(content_of(scene.token, self._size))
        _enter(scene, state)
        if scene.read(state["record"], 1) != state["sha256"]:
            scene.findings.lost.append(f"{self.name} {scene.token}: the original opens to other bytes")
        for told in answers:
            _enter(scene, told)
            if scene.read(told["record"], told["ordinal"]) != wanted:
                scene.findings.lost.append(f"{self.name} {scene.token}: acknowledged, and opens to other bytes")
        again = _told(self._send(scene.vault, scene.actor, scene.token, state))
        _enter(scene, again)
        story = retrieval.show(scene.vault, scene.actor, RecordId(state["record"]))
        if len(story.versions) != 2 or story.view.record.current_ordinal != 2 or len(story.revisions) != 2:
            scene.findings.doubled.append(f"{self.name} {scene.token}: {len(story.versions)} versions")
        if scene.read(state["record"], 2) != wanted:
            scene.findings.half.append(f"{self.name} {scene.token}: sent again, and opens to other bytes")


class Revision(Work):
    """A new description."""

    name = "revision"

    def prepare(self, stage: Stage) -> Values:
        """The record."""
        return _record(stage)

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Describes it anew."""
        self._revise(stage.vault, stage.actor, stage.token, state)
        stage.acknowledge({"revised": True})

    def _revise(self, vault: Vault, actor: Actor, token: str, state: Mapping[str, Any]) -> None:
        said = Description.checked(title=f"new {token}", reason="misspelt")
        intake.revise_description(vault, actor, RecordId(state["record"]), said)

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """Old or new, never between; new, where it was acknowledged."""
        _enter(scene, state)
        story = retrieval.show(scene.vault, scene.actor, RecordId(state["record"]))
        said = story.view.description
        revised = story.view.record.current_revision == 2
        if len(story.revisions) != (2 if revised else 1) or said is None:
            scene.findings.half.append(f"revision {scene.token}: {len(story.revisions)} revisions")
        elif answers and said.title != f"new {scene.token}":
            scene.findings.lost.append(f"revision {scene.token}: acknowledged, and the title is the old one")
        if not revised:
            self._revise(scene.vault, scene.actor, scene.token, state)


class Filed(Work):
    """A record's class and trigger confirmed, its lock extended."""

    name = "filing"

    def prepare(self, stage: Stage) -> Values:
        """The record."""
        return _record(stage)

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Files it."""
        record = holding.file_record(stage.vault, stage.actor, RecordId(state["record"]), trigger_on=date(2026, 1, 31))
        stage.acknowledge({"due_on": str(record.due_on)})

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """Filed or not; where it is, upkeep brings the lock to the due date."""
        _enter(scene, state)
        record_id = RecordId(state["record"])
        record = retrieval.find_record(scene.vault, scene.actor, record_id)
        if answers and record.state is not RecordState.FILED:
            scene.findings.lost.append(f"filing {scene.token}: acknowledged, and it is {record.state.value}")
        if (record.state is RecordState.FILED) is not (record.due_on is not None):
            scene.findings.half.append(f"filing {scene.token}: {record.state.value} with due date {record.due_on}")
        filed = holding.file_record(scene.vault, scene.actor, record_id, trigger_on=date(2026, 1, 31))
        upkeep.renew_locks(scene.vault)
        with scene.vault.catalogue.read() as tx:
            version = tx.records.version(record_id, 1)
        facts = scene.vault.store.head(version.object.key, version.version_id) if version is not None else None
        kept = facts.lock if facts is not None else None
        if version is None or kept is None or filed.due_on is None or kept.retain_until.date() < filed.due_on:
            scene.findings.half.append(f"filing {scene.token}: due on {filed.due_on}, locked until {kept}")
        elif version.lock != kept:
            scene.findings.half.append(f"filing {scene.token}: the catalogue says {version.lock}, the store {kept}")


class LinkMade(Work):
    """A link to a record."""

    name = "link-made"

    def prepare(self, stage: Stage) -> Values:
        """The record."""
        return _record(stage)

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Makes one link."""
        stage.acknowledge({"token": _link(stage, state, uses_max=1)[1]})

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """An acknowledged one opens; each one that is there is whole."""
        _enter(scene, state)
        for told in answers:
            try:
                sharing.landing(scene.vault, told["token"])
            except StrongroomError as exc:
                scene.findings.links.append(f"link-made {scene.token}: acknowledged, and: {exc.code}")
        views = sharing.list_links(scene.vault, scene.actor, record_id=RecordId(state["record"]))
        if len(views) > 1 or any(view.note != scene.token for view in views):
            scene.findings.links.append(f"link-made {scene.token}: {len(views)} links")


def _link(stage: Stage, state: Mapping[str, Any], *, uses_max: int) -> tuple[str, str]:
    view, token = sharing.make_link(
        stage.vault,
        stage.actor,
        RecordId(state["record"]),
        lifetime=timedelta(hours=1),
        uses_max=uses_max,
        pass_code=None,
        note=stage.token,
    )
    return view.link.id, token


def _uses(scene: Scene, link_id: str) -> tuple[int, int]:
    with scene.vault.catalogue.read() as tx:
        link = tx.links.get(LinkId(link_id))
    return (link.uses_taken, link.uses_max) if link is not None else (-1, -1)


class UseTaken(Work):
    """The only use of a link."""

    name = "use-taken"

    def prepare(self, stage: Stage) -> Values:
        """The record and its link."""
        state = _record(stage)
        link_id, token = _link(stage, state, uses_max=1)
        return {**state, "link": link_id, "token": token}

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Takes it."""
        stage.acknowledge({"use": sharing.take_use(stage.vault, state["token"], pass_code=None, origin="192.0.2.1")})

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """Never more than the maximum; an acknowledged one reads."""
        _enter(scene, state)
        uses = [told["use"] for told in answers]
        with suppress(LinkUsedUp):
            uses.append(sharing.take_use(scene.vault, state["token"], pass_code=None, origin="192.0.2.1"))
        if len(uses) > 1 or _uses(scene, state["link"]) != (1, 1):
            scene.findings.links.append(f"use-taken {scene.token}: {len(uses)} uses, {_uses(scene, state['link'])}")
        for use in uses:
            opening = sharing.open_use(scene.vault, state["token"], use)
            if _sha(b"".join(opening.stream())) != state["sha256"]:
                scene.findings.links.append(f"use-taken {scene.token}: reads other bytes")


class LinkRead(Work):
    """The bytes read under a use."""

    name = "link-read"

    def prepare(self, stage: Stage) -> Values:
        """The record, its link and a use."""
        state = _record(stage, size=600_000)
        link_id, token = _link(stage, state, uses_max=2)
        use = sharing.take_use(stage.vault, token, pass_code=None, origin="192.0.2.1")
        return {**state, "link": link_id, "token": token, "use": use}

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Reads the first half, then the rest."""
        use, half = state["use"], 300_000
        content = b""
        for start in (0, half):
            try:
                opening = sharing.open_use(stage.vault, state["token"], use, start=start, length=half)
            except NotFound:
                # A use of which nothing left went back to its link; its holder takes it again.
                use = sharing.take_use(stage.vault, state["token"], pass_code=None, origin="192.0.2.1")
                opening = sharing.open_use(stage.vault, state["token"], use, start=start, length=half)
            content += b"".join(opening.stream())
        stage.acknowledge({"sha256": _sha(content)})

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """What was read is right, and no more was counted out than may be."""
        _enter(scene, state)
        if any(told["sha256"] != state["sha256"] for told in answers):
            scene.findings.links.append(f"link-read {scene.token}: read other bytes")
        taken, most = _uses(scene, state["link"])
        if taken > most:
            scene.findings.links.append(f"link-read {scene.token}: {taken} uses of {most}")
        with scene.vault.catalogue.read() as tx:
            use = tx.links.use(hashlib.sha256(state["use"].encode("ascii")).digest())
        if use is not None and not 0 <= use.bytes_sent <= use.bytes_max:
            scene.findings.links.append(f"link-read {scene.token}: {use.bytes_sent} bytes of {use.bytes_max}")


class LinkRevocation(Work):
    """A link withdrawn while a use of it is open."""

    name = "link-revoked"

    def prepare(self, stage: Stage) -> Values:
        """The record, its link and a use."""
        state = _record(stage)
        link_id, token = _link(stage, state, uses_max=2)
        use = sharing.take_use(stage.vault, token, pass_code=None, origin="192.0.2.1")
        return {**state, "link": link_id, "token": token, "use": use}

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Withdraws it."""
        sharing.revoke_link(stage.vault, stage.actor, LinkId(state["link"]))
        stage.acknowledge({"revoked": True})

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """An acknowledged revocation holds."""
        _enter(scene, state)
        if not answers:
            sharing.revoke_link(scene.vault, scene.actor, LinkId(state["link"]))
        for opens in (
            lambda: sharing.landing(scene.vault, state["token"]),
            lambda: sharing.take_use(scene.vault, state["token"], pass_code=None, origin="192.0.2.1"),
            lambda: sharing.open_use(scene.vault, state["token"], state["use"]),
        ):
            try:
                opens()
            except LinkRevoked:
                continue
            scene.findings.links.append(f"link-revoked {scene.token}: it still opens")


class CustomerAdded(Work):
    """Several customers, so that blocks of extents are reserved too."""

    name = "customer-added"

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Adds three."""
        for turn in range(3):
            view = customers.add_customer(stage.vault, stage.actor, Profile(name=f"{stage.token}-{turn}", note=""))
            stage.acknowledge({"customer": view.customer.id, "name": f"{stage.token}-{turn}"})

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """Each acknowledged one is there with its name."""
        for told in answers:
            try:
                found = customers.find_customer(scene.vault, scene.actor, told["customer"])
            except StrongroomError as exc:
                scene.findings.lost.append(f"customer-added {scene.token}: acknowledged, and: {exc.code}")
                continue
            if found.profile.name != told["name"]:
                scene.findings.half.append(f"customer-added {scene.token}: has another name")


class OutboxSent(Work):
    """Metadata objects on their way to the store."""

    name = "outbox"

    def prepare(self, stage: Stage) -> Values:
        """A record described anew and filed: two objects wait."""
        outbox.send_pending(stage.vault)
        state = _record(stage)
        Revision()._revise(stage.vault, stage.actor, stage.token, state)
        holding.file_record(stage.vault, stage.actor, RecordId(state["record"]))
        with stage.vault.catalogue.read() as tx:
            keys = [key for _, key, _ in tx.outbox.pending()]
        return {**state, "keys": keys}

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Sends them."""
        outbox.send_pending(stage.vault)
        stage.acknowledge({"sent": True})

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """Each of them arrives, once."""
        _enter(scene, state)
        outbox.send_pending(scene.vault)
        for key in state["keys"]:
            there = list(scene.vault.store.versions(key))
            if len(there) != 1 or there[0].size_bytes == 0:
                scene.findings.half.append(f"outbox {scene.token}: {key} has {len(there)} versions")


class Storm(Work):
    """Uploads at once, small ones and a large one, each acknowledged by itself."""

    name = "storm"
    _SIZES = (900, 40_000, 2_000, PART + 60_000, 7_000, 300_000, 1)

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Sends them from four threads."""
        with ThreadPoolExecutor(4) as pool:
            for future in [pool.submit(self._one, stage, turn) for turn in range(len(self._SIZES))]:
                future.result()

    def _one(self, stage: Stage, turn: int) -> None:
        told = _told(self._send(stage.vault, stage.actor, stage.token, turn))
        stage.acknowledge({**told, "turn": turn})

    def _send(self, vault: Vault, actor: Actor, token: str, turn: int) -> Receipt:
        content = content_of(f"{token}-{turn}", self._SIZES[turn])
        return add_bytes(vault, actor, content, title=f"{token}-{turn}", idempotency_key=f"{token}-{turn}")

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """Each of them as in ``Upload``."""
        acknowledged = {told["turn"]: told for told in answers}
        for turn, size in enumerate(self._SIZES):
            wanted = _sha(content_of(f"{scene.token}-{turn}", size))
            told = acknowledged.get(turn)
            if told is not None:
                _enter(scene, told)
                if scene.read(told["record"], 1) != wanted:
                    scene.findings.lost.append(f"storm {scene.token}-{turn}: acknowledged, and opens to other bytes")
            again = _told(self._send(scene.vault, scene.actor, scene.token, turn))
            _enter(scene, again)
            if scene.read(again["record"], 1) != wanted:
                scene.findings.half.append(f"storm {scene.token}-{turn}: sent again, and opens to other bytes")
            if told is not None and told["record"] != again["record"]:
                scene.findings.doubled.append(f"storm {scene.token}-{turn}: sent again, and another record")


class Recovery(Work):
    """Recovery itself: two uploads that were left behind, one of them whole in the store, are settled."""

    name = "recovery"
    _SIZES = (3_000, PART + 50_000, PART + 20_000)
    _BROKEN_AT = ("recovery.commit", "recovery.commit", "upload-completed")

    def prepare(self, stage: Stage) -> Values:
        """Leaves uploads behind, as a catalogue or a store that went away would."""
        for turn, point in enumerate(self._BROKEN_AT):
            points = FaultPoints()
            points.arm(Arm(point=point, phase="before", turn=1), _goes_away)
            # The wrapper's own points stay: this one lies inside of them.
            with suppress(CatalogueUnavailable):
                self._send(watch(stage.vault, points), stage.actor, stage.token, turn)
        with stage.vault.catalogue.read() as tx:
            mine = [i for i in tx.intents.unsettled() if i.process_id == stage.vault.process_id]
        return {"left": len(mine)}

    def _send(self, vault: Vault, actor: Actor, token: str, turn: int) -> Receipt:
        content = content_of(f"{token}-{turn}", self._SIZES[turn])
        return add_bytes(vault, actor, content, title=f"{token}-{turn}", idempotency_key=f"{token}-{turn}")

    def act(self, stage: Stage, state: Mapping[str, Any]) -> None:
        """Settles them."""
        upkeep.settle_intents(stage.vault)
        stage.acknowledge({"settled": True})

    def look(self, scene: Scene, state: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """The two that the store had are records, whoever sends them again; the third is made then."""
        before = scene.vault.now()
        for turn, size in enumerate(self._SIZES):
            wanted = _sha(content_of(f"{scene.token}-{turn}", size))
            receipt = self._send(scene.vault, scene.actor, scene.token, turn)
            _enter(scene, _told(receipt))
            record = retrieval.find_record(scene.vault, scene.actor, receipt.record_id)
            if scene.read(receipt.record_id, 1) != wanted:
                scene.findings.half.append(f"recovery {scene.token}-{turn}: opens to other bytes")
            if turn < 2 and (not receipt.replayed or record.received_at > before):
                scene.findings.lost.append(f"recovery {scene.token}-{turn}: what the store had became no record")


def _goes_away() -> None:
    raise CatalogueUnavailable("the catalogue went away")


def limited(vault: Vault) -> Vault:
    """The vault with the smallest parts that S3 takes."""
    return replace(vault, limits=LIMITS)


WORKS: Mapping[str, Work] = {
    work.name: work
    for work in (
        Upload("small-intake", 3_000),
        Upload("described-at-length", 3_000, note="a long note " * 300, with_customer=True),
        Upload("large-intake", PART + 70_000),
        Correction("small-correction", 2_500),
        Correction("large-correction", PART + 30_000),
        Revision(),
        Filed(),
        LinkMade(),
        UseTaken(),
        LinkRead(),
        LinkRevocation(),
        CustomerAdded(),
        OutboxSent(),
        Storm(),
        Recovery(),
    )
}
