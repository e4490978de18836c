"""Turns among those who share a catalogue: one after the other, by name, and none outlives its process."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from storage.catalogue.database import SqlCatalogue, open_catalogue
from tests.support.lockraces import race_in_one_process, race_of_two_processes
from tests.support.store import RunningStore

_HOLDING = """
import sys, time
from storage.catalogue.database import open_catalogue
with open_catalogue(sys.argv[1]).turn("this"):
    print("mine", flush=True)
    time.sleep(60)
"""


def test_whoever_names_the_same_waits_and_others_do_not(catalogue: SqlCatalogue, url: str) -> None:
    seen: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with catalogue.turn("this"):
            entered.set()
            leave.wait(120)
            seen.append("first")

    def second() -> None:
        with closing(open_catalogue(url)) as other, other.turn("this"):
            seen.append("second")

    with ThreadPoolExecutor(2) as pool:
        ahead = pool.submit(first)
        assert entered.wait(120)
        behind = pool.submit(second)
        with catalogue.turn("something else"):
            time.sleep(0.3)
            assert not behind.done()
        leave.set()
        ahead.result()
        behind.result()
    assert seen == ["first", "second"]


def test_a_killed_process_gives_its_turn_back(catalogue: SqlCatalogue, url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDING, url], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        other.kill()
    with catalogue.turn("this"):
        pass


def test_no_lock_and_no_hold_is_lost_between_threads_or_processes(shared_store: RunningStore) -> None:
    assert race_in_one_process(shared_store, 30).lost == 0
    assert race_of_two_processes(shared_store, 60).lost == 0
