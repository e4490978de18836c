"""Two hundred uploads at once: memory is bounded, the line is fair, and none is lost (``scripts/bench bad_input`` has
larger files).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.attacked import Attacked, attacked
from tests.support.lines import Line
from tests.support.many import memory_bound, storm
from vault.workflows.vault import MIB, Limits

pytestmark = pytest.mark.faults

UPLOADS = 200
PLACES = Limits().uploads_at_once
BODY = b"waited for"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """One server for the module; at its end all that was acknowledged opens, and the log holds no surprise."""
    home: Path = tmp_path_factory.mktemp("many") / "home"
    with attacked(home) as running:
        yield running
        running.require_whole()
        running.require_quiet_log()


@pytest.mark.parametrize(("uploads", "size"), [(UPLOADS, 200_000), (PLACES + 8, 9 * MIB)])
def test_uploads_at_once_are_all_stored_in_bounded_memory(vault: Attacked, uploads: int, size: int) -> None:
    before = vault.records()
    result = storm(vault, uploads=uploads, size_bytes=size, name=f"storm of {size}")
    assert result.unclear == []
    assert vault.records() - before == uploads
    assert set(result.first) <= {201, 503}
    assert result.grown_bytes <= memory_bound(uploads, size)


def test_whoever_waits_is_taken_in_the_order_of_coming(vault: Attacked) -> None:
    """A client that asks for "100 Continue" is told so when its body is about to be read: when it has a place."""

    def came(stack: ExitStack) -> Line:
        line = stack.enter_context(vault.line())
        return line.say(vault.head(f"Content-Length: {len(BODY)}", "Expect: 100-continue"))

    def stored(line: Line) -> None:
        status, _, body = line.say(BODY).answer()
        assert status == 201
        vault.keep(json.loads(body))

    with ExitStack() as stack:
        holding = [came(stack) for _ in range(PLACES)]
        assert [line.head()[0] for line in holding] == [100] * PLACES
        waiting = []
        for _ in range(6):
            waiting.append(came(stack))
            vault.client.get("/api/v1/classes")  # so that the server has met it before the next one
        for place, line in enumerate(waiting):
            assert all(later.is_silent(0.05) for later in waiting[place:])
            stored(holding[place])
            assert line.head()[0] == 100
        for line in [*holding[len(waiting) :], *waiting]:
            stored(line)


def test_whoever_gives_up_in_the_line_makes_room_for_the_next(vault: Attacked) -> None:
    with ExitStack() as stack:
        head = vault.head(f"Content-Length: {len(BODY)}", "Expect: 100-continue")
        holding = [stack.enter_context(vault.line()).say(head) for _ in range(PLACES)]
        assert [line.head()[0] for line in holding] == [100] * PLACES
        for _ in range(20):
            stack.enter_context(vault.line()).say(head).close(reset=True)
        last = stack.enter_context(vault.line()).say(head)
        for line in holding:
            line.close(reset=True)
        assert last.head()[0] == 100
        status, _, body = last.say(BODY).answer()
        assert status == 201
        vault.keep(json.loads(body))
    time.sleep(0.1)
    vault.require_settled()
