"""Retrieval: the right bytes to the right person, logged first, and never bytes that do not verify."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.vault import add_bytes, random_content, read_bytes
from tests.vault.seal.stock_sdk import sdk_open
from tests.vault.workflows.faults import ON_SQLITE, interposed, with_clock
from vault.audit import Event
from vault.errors import InvalidInput, NotAllowed, NotFound, ObjectMissing, SealBroken, StrongroomError
from vault.gates import PURPOSES
from vault.ids import PersonId, RecordId
from vault.permissions import Actor, Role
from vault.ports import ObjectStore
from vault.records import RecordState, Version
from vault.seal.sizes import FRAME_LENGTH
from vault.shelves import RecordFilter
from vault.workflows import customers, retrieval
from vault.workflows.retrieval import open_version, show
from vault.workflows.vault import Vault

SCRIPT = Path(__file__).parents[3] / "scripts" / "open_sealed"
SIZE = 3 * FRAME_LENGTH + 77


CONTENT = random_content(SIZE)


def entries_of(vault: Vault, actor: Actor, record_id: RecordId, event: Event) -> int:
    return sum(each.entry.event is event for each in show(vault, actor, record_id).entries)


_RECORDS: dict[str, RecordId] = {}


def the_record(vault: Vault, actor: Actor) -> RecordId:
    """One record a vault, for tests that only read."""
    if vault.vault_id not in _RECORDS:
        _RECORDS[vault.vault_id] = add_bytes(vault, actor, CONTENT).record_id
    return _RECORDS[vault.vault_id]


# -- ranges ------------------------------------------------------------------------------------------------------------


PLACES = st.integers(0, SIZE) | st.sampled_from(
    sorted({min(max(frame * FRAME_LENGTH + off, 0), SIZE) for frame in range(5) for off in (-2, -1, 0, 1, 2)})
)


@ON_SQLITE
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=PLACES, other=PLACES, to_the_end=st.booleans())
def test_a_range_is_that_slice_of_the_file(vault: Vault, actor: Actor, one: int, other: int, to_the_end: bool) -> None:
    start, end = sorted((one, other))
    opening = open_version(vault, actor, the_record(vault, actor), purpose="business")
    wanted = CONTENT[start:] if to_the_end else CONTENT[start:end]
    assert b"".join(opening.stream(start, None if to_the_end else end - start)) == wanted


@ON_SQLITE
def test_whoever_reads_on_in_ranges_asks_the_store_once_a_range(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, CONTENT).record_id
    asked: list[str] = []
    counted = replace(vault, store=interposed(vault.store, asked.append))
    opening = open_version(counted, actor, record_id, purpose="business")
    places = [FRAME_LENGTH, 2 * FRAME_LENGTH, SIZE - 1]
    for place in places:
        assert b"".join(opening.stream(place, 1)) == CONTENT[place : place + 1]
    assert asked.count("before:read") == len(places) + 1


@ON_SQLITE
@pytest.mark.parametrize(
    ("start", "length"), [(-1, 1), (0, SIZE + 1), (SIZE, 1), (SIZE + 1, None), (5, -1), (1 << 70, 1)]
)
def test_a_range_outside_the_file_is_refused(vault: Vault, actor: Actor, start: int, length: int | None) -> None:
    opening = open_version(vault, actor, the_record(vault, actor), purpose="business")
    with pytest.raises(InvalidInput):
        list(opening.stream(start, length))


def test_an_empty_file_has_an_empty_range(vault: Vault, actor: Actor) -> None:
    opening = open_version(vault, actor, add_bytes(vault, actor, b"").record_id, purpose="business")
    assert list(b"".join(opening.stream())) == []
    assert b"".join(opening.stream(0, 0)) == b""
    with pytest.raises(InvalidInput):
        list(opening.stream(0, 1))


# -- openings and the log ----------------------------------------------------------------------------------------------


def test_an_opening_is_logged_once_in_15_minutes_by_person_version_and_purpose(vault: Vault, actor: Actor) -> None:
    vault, clock = with_clock(vault)
    record_id = add_bytes(vault, actor, b"content").record_id

    def opened(who: Actor = actor, purpose: str = "business") -> int:
        open_version(vault, who, record_id, purpose=purpose)
        return entries_of(vault, actor, record_id, Event.RECORD_OPENED)

    assert [opened(), opened()] == [1, 1]
    assert opened(purpose="audit") == 2
    assert opened(Actor(person_id=PersonId("other"), roles=frozenset({Role.READER}))) == 3
    clock.advance(timedelta(minutes=14, seconds=59))
    assert opened() == 3
    clock.advance(timedelta(seconds=2))
    assert opened() == 4


@pytest.mark.parametrize("purpose", ["", "curiosity", "Business", "business ", "\0"])
def test_a_purpose_is_one_of_the_list(vault: Vault, actor: Actor, purpose: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        open_version(vault, actor, the_record(vault, actor), purpose=purpose)
    assert refused.value.field == "purpose"
    assert len(set(PURPOSES)) == 5


def test_the_opening_is_in_the_log_before_the_store_is_asked(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"content").record_id
    logged: list[int] = []
    store = interposed(
        vault.store, lambda point: logged.append(entries_of(vault, actor, record_id, Event.RECORD_OPENED))
    )
    opening = open_version(replace(vault, store=store), actor, record_id, purpose="legal")
    assert b"".join(opening.stream()) == b"content"
    assert logged
    assert set(logged) == {1}


def test_who_may_not_open_is_refused_and_nothing_is_logged(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"content").record_id
    nobody = Actor(person_id=PersonId("nobody"), roles=frozenset())
    reader = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER}))
    for call in (
        lambda: open_version(vault, nobody, record_id, purpose="business"),
        lambda: show(vault, nobody, record_id),
        lambda: retrieval.list_records(vault, nobody, RecordFilter()),
        lambda: retrieval.find_record(vault, nobody, record_id),
        lambda: retrieval.export_sealed(vault, reader, record_id),
    ):
        with pytest.raises(NotAllowed):
            call()
    assert len(show(vault, actor, record_id).entries) == 1


STRANGE = ["", "a" * 26, "2026-999999", "a\0b", "\ud800", "x" * 5000, "'; --", "../x"]


@pytest.mark.parametrize("key", STRANGE, ids=range(len(STRANGE)))
def test_what_does_not_exist_is_not_found_however_it_is_written(vault: Vault, actor: Actor, key: str) -> None:
    with pytest.raises(NotFound):
        retrieval.find_record(vault, actor, key)
    with pytest.raises(NotFound):
        customers.find_customer(vault, actor, key)


def test_an_id_that_names_nothing_is_not_found(vault: Vault, actor: Actor) -> None:
    nothing = RecordId("a" * 26)
    for call in (
        lambda: show(vault, actor, nothing),
        lambda: open_version(vault, actor, nothing, purpose="business"),
        lambda: retrieval.export_sealed(vault, actor, nothing),
    ):
        with pytest.raises(NotFound):
            call()


@pytest.mark.parametrize("ordinal", [0, -1, 2, 1 << 40, 1 << 80])
def test_a_version_that_does_not_exist_is_not_found(vault: Vault, actor: Actor, ordinal: int) -> None:
    with pytest.raises(NotFound):
        open_version(vault, actor, the_record(vault, actor), ordinal=ordinal, purpose="business")


def test_lists_page_from_new_to_old_without_a_gap(vault: Vault, actor: Actor) -> None:
    vault, clock = with_clock(vault)
    made = []
    for _ in range(5):
        clock.advance(timedelta(seconds=1))
        made.append(add_bytes(vault, actor, b"x", class_code="identity").record_id)
    only = RecordFilter(class_code="identity")
    pages, before = [], None
    while page := retrieval.list_records(vault, actor, only, before=before, limit=2):
        pages.append([view.record.id for view in page])
        before = (page[-1].record.received_at, page[-1].record.id)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [each for page in pages for each in page] == made[::-1]
    assert retrieval.list_records(vault, actor, RecordFilter(state=RecordState.FILED, class_code="identity")) == []


# -- tampering ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Swapped:
    """A store that gives another object's real bytes for one key, as a tampered one would."""

    real: ObjectStore
    key: str
    instead: tuple[str, str]

    @contextmanager
    def read(
        self, key: str, version_id: str, *, start: int = 0, length: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        if key == self.key:
            key, version_id = self.instead
        with self.real.read(key, version_id, start=start, length=length) as chunks:
            yield chunks


def swapped(vault: Vault, version: Version, key: str, version_id: str) -> Vault:
    store = Swapped(real=vault.store, key=version.object.key, instead=(key, version_id))
    return replace(vault, store=cast(ObjectStore, store))


def version_of(vault: Vault, actor: Actor, record_id: RecordId) -> Version:
    return show(vault, actor, record_id).versions[-1].version


def read_all(vault: Vault, actor: Actor, record_id: RecordId) -> tuple[bytes, StrongroomError | None]:
    """What came out, and what stopped it."""
    came = bytearray()
    try:
        for block in open_version(vault, actor, record_id, purpose="business").stream():
            came += block
    except StrongroomError as error:
        return bytes(came), error
    return bytes(came), None


@contextmanager
def another_object(vault: Vault, sealed: bytes) -> Iterator[tuple[str, str]]:
    key = vault.layout.record(vault.new_id())
    stored = vault.store.put(key, sealed, sha256=hashlib.sha256(sealed).digest())
    yield stored.key, stored.version_id
    vault.store.delete_version(stored.key, stored.version_id)


def sealed_bytes(vault: Vault, version: Version) -> bytes:
    with vault.store.read(version.object.key, version.version_id) as chunks:
        return b"".join(chunks)


def frames_swapped(sealed: bytes, header: int) -> bytes:
    frame = FRAME_LENGTH + 32
    first, second = sealed[header : header + frame], sealed[header + frame : header + 2 * frame]
    return sealed[:header] + second + first + sealed[header + 2 * frame :]


ALTERED = {
    "a bit in the header": lambda sealed, header: bytes([*sealed[:50], sealed[50] ^ 1]) + sealed[51:],
    "a bit in the middle": lambda sealed, header: sealed[:-1000] + bytes([sealed[-1000] ^ 128]) + sealed[-999:],
    "the last bit": lambda sealed, header: sealed[:-1] + bytes([sealed[-1] ^ 1]),
    "cut short by a byte": lambda sealed, header: sealed[:-1],
    "cut off after a frame": lambda sealed, header: sealed[: header + FRAME_LENGTH + 32],
    "nothing left": lambda sealed, header: b"",
    "a byte too many": lambda sealed, header: sealed + b"\0",
    "a frame too many": lambda sealed, header: sealed + sealed[header : header + FRAME_LENGTH + 32],
    "two frames swapped": frames_swapped,
}


@ON_SQLITE
@pytest.mark.parametrize("how", ALTERED)
def test_an_altered_object_never_opens_to_something_plausible(vault: Vault, actor: Actor, how: str) -> None:
    record_id = the_record(vault, actor)
    version = version_of(vault, actor, record_id)
    altered = ALTERED[how](sealed_bytes(vault, version), version.object.header_length)
    with another_object(vault, altered) as (key, version_id):
        came, error = read_all(swapped(vault, version, key, version_id), actor, record_id)
    assert isinstance(error, SealBroken), error
    assert CONTENT.startswith(came)
    assert len(came) % FRAME_LENGTH == 0


def test_another_records_or_an_earlier_versions_object_never_opens(vault: Vault, actor: Actor) -> None:
    one, other = (add_bytes(vault, actor, random_content(5000)).record_id for _ in range(2))
    mine, theirs = version_of(vault, actor, one), version_of(vault, actor, other)
    came, error = read_all(swapped(vault, mine, theirs.object.key, theirs.version_id), actor, one)
    assert (came, type(error)) == (b"", SealBroken)


@dataclass(slots=True, kw_only=True)
class TamperedCatalogue:
    """A catalogue in which somebody rewrote the row of a version."""

    real: Vault
    rewrite: Version

    def write(self) -> AbstractContextManager[object]:
        return self.real.catalogue.write()

    @contextmanager
    def read(self) -> Iterator[object]:
        rewrite = self.rewrite
        with self.real.catalogue.read() as tx:

            class Records:
                def __getattr__(self, name: str) -> object:
                    return getattr(tx.records, name)

                def version(self, record_id: str, ordinal: int) -> Version:
                    return rewrite

            class Shelves:
                records = Records()

                def __getattr__(self, name: str) -> object:
                    return getattr(tx, name)

            yield Shelves()


@ON_SQLITE
def test_a_catalogue_row_that_names_another_records_object_never_opens(vault: Vault, actor: Actor) -> None:
    one, other = (add_bytes(vault, actor, random_content(5000)).record_id for _ in range(2))
    mine, theirs = version_of(vault, actor, one), version_of(vault, actor, other)
    rows = {
        "the whole object": replace(mine, object=theirs.object, version_id=theirs.version_id),
        "object without its leaf": replace(
            mine, object=replace(theirs.object, leaf=mine.object.leaf), version_id=theirs.version_id
        ),
        "the content facts": replace(mine, sealed_content=theirs.sealed_content),
        "a shorter size": replace(mine, object=replace(mine.object, size_bytes=4999)),
        "a longer size": replace(mine, object=replace(mine.object, size_bytes=5001)),
        "another frame length": replace(mine, object=replace(mine.object, frame_length=128)),
        "another header length": replace(mine, object=replace(mine.object, header_length=10)),
        "another row whole": replace(theirs, record_id=mine.record_id),
    }
    for what, row in rows.items():
        tampered = replace(vault, catalogue=cast(object, TamperedCatalogue(real=vault, rewrite=row)))  # type: ignore[arg-type]  # it has what is called
        came, error = read_all(tampered, actor, one)
        assert isinstance(error, SealBroken), (what, error)
        assert came == b""


def test_an_object_that_is_gone_is_missing_and_not_empty(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"content").record_id
    version = version_of(vault, actor, record_id)
    gone = vault.layout.record(vault.new_id())
    came, error = read_all(swapped(vault, version, gone, version.version_id), actor, record_id)
    assert (came, type(error)) == (b"", ObjectMissing)


# -- taking it out sealed ----------------------------------------------------------------------------------------------


@ON_SQLITE
@pytest.mark.parametrize("size", [0, 1, FRAME_LENGTH, SIZE])
def test_a_sealed_export_opens_without_the_vault(vault: Vault, actor: Actor, tmp_path: Path, size: int) -> None:
    plain = random_content(size)
    record_id = add_bytes(vault, actor, plain).record_id
    export = retrieval.export_sealed(vault, actor, record_id)
    sealed = b"".join(export.stream())
    assert len(sealed) == export.sealed_size_bytes
    assert entries_of(vault, actor, record_id, Event.RECORD_EXPORTED) == 1
    keys = json.loads(export.key_file)
    assert keys["key_base64"] not in repr(export)
    (tmp_path / "sealed").write_bytes(sealed)
    (tmp_path / "key.json").write_bytes(export.key_file)
    command = [sys.executable, "-I", str(SCRIPT), str(tmp_path / "sealed"), str(tmp_path / "key.json")]
    opened = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert opened.stdout == plain
    by_sdk, context = sdk_open(
        sealed, provider=keys["provider"], key_name=keys["key_name"], key=base64.b64decode(keys["key_base64"])
    )
    assert (by_sdk, context) == (plain, keys["context"])


def test_an_export_of_an_earlier_version_is_that_version(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"content").record_id
    assert retrieval.export_sealed(vault, actor, record_id, ordinal=1).sealed_size_bytes > 7
    with pytest.raises(NotFound):
        retrieval.export_sealed(vault, actor, record_id, ordinal=2)
    assert read_bytes(vault, actor, record_id) == b"content"
