"""Faults around the steps of a destruction: keys, catalogue and store are the real ones, with something in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from tests.vault.workflows.faults import Fault, Watch, interposed
from vault.ports import KeyCustody
from vault.workflows.vault import Vault


class _Keys:
    def __init__(self, real: KeyCustody, watch: Watch) -> None:
        self._real, self._watch = real, watch

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._real, name)

        def watched(*given: Any, **named: Any) -> Any:
            self._watch(f"before:keys.{name}")
            answer = call(*given, **named)
            self._watch(f"after:keys.{name}")
            return answer

        return watched


def watched_destruction(vault: Vault, watch: Watch) -> Vault:
    """The vault, with ``watch`` told of every call of the store and of the keys' custody."""
    return replace(vault, store=interposed(vault.store, watch), keys=cast(KeyCustody, _Keys(vault.keys, watch)))


def faulty_keys(vault: Vault, point: str, error: Callable[[], BaseException], *, times: int = 1) -> Vault:
    """The vault with one fault in it."""
    return watched_destruction(vault, Fault(point=point, error=error, times=times).watch)
