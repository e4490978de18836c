"""Kills a keeper's process at every step of one operation, and looks at what is left. Run as a program.

    python -m tests.storage.keeper.crashing SPEC stage|promote|destroy EVERY

A step is a call or return of a function of ``storage.keeper``, or of the operating system from it. Each round is three
processes: one prepares, one is killed (SIGKILL) at step n, one checks, repeats the operation and checks again. EVERY
takes each so manieth step. Prints how many were tried; ends with 1 and says why when a check fails.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from storage.keeper.sealed import SealedKeeper
from tests.support.keepers import KeeperSpec
from vault.errors import NotFound, SealBroken
from vault.ports import HeldRoot, RootKeeper
from vault.seal.rootfile import RootId
from vault.seal.secrets import Secret

CALLS = {
    "open",
    "write",
    "flush",
    "close",
    "fsync",
    "pwrite",
    "rename",
    "unlink",
    "flock",
    "fork_exec",
    "read",
    "scandir",
}
ONCE_A_ROOT = {"_root_id", "_policy"}
DONE, KILLED = 0, -signal.SIGKILL


def secret_of(*what: object) -> Secret:
    """A root that every process knows."""
    return Secret(hashlib.sha256(repr(what).encode()).digest())


def attempt_of(*what: object) -> bytes:
    """An attempt that every process knows."""
    return hashlib.sha256(repr(("attempt", *what)).encode()).digest()[:16]


class Round:
    """One operation on a tree of its own: generation 1 is in force, 2 is staged or promoted beside a stray attempt."""

    def __init__(self, operation: str, step: int) -> None:
        self.operation = operation
        self.tree = attempt_of("tree", operation, step)
        self.new = attempt_of("new", step)
        self.root = secret_of("new", step)

    def prepare(self, keeper: RootKeeper) -> None:
        """Everything before the operation."""
        keeper.stage(self.tree, 1, attempt_of(1), secret_of(1))
        keeper.promote(self.tree, 1, attempt_of(1))
        if self.operation != "stage":
            keeper.stage(self.tree, 2, self.new, self.root)
        if self.operation == "destroy":
            keeper.stage(self.tree, 2, attempt_of("stray"), secret_of("stray"))
            keeper.promote(self.tree, 2, self.new)

    def operate(self, keeper: RootKeeper) -> None:
        """The operation."""
        if self.operation == "stage":
            keeper.stage(self.tree, 2, self.new, self.root)
        elif self.operation == "promote":
            keeper.promote(self.tree, 2, self.new)
        else:
            keeper.destroy_others(self.tree, 2, self.new)

    def check_before(self, keeper: RootKeeper, folder: Path) -> None:
        """What is true wherever the operation was cut off."""
        held = list(keeper.held(self.tree))
        old = [root for root in held if root.generation == 1]
        if self.operation != "destroy":
            assert old == [HeldRoot(generation=1, attempt=attempt_of(1), promoted=True)], held
            assert keeper.root(self.tree, 1, attempt_of(1)) == secret_of(1)
        if self.operation != "stage":
            assert keeper.root(self.tree, 2, self.new) == self.root
        for root in held:
            # What is listed opens to what it was, or says that it does not.
            try:
                opened = keeper.root(self.tree, root.generation, root.attempt)
            except (NotFound, SealBroken):
                continue
            assert opened in (secret_of(1), self.root, secret_of("stray"))

    def check_after(self, keeper: RootKeeper, folder: Path) -> None:
        """What is true when it was done again."""
        held = {(root.generation, root.attempt): root.promoted for root in keeper.held(self.tree)}
        assert keeper.root(self.tree, 2, self.new) == self.root
        if self.operation == "stage":
            assert held == {(1, attempt_of(1)): True, (2, self.new): False}, held
        elif self.operation == "promote":
            assert held == {(1, attempt_of(1)): True, (2, self.new): True}, held
        else:
            assert held == {(2, self.new): True}, held
            names = [path.name for path in folder.glob(f"*{self.tree.hex()}*")]
            assert len(names) == 1, names
        assert not list(folder.glob(".new-*"))

    def tidy(self, keeper: SealedKeeper) -> None:
        """Frees the device's memory for the next round."""
        for root in keeper.held(self.tree):
            root_id = RootId(tree_id=self.tree, generation=root.generation, attempt=root.attempt)
            keeper._keys.destroy(root_id)
            keeper._folder.destroy(root_id)


def in_child(work: Callable[[], None]) -> int:
    """Runs something in a process of its own; gives its exit status, negative when a signal ended it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except Exception:  # noqa: BLE001 - the process ends here; its traceback is what the test shows
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die_at(step: int) -> None:
    """From here on, the ``step``-th step is the last."""
    left = step

    def count(frame: FrameType, event: str, called: object) -> None:
        nonlocal left
        if event.startswith("c_"):
            is_step = getattr(called, "__name__", "") in CALLS
        else:
            code = frame.f_code
            is_step = "/storage/keeper/" in code.co_filename and "/tests/" not in code.co_filename
            # What runs once a file or once a key changes nothing, and would make the steps grow with each round.
            is_step = is_step and not code.co_name.startswith("<") and code.co_name not in ONCE_A_ROOT
        if is_step:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)


def try_step(spec: KeeperSpec, operation: str, step: int) -> bool:
    """One round; whether the process was still killed at this step."""
    round_, folder = Round(operation, step), Path(spec.folder)

    def killed() -> None:
        keeper = spec.open()
        die_at(step)
        round_.operate(keeper)
        sys.setprofile(None)

    def checked() -> None:
        round_.check_before(spec.open(), folder)
        keeper = spec.open()
        round_.operate(keeper)
        round_.operate(keeper)
        round_.check_after(spec.open(), folder)
        round_.tidy(keeper)

    if in_child(lambda: round_.prepare(spec.open())) != DONE:
        sys.exit(f"{operation}: step {step} could not be prepared")
    status = in_child(killed)
    if status not in (DONE, KILLED) or in_child(checked) != DONE:
        sys.exit(f"{operation}: what was left after step {step} is wrong (the killed process ended with {status})")
    return status == KILLED


def main() -> None:
    """Tries the steps until the operation ends before the next one."""
    spec, operation, every = KeeperSpec.from_json(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    step = tried = 0
    while try_step(spec, operation, step):
        tried += 1
        step += every
    print(tried)


if __name__ == "__main__":
    main()
