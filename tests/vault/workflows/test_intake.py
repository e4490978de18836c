"""Intake: what is acknowledged is there, and what is refused leaves nothing."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from threading import Barrier, Event

import pytest

from tests.support.vault import add_bytes, random_content, read_bytes
from tests.vault.workflows.faults import (
    ON_SQLITE,
    PART,
    count_records,
    faulty,
    in_store,
    unsettled,
    watched,
    with_parts,
)
from vault.errors import (
    Conflict,
    IdempotencyMismatch,
    InvalidInput,
    NotAllowed,
    NotFound,
    SourceChanged,
    StoreUnavailable,
    StrongroomError,
    TooLarge,
)
from vault.ids import CustomerId, PersonId, RecordId
from vault.permissions import Actor, Role
from vault.records import Description
from vault.seal.sizes import FRAME_LENGTH
from vault.workflows import intake, upkeep
from vault.workflows.intake import Filing, Receipt
from vault.workflows.retrieval import find_record, show
from vault.workflows.vault import Vault


def a_filing(**other: object) -> Filing:
    plain = Filing(
        class_code="contract",
        customer_id=None,
        description=Description.checked(title="A record"),
        file_name="file.bin",
    )
    return replace(plain, **other)  # type: ignore[arg-type]  # names are Filing's


def pump(vault: Vault, receiving: intake.Receiving, content: bytes) -> Receipt:
    return intake.receive_from(vault, receiving, io.BytesIO(content).readinto)


def send(vault: Vault, actor: Actor, content: bytes, filing: Filing, *, key: str | None = None) -> Receipt:
    with intake.begin(vault, actor, filing, idempotency_key=key) as receiving:
        return pump(vault, receiving, content)


def correct(
    vault: Vault,
    actor: Actor,
    record_id: RecordId,
    content: bytes,
    *,
    reason: str = "better scan",
    key: str | None = None,
) -> Receipt:
    description = Description.checked(title="A record", reason=reason)
    with intake.begin_correction(vault, actor, record_id, description, "file.bin", idempotency_key=key) as receiving:
        return pump(vault, receiving, content)


SIZES = (0, 1, FRAME_LENGTH - 1, FRAME_LENGTH, FRAME_LENGTH + 1, PART - 1, PART, PART + 1, 3 * PART + 7)


@ON_SQLITE
@pytest.mark.parametrize("size", SIZES)
def test_the_bytes_that_were_sent_are_the_bytes_that_are_kept(vault: Vault, actor: Actor, size: int) -> None:
    vault = with_parts(vault)
    content = random_content(size)
    digest = hashlib.sha256(content).digest()
    receipt = send(vault, actor, content, a_filing(declared_size_bytes=size, declared_sha256=digest))
    assert (receipt.size_bytes, receipt.sha256, receipt.ordinal, receipt.replayed) == (size, digest, 1, False)
    assert read_bytes(vault, actor, receipt.record_id) == content
    version = show(vault, actor, receipt.record_id).versions[0]
    facts = vault.store.head(version.version.object.key, version.version.version_id)
    assert facts is not None
    assert facts.size_bytes == version.version.object.sealed_size_bytes
    assert facts.lock == version.version.lock
    assert find_record(vault, actor, receipt.number).id == receipt.record_id
    assert unsettled(vault) == 0


@ON_SQLITE
def test_parts_that_reach_the_store_out_of_order_are_one_file(vault: Vault, actor: Actor) -> None:
    second_arrived = Event()
    numbers: list[str] = []

    def watch(point: str) -> None:
        # The first part to be sent waits until another one is in the store.
        if point == "before:put_part":
            numbers.append(point)
            if len(numbers) == 1:
                assert second_arrived.wait(timeout=120)
        elif point == "after:put_part":
            second_arrived.set()

    content = random_content(3 * PART + 7)
    receipt = send(watched(with_parts(vault), watch), actor, content, a_filing())
    assert receipt.sha256 == hashlib.sha256(content).digest()
    assert read_bytes(vault, actor, receipt.record_id) == content


REFUSED: dict[str, tuple[Callable[[bytes], Filing], type[StrongroomError]]] = {
    "more than was announced": (lambda content: a_filing(declared_size_bytes=len(content) - 1), SourceChanged),
    "less than was announced": (lambda content: a_filing(declared_size_bytes=len(content) + 1), SourceChanged),
    "another digest": (lambda content: a_filing(declared_sha256=hashlib.sha256(b"x").digest()), SourceChanged),
    "announced as too large": (lambda content: a_filing(declared_size_bytes=4 * PART + 1), TooLarge),
    "unknown class": (lambda content: a_filing(class_code="nothing"), InvalidInput),
    "unknown customer": (lambda content: a_filing(customer_id=CustomerId("a" * 26)), NotFound),
    "no file name": (lambda content: a_filing(file_name=""), InvalidInput),
    "a NUL in the file's name": (lambda content: a_filing(file_name="a\0b"), InvalidInput),
}


@ON_SQLITE
@pytest.mark.parametrize("size", [1000, 2 * PART + 5], ids=["small", "large"])
@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused_leaves_nothing_behind(vault: Vault, actor: Actor, why: str, size: int) -> None:
    vault = with_parts(vault, upload_bytes_max=4 * PART)
    content = os.urandom(size)
    make, error = REFUSED[why]
    before, records = in_store(vault), count_records(vault)
    with pytest.raises(error):
        send(vault, actor, content, make(content))
    assert in_store(vault) == before
    assert (count_records(vault), unsettled(vault)) == (records, 0)


@ON_SQLITE
@pytest.mark.parametrize("limit", [1000, PART + 5])
def test_bytes_beyond_the_limit_are_refused_as_they_come(vault: Vault, actor: Actor, limit: int) -> None:
    vault = with_parts(vault, upload_bytes_max=limit)
    before = in_store(vault)
    with pytest.raises(TooLarge):
        send(vault, actor, os.urandom(limit + 1), a_filing())
    assert in_store(vault) == before
    assert unsettled(vault) == 0
    content = os.urandom(limit)
    assert send(vault, actor, content, a_filing()).size_bytes == limit


def test_a_reader_may_not_add_or_correct(vault: Vault, actor: Actor) -> None:
    reader = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER}))
    receipt = send(vault, actor, b"original", a_filing())
    with pytest.raises(NotAllowed):
        intake.begin(vault, reader, a_filing())
    with pytest.raises(NotAllowed):
        correct(vault, reader, receipt.record_id, b"other")
    with pytest.raises(NotAllowed):
        intake.revise_description(
            vault, reader, receipt.record_id, Description.checked(title="Other", reason="because")
        )


def test_of_a_file_name_with_folders_only_the_last_piece_is_kept(vault: Vault, actor: Actor) -> None:
    receipt = send(vault, actor, b"x", a_filing(file_name="C:\\Users\\wang\\合同.pdf"))
    assert show(vault, actor, receipt.record_id).versions[0].content.file_name == "合同.pdf"


def test_a_note_that_does_not_fit_into_the_objects_metadata_is_kept(vault: Vault, actor: Actor) -> None:
    said = Description.checked(
        title="题" * 300, dated_on=date(2026, 1, 2), place="地" * 200, note="注" * 4000, reason="因" * 1000
    )
    content = random_content(100)
    receipt = send(vault, actor, content, a_filing(description=said, file_name="档" * 85))
    story = show(vault, actor, receipt.record_id)
    assert story.view.description == said
    assert story.versions[0].content.file_name == "档" * 85
    sealed = story.versions[0].version.object
    beside = vault.layout.meta(sealed.object_id, "intake")
    facts = vault.store.head(beside)
    assert facts is not None
    assert facts.lock == story.versions[0].version.lock
    with vault.store.read(beside, facts.version_id) as chunks:
        assert "注".encode() not in b"".join(chunks)


# -- the same key again ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [500, PART + 500], ids=["small", "large"])
def test_the_same_upload_again_gives_the_same_receipt_and_stores_nothing(vault: Vault, actor: Actor, size: int) -> None:
    vault = with_parts(vault)
    content, key = random_content(size), f"again-{size}"
    first = send(vault, actor, content, a_filing(), key=key)
    before, records = in_store(vault), count_records(vault)
    second = send(vault, actor, content, a_filing(), key=key)
    assert second == replace(first, replayed=True)
    assert (in_store(vault), count_records(vault)) == (before, records)


@pytest.mark.parametrize(
    "other",
    [
        a_filing(description=Description.checked(title="Another title")),
        a_filing(class_code="house"),
        a_filing(file_name="other.bin"),
        a_filing(description=Description.checked(title="A record", note="x")),
    ],
    ids=["title", "class", "file name", "note"],
)
def test_a_key_that_was_used_for_something_else_is_refused(vault: Vault, actor: Actor, other: Filing) -> None:
    key = vault.new_id()
    send(vault, actor, b"same", a_filing(), key=key)
    with pytest.raises(IdempotencyMismatch):
        send(vault, actor, b"same", other, key=key)
    with pytest.raises(IdempotencyMismatch):
        send(vault, actor, b"other bytes", a_filing(), key=key)
    assert send(vault, actor, b"same", a_filing(), key=key).replayed


def test_a_key_is_exact_and_belongs_to_one_person(vault: Vault, actor: Actor) -> None:
    somebody = Actor(person_id=PersonId("somebody"), roles=frozenset({Role.RECORDS}))
    receipts = [
        send(vault, actor, b"a", a_filing(), key="Key-Å"),
        send(vault, actor, b"b", a_filing(), key="key-Å"),
        send(vault, actor, b"c", a_filing(), key="key-A\u030a"),
        send(vault, somebody, b"d", a_filing(), key="Key-Å"),
    ]
    assert not any(receipt.replayed for receipt in receipts)
    assert len({receipt.record_id for receipt in receipts}) == 4


@ON_SQLITE
@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "a\0b", "\ud800"])
def test_a_key_that_is_none_is_refused(vault: Vault, actor: Actor, key: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        intake.begin(vault, actor, a_filing(), idempotency_key=key)
    assert refused.value.field == "idempotency_key"


@pytest.mark.parametrize("size", [10, PART + 10], ids=["small", "large"])
def test_of_two_uploads_under_one_key_at_once_one_is_stored(vault: Vault, actor: Actor, size: int) -> None:
    vault = with_parts(vault)
    key, content, together = f"race-{size}", random_content(size), Barrier(2)
    before = in_store(vault)

    def upload() -> Receipt | Conflict:
        try:
            with intake.begin(vault, actor, a_filing(), idempotency_key=key) as receiving:
                together.wait(timeout=120)
                return pump(vault, receiving, content)
        except Conflict as refused:
            return refused

    with ThreadPoolExecutor(2) as pool:
        outcomes = [future.result() for future in [pool.submit(upload) for _ in range(2)]]
    assert sorted(type(outcome).__name__ for outcome in outcomes)[-1] == "Receipt"
    assert sum(isinstance(outcome, Receipt) for outcome in outcomes) == 1
    assert len(in_store(vault) - before) == 1
    assert unsettled(vault) == 0
    assert send(vault, actor, content, a_filing(), key=key).replayed


def test_a_second_upload_under_a_key_whose_upload_is_under_way_has_to_wait(vault: Vault, actor: Actor) -> None:
    vault = with_parts(vault)
    with intake.begin(vault, actor, a_filing(), idempotency_key="under-way") as receiving:
        receiving.accept(random_content(PART), final=False).result()
        with pytest.raises(Conflict, match="under way"):
            intake.begin(vault, actor, a_filing(), idempotency_key="under-way")
    # Given up, it makes way.
    assert not send(vault, actor, b"small", a_filing(), key="under-way").replayed


# -- giving up ---------------------------------------------------------------------------------------------------------


@ON_SQLITE
@pytest.mark.parametrize("parts", [0, 1, 2])
def test_an_upload_that_is_given_up_leaves_nothing(vault: Vault, actor: Actor, parts: int) -> None:
    vault = with_parts(vault)
    before, records = in_store(vault), count_records(vault)
    with intake.begin(vault, actor, a_filing()) as receiving:
        for _ in range(parts):
            receiving.accept(random_content(PART), final=False).result()
    receiving.abandon()
    assert in_store(vault) == before
    assert (count_records(vault), unsettled(vault)) == (records, 0)
    assert not vault.underway


def test_an_upload_that_is_given_up_before_its_parts_arrived_leaves_nothing(vault: Vault, actor: Actor) -> None:
    """The client is gone while the first parts are still on their way to the store."""
    vault = with_parts(vault)
    before = in_store(vault)
    with intake.begin(vault, actor, a_filing()) as receiving:
        under_way = [receiving.accept(random_content(PART), final=False) for _ in range(3)]
    assert all(future.done() for future in under_way)
    assert in_store(vault) == before
    assert unsettled(vault) == 0
    assert not vault.underway


def test_a_part_that_the_store_refuses_fails_the_upload_and_leaves_nothing(vault: Vault, actor: Actor) -> None:
    vault = with_parts(vault)
    before = in_store(vault)
    broken = faulty(vault, "before:put_part", lambda: StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        send(broken, actor, random_content(4 * PART), a_filing())
    assert in_store(vault) == before
    assert unsettled(vault) == 0


@ON_SQLITE
def test_a_source_that_fails_leaves_nothing(vault: Vault, actor: Actor) -> None:
    vault = with_parts(vault)
    before = in_store(vault)
    left = io.BytesIO(random_content(2 * PART))

    def read_into(buffer: memoryview) -> int:
        count = left.readinto(buffer)
        if not count:
            raise OSError(5, "Input/output error")
        return count

    with pytest.raises(OSError, match="Input"), intake.begin(vault, actor, a_filing()) as receiving:
        intake.receive_from(vault, receiving, read_into)
    assert in_store(vault) == before
    assert unsettled(vault) == 0


def test_an_upload_without_its_end_is_no_record(vault: Vault, actor: Actor) -> None:
    vault = with_parts(vault)
    with intake.begin(vault, actor, a_filing()) as receiving:
        receiving.accept(random_content(PART), final=False).result()
        with pytest.raises(SourceChanged):
            receiving.finish()
    assert unsettled(vault) == 0


# -- corrections -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [300, PART + 300], ids=["small", "large"])
def test_a_correction_adds_a_version_and_keeps_the_original(vault: Vault, actor: Actor, size: int) -> None:
    vault = with_parts(vault)
    original, better = random_content(200), random_content(size)
    receipt = send(vault, actor, original, a_filing())
    corrected = correct(vault, actor, receipt.record_id, better)
    assert (corrected.record_id, corrected.number, corrected.ordinal) == (receipt.record_id, receipt.number, 2)
    assert read_bytes(vault, actor, receipt.record_id) == better
    assert read_bytes(vault, actor, receipt.record_id, ordinal=1) == original
    story = show(vault, actor, receipt.record_id)
    assert [each.description.reason for each in story.revisions] == ["", "better scan"]
    assert [each.version.ordinal for each in story.versions] == [1, 2]
    assert story.versions[0].version.object.leaf != story.versions[1].version.object.leaf


def test_a_correction_needs_a_reason_and_a_record(vault: Vault, actor: Actor) -> None:
    receipt = send(vault, actor, b"x", a_filing())
    with pytest.raises(InvalidInput) as refused:
        correct(vault, actor, receipt.record_id, b"y", reason="  ")
    assert refused.value.field == "reason"
    with pytest.raises(InvalidInput):
        intake.revise_description(vault, actor, receipt.record_id, Description.checked(title="Other"))
    with pytest.raises(NotFound):
        correct(vault, actor, RecordId("a" * 26), b"y")


@pytest.mark.parametrize("size", [300, PART + 300], ids=["small", "large"])
def test_of_two_corrections_at_once_one_wins_and_the_other_leaves_no_version(
    vault: Vault, actor: Actor, size: int
) -> None:
    vault = with_parts(vault)
    receipt = send(vault, actor, b"original", a_filing())
    together, contents = Barrier(2), [random_content(size), random_content(size)]

    def upload(content: bytes) -> bytes | Conflict:
        try:
            description = Description.checked(title="A record", reason="better")
            with intake.begin_correction(vault, actor, receipt.record_id, description, "f") as receiving:
                together.wait(timeout=120)
                return pump(vault, receiving, content).sha256
        except Conflict as refused:
            return refused

    with ThreadPoolExecutor(2) as pool:
        outcomes = [future.result() for future in [pool.submit(upload, content) for content in contents]]
    winners = [content for content, outcome in zip(contents, outcomes, strict=True) if isinstance(outcome, bytes)]
    assert len(winners) == 1
    assert read_bytes(vault, actor, receipt.record_id) == winners[0]
    upkeep.settle_intents(vault)
    assert [each.version.ordinal for each in show(vault, actor, receipt.record_id).versions] == [1, 2]
    assert unsettled(vault) == 0


def test_a_correction_again_under_its_key_is_the_same_correction(vault: Vault, actor: Actor) -> None:
    receipt = send(vault, actor, b"original", a_filing())
    first = correct(vault, actor, receipt.record_id, b"better", key="correction")
    assert correct(vault, actor, receipt.record_id, b"better", key="correction") == replace(first, replayed=True)
    assert len(show(vault, actor, receipt.record_id).versions) == 2


def test_a_key_used_to_correct_one_record_never_answers_for_another(vault: Vault, actor: Actor) -> None:
    one, other = (send(vault, actor, b"original", a_filing()) for _ in range(2))
    correct(vault, actor, one.record_id, b"better", key="two-records")
    with pytest.raises(IdempotencyMismatch):
        correct(vault, actor, other.record_id, b"better", key="two-records")
    with pytest.raises(IdempotencyMismatch):
        send(vault, actor, b"better", a_filing(description=Description.checked(title="A record")), key="two-records")


def test_a_revised_description_leaves_the_bytes_and_the_earlier_words(vault: Vault, actor: Actor) -> None:
    receipt = send(vault, actor, b"bytes", a_filing())
    record = intake.revise_description(
        vault, actor, receipt.record_id, Description.checked(title="错别字改正", reason="typing error")
    )
    assert (record.current_ordinal, record.current_revision) == (1, 2)
    story = show(vault, actor, receipt.record_id)
    assert [each.description.title for each in story.revisions] == ["A record", "错别字改正"]
    assert story.view.description is not None
    assert story.view.description.title == "错别字改正"
    assert read_bytes(vault, actor, receipt.record_id) == b"bytes"
    with pytest.raises(NotFound):
        intake.revise_description(vault, actor, RecordId("a" * 26), Description.checked(title="x", reason="y"))


def test_the_log_names_neither_title_nor_file(vault: Vault, actor: Actor) -> None:
    marked = "markedmarkedmarked"
    receipt = add_bytes(vault, actor, marked.encode(), title=marked, file_name=marked)
    intake.revise_description(vault, actor, receipt.record_id, Description.checked(title="x", reason=marked))
    entries = show(vault, actor, receipt.record_id).entries
    assert [each.entry.event.value for each in entries] == ["record-corrected", "record-received"]
    assert marked not in repr(entries)
