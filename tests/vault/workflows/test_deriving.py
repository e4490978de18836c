"""Text and pictures of versions: made after receipt, sealed, shown by the gates' rules, gone with the record."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from tests.support import files
from tests.support.people import everything
from tests.support.vault import add_bytes, staff
from tests.vault.workflows.faults import with_clock
from vault.derived import PARSERS, TEXT_FIELDS, Derived
from vault.destruction import Targets
from vault.errors import KeyDestroyed, NotAllowed, NotFound, StoreUnavailable
from vault.ids import ProcessId, RecordId
from vault.permissions import Action, Actor
from vault.ports import IndexStanding, SearchIndex
from vault.records import Description, Version
from vault.workflows import deriving, descriptions, finding, holding, indexing, intake, restricting
from vault.workflows.destruction import destroy
from vault.workflows.vault import Remembered, Sweep, Vault


def derived_of(vault: Vault, record_id: RecordId) -> Derived | None:
    """What is kept of a record's current version."""
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
        return None if record is None else tx.derived.get(record_id, record.current_ordinal)


def text_of(vault: Vault, record_id: RecordId) -> str:
    """The text of a record's current version."""
    with vault.catalogue.read() as tx:
        record = tx.records.get(record_id)
        version = None if record is None else tx.records.version(record_id, record.current_ordinal)
        assert version is not None
        kept = tx.derived.get(record_id, version.ordinal)
    return opened_text(vault, kept, version)


def opened_text(vault: Vault, kept: Derived | None, version: Version) -> str:
    """The text that a row opens to, with the version's key."""
    if kept is None or kept.sealed_text is None:
        return ""
    values = descriptions.unseal(
        vault,
        version.object.leaf,
        kept.sealed_text,
        subject=version.record_id,
        field_set=TEXT_FIELDS,
        revision=version.ordinal,
    )
    return str(values["text"])


def test_text_and_picture_are_derived_after_receipt_and_sealed(vault: Vault) -> None:
    actor = staff(vault)
    scan = add_bytes(vault, actor, files.pdf("张伟的租赁合同"), file_name="a.pdf").record_id
    letter = add_bytes(vault, actor, files.docx("李娜的申请"), file_name="a.docx").record_id
    other = add_bytes(vault, actor, b"\0\1\2", file_name="a.bin").record_id
    broken = add_bytes(vault, actor, b"%PDF-1.7 cut", file_name="b.pdf").record_id
    before = _newest(vault)
    assert deriving.derive_due(vault).values["made"] in range(4, 1000)
    assert "张伟的租赁合同" in text_of(vault, scan)
    assert "李娜的申请" in text_of(vault, letter)
    picture = Image.open(io.BytesIO(deriving.picture_of(vault, actor, scan)))
    assert (picture.format, max(picture.size)) == ("WEBP", 240)
    for record_id, reason in ((other, "unsupported"), (broken, "broken"), (scan, ""), (letter, "")):
        kept = derived_of(vault, record_id)
        assert kept is not None
        assert kept.reason == reason
        for sealed in (kept.sealed_text, kept.sealed_thumbnail):
            assert sealed is None or ("张伟".encode() not in sealed and b"WEBP" not in sealed)
    with vault.catalogue.read() as tx:
        followed = tx.derived.since(before)
    assert {record_id for _, record_id, _ in followed} >= {scan, letter, other, broken}
    assert [number for number, _, _ in followed] == sorted(number for number, _, _ in followed)
    assert deriving.derive_due(vault).values["made"] == 0, "once"


def test_what_earlier_parsers_derived_is_derived_again(vault: Vault) -> None:
    actor = staff(vault)
    record_id = add_bytes(vault, actor, "合同".encode(), file_name="a.txt").record_id
    deriving.derive_due(vault)
    kept = derived_of(vault, record_id)
    assert kept is not None
    with vault.catalogue.write() as tx:
        tx.derived.keep(replace(kept, parsers=PARSERS - 1, number=tx.derived.next_number(), sealed_text=None))
    assert text_of(vault, record_id) == ""
    deriving.derive_due(vault)
    assert text_of(vault, record_id) == "合同"


def test_a_correction_is_derived_anew(vault: Vault) -> None:
    actor = staff(vault)
    record_id = add_bytes(vault, actor, b"first", file_name="a.txt").record_id
    deriving.derive_due(vault)
    description = Description.checked(title="a", reason="a better scan")
    with intake.begin_correction(vault, actor, record_id, description, "a.txt") as receiving:
        intake.receive_from(vault, receiving, io.BytesIO(b"second").readinto)
    assert text_of(vault, record_id) == ""
    deriving.derive_due(vault)
    assert text_of(vault, record_id) == "second"


def test_a_destroyed_record_leaves_nothing_derived_behind(vault: Vault) -> None:
    actor = staff(vault)
    record_id = add_bytes(vault, actor, files.pdf("张伟的合同"), file_name="a.pdf").record_id
    deriving.derive_due(vault)
    kept = derived_of(vault, record_id)
    assert kept is not None
    assert kept.sealed_text is not None
    with vault.catalogue.read() as tx:
        version = tx.records.version(record_id, 1)
    assert version is not None
    _destroy(vault, actor, record_id)
    assert derived_of(vault, record_id) is None
    with pytest.raises(NotFound):
        deriving.picture_of(vault, actor, record_id)
    # Whoever kept the row opens it with nothing.
    with pytest.raises(KeyDestroyed):
        opened_text(vault, kept, version)
    deriving.derive_due(vault)
    assert derived_of(vault, record_id) is None


def test_a_class_with_gates_shows_no_picture(vault: Vault) -> None:
    actor = staff(vault)
    plain = add_bytes(vault, actor, files.image(), file_name="a.png")
    secret = add_bytes(vault, actor, files.image(), file_name="a.png", class_code="identity")
    deriving.derive_due(vault)
    assert derived_of(vault, secret.record_id) is not None
    with vault.catalogue.read() as tx:
        both = tuple(tx.records.many([plain.record_id, secret.record_id]).values())
    assert deriving.pictured(vault, actor, both) == {plain.record_id}
    with pytest.raises(NotFound):
        deriving.picture_of(vault, everything(), secret.record_id)
    nobody = Actor(person_id=actor.person_id, roles=frozenset())
    with pytest.raises(NotAllowed):
        deriving.picture_of(vault, nobody, plain.record_id)


def _newest(vault: Vault) -> int:
    with vault.catalogue.read() as tx:
        rows = tx.derived.since(0, limit=100_000)
    return rows[-1][0] if rows else 0


def _destroy(vault: Vault, actor: Actor, record_id: RecordId) -> None:
    targets = Targets(records=frozenset({record_id}))
    destroy(vault, actor, targets, alone=True, error=True)


def test_a_record_is_found_by_what_is_in_its_file_where_no_gate_stands_before_it(vault: Vault) -> None:
    actor = staff(vault)
    lease = add_bytes(vault, actor, files.pdf("王芳承租临街铺面"), file_name="a.pdf").record_id
    secret = add_bytes(vault, actor, files.pdf("王芳护照号码"), file_name="b.pdf", class_code="identity").record_id
    assert found(vault, actor, "王芳") == []
    deriving.derive_due(vault)
    indexing.follow_texts(vault)
    assert text_of(vault, secret)
    assert found(vault, actor, "王芳") == [lease]
    assert found(vault, actor, "临街 承租") == [lease]
    assert found(vault, actor, "护照号码") == []
    program = replace(actor, scope=frozenset({Action.LIST_RECORDS}))
    assert found(vault, program, "王芳") == [], "whoever may not open it"
    # What is said of it anew leaves what is in it; other bytes are found by their own words only.
    said = Description.checked(title="铺面", reason="named")
    intake.revise_description(vault, actor, lease, said)
    indexing.follow_texts(vault)
    assert found(vault, actor, "承租") == found(vault, actor, "铺面") == [lease]
    with intake.begin_correction(vault, actor, lease, said, "a.pdf") as receiving:
        intake.receive_from(vault, receiving, io.BytesIO(files.pdf("另一份文件")).readinto)
    deriving.derive_due(vault)
    indexing.follow_texts(vault)
    assert (found(vault, actor, "承租"), found(vault, actor, "另一份")) == ([], [lease])
    _destroy(vault, actor, lease)
    indexing.follow_texts(vault)
    assert found(vault, actor, "另一份") == []


def test_texts_behind_gates_and_of_what_is_only_stored_are_not_in_the_index(vault: Vault) -> None:
    actor = staff(vault)
    lease, other = (add_bytes(vault, actor, files.pdf(f"王芳承租铺面{n}"), file_name="a.pdf").record_id for n in "一二")
    secret = add_bytes(vault, actor, files.pdf("王芳护照"), file_name="b.pdf", class_code="identity").record_id
    deriving.derive_due(vault)
    told: dict[str, str] = {}
    listening = replace(vault, search=_Listening(vault.search, told))
    indexing.follow_texts(listening)
    assert ("承租" in told[lease], "承租" in told[other], told[secret]) == (True, True, "")
    restricting.restrict_record(vault, everything(), lease, "somebody asked")
    holding.file_record(listening, everything(), other, class_code="identity", trigger_on=None)
    indexing.follow_texts(listening)
    assert (told[lease], told[other]) == ("", "")
    # A hold waits for what is said of records, not for what is in their files.
    third = add_bytes(vault, actor, files.pdf("另一份承租"), file_name="c.pdf").record_id
    assert indexing.follow(listening)
    deriving.derive_due(vault)
    assert indexing.follow(listening)
    assert not told[third]
    indexing.follow_texts(listening)
    assert told[third]


class _Listening:
    """An index that notes which texts it is given."""

    def __init__(self, index: SearchIndex, told: dict[str, str]) -> None:
        self._index = index
        self._told = told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def keep_texts(self, texts: Mapping[str, str], standing: IndexStanding) -> None:
        self._told.update(texts)
        self._index.keep_texts(texts, standing)


def found(vault: Vault, actor: Actor, text: str) -> list[RecordId]:
    return [view.record.id for view in finding.find(vault, actor, text).views]


def test_what_failed_by_something_passing_is_looked_into_again_the_next_day(vault: Vault) -> None:
    actor = staff(vault)
    slow = add_bytes(vault, actor, b"slow", file_name="a.txt").record_id
    deriving.derive_due(vault)
    kept = derived_of(vault, slow)
    assert kept is not None
    for reason, hours, again in (("took-too-long", 23, False), ("took-too-long", 25, True), ("broken", 25, False)):
        made_at = vault.now() - timedelta(hours=hours)
        with vault.catalogue.write() as tx:
            failed = replace(kept, reason=reason, made_at=made_at, sealed_text=None, sealed_thumbnail=None)
            tx.derived.keep(replace(failed, number=tx.derived.next_number()))
        deriving.derive_due(vault)
        assert (text_of(vault, slow) == "slow") is again, reason


def test_a_version_that_cannot_be_reached_holds_up_none_behind_it(vault: Vault) -> None:
    timed, clock = with_clock(replace(vault, sweep=Sweep()))
    actor = staff(timed)
    behind = add_bytes(timed, actor, b"behind", file_name="a.txt").record_id
    away = add_bytes(timed, actor, b"away", file_name="a.txt").record_id
    with timed.catalogue.read() as tx:
        version = tx.records.version(away, 1)
    assert version is not None
    key_away = version.object.key

    class Store:
        """The store, of which one object cannot be read."""

        gone = frozenset({key_away})
        asked = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(vault.store, name)

        def read(self, key: str, *more: Any, **named: Any) -> Any:
            self.asked += 1
            if key in self.gone or not self.gone:
                raise StoreUnavailable("it does not answer; try again")
            return vault.store.read(key, *more, **named)

    store = Store()
    half = replace(timed, store=store, headers=Remembered(1))
    outcome = deriving.derive_due(half)
    assert (outcome.code, outcome.values["left"]) == ("derived-but-for", 1)
    assert (text_of(timed, behind), derived_of(timed, away)) == ("behind", None)
    asked = store.asked
    deriving.derive_due(half)
    assert store.asked == asked, "it is not tried each time"
    clock.advance(deriving.PUT_OFF_FOR)
    assert deriving.derive_due(timed).code == "derived"
    assert text_of(timed, away) == "away"
    # Of a store that is away altogether not every object is asked for.
    for _ in range(deriving.AWAY_AFTER + 1):
        add_bytes(timed, actor, b"x", file_name="a.txt")
    store.gone, store.asked = frozenset(), 0
    with pytest.raises(StoreUnavailable):
        deriving.derive_due(half)
    assert store.asked == deriving.AWAY_AFTER


def test_one_process_at_a_time_derives_and_another_goes_on_where_it_died(vault: Vault) -> None:
    timed, clock = with_clock(replace(vault, sweep=Sweep()))
    record_id = add_bytes(timed, staff(timed), b"once", file_name="a.txt").record_id
    other = ProcessId(timed.new_id())
    with timed.catalogue.write() as tx:
        for process_id, taken in ((other, True), (other, True), (timed.process_id, False)):
            until = timed.now() + deriving.FREE_AFTER
            assert tx.jobs.take(deriving.DERIVE, process_id, now=timed.now(), until=until) is taken
    assert deriving.derive_due(timed).values["made"] == 0
    assert derived_of(timed, record_id) is None
    clock.advance(deriving.FREE_AFTER)
    deriving.derive_due(timed)
    assert text_of(timed, record_id) == "once"
    with timed.catalogue.write() as tx:
        assert tx.jobs.take(deriving.DERIVE, other, now=timed.now(), until=timed.now()), "it was given back"
