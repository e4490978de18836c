"""One installation for all tests of the command, made by the command; its real embedded store runs meanwhile."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from storage.assembly import open_vault
from storage.objects.embedded import EmbeddedStore
from storage.settings import load_settings
from vault.cli.invocation import Invocation
from vault.cli.main import run_command
from vault.workflows.vault import Vault

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended."""

    code: int
    stdout: bytes
    talk: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A home with a vault in it, whose store runs."""

    home: Path
    first_init: Any
    s3: dict[str, object]

    def open(self) -> AbstractContextManager[Vault]:
        """The vault itself, to look behind a command. Commands run before or after, or in a process of their own."""
        return open_vault(load_settings(home=self.home, **self.s3))


Strongroom = Callable[..., Done]


def start(
    arguments: Sequence[str], *, home: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """The command as a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM_")}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "vault.cli", *arguments],
        cwd=ROOT,
        env={**kept, "STRONGROOM_HOME": str(home), **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes]) -> Done:
    """Waits for a process of ``start``."""
    stdout, talk = process.communicate(timeout=120)
    return Done(code=process.returncode, stdout=stdout, talk=talk.decode())


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A home made by ``strongroom init``; its store is kept running, and the commands join it."""
    home = tmp_path_factory.mktemp("cli") / "home"
    made = finish(start(["init", "--json"], home=home))
    assert made.code == 0, made.talk
    store = EmbeddedStore(home / "store")
    try:
        # Commands in this process go to the running store as to one outside, which spares each of them the joining.
        application = store.start().application
        s3: dict[str, object] = {
            "s3_endpoint": application.endpoint_url,
            "s3_bucket": application.bucket,
            "s3_access_key": application.access_key,
            "s3_secret_key": application.secret_key,
        }
        yield Installation(home=home, first_init=made.document, s3=s3)
    finally:
        store.stop()


@pytest.fixture
def strongroom(
    installation: Installation, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Strongroom:
    """Runs a command on the installation, in this process: everything but the interpreter's start is the real thing."""

    def run(*arguments: str | Path, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capfdbinary.readouterr()
        invocation = Invocation()
        invocation.settings_given.update(installation.s3)
        code = run_command(invocation, ["--home", str(installation.home), *map(str, arguments)])
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        return Done(code=code, stdout=captured.out, talk=captured.err.decode())

    return run
