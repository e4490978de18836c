"""Keys by asking the key process: what workers have instead of the root.

    with KeyClient(settings) as keys:
        keys.open()
        keys.leaf_keys(address)

Rule 1: a lost connection is taken up again, the process started again where it died; the question is asked once more.
Every question may be: answers change nothing but what was asked for.
Rule 2: leaf keys are kept, the newest ``kept_leaves`` used, as long as the process says the same generation; none of
an answer that is of another. An answer of a newer generation makes it forget all.
"""

from __future__ import annotations

import json
import socket
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from types import TracebackType
from typing import Final, Self

from storage.keeper import keyframes, keystart
from storage.keeper.keyframes import Ask, Garbled, Gone, Status
from storage.keeper.keyholding import KeySettings
from vault.errors import KeeperUnavailable, StrongroomError
from vault.ports import KeeperStanding
from vault.seal.destruction import Doomed
from vault.seal.increments import Increment, read_increment
from vault.seal.keytree import LeafAddress, LeafKeys

KEPT_LEAVES: Final = 4096
PAUSES_S: Final = (0.0, 0.05, 0.2, 0.8)
"""Before each further try: a process that is being killed may take a connection with it."""


class KeyClient:
    """Keeps the ``KeyCustody`` promise by the key process of a home. Its methods may be called from any thread."""

    def __init__(self, settings: KeySettings, *, read_only: bool = False, kept_leaves: int = KEPT_LEAVES) -> None:
        self._settings = settings
        self._kept_leaves = kept_leaves
        self._greeting = keyframes.greeting(read_only=read_only, given=settings.keepers.given)
        self._mutex = Lock()
        self._lines: list[socket.socket] = []
        self._kept: OrderedDict[LeafAddress, LeafKeys] = OrderedDict()
        self._generation = 0
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Starts the process where none runs, and does not wait for it. Raises ``KeeperUnavailable``,
        ``SettingsWrong``."""
        self._put_back(self._connect())

    def open(self) -> int:
        """What opening does with the keepers: compares them with the catalogue, lets one catch up, reads the root.

        Raises ``CatalogueOlder``, ``KeepersBehind``, ``KeeperUnavailable``, ``SettingsWrong``, ``SealBroken``.
        """
        return int.from_bytes(self._ask(Ask.OPEN), "big")

    def found(self, tree_id: bytes, attempt: bytes) -> None:
        """Draws and keeps the first root of a new fonds; the same again changes nothing. Raises ``Conflict``."""
        self._ask(Ask.FOUND, tree_id + attempt)

    def leaf_keys(self, address: LeafAddress) -> LeafKeys:
        """The keys of one leaf."""
        with self._mutex:
            keys = self._kept.get(address)
            if keys is not None:
                self._kept.move_to_end(address)
                return keys
        generation, body = self._ask_dated(Ask.LEAF, address.to_bytes())
        keys = keyframes.open_keys(body)
        self._keep(generation, [(address, keys)])
        return keys

    def many_leaf_keys(
        self, addresses: Sequence[LeafAddress], *, keep: bool = True
    ) -> list[LeafKeys | StrongroomError]:
        """The keys of many leaves in few questions, or what each one's error is; what is kept is not asked for."""
        found: dict[LeafAddress, LeafKeys | StrongroomError] = {}
        with self._mutex:
            for address in addresses:
                keys = self._kept.get(address)
                if keys is not None:
                    self._kept.move_to_end(address)
                    found[address] = keys
        missing = [address for address in dict.fromkeys(addresses) if address not in found]
        for start in range(0, len(missing), keyframes.LEAVES_MAX):
            asked = missing[start : start + keyframes.LEAVES_MAX]
            generation, body = self._ask_dated(Ask.LEAVES, keyframes.pack_addresses(asked))
            told = list(zip(asked, keyframes.open_found(body), strict=True))
            if keep:
                self._keep(generation, [(address, keys) for address, keys in told if isinstance(keys, LeafKeys)])
            found.update(told)
        return [found[address] for address in addresses]

    def generation(self) -> int:
        """The generation that the process serves."""
        return int.from_bytes(self._ask(Ask.GENERATION), "big")

    def renew(self) -> int:
        """Lets the process go to the catalogue's generation; what was kept here of an older one is forgotten."""
        return int.from_bytes(self._ask(Ask.RENEW), "big")

    def plan(self, doomed: Doomed) -> Increment:
        """Lets the process compute the next batch; the new root stays there."""
        return read_increment([self._ask(Ask.PLAN, keyframes.pack_doomed(doomed))])

    def stage(self, increment: Increment) -> None:
        """Lets the process give the planned root to the keepers."""
        self._ask(Ask.STAGE, keyframes.pack_attempt(increment.generation, increment.attempt))

    def promote(self, generation: int, attempt: bytes) -> None:
        """Puts a staged root in force."""
        self._ask(Ask.PROMOTE, keyframes.pack_attempt(generation, attempt))
        self._forget()

    def destroy_others(self, generation: int, attempt: bytes) -> int:
        """Destroys every other root that is not newer."""
        count = int.from_bytes(self._ask(Ask.DESTROY_OTHERS, keyframes.pack_attempt(generation, attempt)), "big")
        self._forget()
        return count

    def standing(self) -> Sequence[KeeperStanding]:
        """How each keeper stands to the catalogue's root."""
        return keyframes.open_standing(self._ask(Ask.STANDING))

    def describe(self) -> dict[str, int | bool]:
        """The process: ``pid``, ``users`` (open connections), ``locked_in_memory`` (never swapped out)."""
        told: dict[str, int | bool] = json.loads(self._ask(Ask.DESCRIBE))
        return told

    def close(self) -> None:
        """Leaves. The process has let go of the catalogue when this returns, unless others use it."""
        with self._mutex:
            self._is_closed = True
            lines, self._lines = self._lines, []
            self._kept.clear()
        for line in lines:
            with line:
                try:
                    self._exchange(line, Ask.BYE, b"")
                except (Gone, Garbled, OSError):
                    continue  # it is gone already
        keystart.reap()

    def _ask(self, code: Ask, body: bytes = b"") -> bytes:
        return self._ask_dated(code, body)[1]

    def _ask_dated(self, code: Ask, body: bytes) -> tuple[int, bytes]:
        """Generation and body of the answer. Raises the error that was answered."""
        failure: Exception | None = None
        for pause_s in (0.0, *PAUSES_S):
            if pause_s:
                time.sleep(pause_s)
            line = self._take()
            try:
                status, generation, told = self._exchange(line, code, body)
            except BlockingIOError as exc:
                line.close()
                raise KeeperUnavailable("the key process, or a keeper behind it, takes too long; try again") from exc
            except (Gone, Garbled, OSError) as exc:
                failure = exc
                line.close()
                # The others were the same process's, and are lost with it.
                self._drop_lines()
                continue
            self._put_back(line)
            self._notice(generation)
            if status is Status.ERROR:
                raise keyframes.open_error(told)
            return generation, told
        raise KeeperUnavailable(
            f"the key process does not answer; see {keystart.LOG_NAME} in {self._settings.folder}, then try again"
        ) from failure

    def _exchange(self, line: socket.socket, code: Ask, body: bytes) -> tuple[Status, int, bytes]:
        line.sendall(keyframes.question(code, body))
        return keyframes.open_answer(keyframes.receive(line, keyframes.ANSWER_BYTES_MAX))

    def _take(self) -> socket.socket:
        with self._mutex:
            if self._lines:
                return self._lines.pop()
        return self._connect()

    def _connect(self) -> socket.socket:
        line = keystart.connect(self._settings)
        # A process that is just starting reads it later; a line that is lost shows with the question.
        with suppress(BrokenPipeError, ConnectionResetError):
            line.sendall(self._greeting)
        return line

    def _put_back(self, line: socket.socket) -> None:
        with self._mutex:
            if not self._is_closed:
                self._lines.append(line)
                return
        line.close()

    def _drop_lines(self) -> None:
        with self._mutex:
            lines, self._lines = self._lines, []
        for line in lines:
            line.close()

    def _notice(self, generation: int) -> None:
        with self._mutex:
            if generation > self._generation:
                self._generation = generation
                self._kept.clear()

    def _keep(self, generation: int, found: Sequence[tuple[LeafAddress, LeafKeys]]) -> None:
        with self._mutex:
            if not generation or generation != self._generation or self._is_closed:
                return
            for address, keys in found:
                self._kept[address] = keys
            while len(self._kept) > self._kept_leaves:
                self._kept.popitem(last=False)

    def _forget(self) -> None:
        with self._mutex:
            self._kept.clear()
