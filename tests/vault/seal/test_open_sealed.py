"""``scripts/open_sealed`` opens what the vault exports, with nothing of the vault at hand."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.vault.seal.samples import CONTEXT, FRAME, KEK, some_bytes, vectors
from tests.vault.seal.stock_sdk import sdk_open
from vault.seal.envelope import FRAME_LENGTH, seal_message
from vault.seal.keyfile import write_key_file

SCRIPT = Path(__file__).parents[3] / "scripts" / "open_sealed"
ENVELOPE = vectors("envelope")


def open_sealed(folder: Path, sealed: bytes, key_file: bytes) -> subprocess.CompletedProcess[bytes]:
    (folder / "sealed").write_bytes(sealed)
    (folder / "key.json").write_bytes(key_file)
    command = [sys.executable, "-I", str(SCRIPT), "sealed", "key.json"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("size", [0, 1, FRAME_LENGTH - 1, FRAME_LENGTH, FRAME_LENGTH + 1, 5 * FRAME_LENGTH])
def test_an_exported_object_opens_with_its_key_file(tmp_path: Path, size: int) -> None:
    plaintext = some_bytes(size)
    sealed = bytes(seal_message(KEK, CONTEXT, plaintext, token_bytes=os.urandom))
    done = open_sealed(tmp_path, sealed, write_key_file(KEK, CONTEXT, plaintext_length=size))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == plaintext


def test_the_key_file_is_enough_for_the_stock_sdk() -> None:
    keys = json.loads(write_key_file(KEK, CONTEXT, plaintext_length=5))
    sealed = bytes(seal_message(KEK, CONTEXT, b"whole", token_bytes=os.urandom, frame_length=FRAME))
    opened, context = sdk_open(sealed, provider=keys["provider"], key_name=keys["key_name"], key=KEK.expose())
    assert opened == b"whole"
    assert context == keys["context"]


def refusals() -> list[Any]:
    allowed = {"another frame length expected", "a full final frame instead of an empty one after it"}
    flipped = [v for v in ENVELOPE["refused"] if v["why"].startswith("bit flipped")]
    others = [v for v in ENVELOPE["refused"] if v not in flipped and v["why"] not in allowed]
    return [pytest.param(group, id=name) for name, group in (("flipped bits", flipped), ("other changes", others))]


@pytest.mark.parametrize("group", refusals())
def test_nothing_is_written_of_an_object_that_is_not_whole(tmp_path: Path, group: list[dict[str, Any]]) -> None:
    """In one process a group, for speed: the script's own ``main`` over each vector."""
    program = (
        "import runpy, sys, pathlib\n"
        "main = runpy.run_path(sys.argv[1])['main']\n"
        "codes = [main([f'{n}.sealed', f'{n}.json']) for n in range(int(sys.argv[2]))]\n"
        "sys.exit(0 if codes and set(codes) == {1} else repr(codes))\n"
    )
    for number, vector in enumerate(group):
        context = vector.get("context", ENVELOPE["context"])
        keys = {
            "provider": "strongroom",
            "key_name": context["strongroom-leaf"],
            "key_base64": base64.b64encode(bytes.fromhex(vector.get("kek", ENVELOPE["kek"]))).decode(),
            "context": context,
            "plaintext_length": vector["plaintext_length"],
        }
        (tmp_path / f"{number}.json").write_text(json.dumps(keys), encoding="utf-8")
        (tmp_path / f"{number}.sealed").write_bytes(bytes.fromhex(vector["sealed"]))
    command = [sys.executable, "-I", "-c", program, str(SCRIPT), str(len(group))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode()
    assert done.stderr.decode().count("NOT OPENED") == len(group)


@pytest.mark.parametrize(
    "key_file", [b"", b"\xff", b"[]", b"{}", b'{"provider": 1}', write_key_file(KEK, CONTEXT, plaintext_length=1)[:-20]]
)
def test_a_key_file_that_is_none_is_refused_clearly(tmp_path: Path, key_file: bytes) -> None:
    done = open_sealed(tmp_path, b"", key_file)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"key.json" in done.stderr
    assert b"Traceback" not in done.stderr


def test_wrong_usage_and_missing_files_have_their_exit_codes(tmp_path: Path) -> None:
    for arguments, code in (([], 2), (["one"], 2), (["no-such-file", "nor-this"], 1)):
        done = subprocess.run(
            [sys.executable, "-I", str(SCRIPT), *arguments], cwd=tmp_path, capture_output=True, check=False, timeout=60
        )
        assert done.returncode == code
        assert done.stdout == b""
        assert b"Traceback" not in done.stderr


def test_the_script_imports_nothing_but_the_standard_library_and_cryptography() -> None:
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    imports = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imports <= set(sys.stdlib_module_names) | {"cryptography"}
    assert FRAME % 128 == 0
