"""Real root keepers for tests: sealed files, SoftHSM2 in a folder of its own, a software TPM on a Unix socket.

Rule 1: a keeper is written down as a ``KeeperSpec``, so that another process opens the same one.
Rule 2: the token and the TPM belong to the run alone, and the TPM's process ends with it (``setpriv --pdeathsig``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import pkcs11

from storage.keeper.file import FileKeeper
from storage.keeper.pkcs11 import Pkcs11Keeper
from storage.keeper.sealed import SealedKeeper
from storage.keeper.tpm import TpmKeeper
from storage.machine import SystemRandomness
from vault.errors import NotFound
from vault.ports import RootKeeper
from vault.seal.secrets import Secret
from vault.seal.unlock import Argon2Cost

KINDS = ("file-key", "file-passphrase", "pkcs11", "tpm")
PASSPHRASE = "three boxes of 文書 in the attic"
PIN = "48151623"
TOKEN = "strongroom tests"
CHEAP = Argon2Cost(memory_kib=256, passes=1, lanes=1)
START_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperSpec:
    """How to open one keeper; ``secret`` is its passphrase or PIN, ``device`` its module or TCTI."""

    kind: str
    folder: str
    secret: str = PIN
    device: str = ""

    def open(self, *, secret: str | None = None) -> SealedKeeper:
        """The keeper, opened by a process of its own as far as it can tell."""
        folder, secret = Path(self.folder), self.secret if secret is None else secret
        if self.kind == "file-key":
            return FileKeeper(folder, SystemRandomness(), key=secret.encode().ljust(32, b"."))
        if self.kind == "file-passphrase":
            return FileKeeper(folder, SystemRandomness(), passphrase=secret, cost=CHEAP)
        if self.kind == "pkcs11":
            return Pkcs11Keeper(folder, SystemRandomness(), module=Path(self.device), token=TOKEN, pin=secret)
        return TpmKeeper(folder, SystemRandomness(), tcti=self.device, pin=secret)

    def to_json(self) -> str:
        """For the arguments of another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The reverse of ``to_json``."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftToken:
    """A SoftHSM2 token and its folder. ``environment`` is what its library needs."""

    folder: Path
    module: Path
    environment: dict[str, str]


def find_softhsm() -> Path:
    """The library of SoftHSM2. Raises ``RuntimeError`` with the way out."""
    places = (
        "/usr/lib/softhsm",
        "/usr/lib/*/softhsm",
        "/usr/lib64/softhsm",
        "/usr/lib64/pkcs11",
        "/usr/local/lib/softhsm",
    )
    for place in places:
        for found in Path("/").glob(f"{place[1:]}/libsofthsm2.so"):
            return found
    raise RuntimeError("SoftHSM2 is not installed; run: apt-get install softhsm2")


@contextmanager
def soft_token() -> Iterator[SoftToken]:
    """A new token, which this process's environment and library point to for the duration.

    The library reads its settings as it starts: one that another test's token has started knows that token alone.
    """
    folder = Path(tempfile.mkdtemp(prefix="strongroom-token-"))
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    try:
        command = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--so-pin", PIN, "--pin", PIN]
        subprocess.run(command, check=True, capture_output=True)
        pkcs11.lib(str(find_softhsm())).reinitialize()
        yield SoftToken(folder=folder / "tokens", module=find_softhsm(), environment={"SOFTHSM2_CONF": str(settings)})
    finally:
        if before is None:
            del os.environ["SOFTHSM2_CONF"]
        else:
            os.environ["SOFTHSM2_CONF"] = before
            pkcs11.lib(str(find_softhsm())).reinitialize()
        shutil.rmtree(folder)


@dataclass(slots=True, kw_only=True)
class SoftTpm:
    """A software TPM; ``state`` is where it keeps its memory."""

    state: Path
    socket: Path
    _server: subprocess.Popen[bytes] | None = None

    @property
    def tcti(self) -> str:
        """Its name for tpm2-tools."""
        return f"swtpm:path={self.socket}"

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        command = [
            "setpriv",
            "--pdeathsig",
            "TERM",
            "--",
            "swtpm",
            "socket",
            "--tpm2",
            "--tpmstate",
            f"dir={self.state}",
        ]
        command += ["--server", f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,path={self.socket}.ctrl"]
        command += ["--flags", "not-need-init,startup-clear"]
        with (self.state / "server.log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log)
        give_up_at = time.monotonic() + START_LIMIT_S
        while self.run("getcap", "properties-variable").returncode != 0:
            if self._server.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"swtpm did not start: {(self.state / 'server.log').read_text()}")
            time.sleep(0.03)

    def stop(self) -> None:
        """Takes it away, with its memory kept."""
        server, self._server = self._server, None
        if server is not None:
            server.terminate()
            server.wait(timeout=START_LIMIT_S)

    def run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        """Runs a command of tpm2-tools."""
        arguments = ["tpm2", command[0], "-T", self.tcti, *command[1:]]
        return subprocess.run(arguments, capture_output=True, check=False)


@contextmanager
def soft_tpm() -> Iterator[SoftTpm]:
    """A new TPM that runs for the duration. Raises ``RuntimeError`` when it cannot."""
    for program in ("swtpm", "tpm2", "setpriv"):
        if shutil.which(program) is None:
            raise RuntimeError(f"{program} is not installed; run: apt-get install swtpm tpm2-tools libtss2-tcti-swtpm0")
    # Short: the address of a Unix socket has 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="strongroom-tpm-"))
    tpm = SoftTpm(state=folder, socket=folder / "socket")
    try:
        tpm.start()
        yield tpm
    finally:
        tpm.stop()
        shutil.rmtree(folder)


def newest_root(keeper: RootKeeper, tree_id: bytes) -> Secret:
    """The promoted root of the highest generation. Raises ``NotFound`` when the keeper has none."""
    promoted = [held for held in keeper.held(tree_id) if held.promoted]
    if not promoted:
        raise NotFound(f"the keeper {keeper.name} has no root of this vault")
    newest = max(promoted, key=lambda held: held.generation)
    return keeper.root(tree_id, newest.generation, newest.attempt)
