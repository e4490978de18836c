"""Lives that add a fonds, each killed at a named point: ``python -m tests.support.fondskilled``.

It reads one JSON object: the vault's home, settings, and the code that is added in the life of each point. It prints
how each life ended. Every life is a fork of this process, which itself opens nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import storage.assembly
import storage.fondshomes
from storage.catalogue.fonds import SqlFondsShelf
from storage.keeper.keyclient import KeyClient
from vault.cli.invocation import Invocation
from vault.cli.main import run_command
from vault.workflows import fonds

_PLACES: Final[Mapping[str, tuple[Any, str]]] = {
    "announce": (fonds, "announce_fonds"),
    "home": (storage.fondshomes, "make_home"),
    "found": (KeyClient, "found"),
    "row": (SqlFondsShelf, "add"),
    "block": (storage.assembly, "reserve_block"),
    "name": (fonds, "name_fonds"),
}
POINTS: Final = ("after:announce", "after:home", "after:found", "after:row", "after:block", "after:name")


def _die_at(point: str) -> None:
    when, _, what = point.partition(":")
    owner, name = _PLACES[what]
    real: Callable[..., Any] = getattr(owner, name)

    def dying(*given: Any, **named: Any) -> Any:
        if when == "after":
            real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def _live(order: Mapping[str, Any], point: str, code: str) -> int:
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(2, 1)
        _die_at(point)
        invocation = Invocation()
        invocation.settings_given.update(order["given"])
        os._exit(run_command(invocation, ["--home", order["home"], "fonds", "add", code, "--name", code]))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    read = json.load(sys.stdin)
    print(json.dumps({point: _live(read, point, code) for point, code in read["lives"].items()}))
