"""``scripts/bench api``: the interface for programs, judged by schemathesis: what it makes of the description, by role.

The same code as in ``tests/web/test_api_judged.py``, with more requests for each operation.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import structlog

from scripts.benchmarks.frame import Measure, at_most
from tests.support.judged import judge
from tests.support.store import running_store
from tests.support.things import one_of_everything
from tests.support.vault import running_vault
from tests.web.conftest import serving

EXAMPLES, QUICK_EXAMPLES = 10, 1


def measure(quick: bool) -> list[Measure]:
    """What was found, of so many answers."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="strongroom-api-")))
        store = stack.enter_context(running_store(folder / "store"))
        vault = stack.enter_context(running_vault(store.settings, folder / "home"))
        served = stack.enter_context(serving(vault))
        known = one_of_everything(vault)
        begun = time.process_time()
        found = judge(vault, served.address, known=known, examples=QUICK_EXAMPLES if quick else EXAMPLES)
        spent_s = time.process_time() - begun
    for fault in found.faults:
        print(fault, file=sys.stderr)
    return [
        at_most("server errors", 0, len(found.server_errors)),
        at_most("answers that are not described", 0, len(found.undocumented)),
        at_most("answers that a role should not get", 0, len(found.forbidden)),
        at_most("wrong requests that were accepted", 0, len(found.accepted)),
        Measure(measure="answers judged", goal="", figure=found.answers),
        *(
            Measure(measure=f"answers with {status}", goal="", figure=count)
            for status, count in found.by_status.items()
        ),
        Measure(measure="requests, server and judge together", goal="", figure=spent_s, unit="CPU s"),
    ]
