"""Filing reports: four properties, found by real checks, kept sealed with the record, gone with it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.support import files
from tests.support.people import everything
from tests.support.vault import add_bytes, staff
from vault.audit import Event
from vault.destruction import Targets
from vault.errors import Conflict, InvalidInput, KeyDestroyed, NotAllowed, NotFound, ParsersUnavailable
from vault.filingreports import FIELD_SET, Examination, Property, Verdict, Way
from vault.ids import PersonId, RecordId
from vault.permissions import Actor, Role
from vault.ports import ObjectStore
from vault.previews import Parsed
from vault.records import Description, RecordState
from vault.workflows import descriptions, holding, intake, logdetails
from vault.workflows.destruction import destroy
from vault.workflows.examining import Reading
from vault.workflows.filingreports import list_reports, show_report
from vault.workflows.intake import Filing
from vault.workflows.vault import Vault

LONG_AGO = date(2020, 1, 2)


def described(vault: Vault, content: bytes, file_name: str, *, declared: bool = True) -> RecordId:
    """A house file of which everything is said."""
    filing = Filing(
        class_code="house",
        customer_id=None,
        description=Description.checked(title="张伟的合同", dated_on=LONG_AGO),
        file_name=file_name,
        declared_sha256=hashlib.sha256(content).digest() if declared else None,
    )
    with intake.begin(vault, staff(vault), filing) as receiving:
        return intake.receive_from(vault, receiving, io.BytesIO(content).readinto).record_id


def codes(examination: Examination) -> set[str]:
    """What was found."""
    return {each.code for each in examination.findings}


def test_a_sound_record_passes_by_all_four_properties_and_its_report_is_kept_sealed(vault: Vault) -> None:
    actor = staff(vault)
    record_id = described(vault, files.pdf("张伟", "two"), "张伟.pdf")
    before = holding.examine_filing(vault, actor, record_id)
    assert before.verdicts == dict.fromkeys(Property, Verdict.PASSED)
    assert codes(before) == {
        *("bytes-same", "declared", "received"),
        *("described", "size-same", "pages"),
        *("type-known", "opened"),
        *("name-agrees", "nothing-acts"),
    }
    filed = holding.file_record(vault, actor, record_id, way=Way.PAGE, address="192.0.2.7")
    (view,) = list_reports(vault, actor, record_id)
    assert view.report.examination == before
    assert (view.report.number, view.report.way, view.report.address) == (1, Way.PAGE, "192.0.2.7")
    assert (view.report.filed_by, view.report.filed_at) == (actor.person_id, filed.filed_at)
    for roles, told in (({Role.READER}, ""), ({Role.READER, Role.AUDIT}, "192.0.2.7")):
        other = Actor(person_id=PersonId("other"), roles=frozenset(roles))
        assert list_reports(vault, other, record_id)[0].report.address == told
    with vault.catalogue.read() as tx:
        kept = tx.filing_reports.get(record_id, 1)
        (entry,) = tx.audit.page(subject=record_id, event=Event.RECORD_FILED)
    assert kept is not None
    assert b"192.0.2" not in kept.sealed
    said = {each.value: "passed" for each in Property}
    assert {name: entry.entry.detail[name] for name in (*said, "report")} == {**said, "report": 1}


def test_what_was_examined_is_filed_as_that_version_and_by_whoever_may_in_both_classes(vault: Vault) -> None:
    actor, record_id = staff(vault), described(vault, b"examined", "a.txt")
    examination = holding.examine_filing(vault, actor, record_id)
    scoped = frozenset({(Role.RECORDS, "house")})
    narrow = Actor(person_id=PersonId("narrow"), roles=frozenset(), class_roles=scoped)
    with pytest.raises(NotAllowed), vault.catalogue.write() as tx:
        holding.file_examined(vault, narrow, tx, record_id, examination, class_code="contract")
    said = Description.checked(title="T", dated_on=LONG_AGO, reason="scanned anew")
    with intake.begin_correction(vault, actor, record_id, said, "b.txt") as receiving:
        intake.receive_from(vault, receiving, io.BytesIO(b"of another version").readinto)
    with pytest.raises(Conflict, match="corrected meanwhile"), vault.catalogue.write() as tx:
        holding.file_examined(vault, actor, tx, record_id, examination)
    assert not list_reports(vault, actor, record_id)
    assert holding.file_record(vault, narrow, record_id).class_code == "house"


def test_bytes_of_another_digest_than_was_sealed_beside_them_fail(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, record_id = staff(vault), described(vault, b"as many bytes", "a.txt")
    opened = descriptions.open_content

    def other(*asked: Any, **named: Any) -> Any:
        return replace(opened(*asked, **named), sha256=hashlib.sha256(b"of other bytes").digest())

    monkeypatch.setattr(descriptions, "open_content", other)
    examination = holding.examine_filing(vault, actor, record_id)
    assert {"bytes-differ", "size-same"} <= codes(examination)
    assert "bytes-same" not in codes(examination)
    assert Property.AUTHENTIC in examination.failed


@pytest.mark.parametrize(
    ("made", "name", "failed", "found"),
    [
        (lambda: files.pdf("x", password="word"), "a.pdf", {Property.USABLE}, {"not-opened-encrypted", "unsearched"}),
        (lambda: b"%PDF-1.7 cut", "a.pdf", {Property.USABLE}, {"not-opened-broken"}),
        (lambda: b"", "a.txt", {Property.USABLE}, {"not-opened-empty"}),
        (lambda: files.acting_pdf(b"/OpenAction << /S /Launch >>"), "a.pdf", {Property.SAFE}, {"has-launch"}),
        (lambda: b"#!/bin/sh\nrm", "letter.txt", {Property.SAFE}, {"program"}),
        (lambda: b"MZ".ljust(60, b"\0") + b"\x80\0\0\0", "a.pdf", {Property.USABLE, Property.SAFE}, {"program"}),
        (lambda: files.image(), "letter.pdf", set(), {"name-differs"}),
        (lambda: b"\0\1\2", "a.bin", set(), {"type-unknown", "not-opened-unsupported", "unsearched"}),
    ],
)
def test_what_is_wrong_with_a_file_is_found_and_filed_only_by_somebody_who_says_why(
    vault: Vault, made: Callable[[], bytes], name: str, failed: set[Property], found: set[str]
) -> None:
    actor, content = staff(vault), made()
    record_id = described(vault, content, name)
    examination = holding.examine_filing(vault, actor, record_id)
    assert set(examination.failed) == failed
    assert codes(examination) >= found
    if failed:
        with pytest.raises(InvalidInput, match="say why") as refused:
            holding.file_record(vault, actor, record_id)
        assert refused.value.field == "reason"
        assert not list_reports(vault, actor, record_id)
    filed = holding.file_record(vault, actor, record_id, reason=" 客户只有这一份 ")
    assert filed.state is RecordState.FILED
    (view,) = list_reports(vault, actor, record_id)
    assert view.report.reason == ("客户只有这一份" if failed else "")
    with vault.catalogue.read() as tx:
        (entry,) = tx.audit.page(subject=record_id, event=Event.RECORD_FILED)
    assert "客户" not in str(entry.entry.detail)
    if failed:
        said = logdetails.read_sealed(vault, everything(), entry.number)
        assert said == {"reason": "客户只有这一份"}


def test_what_is_said_of_a_record_is_compared_with_its_class_and_with_itself(vault: Vault) -> None:
    actor = staff(vault)
    record_id = add_bytes(vault, actor, b"plain", file_name="a.txt", class_code="contract").record_id
    found = holding.examine_filing(vault, actor, record_id)
    assert codes(found) >= {"no-date", "no-customer", "no-trigger", "undeclared"}
    assert found.verdict(Property.COMPLETE) is Verdict.WARNED
    late = Description.checked(title="x", dated_on=vault.now().date() + timedelta(days=3), reason="guessed")
    intake.revise_description(vault, actor, record_id, late)
    found = holding.examine_filing(vault, actor, record_id, class_code="house", trigger_on=LONG_AGO)
    assert codes(found) >= {"dated-late", "ended-early"}
    assert not codes(found) & {"no-date", "no-customer", "no-trigger"}


def test_bytes_that_the_store_has_no_more_as_they_were_sealed_are_found(vault: Vault) -> None:
    actor = staff(vault)
    record_id = described(vault, b"as it was", "a.txt")
    spoiled = replace(vault, store=_Spoiling(vault.store))
    found = holding.examine_filing(spoiled, actor, record_id)
    assert "bytes-broken" in codes(found)
    assert found.verdict(Property.AUTHENTIC) is Verdict.FAILED


class _Spoiling:
    """A store that gives the last byte of each block another value."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def read(self, *named: Any, **asked: Any) -> Iterator[Iterator[bytes]]:
        with self._store.read(*named, **asked) as blocks:
            yield (bytes([*block[:-1], block[-1] ^ 1]) for block in blocks)


def test_of_files_that_are_examined_together_so_much_is_read_again_and_no_more(vault: Vault) -> None:
    actor = staff(vault)
    first, second = (described(vault, each, "a.txt") for each in (b"a" * 100, b"b" * 100))
    reading = Reading(left_bytes=150)
    assert "bytes-same" in codes(holding.examine_filing(vault, actor, first, reading=reading))
    assert reading.left_bytes == 50
    assert "bytes-unread" in codes(holding.examine_filing(vault, actor, second, reading=reading))
    filed = holding.file_record(vault, actor, second, trigger_on=LONG_AGO, reading=reading)
    assert show_report(vault, actor, filed.id, 1).report.examination.verdicts[Property.AUTHENTIC] is Verdict.UNCHECKED


def test_a_twin_is_told_only_to_those_for_whom_it_exists(vault: Vault) -> None:
    actor = staff(vault)
    first, second = (described(vault, b"the same once more", "a.txt") for _ in "12")
    holding.file_record(vault, actor, second)
    (view,) = list_reports(vault, actor, second)
    with vault.catalogue.read() as tx:
        (entry,) = tx.audit.page(subject=second, event=Event.RECORD_FILED)
    assert entry.entry.detail["authentic"] == "passed"  # the entry is read by everybody for whom the record exists
    assert [each.id for each in view.twins] == [first]
    assert view.report.examination.verdict(Property.AUTHENTIC) is Verdict.WARNED
    holding.file_record(vault, actor, first, class_code="contract")
    narrow = Actor(person_id=actor.person_id, roles=frozenset(), class_roles=frozenset({(Role.READER, "house")}))
    (seen,) = list_reports(vault, narrow, second)
    assert (seen.twins, seen.report.examination.verdict(Property.AUTHENTIC)) == ([], Verdict.PASSED)
    with pytest.raises(NotFound):
        list_reports(vault, narrow, first)
    with pytest.raises(NotAllowed):
        list_reports(vault, Actor(person_id=actor.person_id, roles=frozenset()), second)


def test_what_is_away_is_told_as_unchecked_and_filing_goes_on(vault: Vault) -> None:
    actor = staff(vault)
    record_id = described(vault, b"plain text", "a.txt")
    away = replace(vault, parsers=_NoParsers())
    filed = holding.file_record(away, actor, record_id)
    assert filed.state is RecordState.FILED
    found = show_report(vault, actor, record_id, 1).report.examination
    assert {each: found.verdict(each).value for each in (Property.USABLE, Property.SAFE)} == {
        Property.USABLE: "unchecked",
        Property.SAFE: "unchecked",
    }
    holding.file_record(vault, actor, record_id)
    assert [each.report.number for each in list_reports(vault, actor, record_id)] == [2, 1]
    assert show_report(vault, actor, record_id, 2).report.examination.verdict(Property.USABLE) is Verdict.PASSED


class _NoParsers:
    def parse(self, order: object, source: object) -> Parsed:
        raise ParsersUnavailable("files cannot be looked at here")


def test_a_report_dies_with_its_record(vault: Vault) -> None:
    actor = staff(vault)
    record_id = described(vault, b"to be destroyed", "a.txt")
    holding.file_record(vault, actor, record_id, trigger_on=LONG_AGO)
    with vault.catalogue.read() as tx:
        kept, version = tx.filing_reports.get(record_id, 1), tx.records.version(record_id, 1)
    assert kept is not None
    assert version is not None
    destroy(vault, everything(), Targets(records=frozenset({record_id})), alone=True, error=True)
    assert not list_reports(vault, actor, record_id)
    leaf = version.object.leaf
    with pytest.raises(KeyDestroyed):
        descriptions.unseal(vault, leaf, kept.sealed, subject=record_id, field_set=FIELD_SET, revision=1)
