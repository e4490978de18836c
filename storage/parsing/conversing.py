"""The application's side of a conversation with one parser: bounded in time and bytes, and believing nothing."""

from __future__ import annotations

import json
import os
import select
from collections.abc import Mapping
from time import monotonic
from typing import Any

from storage.parsing import frames
from vault.previews import Parsed, Source, Unreadable, unreadable


class Line:
    """Both pipes of one parser, until a moment. Raises ``NotReadable`` when it is over or the parser is gone."""

    def __init__(self, reading: int, writing: int, until: float) -> None:
        self._reading = reading
        self._writing = writing
        self._until = until
        self.has_heard = False

    def send(self, told: bytes) -> None:
        """All of it."""
        view = memoryview(told)
        while view:
            self._wait(self._writing, select.POLLOUT)
            try:
                view = view[os.write(self._writing, view) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise unreadable(Unreadable.GAVE_UP) from None

    def receive(self, count: int) -> bytes:
        """So many bytes."""
        pieces, missing = [], count
        while missing > 0:
            self._wait(self._reading, select.POLLIN)
            try:
                piece = os.read(self._reading, missing)
            except BlockingIOError:
                continue
            if not piece:
                raise unreadable(Unreadable.GAVE_UP)
            self.has_heard = True
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def _wait(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left = self._until - monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise unreadable(Unreadable.TOOK_TOO_LONG)


def converse(line: Line, source: Source) -> Parsed:
    """Gives the parser the pieces that it asks for until it has answered. Raises ``NotReadable`` with the reason."""
    while True:
        kind = line.receive(1)
        if kind == frames.READ:
            start, length = frames.PIECE.unpack(line.receive(frames.PIECE.size))
            if not 0 < length <= frames.READ_BYTES_MAX or start + length > source.size_bytes:
                raise unreadable(Unreadable.GAVE_UP)
            line.send(source.read(start, length))
            continue
        facts_bytes, body_bytes = frames.RESULT.unpack(line.receive(frames.RESULT.size))
        if facts_bytes > frames.FACTS_BYTES_MAX or body_bytes > frames.BODY_BYTES_MAX:
            raise unreadable(Unreadable.GAVE_UP)
        facts = _facts(line.receive(facts_bytes))
        if kind == frames.DONE:
            return Parsed(facts=facts, body=line.receive(body_bytes))
        raise unreadable(_reason(facts))


def _facts(told: bytes) -> Mapping[str, Any]:
    try:
        facts = json.loads(told)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise unreadable(Unreadable.GAVE_UP)
    return facts


def _reason(facts: Mapping[str, Any]) -> Unreadable:
    try:
        return Unreadable(str(facts.get("reason")))
    except ValueError:
        return Unreadable.BROKEN
