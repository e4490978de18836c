"""Time stamps over checkpoints, by a real authority (`openssl ts`): kept, judged by others; and its absence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from storage.assembly import open_vault
from storage.settings import load_settings
from storage.timestamps.authority import open_authority
from tests.support.backups import own_bucket
from tests.support.store import RunningStore
from tests.support.tsa import TimeStampingAuthority, time_stamping_authority
from tests.support.vault import settings_over, staff
from vault.audit import Event
from vault.errors import SealBroken, SettingsWrong, TimeStampUnavailable
from vault.people import CLOCK_ID
from vault.timestamps import TimeStamping
from vault.workflows import log, logstamps, upkeep
from vault.workflows.vault import Vault

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify_audit"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeStampingAuthority]:
    """An authority that answers."""
    with time_stamping_authority(tmp_path_factory.mktemp("authority") / "tsa") as made:
        yield made


@pytest.fixture
def stamping(authority: TimeStampingAuthority) -> Iterator[TimeStamping]:
    """What the vault is given of it."""
    authority.away = authority.wrong = False
    opened, stamping = open_authority(authority.url, authority.roots)
    yield stamping
    opened.close()


def grow(vault: Vault) -> int:
    with vault.catalogue.write() as tx:
        tx.audit.append(vault.entry(CLOCK_ID, Event.DRILL_RUN, vault.vault_id))
    head = log.publish(vault)
    assert head is not None
    return head.size


def taken(vault: Vault, folder: Path) -> Path:
    for name, body in log.export(vault, staff(vault)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def verified(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-W", "error", str(SCRIPT), str(folder), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_stamped_checkpoint_is_taken_away_and_judged_by_others(
    fresh_vault: Vault, authority: TimeStampingAuthority, stamping: TimeStamping, tmp_path: Path
) -> None:
    vault = fresh_vault
    first = grow(vault)
    outcome = logstamps.stamp_log(vault, stamping)
    assert (outcome.code, outcome.values["entries"]) == ("log-stamped", first)
    asked = authority.asked
    logstamps.stamp_log(vault, stamping)
    assert authority.asked == asked, "one stamp a checkpoint"
    second = grow(vault)
    logstamps.stamp_log(vault, stamping)
    third = grow(vault)
    kept = list(logstamps.stamps(vault))
    assert [size for size, _, _ in kept] == [second, first]
    key = vault.layout.log_stamp(vault.fonds.tree_id, first)
    facts = vault.store.head(key)
    assert facts is not None
    assert facts.lock is not None, "beside the checkpoints, as locked as they are"
    roots = x509.load_pem_x509_certificates(authority.roots.read_bytes())
    judge = VerifierBuilder(roots=roots).build()
    for _, note, stamp in kept:
        assert judge.verify_message(decode_timestamp_response(stamp), note)
        with pytest.raises(VerificationError):
            judge.verify_message(decode_timestamp_response(stamp), note + b" ")

    folder = taken(vault, tmp_path / "log")
    done = verified(folder, "--tsa-roots", authority.roots)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"verified: {third} entries")
    for size in (first, second):
        assert f"stamped: {size} entries were there at 20" in done.stdout
    told = verified(folder)
    assert told.returncode == 0
    assert "2 time stamps are not judged; give --tsa-roots" in told.stderr


def test_a_stamp_that_was_changed_swapped_or_is_by_another_is_refused(
    fresh_vault: Vault, authority: TimeStampingAuthority, stamping: TimeStamping, tmp_path: Path
) -> None:
    vault = fresh_vault
    sizes = []
    for _ in range(2):
        sizes.append(grow(vault))
        logstamps.stamp_log(vault, stamping)
    folder = taken(vault, tmp_path / "log")
    one, other = (folder / "stamped" / f"{size}.tsr" for size in sizes)
    right = one.read_bytes()
    for place in (3, len(right) // 2, len(right) - 1):
        changed = bytearray(right)
        changed[place] ^= 1
        one.write_bytes(changed)
        assert verified(folder, "--tsa-roots", authority.roots).returncode == 1, place
    for body in (other.read_bytes(), right + b"0", b"", b"0\x00"):
        one.write_bytes(body)
        assert verified(folder).returncode == 1
    one.write_bytes(right)
    assert verified(folder, "--tsa-roots", authority.roots).returncode == 0
    with time_stamping_authority(tmp_path / "another") as another:
        assert verified(folder, "--tsa-roots", another.roots).returncode == 1
        opened, foreign = open_authority(authority.url, another.roots)
        with pytest.raises(SealBroken):
            foreign.stamp(b"something")
        opened.close()
    note = (folder / "stamped" / str(sizes[0])).read_bytes()
    one.unlink()
    assert verified(folder).returncode == 1, "a checkpoint without its stamp"
    (folder / "stamped" / str(sizes[0])).unlink()
    assert verified(folder).returncode == 0
    (folder / "stamped" / "1").write_bytes(note)
    one.with_name("1.tsr").write_bytes(right)
    assert verified(folder).returncode == 1, "under another size"


def test_an_authority_that_answers_something_else_is_not_believed(
    authority: TimeStampingAuthority, stamping: TimeStamping
) -> None:
    stamping.stamp(b"first")
    authority.wrong = True
    for message in (b"another", b"first"):
        with pytest.raises(SealBroken):
            stamping.stamp(message)


def test_an_authority_that_is_away_delays_the_stamp_alone_and_is_told(
    shared_store: RunningStore, authority: TimeStampingAuthority, tmp_path: Path
) -> None:
    authority.away, authority.wrong = True, False
    store = own_bucket(shared_store)
    settings = settings_over(store, tmp_path / "home").model_copy(
        update={"tsa_url": authority.url, "tsa_roots": authority.roots}
    )
    with open_vault(settings, create=True) as vault:
        runs = {run.job: run for run in upkeep.run_due(vault)}
        outcome = runs["stamp-log"].outcome
        assert outcome is not None
        assert json.loads(outcome.kept()) == {"code": "failed", "error": TimeStampUnavailable.code}
        published = runs["publish-log"].outcome
        assert published is not None
        assert published.code == "log-published", "nothing else waits"
        assert "stamp-log" in {run.job for run in upkeep.state(vault, staff(vault)).jobs}
        authority.away = False
        outcome = {run.job: run.outcome for run in upkeep.run_due(vault, only={"stamp-log"}, rung=True)}["stamp-log"]
        assert outcome is not None
        assert outcome.code == "log-stamped"


def test_settings_of_an_authority_are_whole_or_refused(tmp_path: Path) -> None:
    for given in (
        {"tsa_url": "http://127.0.0.1:1/"},
        {"tsa_roots": tmp_path},
        {"tsa_url": "ftp://x", "tsa_roots": tmp_path},
    ):
        with pytest.raises(SettingsWrong, match="tsa_"):
            load_settings(**given)
    none = tmp_path / "none.pem"
    with pytest.raises(SettingsWrong, match="cannot be read"):
        open_authority("http://127.0.0.1:1/", none)
    none.write_text("no certificate")
    with pytest.raises(SettingsWrong, match="PEM"):
        open_authority("http://127.0.0.1:1/", none)
