"""What tests of workflows may ask for."""

from __future__ import annotations

import pytest

from tests.support.vault import staff
from vault.permissions import Actor
from vault.workflows.vault import Vault


@pytest.fixture
def actor(vault: Vault) -> Actor:
    """Somebody who may do what staff do; nobody may become a person in a module that asks for this."""
    return staff(vault)
