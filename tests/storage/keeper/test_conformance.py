"""What every root keeper promises, run on each real one: sealed files, SoftHSM2, a software TPM."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.keeper.readonly import ReadOnlyKeeper
from storage.keeper.sealed import SealedKeeper
from tests.support.keepers import KeeperSpec, SoftToken, SoftTpm
from vault.errors import AlreadyExists, Conflict, KeeperUnavailable, NotAllowed, NotFound, SealBroken, SettingsWrong
from vault.ports import HeldRoot, RootKeeper
from vault.seal.secrets import Secret

ROOT_FOLDER = Path(__file__).resolve().parents[3]
CRASH_EVERY = {"file-key": 6, "file-passphrase": 45, "pkcs11": 40, "tpm": 330}
"""Each so manieth step is tried: 1 tries all, which takes minutes on the devices."""


def new() -> tuple[bytes, Secret]:
    """An attempt and a root."""
    return os.urandom(16), Secret(os.urandom(32))


def in_force(keeper: RootKeeper, tree: bytes, generation: int) -> tuple[bytes, Secret]:
    """A root that was staged and promoted."""
    attempt, root = new()
    keeper.stage(tree, generation, attempt, root)
    keeper.promote(tree, generation, attempt)
    return attempt, root


@pytest.fixture
def keeper(spec: KeeperSpec) -> SealedKeeper:
    return spec.open()


@pytest.fixture
def tree() -> bytes:
    return os.urandom(16)


def test_a_staged_root_is_given_back_also_to_another_process(spec: KeeperSpec, tree: bytes) -> None:
    attempt, root = new()
    spec.open().stage(tree, 1, attempt, root)
    again = spec.open()
    assert again.root(tree, 1, attempt) == root
    assert again.held(tree) == [HeldRoot(generation=1, attempt=attempt, promoted=False)]
    assert tree in again.trees()
    assert again.held(os.urandom(16)) == []


def test_promotion_is_seen_and_may_be_repeated(spec: KeeperSpec, keeper: SealedKeeper, tree: bytes) -> None:
    attempt, root = in_force(keeper, tree, 1)
    spec.open().promote(tree, 1, attempt)
    assert spec.open().held(tree) == [HeldRoot(generation=1, attempt=attempt, promoted=True)]
    assert spec.open().root(tree, 1, attempt) == root


def test_the_same_stage_again_is_as_good_as_kept_and_another_root_is_refused(keeper: SealedKeeper, tree: bytes) -> None:
    attempt, root = new()
    keeper.stage(tree, 1, attempt, root)
    keeper.stage(tree, 1, attempt, root)
    with pytest.raises(AlreadyExists):
        keeper.stage(tree, 1, attempt, new()[1])
    keeper.promote(tree, 1, attempt)
    keeper.stage(tree, 1, attempt, root)
    assert keeper.held(tree) == [HeldRoot(generation=1, attempt=attempt, promoted=True)]
    assert keeper.root(tree, 1, attempt) == root


def test_what_was_never_staged_is_not_found(keeper: SealedKeeper, tree: bytes) -> None:
    with pytest.raises(NotFound):
        keeper.root(tree, 1, new()[0])
    with pytest.raises(NotFound):
        keeper.promote(tree, 1, new()[0])


def test_older_generations_and_other_attempts_are_destroyed_and_newer_ones_left(
    spec: KeeperSpec, keeper: SealedKeeper, tree: bytes
) -> None:
    first, _ = in_force(keeper, tree, 1)
    stray, stray_root = new()
    keeper.stage(tree, 2, stray, stray_root)
    second, second_root = in_force(keeper, tree, 2)
    third, third_root = new()
    keeper.stage(tree, 3, third, third_root)
    other_tree = os.urandom(16)
    elsewhere, elsewhere_root = in_force(keeper, other_tree, 1)

    assert keeper.destroy_others(tree, 2, second) == 2
    assert keeper.destroy_others(tree, 2, second) == 0
    assert [(root.generation, root.attempt) for root in keeper.held(tree)] == [(2, second), (3, third)]
    for generation, attempt in ((1, first), (2, stray)):
        with pytest.raises(NotFound):
            spec.open().root(tree, generation, attempt)
    assert spec.open().root(tree, 2, second) == second_root
    assert spec.open().root(tree, 3, third) == third_root
    assert spec.open().root(other_tree, 1, elsewhere) == elsewhere_root


def test_nothing_is_destroyed_for_a_root_that_is_not_promoted(keeper: SealedKeeper, tree: bytes) -> None:
    attempt, root = in_force(keeper, tree, 1)
    staged, staged_root = new()
    keeper.stage(tree, 2, staged, staged_root)
    for wanted in (staged, new()[0]):
        with pytest.raises(Conflict):
            keeper.destroy_others(tree, 2, wanted)
    assert keeper.root(tree, 1, attempt) == root
    assert len(keeper.held(tree)) == 2


def test_nothing_is_destroyed_for_a_root_that_no_longer_opens(
    spec: KeeperSpec, keeper: SealedKeeper, tree: bytes
) -> None:
    attempt, root = in_force(keeper, tree, 1)
    in_force(keeper, tree, 2)
    (newest,) = Path(spec.folder).glob(f"root-{tree.hex()}-0000000002-*")
    newest.write_bytes(newest.read_bytes()[:-1] + b"\x00")
    damaged = next(held for held in keeper.held(tree) if held.generation == 2)
    with pytest.raises(SealBroken):
        keeper.destroy_others(tree, 2, damaged.attempt)
    assert keeper.root(tree, 1, attempt) == root


def test_a_destroyed_attempt_may_be_staged_again(keeper: SealedKeeper, tree: bytes) -> None:
    stray, stray_root = new()
    keeper.stage(tree, 1, stray, stray_root)
    kept, _ = in_force(keeper, tree, 1)
    assert keeper.destroy_others(tree, 1, kept) == 1
    keeper.stage(tree, 1, stray, stray_root)
    assert keeper.root(tree, 1, stray) == stray_root


def test_what_is_destroyed_cannot_be_found_on_disk_in_the_token_or_in_the_tpm(
    request: pytest.FixtureRequest, spec: KeeperSpec, keeper: SealedKeeper, tree: bytes
) -> None:
    places = [Path(spec.folder)]
    if spec.kind == "pkcs11":
        token: SoftToken = request.getfixturevalue("token")
        places.append(token.folder)
    if spec.kind == "tpm":
        tpm: SoftTpm = request.getfixturevalue("tpm")
        places.append(tpm.state)

    def stored() -> dict[Path, bytes]:
        return {path: path.read_bytes() for place in places for path in place.rglob("*") if path.is_file()}

    before = set(stored())
    attempt, _ = in_force(keeper, tree, 1)
    (sealed,) = (path.read_bytes()[-48:] for path in Path(spec.folder).glob(f"root-{tree.hex()}-*"))
    marks = [sealed]
    if spec.kind == "tpm":
        marks.append(_nv_content(request.getfixturevalue("tpm"), keeper, tree, attempt))
    after = set(stored())
    # The search finds what is there.
    assert all(any(mark in content for content in stored().values()) for mark in marks)
    assert len(after - before) == (2 + 1 if spec.kind == "pkcs11" else 1), after - before

    newer, _ = in_force(keeper, tree, 2)
    keeper.destroy_others(tree, 2, newer)
    assert not [path for path, content in stored().items() for mark in marks if mark in content]
    assert not (after - before) & set(stored())


def _nv_content(tpm: SoftTpm, keeper: SealedKeeper, tree: bytes, attempt: bytes) -> bytes:
    shown = tpm.run("nvreadpublic").stdout.decode()
    (handle,) = re.findall(
        rf"^(0x[0-9a-f]+):\n(?:[ \t].*\n)*?.*policy: {tree[:12].hex()}00000001{attempt.hex()}", shown, re.M | re.I
    )
    return keeper._keys._tools.read(int(handle, 16), 32)  # type: ignore[attr-defined,no-any-return]  # a look inside


def test_a_keeper_opened_for_reading_is_never_changed(spec: KeeperSpec, keeper: SealedKeeper, tree: bytes) -> None:
    attempt, root = in_force(keeper, tree, 1)
    staged, staged_root = new()
    keeper.stage(tree, 2, staged, staged_root)

    def seen() -> tuple[object, ...]:
        files = {path.name: path.read_bytes() for path in Path(spec.folder).iterdir()}
        return files, keeper.held(tree)

    before = seen()
    reader = ReadOnlyKeeper(spec.open())
    assert reader.root(tree, 1, attempt) == root
    assert reader.held(tree) == keeper.held(tree)
    assert tree in reader.trees()
    assert reader.describe().answers
    assert reader.name == keeper.name
    changes: list[Callable[[], object]] = [
        lambda: reader.stage(tree, 3, attempt, root),
        lambda: reader.promote(tree, 2, staged),
        lambda: reader.destroy_others(tree, 1, attempt),
    ]
    for change in changes:
        with pytest.raises(NotAllowed):
            change()
    assert seen() == before


def test_a_wrong_secret_is_told_and_changes_nothing(spec: KeeperSpec, keeper: SealedKeeper, tree: bytes) -> None:
    attempt, root = in_force(keeper, tree, 1)
    wrong = spec.open(secret="a wrong one, 0000")
    with pytest.raises((SettingsWrong, SealBroken), match=r"right|correct|altered"):
        wrong.root(tree, 1, attempt)
    with pytest.raises(SettingsWrong, match=r"[Nn]othing was changed"):
        wrong.stage(tree, 2, *new())
    assert not wrong.describe().answers
    assert spec.open().describe().answers
    assert keeper.held(tree) == [HeldRoot(generation=1, attempt=attempt, promoted=True)]
    assert spec.open().root(tree, 1, attempt) == root


def test_a_missing_folder_is_no_empty_keeper(spec: KeeperSpec, keeper: SealedKeeper, tree: bytes) -> None:
    attempt, _ = in_force(keeper, tree, 1)
    folder = Path(spec.folder)
    folder.rename(folder.with_name("unmounted"))
    away = spec.open()
    for make_mount_point in (False, True):
        if make_mount_point:
            folder.mkdir(mode=0o700)
        with pytest.raises(KeeperUnavailable, match="mounted"):
            away.held(tree)
        with pytest.raises(KeeperUnavailable):
            away.stage(tree, 2, *new())
        with pytest.raises((KeeperUnavailable, NotFound)):
            away.root(tree, 1, attempt)
        assert not away.describe().answers
    assert [path.name for path in folder.iterdir() if path.name != ".lock"] == []


def test_a_folder_that_others_may_read_is_refused(spec: KeeperSpec, keeper: SealedKeeper, tree: bytes) -> None:
    attempt, _ = in_force(keeper, tree, 1)
    Path(spec.folder).chmod(0o755)
    with pytest.raises(SettingsWrong, match="chmod 700"):
        keeper.root(tree, 1, attempt)
    with pytest.raises(SettingsWrong, match="chmod 700"):
        keeper.stage(tree, 2, *new())
    assert not keeper.describe().answers


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process, in which ``spec``, ``tree`` and the keeper's modules are at hand."""
    prelude = """
import os, resource, sys
from storage.keeper.folder import KeeperFolder
from tests.support.keepers import KeeperSpec
from vault.errors import KeeperUnavailable
from vault.seal.secrets import Secret
spec, tree = KeeperSpec.from_json(sys.argv[1]), bytes.fromhex(sys.argv[2])
"""
    command = [sys.executable, "-c", prelude + code, *arguments]
    return subprocess.Popen(command, cwd=ROOT_FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_stage_at_once(spec: KeeperSpec, keeper: SealedKeeper, tree: bytes) -> None:
    code = """
keeper = spec.open()
for number in range(2):
    keeper.stage(tree, 2, bytes([number]) * 16, Secret(bytes([number]) * 32))
    keeper.stage(tree, 2, os.urandom(16), Secret(os.urandom(32)))
"""
    in_force(keeper, tree, 1)
    running = [run_python(code, spec.to_json(), tree.hex()) for _ in range(2)]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    held = [root for root in keeper.held(tree) if root.generation == 2]
    assert len(held) == 2 + 4
    assert all(keeper.root(tree, 2, bytes([number]) * 16) == Secret(bytes([number]) * 32) for number in range(2))
    kept, _ = in_force(keeper, tree, 2)
    assert keeper.destroy_others(tree, 2, kept) == 7


def test_a_full_disk_and_a_folder_that_cannot_be_written_leave_everything_as_it_was(
    spec: KeeperSpec, keeper: SealedKeeper, tree: bytes
) -> None:
    attempt, root = in_force(keeper, tree, 1)
    staged, staged_root = new()
    keeper.stage(tree, 2, staged, staged_root)
    # A limit on file sizes stops the write itself, as a full disk does; the device is on another disk.
    code = """
keeper = spec.open()
assert keeper.describe().answers
write = KeeperFolder.write
def write_when_full(*arguments):
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    write(*arguments)
KeeperFolder.write = write_when_full
try:
    keeper.stage(tree, 3, os.urandom(16), Secret(os.urandom(32)))
except KeeperUnavailable as exc:
    print(exc)
"""
    process = run_python(code, spec.to_json(), tree.hex())
    said, error = process.communicate(timeout=120)
    assert "unharmed" in said, error
    held = [root for root in spec.open().held(tree) if root.generation < 3]
    assert [root.generation for root in held] == [1, 2]
    assert spec.open().root(tree, 1, attempt) == root
    assert not list(Path(spec.folder).glob(".new-*"))
    third, _ = in_force(keeper, tree, 3)
    assert keeper.destroy_others(tree, 3, third) >= 2


@pytest.mark.faults
@pytest.mark.parametrize("operation", ["stage", "promote", "destroy"])
def test_a_process_killed_at_any_step_loses_nothing(spec: KeeperSpec, operation: str) -> None:
    command = [sys.executable, "-m", "tests.storage.keeper.crashing", spec.to_json(), operation]
    command.append(str(CRASH_EVERY[spec.kind]))
    done = subprocess.run(command, cwd=ROOT_FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1
