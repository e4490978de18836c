"""Whoever holds the store or the catalogue cannot make the vault give bytes that were not sealed there.

Every refusal is an error; nothing ends short and politely. ``scripts/bench tampering`` runs the same on every bit.
"""

from __future__ import annotations

import base64
import hashlib
import io
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from storage.doctor import examine
from storage.objects.s3 import S3Store
from tests.support.store import RunningStore, running_store
from tests.support.tampering import Alter, Verdict, flipped, judge, rearranged, sealed_bytes, version_of
from tests.support.vault import add_bytes, random_content, read_bytes, running_vault, settings_over, staff
from vault.errors import Broken, SealBroken, StrongroomError
from vault.ids import RecordId
from vault.records import Description
from vault.seal.sizes import FRAME_LENGTH, FRAME_OVERHEAD
from vault.workflows import descriptions, intake, retrieval
from vault.workflows.reception import INTAKE_METADATA
from vault.workflows.retrieval import open_version
from vault.workflows.vault import Vault

pytestmark = pytest.mark.faults

MIB = 1024 * 1024
SMALL = b"four hundred dollars, payable to the bearer"
LONG = random_content(3 * FRAME_LENGTH + 1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A vault with a short record, a long one, and one that was corrected, and another vault over the same store."""

    vault: Vault
    stranger: Vault
    store: RunningStore
    home: Path
    short: RecordId
    long: RecordId
    corrected: RecordId
    strange: RecordId


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """What is attacked; no test changes what is stored here."""
    folder = tmp_path_factory.mktemp("tampering")
    with (
        running_store(folder / "store") as store,
        running_vault(store.settings, folder / "home") as vault,
        running_vault(store.settings, folder / "stranger") as stranger,
    ):
        actor = staff(vault)
        corrected = add_bytes(vault, actor, SMALL).record_id
        _correct(vault, corrected, SMALL[::-1])
        yield Ground(
            vault=vault,
            stranger=stranger,
            store=store,
            home=folder / "home",
            short=add_bytes(vault, actor, SMALL).record_id,
            long=add_bytes(vault, actor, LONG).record_id,
            corrected=corrected,
            strange=add_bytes(stranger, staff(stranger), SMALL).record_id,
        )


def _instead(altered: bytes) -> Alter:
    """The same bytes whatever is asked for."""
    return lambda _key, _body: altered


def _correct(vault: Vault, record_id: RecordId, content: bytes) -> None:
    said = Description.checked(title="corrected", reason="scanned anew")
    with intake.begin_correction(vault, staff(vault), record_id, said, "new.bin") as receiving:
        intake.receive_from(vault, receiving, io.BytesIO(content).readinto)


# -- the store ---------------------------------------------------------------------------------------------------------


def test_what_nobody_altered_opens(ground: Ground) -> None:
    assert judge(ground.vault, ground.short, SMALL) is Verdict.TRUE
    assert judge(ground.vault, ground.long, LONG) is Verdict.TRUE


def test_a_flipped_bit_in_any_byte_of_a_short_object_is_refused(ground: Ground) -> None:
    body = sealed_bytes(ground.vault, ground.short)
    for position in range(len(body)):
        altered = flipped(body, position * 8 + position % 8)
        verdict = judge(ground.vault, ground.short, SMALL, alter=_instead(altered))
        assert verdict is Verdict.REFUSED, f"byte {position}"


def test_a_short_object_cut_anywhere_is_refused(ground: Ground) -> None:
    body = sealed_bytes(ground.vault, ground.short)
    for end in range(0, len(body), 3):
        verdict = judge(ground.vault, ground.short, SMALL, alter=_instead(body[:end]))
        assert verdict is Verdict.REFUSED, f"cut at {end}"


def test_frames_swapped_left_out_given_twice_or_more_than_there_were_are_refused(ground: Ground) -> None:
    version = version_of(ground.vault, ground.long)
    body = sealed_bytes(ground.vault, ground.long)
    for name, altered in rearranged(version.object, body):
        verdict = judge(ground.vault, ground.long, LONG, alter=_instead(altered), greedy=True)
        assert verdict is Verdict.REFUSED, name


def test_a_range_of_an_altered_object_is_true_or_refused(ground: Ground) -> None:
    version = version_of(ground.vault, ground.long)
    body = sealed_bytes(ground.vault, ground.long)
    alterations = dict(rearranged(version.object, body))
    for frame in range(4):
        at = version.object.header_length + frame * (FRAME_LENGTH + FRAME_OVERHEAD) + 500
        alterations[f"bit of frame {frame + 1}"] = flipped(body, at * 8 + 3)
    spans = [
        (0, 10),
        (FRAME_LENGTH - 5, 10),
        (FRAME_LENGTH, FRAME_LENGTH),
        (2 * FRAME_LENGTH + 1, 7),
        (len(LONG) - 1, 1),
    ]
    for name, altered in alterations.items():
        for start, length in spans:
            for greedy in (False, True):
                verdict = judge(
                    ground.vault,
                    ground.long,
                    LONG,
                    alter=_instead(altered),
                    start=start,
                    length=length,
                    greedy=greedy,
                )
                assert verdict is not Verdict.PLAUSIBLE, f"{name}, {length} bytes from {start}"


def test_another_object_in_its_place_is_refused(ground: Ground) -> None:
    others = {
        "another record's": sealed_bytes(ground.vault, ground.long),
        "another vault's": sealed_bytes(ground.stranger, ground.strange),
        "an older version's": sealed_bytes(ground.vault, ground.corrected, 1),
        "a newer version's": sealed_bytes(ground.vault, ground.corrected, 2),
    }
    for name, body in others.items():
        for record_id, ordinal, truth in (
            (ground.short, 1, SMALL),
            (ground.corrected, 2, SMALL[::-1]),
            (ground.corrected, 1, SMALL),
        ):
            if body == sealed_bytes(ground.vault, record_id, ordinal):
                continue
            verdict = judge(ground.vault, record_id, truth, ordinal=ordinal, alter=_instead(body), greedy=True)
            assert verdict is Verdict.REFUSED, f"{name} for version {ordinal}"


def test_a_header_of_one_object_with_the_frames_of_another_is_refused(ground: Ground) -> None:
    first, second = (sealed_bytes(ground.vault, ground.corrected, ordinal) for ordinal in (1, 2))
    head = version_of(ground.vault, ground.corrected).object.header_length
    mixed = first[:head] + second[head:]
    assert judge(ground.vault, ground.corrected, SMALL, ordinal=1, alter=_instead(mixed)) is Verdict.REFUSED


def test_a_newer_version_written_past_the_vault_is_not_what_the_vault_opens(ground: Ground) -> None:
    version = version_of(ground.vault, ground.short)
    forged = flipped(sealed_bytes(ground.vault, ground.short), 4_000 % 8)
    with closing(S3Store(ground.store.endpoint.operator)) as operator:
        operator._sdk.put_object(Bucket=ground.store.settings.bucket, Key=version.object.key, Body=forged)
    facts = ground.vault.store.head(version.object.key)
    assert facts is not None
    assert facts.version_id != version.version_id
    assert read_bytes(ground.vault, staff(ground.vault), ground.short) == SMALL
    findings = examine(settings_over(ground.store.settings, ground.home), deep=True)
    complaint = next(finding for finding in findings if finding.check == "objects-in-catalogue")
    assert not complaint.ok
    assert facts.version_id in complaint.text


def test_user_metadata_that_was_altered_or_belongs_elsewhere_does_not_open(ground: Ground) -> None:
    sealed = {}
    for record_id in (ground.short, ground.long):
        version = version_of(ground.vault, record_id)
        facts = ground.vault.store.head(version.object.key, version.version_id)
        assert facts is not None
        sealed[record_id] = base64.b64decode(facts.metadata[INTAKE_METADATA])
    mine = version_of(ground.vault, ground.short).object

    def unseal(text: bytes) -> dict[str, object]:
        return descriptions.unseal(
            ground.vault, mine.leaf, text, subject=mine.object_id, field_set="intake", revision=1
        )

    assert unseal(sealed[ground.short])["record"] == ground.short
    for bit in range(0, len(sealed[ground.short]) * 8, 5):
        with pytest.raises(SealBroken):
            unseal(flipped(sealed[ground.short], bit))
    with pytest.raises(SealBroken):
        unseal(sealed[ground.long])


# -- the disk under the store ------------------------------------------------------------------------------------------


def test_a_bit_that_rotted_on_the_stores_own_disk_is_told_as_damage_and_gives_no_bytes_of_it(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "store" / "data"
    contents = [random_content(200_000), random_content(200_000), random_content(11 * MIB)]
    with running_store(tmp_path / "store") as store, running_vault(store.settings, home) as vault:
        records = [add_bytes(vault, staff(vault), content).record_id for content in contents]
        sealed = [sealed_bytes(vault, record_id) for record_id in records]
    _rot(data, sealed[0], 100_000, 10)  # in the bytes: the server's checksum differs
    _rot(data, sealed[1], 0, -20)  # before them: the server takes it for another's
    _rot(data, sealed[2], 9 * MIB, 0)  # far behind what it has given by then
    with running_store(tmp_path / "store") as store, running_vault(store.settings, home) as vault:
        direct = replace(vault, store=store.store)  # which knows that the disk is this machine's

        def opened(record_id: RecordId) -> tuple[bytes, str]:
            got, opening = bytearray(), open_version(direct, staff(vault), record_id, purpose="business")
            try:
                for block in opening.stream():
                    got += block
            except SealBroken as exc:
                return bytes(got), exc.message
            return bytes(got), ""

        with ThreadPoolExecutor(len(records)) as pool:  # the server tries for some seconds before it gives each up
            told = list(pool.map(opened, records))
    assert [len(got) for got, _ in told][:2] == [0, 0]
    assert contents[2].startswith(told[2][0])
    assert len(told[2][0]) < 9 * MIB
    assert all("damaged on its disk; bring the object back from a backup" in message for _, message in told)


def _rot(data: Path, sealed: bytes, at: int, offset: int) -> None:
    """Turns a bit of the store's own files, ``offset`` bytes from where a part of an object lies."""
    altered = 0
    for path in data.rglob("*.dat"):
        body = path.read_bytes()
        place = body.find(sealed[at : at + 64])
        if place >= 0:
            path.write_bytes(flipped(body, (place + offset) * 8))
            altered += 1
    assert altered == 1


# -- the catalogue -----------------------------------------------------------------------------------------------------

OBJECT_COLUMNS = ["object_id", "object_key", "extent", "leaf", "size_bytes", "sealed_size_bytes", "sealed_sha256"]
OBJECT_COLUMNS += ["part_count", "part_size_bytes", "header_length", "frame_length", "version_id"]
ALL_COLUMNS = [*OBJECT_COLUMNS, "sealed_content"]


class Catalogue:
    """The catalogue's file in the hands of somebody who may write to it, its rules taken away."""

    def __init__(self, home: Path) -> None:
        self._file = sqlite3.connect(home / "catalogue.sqlite", isolation_level=None)
        triggers = self._file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            self._file.execute(f"DROP TRIGGER {name}")
        self._file.execute("PRAGMA foreign_keys=OFF")
        # A table that is made anew has none of its rules left.
        self._file.execute("CREATE TABLE laid_open AS SELECT * FROM versions")
        self._file.execute("DROP TABLE versions")
        self._file.execute("ALTER TABLE laid_open RENAME TO versions")
        # Other tables refer to these two columns.
        self._file.execute("CREATE UNIQUE INDEX laid_open_key ON versions (record_id, ordinal)")

    def columns(self, record_id: str, ordinal: int, names: list[str]) -> list[object]:
        """A version's columns."""
        row = self._file.execute(
            f"SELECT {', '.join(names)} FROM versions WHERE record_id = ? AND ordinal = ?", (record_id, ordinal)
        ).fetchone()
        return list(row)

    def set(self, record_id: str, ordinal: int, names: list[str], values: list[object]) -> None:
        """Overwrites a version's columns."""
        sets = ", ".join(f"{name} = ?" for name in names)
        self._file.execute(
            f"UPDATE versions SET {sets} WHERE record_id = ? AND ordinal = ?", (*values, record_id, ordinal)
        )

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


@pytest.fixture
def attacked(tmp_path: Path, shared_store: RunningStore) -> Iterator[tuple[Vault, Catalogue, RecordId, RecordId]]:
    """A vault with a record of two versions and another record, and its catalogue laid open."""
    with running_vault(shared_store.settings, tmp_path / "home") as vault:
        mine = add_bytes(vault, staff(vault), LONG).record_id
        _correct(vault, mine, LONG[::-1])
        other = add_bytes(vault, staff(vault), bytes(len(LONG))).record_id
        with closing(Catalogue(tmp_path / "home")) as catalogue:
            yield vault, catalogue, mine, other


def _opens(vault: Vault, record_id: RecordId, truth: bytes, ordinal: int) -> Verdict:
    """What opening and showing a record make of the row; a row that cannot even be read is refused too."""
    try:
        retrieval.show(vault, staff(vault), record_id)
    except Broken:
        return Verdict.REFUSED
    return judge(vault, record_id, truth, ordinal=ordinal)


def test_a_row_that_points_to_another_object_is_refused(
    attacked: tuple[Vault, Catalogue, RecordId, RecordId],
) -> None:
    vault, catalogue, mine, other = attacked
    true = catalogue.columns(mine, 2, ALL_COLUMNS)
    for source, ordinal in ((other, 1), (mine, 1)):
        for names in (
            ["version_id"],
            ["object_key", "version_id"],
            ["object_id", "object_key", "version_id"],
            OBJECT_COLUMNS,
            ALL_COLUMNS,
            ["extent", "leaf"],
            ["sealed_content"],
        ):
            catalogue.set(mine, 2, names, catalogue.columns(source, ordinal, names))
            assert _opens(vault, mine, LONG[::-1], 2) is Verdict.REFUSED, f"{names} of version {ordinal} of {source}"
            catalogue.set(mine, 2, ALL_COLUMNS, true)
    assert _opens(vault, mine, LONG[::-1], 2) is Verdict.TRUE


def test_sizes_leaf_and_ids_of_a_row_that_were_altered_never_make_other_bytes(
    attacked: tuple[Vault, Catalogue, RecordId, RecordId],
) -> None:
    vault, catalogue, mine, _ = attacked
    true = catalogue.columns(mine, 2, ALL_COLUMNS)
    numbers = ("size_bytes", "sealed_size_bytes", "header_length", "frame_length", "extent", "leaf", "part_count")
    refused = 0
    for name in numbers:
        value = catalogue.columns(mine, 2, [name])[0]
        assert isinstance(value, int)
        for altered in {0, 1, value - 1, value + 1, value + FRAME_LENGTH, value - FRAME_LENGTH, value * 2, value // 2}:
            if altered == value or altered < 0 or (name == "leaf" and altered > 63):
                continue
            catalogue.set(mine, 2, [name], [altered])
            try:
                verdict = _opens(vault, mine, LONG[::-1], 2)
            except (ValueError, StrongroomError):
                verdict = Verdict.REFUSED
            assert verdict is not Verdict.PLAUSIBLE, f"{name} {value} -> {altered}"
            refused += verdict is Verdict.REFUSED
            catalogue.set(mine, 2, ALL_COLUMNS, true)
    assert refused > 20


def test_a_digest_that_was_altered_is_found_by_the_doctor(
    attacked: tuple[Vault, Catalogue, RecordId, RecordId], tmp_path: Path, shared_store: RunningStore
) -> None:
    vault, catalogue, mine, _ = attacked
    catalogue.set(mine, 2, ["sealed_sha256"], [hashlib.sha256(b"other").digest()])
    assert _opens(vault, mine, LONG[::-1], 2) is Verdict.TRUE
    findings = examine(settings_over(shared_store.settings, tmp_path / "home"), deep=True)
    assert not next(finding for finding in findings if finding.check == "versions-in-store").ok


def test_sealed_texts_exchanged_between_records_and_revisions_are_refused(
    attacked: tuple[Vault, Catalogue, RecordId, RecordId], tmp_path: Path
) -> None:
    vault, _, mine, other = attacked
    with closing(sqlite3.connect(tmp_path / "home" / "catalogue.sqlite", isolation_level=None)) as file:
        rows = file.execute("SELECT record_id, revision, sealed FROM descriptions").fetchall()
        for record_id, revision, _ in rows:
            for source, number, sealed in rows:
                if (source, number) == (record_id, revision):
                    continue
                file.execute(
                    "UPDATE descriptions SET sealed = ? WHERE record_id = ? AND revision = ?",
                    (sealed, record_id, revision),
                )
                with pytest.raises(SealBroken):
                    retrieval.show(vault, staff(vault), RecordId(record_id))
            true = next(row[2] for row in rows if row[:2] == (record_id, revision))
            file.execute(
                "UPDATE descriptions SET sealed = ? WHERE record_id = ? AND revision = ?", (true, record_id, revision)
            )
    assert len(rows) == 3
    assert retrieval.show(vault, staff(vault), mine).view.description is not None
    assert retrieval.show(vault, staff(vault), other).view.description is not None
