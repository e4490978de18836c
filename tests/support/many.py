"""Many clients at once at a served vault: how they fare, and what it costs the server."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.attacked import Attacked, said
from vault.workflows.vault import MIB, Limits

TRIES: Final = 100
BESIDES_BYTES: Final = 50 * MIB
"""What the process may grow by for all that is no buffer of an upload: connections, threads, the heap's slack."""
WAITING_BYTES: Final = 512 * 1024
"""What an upload that waits in line costs at most: its connection and what was read ahead of its body."""


def memory_bound(uploads: int, size_bytes: int, *, sealing_threads: int = 8) -> int:
    """What that many uploads at once may cost the server in memory, by the rules of ``web/bodies.py``.

    Each that has a place holds the parts under way and one being collected, never more than its file; beside them one
    sealed part a thread. Of a small file, which is stored in one go, the sealed bytes come on top.
    """
    limits = Limits()
    places = min(uploads, limits.uploads_at_once)
    parts = min((limits.parts_in_flight + 1) * limits.part_size_bytes, 2 * size_bytes)
    sealed = sealing_threads * limits.part_size_bytes if size_bytes > limits.part_size_bytes else 0
    return BESIDES_BYTES + places * parts + sealed + uploads * WAITING_BYTES


@contextmanager
def growth_of(pid: int) -> Iterator[list[int]]:
    """How many bytes of memory a process takes at the most beyond what it has now; told at the end of the block."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew (proc(5))
    before, grown = _memory(pid, "VmRSS"), [0]
    yield grown
    grown[0] = _memory(pid, "VmHWM") - before


def _memory(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith(name)).split()[1])


@dataclass(slots=True, kw_only=True)
class Storm:
    """What came of many uploads at once. ``first`` counts the answers to each one's first try."""

    first: Counter[int] = field(default_factory=Counter)
    retries: int = 0
    unclear: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    seconds: float = 0.0
    grown_bytes: int = 0


def storm(vault: Attacked, *, uploads: int, size_bytes: int, name: str) -> Storm:
    """So many clients send a file each at the same moment; who is told 503 comes again under the same key."""
    result, mutex, start = Storm(), threading.Lock(), threading.Barrier(uploads + 1)
    common = os.urandom(size_bytes - 16)

    def send(number: int) -> None:
        unique = os.urandom(16)
        start.wait()
        began = time.monotonic()
        for attempt in range(TRIES):
            status, body, retry_after = _sent(vault, f"{name} {number}", unique, common)
            with mutex:
                if attempt == 0:
                    result.first[status] += 1
                if status in (200, 201):
                    digest = hashlib.sha256(unique)
                    digest.update(common)
                    receipt = json.loads(body)
                    vault.kept[receipt["id"]] = digest.hexdigest()
                    result.longest_s = max(result.longest_s, time.monotonic() - began)
                    if receipt["sha256"] != digest.hexdigest():
                        result.unclear.append(f"{number} was acknowledged with another digest")
                    return
                if status not in (409, 503) or (status == 503 and retry_after is None):
                    result.unclear.append(f"{number}: {status} {body!r}")
                    return
                result.retries += 1
            time.sleep(min(int(retry_after or 1), 2))
        result.unclear.append(f"{number} was never taken")

    threads = [threading.Thread(target=send, args=(number,)) for number in range(uploads)]
    for thread in threads:
        thread.start()
    with growth_of(vault.server.pid) as grown:
        start.wait()
        began = time.monotonic()
        for thread in threads:
            thread.join()
        result.seconds = time.monotonic() - began
    result.grown_bytes = grown[0]
    return result


def _sent(vault: Attacked, key: str, unique: bytes, common: bytes) -> tuple[int, bytes, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", vault.port, timeout=300)
    try:
        connection.putrequest("POST", "/api/v1/records")
        connection.putheader("Authorization", f"Bearer {vault.token}")
        connection.putheader("Strongroom-Metadata", said(file_name="many.bin"))
        connection.putheader("Idempotency-Key", key)
        connection.putheader("Content-Length", str(len(unique) + len(common)))
        connection.endheaders(unique)
        connection.send(common)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("Retry-After")
    except (OSError, http.client.HTTPException) as error:
        return 0, repr(error).encode(), None
    finally:
        connection.close()


def last_use(vault: Attacked, record: str, *, clients: int = 50) -> Counter[int]:
    """So many clients ask for the last use of a new link at the same moment; what they are answered."""
    path, link_id = vault.link(record)
    lines = [vault.line(patience_s=120) for _ in range(clients)]
    try:
        for line in lines:  # all but the last bytes first, so that they really come at once
            line.say(f"POST {path} HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 0\n")
        for line in lines:
            line.say("\n")
        answers = Counter(line.answer()[0] for line in lines)
    finally:
        for line in lines:
            line.close()
    assert vault.uses_taken(link_id) == answers[303], "uses taken and redirections differ"
    return answers
