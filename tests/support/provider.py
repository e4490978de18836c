"""A real provider of OpenID Connect, ``oidc-provider``, as a process on loopback: other people's judgement of ours."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.bentprovider import CLIENT, SECRET

SCRIPT: Final = Path(__file__).parents[1] / "browser" / "provider.mjs"
Accounts = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True, kw_only=True)
class Provider:
    """A provider at a port. ``origin`` is where its client, the vault, is. Started anew it has another key."""

    port: int
    origin: str
    accounts: Accounts
    userinfo: bool
    process: subprocess.Popen[str] | None = None

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, and waits until it listens. Raises ``RuntimeError`` with the way out."""
        node = shutil.which("node")
        if node is None or not (SCRIPT.parent / "node_modules" / "oidc-provider").exists():
            raise RuntimeError("oidc-provider is not installed; run scripts/check once")
        self.process = subprocess.Popen(
            [node, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        told = {
            "port": self.port,
            "client": CLIENT,
            "secret": SECRET,
            "redirects": [f"{self.origin}/sign-in/provider/answer"],
            "leaves": [f"{self.origin}/sign-in"],
            "accounts": self.accounts,
            "userinfo": self.userinfo,
            "key": uuid.uuid4().hex,
        }
        self._say(told)
        assert self.process.stdout is not None
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("the provider did not start")

    def stop(self) -> None:
        """Ends it."""
        if self.process is None:
            return
        self.process.terminate()
        self.process.communicate()
        self.process = None

    def change(self, accounts: Accounts) -> None:
        """Replaces the accounts."""
        self.accounts = accounts
        self._say(accounts)

    def _say(self, what: object) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()


@contextmanager
def provided(port: int, origin: str, accounts: Accounts, *, userinfo: bool = True) -> Iterator[Provider]:
    """A running provider, for the duration of the block. ``userinfo``: groups are told there, not in the token."""
    provider = Provider(port=port, origin=origin, accounts=accounts, userinfo=userinfo)
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()
