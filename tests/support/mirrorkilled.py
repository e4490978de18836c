"""A mirror of holds, killed at its n-th call of the store: ``python -m tests.support.mirrorkilled``.

It reads one JSON object: where everything is, how many steps are recorded at once, at which call to die, and whether
the store has answered by then.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import cast

from storage.assembly import open_vault
from storage.objects.settings import S3Settings
from tests.support.vault import settings_over
from vault.ports import ObjectStore
from vault.workflows import mirror


class Mortal:
    """A store whose n-th legal hold is the last."""

    def __init__(self, real: ObjectStore, die_at: int, *, answered: bool) -> None:
        self._real, self._die_at, self._answered = real, die_at, answered
        self._calls, self._mutex = 0, Lock()

    def set_legal_hold(self, key: str, version_id: str, *, held: bool) -> None:
        """Sets it, or dies."""
        with self._mutex:
            self._calls += 1
            last = self._calls == self._die_at
        if last and not self._answered:
            os.kill(os.getpid(), signal.SIGKILL)
        self._real.set_legal_hold(key, version_id, held=held)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Mirrors until it dies."""
    order = json.loads(sys.stdin.read())
    settings = settings_over(S3Settings(**order["store"]), Path(order["home"]), catalogue_url=order["catalogue_url"])
    with open_vault(settings) as vault:
        mortal = Mortal(vault.store, order["die_at"], answered=order["answered"])
        mirror.mirror(replace(vault, store=cast(ObjectStore, mortal)), recorded_at_once=order["recorded_at_once"])


if __name__ == "__main__":
    main()
