"""A vault with two keepers, backed up to a bucket, is lost with its home, its first keeper and its objects."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.objects.settings import S3Settings
from tests.support.backups import own_bucket
from tests.support.store import RunningStore
from tests.vault.cli.conftest import Done
from vault.cli import exits
from vault.cli.invocation import Invocation
from vault.cli.main import run_command

KEY = "0123456789abcdef" * 4


@pytest.fixture
def command(
    shared_store: RunningStore, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., Done]:
    """The command on a home, a bucket and a keeper that are named each time; backups have a bucket of their own."""
    backups = own_bucket(shared_store)
    monkeypatch.setattr(sys, "stdin", None)

    def run(home: Path, bucket: S3Settings, *arguments: str | Path, keeper: dict[str, object] | None = None) -> Done:
        capfdbinary.readouterr()
        invocation = Invocation()
        invocation.settings_given.update(
            {
                "s3_endpoint": bucket.endpoint_url,
                "s3_bucket": bucket.bucket,
                "s3_access_key": bucket.access_key,
                "s3_secret_key": bucket.secret_key,
                "backup_s3_endpoint": backups.endpoint_url,
                "backup_s3_bucket": backups.bucket,
                "backup_s3_access_key": backups.access_key,
                "backup_s3_secret_key": backups.secret_key,
                **(keeper or {}),
            }
        )
        code = run_command(invocation, ["--home", str(home), *map(str, arguments)])
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        return Done(code=code, stdout=captured.out, talk=captured.err.decode())

    return run


def test_the_second_keeper_and_the_bucket_of_backups_are_enough(
    command: Callable[..., Done], shared_store: RunningStore, tmp_path: Path
) -> None:
    first, bucket = tmp_path / "first", own_bucket(shared_store)
    second = tmp_path / "stick"
    key = tmp_path / "key"
    key.write_text(KEY + "\n", encoding="utf-8")
    key.chmod(0o600)

    def here(*arguments: str | Path) -> Done:
        done = command(first, bucket, *arguments)
        assert done.code == exits.OK, done.talk
        return done

    here("init")
    here("keeper", "add", "stick", "--kind", "file", "--folder", second, "--key-file", key)
    numbers = {}
    for name in ("stays", "goes"):
        paper = tmp_path / f"{name}.txt"
        paper.write_text(name, encoding="utf-8")
        added = here("record", "add", paper, "--class", "house", "--json")
        numbers[name] = added.document["files"][0]["number"]
    here("backup", "run")
    # The keys of one die after the backup; its next pages go to the bucket of backups with them.
    gone = here("destruction", "run", numbers["goes"], "--filed-in-error", "--i-am-alone", "--json")
    assert gone.document["state"] == "effective"
    assert here("backup", "verify", "--json").document["sound"]

    shutil.rmtree(first)
    shutil.rmtree(tmp_path / "first-keeper")
    elsewhere, empty = tmp_path / "elsewhere", own_bucket(shared_store)
    kept: dict[str, object] = {"keeper_folder": second, "keeper_key_file": key}

    def there(*arguments: str | Path) -> Done:
        return command(elsewhere, empty, *arguments, keeper=kept)

    restored = there("restore", "--json")
    assert restored.code == exits.OK, restored.talk
    opened = there("record", "open", numbers["stays"], "--purpose", "business")
    assert (opened.code, opened.stdout) == (exits.OK, b"stays"), opened.talk
    dead = there("record", "open", numbers["goes"], "--purpose", "business")
    assert (dead.code, dead.stdout) == (exits.REFUSED, b""), dead.talk
