"""The keepers that the conformance suite runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.keepers import KINDS, PASSPHRASE, KeeperSpec, SoftToken, SoftTpm, soft_token, soft_tpm


@pytest.fixture(scope="session")
def token() -> Iterator[SoftToken]:
    """A SoftHSM2 token for the whole run."""
    with soft_token() as made:
        yield made


@pytest.fixture
def tpm() -> Iterator[SoftTpm]:
    """A software TPM for one test, which may clear, lock or stop it."""
    with soft_tpm() as made:
        yield made


@pytest.fixture(params=KINDS)
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> KeeperSpec:
    """A keeper of each kind, set up."""
    kind: str = request.param
    folder = str(tmp_path / "keeper")
    if kind == "pkcs11":
        token: SoftToken = request.getfixturevalue("token")
        made = KeeperSpec(kind=kind, folder=folder, device=str(token.module))
    elif kind == "tpm":
        tpm: SoftTpm = request.getfixturevalue("tpm")
        made = KeeperSpec(kind=kind, folder=folder, device=tpm.tcti)
    else:
        made = KeeperSpec(kind=kind, folder=folder, secret=PASSPHRASE)
    made.open().set_up()
    return made
