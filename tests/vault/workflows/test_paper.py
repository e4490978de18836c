"""Paper originals: where they are, and that they end after their record, on the same certificate."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.holding import officer
from tests.support.vault import add_bytes
from tests.vault.workflows.faults import with_clock
from vault.destruction import Batch, Targets
from vault.errors import CatalogueBroken, Conflict, InvalidInput, NotAllowed, NotFound
from vault.ids import PersonId, RecordId
from vault.paper import CERTIFICATE_WAITS, PaperMethod, PaperState
from vault.permissions import Actor, Role
from vault.workflows import certificates, destruction, paper, restricting
from vault.workflows.vault import Vault

ONE, TWO = officer("one"), officer("two")
STAFF = Actor(person_id=PersonId("clerk"), roles=frozenset({Role.RECORDS}))
READER = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER}))


def with_paper(vault: Vault, box: str = "B-1") -> RecordId:
    record_id = add_bytes(vault, ONE, b"a scan").record_id
    paper.keep_paper(vault, STAFF, record_id, box=box, place="Second floor")
    return record_id


def destroyed(vault: Vault, *record_ids: RecordId) -> Batch:
    return destruction.destroy(vault, ONE, Targets(records=frozenset(record_ids)), alone=True, error=True)


def shred(vault: Vault, record_id: RecordId, **more: object) -> paper.PaperView:
    said: dict[str, object] = {
        "method": PaperMethod.SHREDDING,
        "weight_grams": 250,
        "vendor": "Paper Ltd",
        "witnesses": ("Li Si", "Wang Wu"),
        **more,
    }
    return paper.destroy_paper(vault, ONE, record_id, **said)  # type: ignore[arg-type]  # one test each says otherwise


def lines(vault: Vault, batch: Batch) -> list[list[dict[str, object]]]:
    with vault.catalogue.read() as tx:
        certificate = tx.certificates.of_batch(batch)
    assert certificate is not None
    said = certificates.show_certificate(vault, ONE, certificate.number).checked.statement
    return [each["paper"] for each in said["records"]]


def test_paper_is_kept_in_a_box_moved_and_listed(vault: Vault) -> None:
    record_id = with_paper(vault, "BOX/7")
    moved = paper.keep_paper(vault, STAFF, record_id, box="BOX/8")
    assert (moved.paper.box, moved.words.place, moved.paper.revision) == ("BOX/8", "", 2)
    assert paper.list_box(vault, READER, "BOX/7") == []
    assert [view.paper.record_id for view in paper.list_box(vault, READER, "BOX/8")] == [record_id]
    assert paper.show_paper(vault, READER, add_bytes(vault, ONE, b"none").record_id) is None
    for box in ("", "-1", "a b", "x" * 41):
        with pytest.raises(InvalidInput):
            paper.keep_paper(vault, STAFF, record_id, box=box)
    with pytest.raises(NotAllowed):
        paper.keep_paper(vault, READER, record_id, box="B-1")


def test_paper_outlives_its_record_and_never_the_other_way_round(vault: Vault) -> None:
    record_id = with_paper(vault)
    with pytest.raises(Conflict, match="lives"):
        shred(vault, record_id)
    destroyed(vault, record_id)
    assert shred(vault, record_id, dry_run=True).paper.state is PaperState.DESTROYED
    gone = shred(vault, record_id)
    assert (gone.paper.state, gone.words.place, gone.words.vendor) == (
        PaperState.DESTROYED,
        "Second floor",
        "Paper Ltd",
    )
    with pytest.raises(Conflict, match="destroyed before"):
        shred(vault, record_id)
    with pytest.raises(Conflict, match="was destroyed"):
        paper.keep_paper(vault, STAFF, record_id, box="B-2")
    with pytest.raises(CatalogueBroken, match="stays so"), vault.catalogue.write() as tx:
        tx.papers.update(replace(gone.paper, box="B-3"))
    bare = add_bytes(vault, ONE, b"no paper").record_id
    destroyed(vault, bare)
    with pytest.raises(NotFound, match="no paper original"):
        shred(vault, bare)
    with pytest.raises(Conflict, match="had to be named before"):
        paper.keep_paper(vault, STAFF, bare, box="B-1")


def test_a_destruction_of_paper_needs_weight_vendor_and_two_witnesses(vault: Vault) -> None:
    record_id = with_paper(vault)
    destroyed(vault, record_id)
    for wrong in (
        {"witnesses": ("Li Si",)},
        {"witnesses": ("Li Si", "Li Si")},
        {"weight_grams": 0},
        {"vendor": " "},
        {"vendor": "two\nlines"},
    ):
        with pytest.raises(InvalidInput):
            shred(vault, record_id, **wrong)
    with pytest.raises(NotAllowed):
        paper.destroy_paper(
            vault, STAFF, record_id, method=PaperMethod.PULPING, weight_grams=1, vendor="x", witnesses=("a", "b")
        )


def test_a_certificate_waits_for_the_paper_of_its_records(vault: Vault) -> None:
    record_id, bare = with_paper(vault), add_bytes(vault, ONE, b"no paper").record_id
    batch = destroyed(vault, record_id, bare)
    certificates.issue_certificates(vault)
    with vault.catalogue.read() as tx:
        assert tx.certificates.of_batch(batch) is None
    shred(vault, record_id)
    certificates.issue_certificates(vault)
    without, (line,) = sorted(lines(vault, batch), key=len)
    assert without == []
    assert (line["box"], line["state"], line["method"], line["weight_grams"]) == ("B-1", "destroyed", "shredding", 250)
    assert line["witnesses"] == ["Li Si", "Wang Wu"]


def test_after_a_month_or_by_word_the_certificate_says_that_the_paper_is_still_there(vault: Vault) -> None:
    by_word = destroyed(vault, with_paper(vault, "W-1"))
    with pytest.raises(NotAllowed):
        certificates.issue_now(vault, STAFF, without_paper=True)
    certificates.issue_now(vault, ONE, without_paper=True)
    assert lines(vault, by_word) == [[{"box": "W-1", "state": "kept"}]]
    later, clock = with_clock(vault)
    by_time = destroyed(vault, with_paper(vault, "W-2"))
    clock.advance(CERTIFICATE_WAITS - timedelta(hours=1))
    certificates.issue_certificates(later)
    with vault.catalogue.read() as tx:
        assert tx.certificates.of_batch(by_time) is None
    clock.advance(timedelta(hours=2))
    certificates.issue_certificates(later)
    assert lines(vault, by_time) == [[{"box": "W-2", "state": "kept"}]]


def test_paper_of_a_restricted_record_is_known_to_officers_alone(vault: Vault) -> None:
    record_id = with_paper(vault, "R-1")
    restricting.restrict_record(vault, ONE, record_id, "asked for")
    assert paper.list_box(vault, STAFF, "R-1") == []
    assert len(paper.list_box(vault, TWO, "R-1")) == 1
    with pytest.raises(NotFound):
        paper.show_paper(vault, STAFF, record_id)
